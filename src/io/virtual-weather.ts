/**
 * What a datagram of the virtual network meets on its way: it may be lost, doubled or overtaken (RFC 3261 §18). Which of
 * it, a seeded generator says, in one order for each datagram, so that a run repeats to the byte.
 */
import type { Identifiers } from '../sip/identifiers.ts';

/** What a datagram meets on its way. Probabilities are 0 to 1. */
export interface Weather {
  /** One way, shortest and longest, in ms; a datagram may overtake another within that. */
  readonly latencyMs: readonly [number, number];
  readonly loss: number;
  readonly duplication: number;
  /** A datagram that is held back by another longest latency, and so overtaken. */
  readonly reordering: number;
}

/** Ten milliseconds, and nothing is lost. */
export const FAIR: Weather = { latencyMs: [10, 10], loss: 0, duplication: 0, reordering: 0 };

/** How long each copy of a datagram takes that arrives, in ms; none when all are lost. */
export function arrivalsMs(weather: Weather, chance: Identifiers): number[] {
  const arrivals: number[] = [];
  const copies = happens(weather.duplication, chance) ? 2 : 1;
  for (let copy = 0; copy < copies; copy++) {
    const lost = happens(weather.loss, chance);
    const inMs =
      latencyMs(weather, chance) + (happens(weather.reordering, chance) ? weather.latencyMs[1] : 0);
    if (!lost) arrivals.push(inMs);
  }
  return arrivals;
}

/** One way, in ms. */
export function latencyMs({ latencyMs: [least, most] }: Weather, chance: Identifiers): number {
  return least + Math.floor(chance.fraction() * (most - least + 1));
}

function happens(probability: number, chance: Identifiers): boolean {
  return chance.fraction() < probability;
}
