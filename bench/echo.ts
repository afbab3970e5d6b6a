/**
 * What an echoed packet costs, beside SIPp's `-rtp_echo` in the same run and under the same load.
 *
 * SIPp returns media on one socket, whatever the number of calls; ringback has a socket a call, as SDP wants it.
 * So two bare Bun echoes run as well: one with a socket a call, the floor for us, and one with a single socket,
 * the like of SIPp. CPU is that of the whole process (every thread's run time, /proc/PID/task/…/schedstat), once as it
 * is and once less what it burns when idle: SIPp polls, beside its echo, and that is no part of a packet. Rounds alternate
 * and medians are taken, because machines drift.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { LoadResult } from './echo-load.ts';

const ROUNDS = 5;
const SECONDS = 2;
/** Unmeasured, before: until the code of every target has been compiled to the end and its sources are latched. */
const WARM_UP_SECONDS = 12;
const IDLE_SECONDS = 2;
/** Every port stands outside 10000 to 20000, where a ringback that runs beside this has its calls. */
const SIPP_PORT = 32_100;
const READY_WITHIN_MS = 10_000;

type Pacing = 'spread' | 'bursts';

/** A process under test and how its callers reach it. */
interface Target {
  readonly name: string;
  readonly pid: number;
  /** One a call, or one for all. */
  readonly ports: string;
  /** What it burns with nothing to do, in CPU seconds a second. */
  idle: number;
  stop(): Promise<void>;
}

/** One figure of the table. */
export interface EchoFigure {
  readonly target: string;
  readonly calls: number;
  readonly pacing: Pacing;
  /** Less what the process burns when idle. */
  readonly cpuUsPerPacket: number;
  /** Against SIPp in the same rounds: the median of the rounds' ratios. */
  readonly timesSipp: number;
  /** The same two with nothing taken off. */
  readonly wholeUsPerPacket: number;
  readonly wholeTimesSipp: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Packets of all rounds that did not come back. */
  readonly missing: number;
}

/** CPU time of all threads of a process, in seconds. */
function cpuSeconds(pid: number): number {
  let ns = 0;
  for (const task of readdirSync(`/proc/${pid}/task`))
    ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  return ns / 1e9;
}

async function serve(
  name: string,
  kind: string,
  calls: number,
  sockets: number,
  port: number,
): Promise<Target> {
  const serving = Bun.spawn(
    [process.execPath, `${import.meta.dir}/echo-serve.ts`, kind, String(sockets), String(port)],
    { stdout: 'pipe', stderr: 'inherit' },
  );
  const timeout = setTimeout(() => serving.kill(), READY_WITHIN_MS);
  const { value } = await serving.stdout.getReader().read();
  clearTimeout(timeout);
  if (value === undefined) throw new Error(`${name} did not start for ${calls} calls`);
  return {
    name,
    pid: serving.pid,
    ports: new TextDecoder().decode(value).trim(),
    idle: 0,
    stop: () => ended(serving),
  };
}

