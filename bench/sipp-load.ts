/**
 * SIPp as a load, and what it costs the process that answers: CPU time of all its threads (cpu-clock.ts), because wall
 * time on a machine that does other things says nothing.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cpuMs } from './cpu-clock.ts';

/** A running server under load. */
export interface Target {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

const CALLER_PORT = 25_680;
const READY_WITHIN_MS = 10_000;
/** What is still under way when SIPp has its last 200: closing ports, mostly. */
const SETTLE_MS = 300;

/** Where SIPp is; throws when it is not installed. */
export function sipp(): string {
  const program = Bun.which('sipp');
  if (program === null) throw new Error('sipp is not installed (Debian: sip-tester)');
  return program;
}

/** Memory of a process, in MB. */
export function residentMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1000;
}

/** Waits until somebody has that UDP port on 127.0.0.1. */
async function listening(port: number): Promise<void> {
  const entry = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  for (let waitedMs = 0; waitedMs < READY_WITHIN_MS; waitedMs += 50) {
    if (readFileSync('/proc/net/udp', 'utf8').includes(entry)) return;
    await Bun.sleep(50);
  }
  throw new Error(`nobody listens on UDP port ${port}`);
}

/** What it writes goes nowhere, but it writes it. */
export async function serve(name: string, command: readonly string[], port: number): Promise<Target> {
  const serving = Bun.spawn([...command], { stdin: null, stdout: Bun.file('/dev/null'), stderr: 'inherit' });
  await listening(port);
  const stop = async () => {
    serving.kill('SIGKILL');
    await serving.exited;
  };
  return { name, port, pid: serving.pid, stop };
}

/** One run of SIPp against a target. */
export interface Load {
  readonly cpuUsPerCall: number;
  readonly failed: number;
  readonly retransmitted: number;
}

/** What SIPp is to do, and where it leaves its statistics. */
export interface Calls {
  readonly calls: number;
  readonly callsASecond: number;
  /** Its own. */
  readonly port: number;
  readonly statistics: string;
}

/** What SIPp says of its calls. */
export interface Called {
  readonly failed: number;
  readonly retransmitted: number;
  /** From its first call to the end of its last one. */
  readonly callsASecond: number;
}

/** Runs SIPp's `uac` against a target to the end, and reads its statistics. */
export async function callWith({ port: to }: Target, { calls, ...how }: Calls): Promise<Called> {
  const words = ['-sn', 'uac', `127.0.0.1:${to}`, '-i', '127.0.0.1', '-p', `${how.port}`, '-nostdin'];
  const load = ['-m', `${calls}`, '-r', `${how.callsASecond}`, '-l', '900'];
  // A first line at the start, and one at the end.
  const file = ['-trace_stat', '-stf', how.statistics, '-fd', '1000'];
  const caller = Bun.spawn([sipp(), ...words, ...load, ...file], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  await caller.exited;
  const lines = readFileSync(how.statistics, 'utf8').trim().split('\n');
  const names = lines[0]?.split(';') ?? [];
  const last = lines.at(-1)?.split(';') ?? [];
  const counted = (name: string) => Number(last[names.indexOf(name)]);
  rmSync(how.statistics);
  const failed = calls - counted('SuccessfulCall(C)');
  return { failed, retransmitted: counted('Retransmissions(C)'), callsASecond: counted('CallRate(C)') };
}

/** Drives one target for a while, and says what it cost. */
export async function drive(
  target: Target,
  calls: number,
  callsASecond: number,
  folder: string,
): Promise<Load> {
  const before = cpuMs(target.pid);
  const statistics = join(folder, 'statistics.csv');
  const { failed, retransmitted } = await callWith(target, {
    calls,
    callsASecond,
    port: CALLER_PORT,
    statistics,
  });
  await Bun.sleep(SETTLE_MS);
  return { cpuUsPerCall: ((cpuMs(target.pid) - before) * 1000) / calls, failed, retransmitted };
}

/** The middle of the values, the upper one of two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** "1.05 (0.98 to 1.12)": the median, the least and the most. */
export function spread(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}
