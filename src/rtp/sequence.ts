/**
 * Sequence numbers of one source: extended past 16 bits, with loss, reordering, duplicates and restarts
 * (RFC 3550 §A.1 and §A.3).
 *
 * Why no probation (§A.1, MIN_SEQUENTIAL): it guards against packets that only look like RTP. Ours come from a
 * negotiated or latched address with a negotiated payload type, and the first packet is the one a caller hears.
 */

/** A step forward of this many or more is no loss but a jump (RFC 3550 §A.1). */
export const MAX_DROPOUT = 3_000;
/** A step back of up to this many is reordering (RFC 3550 §A.1). */
const MAX_MISORDER = 100;

const SEQUENCES = 0x1_0000;
/** Larger than any sequence number: no jump is waiting to be confirmed. */
const NO_BAD_SEQUENCE = SEQUENCES + 1;

/** What one packet was. */
export type Arrival = 'first' | 'next' | 'late' | 'duplicate' | 'jump' | 'restart';

/** What is known of one source's numbering. Mutable: it is touched by every packet. */
export interface Sequence {
  started: boolean;
  /** The highest sequence number seen, 0 to 65535. */
  highest: number;
  /** 2¹⁶ times the wraps. */
  cycles: number;
  /** The extended number that the source started with. */
  base: number;
  /** The one that would confirm a jump as a restart. */
  badSequence: number;
  /** Packets since `base`, duplicates counted, as §A.3 has it. */
  received: number;
  /** Duplicates among them. */
  duplicates: number;
  /** Packets lost by earlier starts of this source, and by earlier sources. */
  lostBefore: number;
  /** At the last report block, for the fraction lost (§A.3). */
  expectedPrior: number;
  receivedPrior: number;
  /** Which of the last 64 came: bit n of low is highest − n, bit n of high is highest − 32 − n. */
  seenLow: number;
  seenHigh: number;
}

/** A source nothing was heard of. */
export function newSequence(): Sequence {
  return {
    started: false,
    highest: 0,
    cycles: 0,
    base: 0,
    badSequence: NO_BAD_SEQUENCE,
    received: 0,
    duplicates: 0,
    lostBefore: 0,
    expectedPrior: 0,
    receivedPrior: 0,
    seenLow: 0,
    seenHigh: 0,
  };
}

/** Starts over at `number`: another source, or the same one restarted. What was lost so far stays counted. */
export function restartSequence(state: Sequence, number: number): void {
  state.lostBefore = lostPackets(state);
  state.started = true;
  state.highest = number;
  state.cycles = 0;
  state.base = number;
  state.badSequence = NO_BAD_SEQUENCE;
  state.received = 1;
  state.duplicates = 0;
  state.expectedPrior = 0;
  state.receivedPrior = 0;
  state.seenLow = 1;
  state.seenHigh = 0;
}

/**
 * Takes one packet's number (RFC 3550 §A.1, update_seq). A `jump` is not counted: it may be a stray packet; the
 * next one in its sequence proves a `restart`.
 */
export function receiveSequence(state: Sequence, number: number): Arrival {
  if (!state.started) {
    restartSequence(state, number);
    return 'first';
  }
  const forward = (number - state.highest) & 0xffff;
  if (forward > 0 && forward < MAX_DROPOUT) {
    if (number < state.highest) state.cycles += SEQUENCES;
    state.highest = number;
    state.received++;
    state.badSequence = NO_BAD_SEQUENCE;
    shiftSeen(state, forward);
    return 'next';
  }
  const back = forward === 0 ? 0 : SEQUENCES - forward;
  if (back > MAX_MISORDER) {
    if (number === state.badSequence) {
      restartSequence(state, number);
      return 'restart';
    }
    state.badSequence = (number + 1) & 0xffff;
    return 'jump';
  }
  state.received++;
  if (markSeen(state, back)) return 'late';
  state.duplicates++;
  return 'duplicate';
}

/** The highest number seen, extended by its wraps, modulo 2³² (§6.4.1). */
export function extendedHighest(state: Sequence): number {
  return state.cycles + state.highest;
}

/** Packets expected since `base` (§A.3). */
export function expectedPackets(state: Sequence): number {
  return state.started ? extendedHighest(state) - state.base + 1 : 0;
}

/** Packets expected and never received, over every start; duplicates make good for nothing, so never below 0. */
export function lostPackets(state: Sequence): number {
  const missing = expectedPackets(state) - (state.received - state.duplicates);
  return state.lostBefore + Math.max(0, missing);
}

/** Whether `number` would go on where the source stopped: ahead of it, and within the dropout. */
export function continuesSequence(state: Sequence, number: number): boolean {
  const forward = (number - state.highest) & 0xffff;
  return state.started && forward > 0 && forward < MAX_DROPOUT;
}

function shiftSeen(state: Sequence, by: number): void {
  if (by === 1) {
    state.seenHigh = (state.seenHigh << 1) | (state.seenLow >>> 31);
    state.seenLow = (state.seenLow << 1) | 1;
  } else if (by < 32) {
    state.seenHigh = (state.seenHigh << by) | (state.seenLow >>> (32 - by));
    state.seenLow = (state.seenLow << by) | 1;
  } else {
    state.seenHigh = by < 64 ? state.seenLow << (by - 32) : 0;
    state.seenLow = 1;
  }
}

/** Marks highest − `back`; true when it was not there yet. Past 64 nothing is remembered: then it counts as new. */
function markSeen(state: Sequence, back: number): boolean {
  if (back >= 64) return true;
  const bit = 1 << (back & 31);
  if (back < 32) {
    if ((state.seenLow & bit) !== 0) return false;
    state.seenLow |= bit;
    return true;
  }
  if ((state.seenHigh & bit) !== 0) return false;
  state.seenHigh |= bit;
  return true;
}
