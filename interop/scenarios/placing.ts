/** Calls that we place, with SIPp as the callee: each branch of a user agent client (RFC 3261 §8.1, §13.2), with the exit code. */
import { type Caller, startCaller } from '../caller.ts';
import { check, type Lab, LOOPBACK } from '../lab.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { answers, asks, ended, gets, hears, replies, type Step, startUas, waits } from '../uas.ts';

interface Placed {
  readonly steps: readonly Step[];
  /** Beyond --to; a duration of 0.5 s when not said. */
  readonly args?: readonly string[] | ((port: number) => readonly string[]);
  /** 0 when not said. */
  readonly code?: number;
  readonly look?: (caller: Caller) => void | Promise<void>;
  readonly sipp?: readonly string[];
  readonly limitS?: number;
}

const SHORT = ['--duration', '0.5'];
const ringing = [gets('INVITE'), answers('100 Trying'), answers('180 Ringing')];
const established: readonly Step[] = [
  gets('INVITE'),
  answers('180 Ringing'),
  answers('200 OK', { sdp: true }),
  gets('ACK'),
];

/** Starts the callee, places the call, and takes both verdicts. */
function placed(name: string, { steps, args = SHORT, code = 0, look, sipp, limitS }: Placed): Scenario[] {
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

const reasonOf = (caller: Caller): string =>
  caller.all('call.changed').find(({ to }) => to === 'terminated')?.reason ?? '';
const statesOf = (caller: Caller): string =>
  caller
    .all('call.changed')
    .map(({ to }) => to)
    .join(' ');
const rejectedAs = (caller: Caller, code: RegExp): boolean =>
  caller.all('sip.rejected').some((event) => code.test(event.code));

const CHALLENGE = 'Digest realm="lab.local", nonce="abc", algorithm=MD5, qop="auth"';
/** Credentials go to the account's own server alone, so the callee is it. */
const withPassword = (port: number) => [
  ...[...SHORT, '--user', '100', '--password', 'secret', '--domain', 'lab.local'],
  ...['--server', LOOPBACK, '--port', `${port}`],
];

/** Every answer but yes (§8.1.3): refused, busy, declined, gone, not here. */
const REFUSALS = [
  '403 Forbidden',
  '404 Not Found',
  '480 Temporarily Unavailable',
  '486 Busy Here',
  '500 Server Internal Error',
  '603 Decline',
];

const refusals = REFUSALS.flatMap((status) =>
  placed(`called: refused with ${status.slice(0, 3)}`, {
    steps: [...ringing, answers(status), gets('ACK', { has: ['CSeq: *1 ACK'] })],
    code: 4,
    look: (caller) => {
      const end = caller.all('call.changed').find(({ to }) => to === 'terminated');
      check(end?.status === Number(status.slice(0, 3)), `call.changed says ${end?.status}`);
    },
  }),
);

export const placingScenarios: readonly Scenario[] = [
  ...placed('called: answered, and hung up by us', { steps: [...established, ...ended] }),
  ...placed('called: answered, and hung up by the callee', {
    steps: [...established, waits(300), asks('BYE', 1), hears(200)],
    args: [],
    look: (caller) => check(/BYE/.test(reasonOf(caller)), `the reason is "${reasonOf(caller)}"`),
  }),
  ...placed('called: early media', {
    steps: [
      gets('INVITE'),
      answers('183 Session Progress', { sdp: true }),
      waits(300),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
  }),
  ...placed('called: forked, the first 200 wins, the second is released', {
    steps: [
      gets('INVITE'),
      answers('180 Ringing', { tag: 'one' }),
      answers('183 Session Progress', { tag: 'two' }),
      answers('200 OK', { tag: 'two', sdp: true }),
      gets('ACK', { has: ['tag=two'] }),
      answers('200 OK', { tag: 'three', sdp: true }),
      gets('ACK', { has: ['tag=three'] }),
      gets('BYE', { has: ['tag=three'] }),
      replies('200 OK'),
      gets('BYE', { has: ['tag=two'] }),
      replies('200 OK'),
    ],
    look: (caller) =>
      check(statesOf(caller).split('established').length === 2, `states: ${statesOf(caller)}`),
  }),
  ...placed('called: redirected (302), followed', {
    steps: [
      gets('INVITE'),
      answers('302 Moved Temporarily', {
        raw: [
          'Via:[$Via]',
          'From:[$From]',
          'To:[$To];tag=moved',
          'Call-ID: [call_id]',
          'CSeq:[$CSeq]',
          'Contact: <sip:elsewhere@[local_ip]:[local_port];transport=[transport]>',
        ],
      }),
      gets('ACK', { has: ['tag=moved'] }),
      gets('INVITE', { has: ['INVITE sip:elsewhere@'] }),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
  }),
  ...placed('called: 401 and 407 both', {
    steps: [
      gets('INVITE', { lacks: ['Authorization:'] }),
      answers('401 Unauthorized', { headers: [`WWW-Authenticate: ${CHALLENGE}`] }),
      gets('ACK'),
      gets('INVITE', { has: ['[^-]Authorization: *Digest .*response='] }),
      answers('407 Proxy Authentication Required', {
        headers: [`Proxy-Authenticate: ${CHALLENGE.replace('abc', 'def')}`],
      }),
      gets('ACK'),
      gets('INVITE', {
        has: ['[^-]Authorization: *Digest .*nonce=.abc', 'Proxy-Authorization: *Digest .*nonce=.def'],
      }),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
    args: withPassword,
  }),
  ...placed('called: a wrong password', {
    steps: [
      gets('INVITE'),
      answers('407 Proxy Authentication Required', { headers: [`Proxy-Authenticate: ${CHALLENGE}`] }),
      gets('ACK'),
      gets('INVITE', { has: ['Proxy-Authorization:'] }),
      answers('407 Proxy Authentication Required', { headers: [`Proxy-Authenticate: ${CHALLENGE}`] }),
      gets('ACK'),
    ],
    args: withPassword,
    code: 3,
  }),
  ...refusals,
  ...placed('called: nobody answers, CANCEL', {
    steps: [
      ...ringing,
      gets('CANCEL', { has: ['CSeq: *1 CANCEL'] }),
      replies('200 OK'),
      answers('487 Request Terminated'),
      gets('ACK'),
    ],
    args: ['--ring-timeout', '1'],
    code: 5,
  }),
  ...placed('called: a 200 that crosses the CANCEL is acknowledged and ended', {
    steps: [
      ...ringing,
      gets('CANCEL'),
      replies('200 OK'),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
    args: ['--ring-timeout', '1'],
    code: 5,
  }),
  ...placed('called: PRACK', {
    steps: [
      gets('INVITE', { has: ['Supported:.*100rel'] }),
      answers('180 Ringing', { headers: ['Require: 100rel', 'RSeq: 701'] }),
      gets('PRACK', { has: ['RAck: *701 1 INVITE'] }),
      replies('200 OK'),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
  }),
  ...placed('called: 422, asked again with the interval that it names', {
    steps: [
      gets('INVITE'),
      answers('422 Session Interval Too Small', { headers: ['Min-SE: 3600'] }),
      gets('ACK'),
      gets('INVITE', { has: ['Session-Expires: *(3600|[4-9][0-9]{3}|[0-9]{5,})', 'Min-SE: *3600'] }),
      answers('200 OK', { sdp: true, headers: ['Session-Expires: 3600;refresher=uac', 'Require: timer'] }),
      gets('ACK'),
      ...ended,
    ],
  }),
  ...placed('called: session timer, we refresh', {
    steps: [
      gets('INVITE', { has: ['Supported:.*timer'] }),
      answers('200 OK', {
        sdp: true,
        headers: [
          'Session-Expires: 90;refresher=uac',
          'Require: timer',
          'Allow: INVITE, ACK, BYE, CANCEL, UPDATE',
        ],
      }),
      gets('ACK'),
      gets('UPDATE', { has: ['Session-Expires: *90'], limitMs: 55_000 }),
      replies('200 OK', { headers: ['Session-Expires: 90;refresher=uac', 'Require: timer'] }),
      ...ended,
    ],
    args: ['--duration', '47'],
    limitS: 65,
  }),
  ...placed('called: re-INVITE and UPDATE by the callee', {
    steps: [
      ...established,
      asks('INVITE', 1, { sdp: true }),
      hears(100, { optional: true }),
      hears(200, { has: ['m=audio [1-9]'] }),
      asks('ACK', 1),
      waits(100),
      asks('UPDATE', 2),
      hears(200),
      ...ended,
    ],
    args: ['--duration', '1'],
  }),
  ...placed('called: Record-Route, loose', {
    steps: [
      gets('INVITE'),
      answers('200 OK', {
        sdp: true,
        headers: [
          'Record-Route: <sip:two@[local_ip]:[local_port];transport=[transport];lr>',
          'Record-Route: <sip:one@[local_ip]:[local_port];transport=[transport];lr>',
        ],
      }),
      gets('ACK', { has: ['^ACK sip:callee@', 'Route: *<sip:one@.*(,|Route:) *<sip:two@'] }),
      gets('BYE', { has: ['^BYE sip:callee@', 'Route: *<sip:one@.*(,|Route:) *<sip:two@'] }),
      replies('200 OK'),
    ],
  }),
  ...placed('called: Record-Route, strict', {
    steps: [
      gets('INVITE'),
      answers('200 OK', {
        sdp: true,
        headers: ['Record-Route: <sip:strict@[local_ip]:[local_port];transport=[transport]>'],
      }),
      gets('ACK', { has: ['^ACK sip:strict@', 'Route: *<sip:callee@'] }),
      gets('BYE', { has: ['^BYE sip:strict@', 'Route: *<sip:callee@'] }),
      replies('200 OK'),
    ],
  }),
  ...placed('called: the offer left to the callee', {
    steps: [
      gets('INVITE', { lacks: ['m=audio'] }),
      answers('200 OK', { sdp: true }),
      gets('ACK', { has: ['m=audio [1-9][0-9]* RTP/AVP 0'] }),
      ...ended,
    ],
    args: [...SHORT, '--invite-without-sdp'],
  }),
  ...placed('called: a header field of our own', {
    steps: [gets('INVITE', { has: ['X-Foo: bar'] }), answers('200 OK', { sdp: true }), gets('ACK'), ...ended],
    args: [...SHORT, '--header', 'X-Foo: bar'],
  }),
  ...placed('called: BYE with a wrong tag is of no call of ours', {
    steps: [...established, asks('BYE', 1, { tag: 'somebody' }), hears(481), ...ended],
    args: ['--duration', '1'],
  }),
  ...placed('called: a malformed response is dropped, and the next one counts', {
    steps: [
      gets('INVITE'),
      answers('180 Ringing', { raw: ['Via:[$Via]', 'From:[$From]', 'To:[$To];tag=x', 'CSeq: one INVITE'] }),
      answers('200 OK', { sdp: true }),
      gets('ACK'),
      ...ended,
    ],
    look: (caller) =>
      check(rejectedAs(caller, /malformed|missing/), 'no sip.rejected for the malformed response'),
  }),
  ...placed('called: an answer that shares no codec', {
    steps: [
      gets('INVITE'),
      answers('200 OK', {
        sdp: 'v=0\no=uas 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio [media_port] RTP/AVP 99\na=rtpmap:99 NOTHING/8000',
      }),
      gets('ACK'),
      ...ended,
    ],
    code: 7,
  }),
  {
    name: 'called: silence, udp',
    needs: ['sipp'],
    limitS: 50,
    run: async (lab) => {
      const uas = await startUas(lab, 'udp', [gets('OPTIONS')], { limitS: 49 });
      const caller = startCaller(lab, 'udp', uas.port);
      await caller.ends(5, 45_000);
    },
  },
];
