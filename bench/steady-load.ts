/**
 * SIPp as a load that does not pause, on several servers at once, and what a call costs each of them.
 *
 * A server transaction waits 32 s over UDP (Timers J and L, RFC 3261 §17.2), and what ends it belongs to the call as
 * well. Under a load in short turns most of that falls into the pauses, where nobody counts it; here every round has as
 * many calls that begin as calls that are forgotten. All servers answer at the same time, so that what else the machine
 * does meets all of them.
 */
import { join } from 'node:path';
import { cpuMs } from './cpu-clock.ts';
import { callWith, type Target } from './sipp-load.ts';

/** What one server did. */
export interface SteadyLoad {
  /** µs of CPU a call, a round each. */
  readonly roundsUs: readonly number[];
  /** Calls that failed, of the warm-up too. More than none is no result. */
  readonly failed: number;
  readonly retransmitted: number;
}

const CALLS_A_SECOND = 800;
/**
 * 36,000 calls: longer than the 32 s. Compilers settle in it: of a call 115 µs are theirs in the first 10 s, 48 in the
 * next, and 1 to 7 from then on, for as long as was looked (140 s).
 */
const WARM_UP_S = 45;
const ROUND_S = 6;
/** SIPp's answers to the last calls, and its file. */
const SLACK_S = 2;
const CALLER_PORT = 25_690;

/** Drives all of them at 800 calls a second each, for 45 s that do not count and then for rounds of 6 s. */
export async function driveTogether(
  targets: readonly Target[],
  rounds: number,
  folder: string,
): Promise<SteadyLoad[]> {
  const calls = CALLS_A_SECOND * (WARM_UP_S + rounds * ROUND_S + SLACK_S);
  const calling = Promise.all(
    targets.map((target, index) => {
      const statistics = join(folder, `statistics-${index}.csv`);
      return callWith(target, { calls, callsASecond: CALLS_A_SECOND, port: CALLER_PORT + index, statistics });
    }),
  );
  // Nobody awaits it yet: a SIPp that cannot run fails what is returned, and not the process before targets are stopped.
  calling.catch(() => {});
  await Bun.sleep(WARM_UP_S * 1_000);
  const spent = targets.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    const before = targets.map(({ pid }) => cpuMs(pid));
    const fromMs = performance.now();
    await Bun.sleep(ROUND_S * 1_000);
    const seconds = (performance.now() - fromMs) / 1_000;
    for (const [index, { pid }] of targets.entries()) {
      spent[index]?.push((cpuMs(pid) - (before[index] ?? 0)) / seconds);
    }
  }
  const called = await calling;
  return called.map(
    ({ failed, retransmitted, callsASecond }, index): SteadyLoad => ({
      // SIPp makes up for what it was late with; its own rate says whether it could.
      roundsUs: (spent[index] ?? []).map((msASecond) => (msASecond * 1_000) / callsASecond),
      failed,
      retransmitted,
    }),
  );
}
