/**
 * Telephone events, the keys pressed in a call (RFC 4733 §2.3 and §2.5).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |     event     |E|R| volume    |          duration             |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * Why a detector with state: one key is many packets (an update every 20 or 50 ms and the end three times), all
 * with the timestamp of its start, and any of them may be lost. A person pressed it once.
 */
import { readUint16, writeUint16 } from './rtp-packet.ts';

/** Of one event in the payload, in bytes. */
const TELEPHONE_EVENT_BYTES = 4;

const DIGITS = [
  '0',
  '1',
  '2',
  '3',
  '4',
  '5',
  '6',
  '7',
  '8',
  '9',
  '*',
  '#',
  'A',
  'B',
  'C',
  'D',
  'flash',
] as const;
const END_BIT = 0x80;
const MAX_DURATION = 0xffff;
/** An event whose end was lost is over when the audio is this far past its last update (§2.5.1.4), in ms. */
const LOST_END_MS = 100;

/** A key that was pressed and let go. */
export interface KeyPress {
  /** 0 to 9, *, #, A to D, or "flash". */
  readonly digit: string;
  readonly durationMs: number;
}

/** The fields of one event packet (§2.3). */
export interface TelephoneEvent {
  readonly event: number;
  readonly end: boolean;
  /** The power below 1 mW, in dB, 0 to 63. */
  readonly volume: number;
  /** Since the packet's timestamp, in its units, up to 65535. */
  readonly duration: number;
}

/** Writes the payload at `offset`; returns its length. */
export function writeTelephoneEvent(
  bytes: Uint8Array,
  offset: number,
  { event, end, volume, duration }: TelephoneEvent,
): number {
  bytes[offset] = event;
  bytes[offset + 1] = (end ? END_BIT : 0) | volume;
  writeUint16(bytes, offset + 2, duration);
  return TELEPHONE_EVENT_BYTES;
}

/** The event that is going on, and the last one reported. Mutable. */
export interface TelephoneEvents {
  /** −1: none is going on. */
  event: number;
  /** The timestamp of the segment that is going on, or of the last one reported. */
  timestamp: number;
  /** Whether `timestamp` means anything yet. */
  started: boolean;
  /** Units of this segment, and of the full ones before it (§2.5.1.3). */
  duration: number;
  durationBefore: number;
  clockRate: number;
}

/** A source that has pressed nothing. */
export function newTelephoneEvents(): TelephoneEvents {
  return { event: -1, timestamp: 0, started: false, duration: 0, durationBefore: 0, clockRate: 8000 };
}

/**
 * Takes one event packet: the RTP timestamp, its clock in Hz, and where its payload stands. Returns a key that
 * is over by it: the one it ends, or an earlier one whose end was lost. Too short a payload is ignored.
 */
export function receiveTelephoneEvent(
  state: TelephoneEvents,
  timestamp: number,
  clockRate: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): KeyPress | undefined {
  if (length < TELEPHONE_EVENT_BYTES) return undefined;
  const event = bytes[offset] as number;
  const end = ((bytes[offset + 1] as number) & END_BIT) !== 0;
  const duration = readUint16(bytes, offset + 2);
  const step = state.started ? (timestamp - state.timestamp) | 0 : 1;
  // An earlier timestamp is a late packet of a key already reported; the same one, with nothing going on, a
  // retransmitted end (§2.5.1.4).
  if (step < 0 || (step === 0 && state.event < 0)) return undefined;
  let lost: KeyPress | undefined;
  if (step !== 0) {
    const continued = state.event === event && state.duration === MAX_DURATION && step === MAX_DURATION;
    if (!continued) lost = finish(state);
    state.durationBefore = continued ? state.durationBefore + MAX_DURATION : 0;
    state.event = event;
    state.timestamp = timestamp;
    state.started = true;
    state.duration = 0;
    state.clockRate = clockRate;
  }
  if (duration > state.duration) state.duration = duration;
  // One report a packet: a key that ends in the very packet that told of a lost one is reported by its
  // retransmitted end, or by the audio after it.
  return end && lost === undefined ? finish(state) : lost;
}

/**
 * Takes the timestamp of an audio packet on the same clock. Returns the key that must be over by now because
 * its end never came.
 */
export function receiveAudioAfterEvent(
  state: TelephoneEvents,
  timestamp: number,
  clockRate: number,
): KeyPress | undefined {
  if (state.event < 0 || clockRate !== state.clockRate) return undefined;
  const past = ((timestamp - state.timestamp) | 0) - state.duration;
  return past * 1000 > LOST_END_MS * clockRate ? finish(state) : undefined;
}

/** Ends what is going on; `timestamp` stays, so that its late packets are known. */
export function finish(state: TelephoneEvents): KeyPress | undefined {
  const digit = DIGITS[state.event];
  state.event = -1;
  if (digit === undefined) return undefined;
  const units = state.durationBefore + state.duration;
  return { digit, durationMs: Math.round((units * 1000) / state.clockRate) };
}
