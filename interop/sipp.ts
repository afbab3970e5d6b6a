/**
 * SIPp: runs one of our scenarios (sipp/*.xml) or one of its own (`-sn uac`) and takes its exit code as the verdict.
 */
import { join } from 'node:path';
import { check, type Lab, LOOPBACK, type Peer, tail, within } from './lab.ts';

export type SippTransport = 'udp' | 'tcp';

/** What is run, and how. */
export interface SippOptions {
  /** Host and port, "127.0.0.1:5060". */
  readonly target: string;
  readonly transport?: SippTransport;
  /** Calls in all; 1. */
  readonly calls?: number;
  /** Calls begun a second; 10. */
  readonly rate?: number;
  readonly limitS?: number;
  readonly service?: string;
  /** Its own address; 127.0.0.1. */
  readonly local?: string;
  readonly port?: number;
  readonly args?: readonly string[];
}

let runs = 0;

/** Starts SIPp; `-sn` scenarios by `builtin:uac`, ours by the name of the file. */
export async function startSipp(lab: Lab, scenario: string, options: SippOptions): Promise<Peer> {
  const [, builtin] = /^builtin:(.+)$/.exec(scenario) ?? [];
  const which = builtin ? ['-sn', builtin] : ['-sf', join(import.meta.dir, 'sipp', `${scenario}.xml`)];
  const port = options.port ?? lab.port();
  return startSippWith(lab, builtin ?? scenario, which, { ...options, port });
}

/** Starts SIPp with the scenario that those words name; without a target it waits to be called. */
export function startSippWith(
  lab: Lab,
  scenario: string,
  which: readonly string[],
  options: Omit<SippOptions, 'target'> & { readonly target?: string; readonly port: number },
): Peer {
  const name = `sipp-${scenario}-${++runs}`;
  const { port } = options;
  const limitS = options.limitS ?? 20;
  const transport = options.transport ?? 'udp';
  return lab.spawn(name, [
    'sipp',
    ...(options.target === undefined ? [] : [options.target]),
    ...which,
    ...['-t', transport === 'udp' ? 'u1' : 't1'],
    ...['-i', options.local ?? LOOPBACK, '-p', `${port}`, '-mi', options.local ?? LOOPBACK],
    ...['-mp', `${port + 2}`, '-bind_local'],
    ...['-s', options.service ?? 'echo', '-m', `${options.calls ?? 1}`, '-r', `${options.rate ?? 10}`],
    ...['-nostdin', '-timeout', `${limitS}s`, '-timeout_error', '-fd', '1'],
    ...['-trace_err', '-error_file', `${name}.errors.log`],
    ...['-trace_msg', '-message_file', `${name}.messages.log`, '-trace_logs', '-log_file', `${name}.log.log`],
    ...(options.args ?? []),
  ]);
}

/** Runs SIPp to its end; throws when not every call went as its scenario says. */
export async function runSipp(lab: Lab, scenario: string, options: SippOptions): Promise<Peer> {
  const peer = await startSipp(lab, scenario, options);
  await sippPassed(lab, peer, (options.limitS ?? 20) + 5);
  return peer;
}

/** Waits for a SIPp and takes its verdict. */
export async function sippPassed(lab: Lab, peer: Peer, limitS = 25): Promise<void> {
  const code = await within(`${peer.name} to end`, peer.exited, limitS * 1_000);
  if (code === 0) return;
  const errors = await readIfThere(join(lab.dir, `${peer.name}.errors.log`));
  check(
    false,
    `${peer.name} exited with ${code} (1: a call failed, 97: time)\n${tail(errors || peer.output())}`,
  );
}

/** Every message of a SIPp run, sent and received, as it logged them. */
export function sippMessages(lab: Lab, peer: Peer): Promise<string> {
  return readIfThere(join(lab.dir, `${peer.name}.messages.log`));
}

async function readIfThere(path: string): Promise<string> {
  const file = Bun.file(path);
  return (await file.exists()) ? await file.text() : '';
}
