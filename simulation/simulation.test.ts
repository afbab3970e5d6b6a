/**
 * 10,000 calls in whole deployments on the virtual network, with everything going wrong that may: after every step
 * the invariants hold (invariants.ts), and at the end nothing is left and both sides agree (rest.ts).
 *
 * `SIM_SEED=7 bun test simulation` plays one deployment again, with `SIM_TRACE=call-101` every line that has that in it;
 * `SIM_CALLS=100000` plays more of them, `SIM_FROM=1000` others.
 */
import { expect, test } from 'bun:test';
import { Deployment } from './deployment.ts';
import { type Outcome, Script } from './script.ts';

const CALLS = Number(process.env.SIM_CALLS ?? 10_000);
const ONE_SEED = process.env.SIM_SEED;
const TRACE = process.env.SIM_TRACE;
const CALLS_A_DEPLOYMENT = 200;
const NO_LIMIT_MS = 3_600_000;

function play(seed: number): Outcome {
  const trace = (line: string) => {
    if (TRACE !== undefined && line.includes(TRACE)) console.log(line);
  };
  return new Script(new Deployment(seed, TRACE === undefined ? {} : { trace })).play(CALLS_A_DEPLOYMENT);
}

/** What is wrong with a deployment, and how to see it again. */
function told({ seed, faults, digest }: Outcome): string {
  if (faults.length === 0) return '';
  return [...faults, `digest ${digest}`, `play it again: SIM_SEED=${seed} bun test simulation`].join('\n');
}

test(
  `${CALLS} calls in the worst of weathers leave nothing behind, and both sides agree on each`,
  () => {
    let [placed, stood, steps, messages] = [0, 0, 0, 0];
    const first = Number(ONE_SEED ?? process.env.SIM_FROM ?? 1);
    for (let seed = first; placed < CALLS; seed++) {
      const outcome = play(seed);
      expect(told(outcome)).toBe('');
      placed += outcome.placed;
      stood += outcome.stood;
      steps += outcome.steps;
      messages += outcome.messages;
      if (ONE_SEED !== undefined) break;
    }
    console.log(`${placed} calls, ${stood} stood, ${steps} steps, ${messages} messages`);
    // The simulation is worth little if hardly a call ever stands.
    if (ONE_SEED === undefined) expect(stood).toBeGreaterThan(placed / 4);
    // Some sixty steps of all endpoints a call. They bound the work, and the clock does not: a busy machine is no fault.
    expect(steps).toBeLessThan(100 * placed);
  },
  NO_LIMIT_MS,
);