async function sipp(): Promise<Target> {
  const program = Bun.which('sipp');
  if (program === null) throw new Error('sipp is not installed (Debian: sip-tester)');
  const serving = Bun.spawn(
    [
      program,
      '-sn',
      'uas',
      '-rtp_echo',
      '-mp',
      String(SIPP_PORT),
      '-i',
      '127.0.0.1',
      '-p',
      '25070',
      '-nostdin',
    ],
    { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
  );
  await Bun.sleep(500);
  return { name: 'sipp', pid: serving.pid, ports: String(SIPP_PORT), idle: 0, stop: () => ended(serving) };
}

/** Its port is free again: the next one of its kind binds it. */
async function ended(serving: Bun.Subprocess): Promise<void> {
  serving.kill();
  await serving.exited;
}

/** One round: CPU a packet less what is burnt when idle, and with it. */
interface Round extends LoadResult {
  readonly cpuUs: number;
  readonly wholeUs: number;
}

async function measure(target: Target, calls: number, pacing: Pacing, seconds = SECONDS): Promise<Round> {
  const before = cpuSeconds(target.pid);
  const startMs = performance.now();
  const load = Bun.spawn(
    [process.execPath, `${import.meta.dir}/echo-load.ts`].concat([
      String(calls),
      target.ports,
      String(seconds),
      pacing,
    ]),
    { stdout: 'pipe', stderr: 'inherit' },
  );
  const result = JSON.parse(await load.stdout.text()) as LoadResult;
  const whole = cpuSeconds(target.pid) - before;
  const idle = (target.idle * (performance.now() - startMs)) / 1000;
  const aPacket = (seconds: number) => (seconds / result.received) * 1e6;
  return { ...result, cpuUs: aPacket(whole - idle), wholeUs: aPacket(whole) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function compare(calls: number, pacings: readonly Pacing[]): Promise<EchoFigure[]> {
  const targets = [
    await sipp(),
    await serve('ringback', 'ringback', calls, calls, 26_000),
    await serve('bare Bun, a socket a call', 'bare', calls, calls, 28_000),
    await serve('bare Bun, one socket', 'bare', calls, 1, 31_500),
  ];
  const figures: EchoFigure[] = [];
  try {
    for (const target of targets) await measure(target, calls, 'bursts', WARM_UP_SECONDS);
    const before = targets.map(({ pid }) => cpuSeconds(pid));
    await Bun.sleep(IDLE_SECONDS * 1000);
    targets.forEach((target, index) => {
      target.idle = Math.max(0, (cpuSeconds(target.pid) - (before[index] as number)) / IDLE_SECONDS);
    });
    for (const pacing of pacings) {
      const runs = targets.map((): Round[] => []);
      for (let round = 0; round < ROUNDS; round++)
        for (const [index, target] of targets.entries())
          runs[index]?.push(await measure(target, calls, pacing));
      for (const [index, { name }] of targets.entries()) {
        const own = runs[index] ?? [];
        const timesSipp = (cpu: (round: Round) => number) =>
          median(own.map((round, at) => cpu(round) / cpu(runs[0]?.[at] as Round)));
        figures.push({
          target: name,
          calls,
          pacing,
          cpuUsPerPacket: median(own.map(({ cpuUs }) => cpuUs)),
          timesSipp: timesSipp(({ cpuUs }) => cpuUs),
          wholeUsPerPacket: median(own.map(({ wholeUs }) => wholeUs)),
          wholeTimesSipp: timesSipp(({ wholeUs }) => wholeUs),
          p50Ms: median(own.map(({ p50Ms }) => p50Ms)),
          p99Ms: median(own.map(({ p99Ms }) => p99Ms)),
          missing: own.reduce((sum, { sent, received }) => sum + sent - received, 0),
        });
      }
    }
    console.error(
      `idle, ms of CPU a second: ${targets.map((t) => `${t.name} ${(t.idle * 1000).toFixed(1)}`).join(', ')}`,
    );
  } finally {
    for (const target of targets) await target.stop();
  }
  return figures;
}

/** Runs the comparison at 200 and 1,000 calls, each handed to `done` at once; takes about 6 minutes. Needs Linux and SIPp. */
export async function run(done: (figures: readonly EchoFigure[]) => void): Promise<EchoFigure[]> {
  const figures: EchoFigure[] = [];
  for (const calls of [200, 1000]) {
    const compared = await compare(calls, ['spread', 'bursts']);
    done(compared);
    figures.push(...compared);
  }
  return figures;
}

function print(figures: readonly EchoFigure[]): void {
  const rows = figures.map((figure) => ({
    echo: figure.target,
    calls: figure.calls,
    pacing: figure.pacing,
    'CPU µs/packet': figure.cpuUsPerPacket.toFixed(2),
    '× SIPp': figure.timesSipp.toFixed(2),
    'whole process': figure.wholeUsPerPacket.toFixed(2),
    '× whole SIPp': figure.wholeTimesSipp.toFixed(2),
    'p50 ms': figure.p50Ms.toFixed(3),
    'p99 ms': figure.p99Ms.toFixed(3),
    missing: figure.missing,
  }));
  console.table(rows);
}

if (import.meta.main) await run(print);
