/**
 * What a call costs in signalling over UDP, beside SIPp's own `uas` in the same run and under the same load.
 *
 *     bun bench/signalling.ts [--binary dist/ringback] [--json]
 *
 * A call is SIPp's `uac`: INVITE with an offer, ACK, BYE. For it ringback opens a port for RTP and closes it again;
 * SIPp's `uas` answers from a template and opens none. The binary is measured, as people run it, after a warm-up that
 * is not counted: a service runs for days, and its code is compiled in the first seconds. CPU is that of the whole
 * process with all its threads (utime and stime of /proc/PID/stat, in hundredths of a second), and nothing is taken
 * off for what either burns when idle. Rounds alternate and medians are taken, because machines drift.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../build.ts';

/** One row of the table. */
export interface SignallingFigure {
  readonly target: string;
  /** Median of the rounds. */
  readonly cpuUsPerCall: number;
  /** Median of the rounds' ratios to SIPp. */
  readonly timesSipp: number;
  /** Calls that failed, of all rounds and the warm-up. More than none is no result. */
  readonly failed: number;
  /** Messages that SIPp had to send again: the machine was too busy with other things. */
  readonly retransmitted: number;
  /** After the last round, in MB. */
  readonly residentMb: number;
}

interface Target {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

const ROUNDS = 5;
const CALLS_A_ROUND = 4_000;
const CALLS_A_SECOND = 800;
const WARM_UP_CALLS = 20_000;
const WARM_UP_CALLS_A_SECOND = 1_000;
const CALLER_PORT = 25_690;
const READY_WITHIN_MS = 10_000;
/** What is still under way when SIPp has its last 200: closing ports, mostly. */
const SETTLE_MS = 300;
/** USER_HZ, which is 100 on every Linux. */
const MS_A_TICK = 10;

/** The modes of `echo` that are measured. The first one is the figure that is compared. */
const MODES: readonly (readonly string[])[] = [['-q'], ['--plain'], ['--json']];

function sipp(): string {
  const program = Bun.which('sipp');
  if (program === null) throw new Error('sipp is not installed (Debian: sip-tester)');
  return program;
}

/** CPU time of a process and all threads it ever had, in ms. */
function cpuMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold spaces; utime and stime are the 14th and 15th field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_A_TICK;
}

function residentMb(pid: number): number {
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
async function serve(name: string, command: readonly string[], port: number): Promise<Target> {
  const serving = Bun.spawn([...command], { stdin: null, stdout: Bun.file('/dev/null'), stderr: 'inherit' });
  await listening(port);
  const stop = async () => {
    serving.kill('SIGKILL');
    await serving.exited;
  };
  return { name, port, pid: serving.pid, stop };
}

async function openTargets(binary: string): Promise<Target[]> {
  const targets = [
    await serve('sipp uas', [sipp(), '-sn', 'uas', '-i', '127.0.0.1', '-p', '25590', '-nostdin'], 25_590),
  ];
  for (const [index, mode] of MODES.entries()) {
    const port = 25_600 + 2 * index;
    const words = ['echo', ...mode, '--bind', '127.0.0.1', '--sip-port', `${port}`];
    const rtp = ['--rtp-ports', `${26_000 + 2_000 * index}-${27_999 + 2_000 * index}`];
    targets.push(await serve(`ringback ${mode.join(' ')}`, [binary, ...words, ...rtp], port));
  }
  return targets;
}

interface Load {
  readonly cpuUsPerCall: number;
  readonly failed: number;
  readonly retransmitted: number;
}

/** Drives a target with SIPp's `uac` and reads the counters from SIPp's own statistics. */
async function drive(target: Target, calls: number, callsASecond: number, folder: string): Promise<Load> {
  const statistics = join(folder, 'statistics.csv');
  const before = cpuMs(target.pid);
  const words = ['-sn', 'uac', `127.0.0.1:${target.port}`, '-i', '127.0.0.1', '-p', `${CALLER_PORT}`];
  const load = ['-m', `${calls}`, '-r', `${callsASecond}`, '-l', '900', '-nostdin', '-trace_stat'];
  // A first line at the start, and one at the end.
  const caller = Bun.spawn([sipp(), ...words, ...load, '-stf', statistics, '-fd', '1000'], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  await caller.exited;
  await Bun.sleep(SETTLE_MS);
  const cpuUsPerCall = ((cpuMs(target.pid) - before) * 1000) / calls;
  const lines = readFileSync(statistics, 'utf8').trim().split('\n');
  const names = lines[0]?.split(';') ?? [];
  const last = lines.at(-1)?.split(';') ?? [];
  const counted = (name: string) => Number(last[names.indexOf(name)]);
  rmSync(statistics);
  const failed = calls - counted('SuccessfulCall(C)');
  return { cpuUsPerCall, failed, retransmitted: counted('Retransmissions(C)') };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

async function compare(binary: string, folder: string): Promise<SignallingFigure[]> {
  const targets = await openTargets(binary);
  try {
    const warmUps: Load[] = [];
    for (const target of targets) {
      warmUps.push(await drive(target, WARM_UP_CALLS, WARM_UP_CALLS_A_SECOND, folder));
    }
    const runs = targets.map((): Load[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, target] of targets.entries()) {
        runs[index]?.push(await drive(target, CALLS_A_ROUND, CALLS_A_SECOND, folder));
      }
    }
    return targets.map(({ name, pid }, index): SignallingFigure => {
      const own = runs[index] ?? [];
      const ratios = own.map(
        ({ cpuUsPerCall }, round) => cpuUsPerCall / (runs[0]?.[round]?.cpuUsPerCall ?? 0),
      );
      return {
        target: name,
        cpuUsPerCall: median(own.map(({ cpuUsPerCall }) => cpuUsPerCall)),
        timesSipp: median(ratios),
        failed: own.reduce((sum, { failed }) => sum + failed, warmUps[index]?.failed ?? 0),
        retransmitted: own.reduce((sum, { retransmitted }) => sum + retransmitted, 0),
        residentMb: residentMb(pid),
      };
    });
  } finally {
    for (const target of targets) await target.stop();
  }
}

/** Measures that binary, or one that is built for it; takes about 2.5 minutes. Needs Linux and SIPp. */
export async function run(binary?: string): Promise<SignallingFigure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ringback-bench-'));
  try {
    if (binary !== undefined) return await compare(binary, folder);
    const root = join(import.meta.dir, '..', 'src');
    const built = join(folder, 'ringback');
    const entrypoints = [join(root, 'main.ts'), join(root, 'io', 'media-thread.ts')];
    await compile({ entrypoints, root, outfile: built });
    return await compare(built, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const given = process.argv.indexOf('--binary');
  const figures = await run(given < 0 ? undefined : process.argv[given + 1]);
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures, undefined, 2));
  else {
    console.table(
      figures.map(({ target, cpuUsPerCall, timesSipp, failed, retransmitted, residentMb: resident }) => ({
        target,
        'CPU µs/call': cpuUsPerCall.toFixed(0),
        '× SIPp': timesSipp.toFixed(2),
        failed,
        retransmitted,
        'resident MB': resident.toFixed(0),
      })),
    );
  }
}
