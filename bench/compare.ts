/**
 * What a call costs in two builds of ringback: has a change made signalling dearer?
 *
 *     bun bench/compare.ts BEFORE AFTER [rounds] [--json]
 *
 * Both binaries take the same load at the same time, so that what else the machine does meets both, and without a
 * pause (steady-load.ts); the ratio is taken round by round. CPU time, not wall time (sipp-load.ts). Two minutes for
 * ten rounds, with a warm-up that is not counted.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { median, serve, spread, type Target } from './sipp-load.ts';
import { driveTogether } from './steady-load.ts';

/** What the rounds said. */
export interface Comparison {
  /** Medians, in µs of CPU a call. */
  readonly beforeUs: number;
  readonly afterUs: number;
  /** The cheapest round of each: what else the machine does can only add. */
  readonly leastBeforeUs: number;
  readonly leastAfterUs: number;
  /** after ÷ before, a round each. */
  readonly ratios: readonly number[];
  /** Calls that failed. More than none is no result. */
  readonly failed: number;
}

async function open(binary: string, port: number, firstRtp: number): Promise<Target> {
  const rtp = ['--rtp-ports', `${firstRtp}-${firstRtp + 1_999}`];
  const words = ['echo', '-q', '--bind', '127.0.0.1', '--sip-port', `${port}`, ...rtp];
  return serve(binary, [resolve(binary), ...words], port);
}

/** Measures the two; both are ended when it returns. */
export async function compare(before: string, after: string, rounds: number): Promise<Comparison> {
  const folder = mkdtempSync(join(tmpdir(), 'ringback-bench-'));
  const targets = [await open(before, 25_610, 26_000), await open(after, 25_620, 28_000)];
  const loads = await driveTogether(targets, rounds, folder).finally(async () => {
    for (const target of targets) await target.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const [beforeUs = [], afterUs = []] = loads.map(({ roundsUs }) => roundsUs);
  const ratios = afterUs.map((cost, round) => cost / (beforeUs[round] ?? Number.NaN));
  return {
    beforeUs: median(beforeUs),
    afterUs: median(afterUs),
    leastBeforeUs: Math.min(...beforeUs),
    leastAfterUs: Math.min(...afterUs),
    ratios,
    failed: loads.reduce((sum, { failed }) => sum + failed, 0),
  };
}

if (import.meta.main) {
  const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
  const [before, after, rounds = '10'] = words;
  if (before === undefined || after === undefined) {
    console.error('usage: bun bench/compare.ts BEFORE AFTER [rounds]: two binaries of ringback');
    process.exit(2);
  }
  const found = await compare(before, after, Number(rounds));
  if (process.argv.includes('--json')) console.log(JSON.stringify(found));
  else {
    console.log(`before ${found.beforeUs.toFixed(0)} µs a call, after ${found.afterUs.toFixed(0)} µs`);
    const cheapest = found.leastAfterUs / found.leastBeforeUs;
    console.log(`the cheapest round of each: ${cheapest.toFixed(2)}`);
    console.log(`after ÷ before: ${spread(found.ratios)} (median, least to most of ${found.ratios.length})`);
  }
  if (found.failed > 0) {
    console.error(`${found.failed} calls failed: no result`);
    process.exit(1);
  }
}
