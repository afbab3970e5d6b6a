/**
 * What a call costs in two builds of ringback: has a change made signalling dearer?
 *
 *     bun bench/compare.ts BEFORE AFTER [rounds] [--json]
 *
 * Both binaries run at the same time and take the same load in turns, so that what else the machine does meets both;
 * the ratio is taken round by round. The order within a round alternates, because the second of two finds a warmer
 * machine. CPU time, not wall time (sipp-load.ts). A minute for ten rounds, after a warm-up that is not counted.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { drive, median, serve, spread, type Target } from './sipp-load.ts';

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

const CALLS_A_SECOND = 800;
const CALLS_A_ROUND = 4_000;
const WARM_UP_CALLS = 20_000;

async function open(binary: string, port: number, firstRtp: number): Promise<Target> {
  const rtp = ['--rtp-ports', `${firstRtp}-${firstRtp + 1_999}`];
  const words = ['echo', '-q', '--bind', '127.0.0.1', '--sip-port', `${port}`, ...rtp];
  return serve(binary, [resolve(binary), ...words], port);
}

/** Measures the two; both are ended when it returns. */
export async function compare(before: string, after: string, rounds: number): Promise<Comparison> {
  const folder = mkdtempSync(join(tmpdir(), 'ringback-bench-'));
  const targets = [await open(before, 25_610, 26_000), await open(after, 25_620, 28_000)] as const;
  const costs: [number[], number[]] = [[], []];
  let failed = 0;
  try {
    for (const target of targets) failed += (await drive(target, WARM_UP_CALLS, 1_000, folder)).failed;
    for (let round = 0; round < rounds; round++) {
      for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const load = await drive(targets[which], CALLS_A_ROUND, CALLS_A_SECOND, folder);
        costs[which].push(load.cpuUsPerCall);
        failed += load.failed;
      }
    }
  } finally {
    for (const target of targets) await target.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const ratios = costs[1].map((cost, round) => cost / (costs[0][round] ?? Number.NaN));
  return {
    beforeUs: median(costs[0]),
    afterUs: median(costs[1]),
    leastBeforeUs: Math.min(...costs[0]),
    leastAfterUs: Math.min(...costs[1]),
    ratios,
    failed,
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
