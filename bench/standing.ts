/**
 * What a call costs while others stand: beside 10 calls and beside 5,000, in turns.
 *
 *     bun bench/standing.ts [--binary dist/ringback] [--json]
 *
 * Two processes of the same binary, one with few calls up, one with many (SIPp's `uac` that pauses), take the same
 * load in alternating rounds. What a process burns for the calls that merely stand (their counters are read twice a
 * second) is measured without load and taken off, and shown beside it. Needs about 24,000 UDP ports from 10000 on:
 * a network namespace of its own is a good place (`unshare -rn`, then `ip link set lo up`).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuMs } from './cpu-clock.ts';
import { drive, median, serve, sipp, spread, type Target } from './sipp-load.ts';

/** What the rounds said. */
export interface Standing {
  readonly standing: number;
  /** Median, in µs of CPU a call, with what stands taken off. */
  readonly cpuUsPerCall: number;
  /** The cheapest round: what else the machine does can only add. */
  readonly leastUsPerCall: number;
  /** Median, in ms of CPU a second, without load. */
  readonly idleMsPerSecond: number;
  readonly failed: number;
}

const FEW = 10;
const MANY = 5_000;
const ROUNDS = 8;
const CALLS_A_SECOND = 800;
const CALLS_A_ROUND = 4_000;
const WARM_UP_CALLS = 20_000;
const IDLE_MS = 3_000;

interface Held {
  readonly target: Target;
  readonly standing: number;
  readonly caller: Bun.Subprocess;
}

async function hold(binary: string, standing: number, port: number, rtp: string): Promise<Held> {
  const words = ['echo', '-q', '--bind', '127.0.0.1', '--sip-port', `${port}`, '--rtp-ports', rtp];
  const limits = ['--max-calls', `${standing + 1_000}`, '--media-timeout', '0'];
  const target = await serve(`beside ${standing}`, [binary, ...words, ...limits], port);
  const calls = ['-m', `${standing}`, '-l', `${standing}`, '-r', '400', '-d', '3600000'];
  const from = ['-i', '127.0.0.1', '-p', `${port + 5}`, '-nostdin'];
  const caller = Bun.spawn([sipp(), '-sn', 'uac', `127.0.0.1:${port}`, ...from, ...calls], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  await Bun.sleep((standing / 400) * 1_000 + 2_000);
  return { target, standing, caller };
}

/** CPU without load, in ms a second. */
async function idle({ target }: Held): Promise<number> {
  const before = cpuMs(target.pid);
  await Bun.sleep(IDLE_MS);
  return ((cpuMs(target.pid) - before) * 1_000) / IDLE_MS;
}

/** Measures that binary beside few and beside many calls; about four minutes. */
export async function standing(binary: string): Promise<{ figures: Standing[]; ratios: number[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'ringback-bench-'));
  const held: Held[] = [];
  try {
    held.push(await hold(binary, FEW, 25_610, '25700-27999'));
    held.push(await hold(binary, MANY, 25_630, '10000-23999'));
    const costs = held.map((): number[] => []);
    const idles = held.map((): number[] => []);
    const failed = held.map(() => 0);
    for (const { target } of held) await drive(target, WARM_UP_CALLS, 1_000, folder);
    for (let round = 0; round < ROUNDS; round++) {
      for (const index of round % 2 === 0 ? [0, 1] : [1, 0]) {
        const one = held[index] as Held;
        const idleMs = await idle(one);
        const load = await drive(one.target, CALLS_A_ROUND, CALLS_A_SECOND, folder);
        const seconds = CALLS_A_ROUND / CALLS_A_SECOND;
        idles[index]?.push(idleMs);
        costs[index]?.push(load.cpuUsPerCall - (idleMs * seconds * 1_000) / CALLS_A_ROUND);
        failed[index] = (failed[index] ?? 0) + load.failed;
      }
    }
    const figures = held.map((one, index) => ({
      standing: one.standing,
      cpuUsPerCall: median(costs[index] ?? []),
      leastUsPerCall: Math.min(...(costs[index] ?? [])),
      idleMsPerSecond: median(idles[index] ?? []),
      failed: (failed[index] ?? 0) + (one.caller.exitCode === null ? 0 : 1),
    }));
    const ratios = (costs[1] ?? []).map((cost, round) => cost / (costs[0]?.[round] ?? Number.NaN));
    return { figures, ratios };
  } finally {
    for (const { target, caller } of held) {
      caller.kill('SIGKILL');
      await target.stop();
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const given = process.argv.indexOf('--binary');
  const { figures, ratios } = await standing(given < 0 ? 'dist/ringback' : (process.argv[given + 1] ?? ''));
  if (process.argv.includes('--json')) console.log(JSON.stringify({ figures, ratios }));
  else {
    console.table(figures);
    const [few = Number.NaN, many = Number.NaN] = figures.map(({ leastUsPerCall }) => leastUsPerCall);
    console.log(`the cheapest round of each: ${(many / few).toFixed(2)}`);
    console.log(
      `beside ${MANY} ÷ beside ${FEW}: ${spread(ratios)} (median, least to most of ${ratios.length})`,
    );
  }
  if (figures.some(({ failed }) => failed > 0)) {
    console.error('calls failed: no result');
    process.exit(1);
  }
}
