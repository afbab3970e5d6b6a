/**
 * What a call costs in signalling over UDP, beside SIPp's own `uas` in the same run and under the same load.
 *
 *     bun bench/signalling.ts [--binary dist/ringback] [--json]
 *
 * A call is SIPp's `uac`: INVITE with an offer, ACK, BYE. For it ringback opens a port for RTP and closes it again;
 * SIPp's `uas` answers from a template and opens none. The binary is measured, as people run it, beside a `uas` that
 * takes as many calls at the same time, under a load that never pauses (steady-load.ts), after a warm-up that is not
 * counted: a service runs for days. CPU is that of the whole process with all its threads (cpu-clock.ts), and nothing is
 * taken off for what either burns when idle.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../build.ts';
import { median, residentMb, serve, sipp, type Target } from './sipp-load.ts';
import { driveTogether, type SteadyLoad } from './steady-load.ts';

/** One row of the table. */
export interface SignallingFigure {
  readonly target: string;
  /** Median of the rounds. */
  readonly cpuUsPerCall: number;
  /** The same of the `uas` beside it. */
  readonly sippUsPerCall: number;
  /** Median of the rounds' ratios to SIPp. */
  readonly timesSipp: number;
  /** Calls that failed, on either, of all rounds and the warm-up. More than none is no result. */
  readonly failed: number;
  /** Messages that SIPp had to send again: the machine was too busy with other things. */
  readonly retransmitted: number;
  /** After the last round, in MB. */
  readonly residentMb: number;
}

const ROUNDS = 5;

/** The modes of `echo` that are measured. The first one is the figure that is compared. */
const MODES: readonly (readonly string[])[] = [['-q'], ['--plain'], ['--json']];

/** One mode of the binary and SIPp's `uas`, at the same time. */
async function beside(binary: string, mode: readonly string[], folder: string): Promise<SignallingFigure> {
  const targets: Target[] = [];
  try {
    const uas = [sipp(), '-sn', 'uas', '-i', '127.0.0.1', '-p', '25590', '-nostdin'];
    targets.push(await serve('sipp uas', uas, 25_590));
    const at = ['--bind', '127.0.0.1', '--sip-port', '25600', '--rtp-ports', '26000-27999'];
    const ours = await serve(`ringback ${mode.join(' ')}`, [binary, 'echo', ...mode, ...at], 25_600);
    targets.push(ours);
    const [peer, own] = (await driveTogether(targets, ROUNDS, folder)) as [SteadyLoad, SteadyLoad];
    const ratios = own.roundsUs.map((costUs, round) => costUs / (peer.roundsUs[round] ?? Number.NaN));
    return {
      target: ours.name,
      cpuUsPerCall: median(own.roundsUs),
      sippUsPerCall: median(peer.roundsUs),
      timesSipp: median(ratios),
      failed: own.failed + peer.failed,
      retransmitted: own.retransmitted,
      residentMb: residentMb(ours.pid),
    };
  } finally {
    for (const target of targets) await target.stop();
  }
}

async function compare(binary: string, folder: string): Promise<SignallingFigure[]> {
  const figures: SignallingFigure[] = [];
  for (const mode of MODES) figures.push(await beside(binary, mode, folder));
  return figures;
}

/** Measures that binary, or one that is built for it; takes about four minutes. Needs Linux and SIPp. */
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
      figures.map((figure) => ({
        target: figure.target,
        'CPU µs/call': figure.cpuUsPerCall.toFixed(0),
        'SIPp µs/call': figure.sippUsPerCall.toFixed(0),
        '× SIPp': figure.timesSipp.toFixed(2),
        failed: figure.failed,
        retransmitted: figure.retransmitted,
        'resident MB': figure.residentMb.toFixed(0),
      })),
    );
  }
}
