/** One call that ringback places and SIPp answers: what the scenarios of both kinds, calls that stand and calls that fail, have in common. */
import { type Caller, startCaller } from './caller.ts';
import { type Lab, LOOPBACK } from './lab.ts';
import { overBoth, type Scenario } from './scenario.ts';
import { answers, gets, type Step, startUas } from './uas.ts';

/** One call of ours. */
export interface Placed {
  readonly steps: readonly Step[];
  /** Beyond --to; a duration of 0.5 s when not said. */
  readonly args?: readonly string[] | ((port: number) => readonly string[]);
  /** 0 when not said. */
  readonly code?: number;
  readonly look?: (caller: Caller) => void | Promise<void>;
  readonly sipp?: readonly string[];
  readonly limitS?: number;
}

/** Half a second of call. */
export const SHORT = ['--duration', '0.5'];
/** It rings at the callee's. */
export const ringing = [gets('INVITE'), answers('100 Trying'), answers('180 Ringing')];
/** The callee answers. */
export const established: readonly Step[] = [
  gets('INVITE'),
  answers('180 Ringing'),
  answers('200 OK', { sdp: true }),
  gets('ACK'),
];

/** Starts the callee, places the call, and takes both verdicts. */
export function placed(
  name: string,
  { steps, args = SHORT, code = 0, look, sipp, limitS }: Placed,
): Scenario[] {
  const run = async (lab: Lab, transport: 'udp' | 'tcp') => {
    const patience = (limitS ?? 30) - 5;
    const uas = await startUas(lab, transport, steps, { limitS: patience, ...(sipp ? { args: sipp } : {}) });
    const caller = startCaller(lab, transport, uas.port, typeof args === 'function' ? args(uas.port) : args);
    await caller.ends(code, patience * 1_000);
    await look?.(caller);
    await uas.passed();
  };
  return overBoth(name, run, { needs: ['sipp'], ...(limitS === undefined ? {} : { limitS }) });
}

/** Why the call is over. */
export const reasonOf = (caller: Caller): string =>
  caller.all('call.changed').find(({ to }) => to === 'terminated')?.reason ?? '';
/** The states of the call, one after the other. */
export const statesOf = (caller: Caller): string =>
  caller
    .all('call.changed')
    .map(({ to }) => to)
    .join(' ');
/** Whether a message was rejected with such a code. */
export const rejectedAs = (caller: Caller, code: RegExp): boolean =>
  caller.all('sip.rejected').some((event) => code.test(event.code));

/** Of a registrar or a proxy. */
export const CHALLENGE = 'Digest realm="lab.local", nonce="abc", algorithm=MD5, qop="auth"';
/** Credentials go to the account's own server alone, so the callee is it. */
export const withPassword = (port: number) => [
  ...[...SHORT, '--user', '100', '--password', 'secret', '--domain', 'lab.local'],
  ...['--server', LOOPBACK, '--port', `${port}`],
];

/** A response without a Contact, under a tag of its own. */
export const RAW = ['Via:[$Via]', 'From:[$From]', 'To:[$To];tag=moved', 'Call-ID: [call_id]', 'CSeq:[$CSeq]'];
