/**
 * The timers of the transaction layer (RFC 3261 Table 4, RFC 6026 §8.11), as durations.
 *
 * On a reliable transport nothing is retransmitted, so A, E and G are never armed there, and the waits for
 * stray retransmissions (D, I, J, K) are zero.
 */

export type TimerName = 'A' | 'B' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J' | 'K' | 'L' | 'M';

/** The base values, in ms: round trip, longest retransmission interval, longest life of a message. */
export interface TimerBase {
  readonly t1Ms: number;
  readonly t2Ms: number;
  readonly t4Ms: number;
}

/** RFC 3261 §17.1.1.1. */
export const RFC_TIMERS: TimerBase = { t1Ms: 500, t2Ms: 4_000, t4Ms: 5_000 };

/** Timer D on UDP: "at least 32 seconds" (§17.1.1.2). */
const TIMER_D_IN_T1 = 64;

/** How long a timer runs when it is first armed; undefined when the transport needs none. */
export function timerMs(name: TimerName, reliable: boolean, base: TimerBase): number | undefined {
  switch (name) {
    case 'A':
    case 'E':
    case 'G':
      return reliable ? undefined : base.t1Ms;
    case 'B':
    case 'F':
    case 'H':
    case 'L':
    case 'M':
      return 64 * base.t1Ms;
    case 'D':
      return reliable ? 0 : TIMER_D_IN_T1 * base.t1Ms;
    case 'J':
      return reliable ? 0 : 64 * base.t1Ms;
    case 'I':
    case 'K':
      return reliable ? 0 : base.t4Ms;
  }
}

/** The next interval of a retransmission timer: A doubles without a cap (§17.1.1.2), E and G up to T2. */
export function doubledMs(name: TimerName, lastMs: number, base: TimerBase): number {
  return name === 'A' ? 2 * lastMs : Math.min(2 * lastMs, base.t2Ms);
}

/** The timer that ends what another repeats. */
const ENDS: Partial<Record<TimerName, TimerName>> = { A: 'B', E: 'F', G: 'H' };

/**
 * The timer whose coming makes this one pointless. Both may be overdue, when the machine has slept: a request that was
 * given up must not go out once more, as it would ring somebody who hears of it an hour late.
 */
export function endingTimer(name: TimerName): TimerName | undefined {
  return ENDS[name];
}
