/**
 * Interarrival jitter (RFC 3550 §6.4.1 and §A.8): how unevenly packets come, against their timestamps.
 *
 * Why it is kept in milliseconds and not in timestamp units: a call may switch between payload types with
 * different clocks (G.711 at 8 kHz, Opus at 48 kHz), and a figure in units would change its meaning.
 */

/** The running estimate of one source. Mutable: it is touched by every packet. */
export interface Jitter {
  /** The estimate; 0 until there are two packets. */
  jitterMs: number;
  /** The last packet's arrival and timestamp; a clock rate of 0 says that there was none. */
  arrivalMs: number;
  timestamp: number;
  clockRate: number;
}

/** A source nothing was heard of. */
export function newJitter(): Jitter {
  return { jitterMs: 0, arrivalMs: 0, timestamp: 0, clockRate: 0 };
}

/**
 * Takes one packet: when it came, in ms, its timestamp and its clock, in Hz. The first one, and the first one
 * on another clock, only set the reference.
 */
export function receiveJitter(state: Jitter, arrivalMs: number, timestamp: number, clockRate: number): void {
  if (clockRate === state.clockRate) {
    // Modulo 2³²: a wrap between two packets is a small step, and a late packet a small one back.
    const sentMs = (((timestamp - state.timestamp) | 0) * 1000) / clockRate;
    const difference = Math.abs(arrivalMs - state.arrivalMs - sentMs);
    state.jitterMs += (difference - state.jitterMs) / 16;
  }
  state.arrivalMs = arrivalMs;
  state.timestamp = timestamp;
  state.clockRate = clockRate;
}

/** Forgets the reference and keeps the estimate: another source has another timestamp origin. */
export function rebaseJitter(state: Jitter): void {
  state.clockRate = 0;
}

/** The estimate as a report block has it, in units of `clockRate` (§6.4.1). */
export function jitterUnits(state: Jitter, clockRate: number): number {
  return Math.min(0xffff_ffff, Math.round((state.jitterMs * clockRate) / 1000));
}
