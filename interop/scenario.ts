/** What a scenario is. */
import type { Lab } from './lab.ts';

/** One claim about ringback and the peers that judge it. */
export interface Scenario {
  /** What is shown, with the transport last: "hold and resume, tcp". */
  readonly name: string;
  /** Programs that it needs. */
  readonly needs?: readonly string[];
  /** On a machine that does nothing else; 30 unless it has to wait for a timer of the RFC. */
  readonly limitS?: number;
  /** Returns when the claim holds, throws `Failed` when it does not. */
  run(lab: Lab): Promise<void>;
}

/** How long it may take, in seconds. */
export const limitS = (scenario: Scenario): number => scenario.limitS ?? 30;

/**
 * When one that hangs is given up, in seconds: what a claim says about time it measures itself, so a busy machine may
 * take twice as long.
 */
export const patienceS = (scenario: Scenario): number => 2 * limitS(scenario);

/** The same scenario over UDP and over TCP. */
export function overBoth(
  name: string,
  run: (lab: Lab, transport: 'udp' | 'tcp') => Promise<void>,
  rest: Omit<Scenario, 'name' | 'run'> = {},
): Scenario[] {
  return (['udp', 'tcp'] as const).map((transport) => ({
    ...rest,
    name: `${name}, ${transport}`,
    run: (lab) => run(lab, transport),
  }));
}
