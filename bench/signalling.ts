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
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../build.ts';
import { drive, type Load, median, residentMb, serve, sipp, type Target } from './sipp-load.ts';

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

const ROUNDS = 5;
const CALLS_A_ROUND = 4_000;
const CALLS_A_SECOND = 800;
const WARM_UP_CALLS = 20_000;
const WARM_UP_CALLS_A_SECOND = 1_000;

/** The modes of `echo` that are measured. The first one is the figure that is compared. */
const MODES: readonly (readonly string[])[] = [['-q'], ['--plain'], ['--json']];

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
