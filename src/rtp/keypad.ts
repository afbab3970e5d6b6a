/**
 * Presses keys: the sender of telephone events (RFC 4733 §2.5.1).
 *
 * One key is a run of packets with the timestamp of its start: an update every 20 ms with a duration that grows, the
 * last of them with the end bit, and that one twice more, because a lost end is a key that never ends (§2.5.1.4).
 *
 * Why 100 ms of key and 100 ms of gap: both have to be 40 ms and more to be told apart (ITU-T Q.24), and gateways that
 * make tones of them again need some room.
 */

const PACKET_MS = 20;
/** How long a key is held, in ms. */
const KEY_MS = 100;
/** From the end of one key to the start of the next, at least, in ms. */
const KEY_GAP_MS = 100;
/** What a `,` or a `w` waits, in ms. */
const KEY_PAUSE_MS = 500;
/** Keys and pauses that wait at once; more are not taken. */
export const MAX_WAITING_KEYS = 256;

const KEY_PACKETS = KEY_MS / PACKET_MS;
/** The end goes out three times (§2.5.1.4). */
const END_REPEATS = 2;
const GAP_PACKETS = KEY_GAP_MS / PACKET_MS - END_REPEATS;
const PAUSE_PACKETS = KEY_PAUSE_MS / PACKET_MS;

/** Event codes by their place (RFC 4733 §3.2). */
const KEYS = '0123456789*#ABCD';
const PAUSES = ',W';

/** One call's keypad. Mutable. */
export interface Keypad {
  /** Keys and pauses still to come, in upper case. */
  waiting: string;
  /** The key that is down; empty: none. */
  key: string;
  /** Packets sent of it, and when it began. */
  packets: number;
  timestamp: number;
  /** Intervals to be left free. */
  restPackets: number;
}

/** One packet of a key. */
export interface KeyPacket {
  /** 0 to 15. */
  readonly event: number;
  /** The key as it is written. */
  readonly key: string;
  /** The RTP timestamp: the start of the key. */
  readonly timestamp: number;
  /** It carries the marker (§2.5.1.1). */
  readonly first: boolean;
  readonly end: boolean;
  /** The first packet that says the end: the key is over. */
  readonly over: boolean;
  /** How long the key has been down by the end of this packet, in ms. */
  readonly durationMs: number;
}

/** Nothing is pressed. */
export function newKeypad(): Keypad {
  return { waiting: '', key: '', packets: 0, timestamp: 0, restPackets: 0 };
}

/** Whether these are keys and pauses, 1 to MAX_WAITING_KEYS of them: 0 to 9, *, #, A to D, `,` and `w`. */
export function isDialString(digits: string): boolean {
  return digits.length <= MAX_WAITING_KEYS && /^[0-9*#A-D,W]+$/i.test(digits);
}

/** Takes keys, to be pressed after those that wait. False: they are none, or too many wait. */
export function pressKeys(keypad: Keypad, digits: string): boolean {
  if (!isDialString(digits) || keypad.waiting.length + digits.length > MAX_WAITING_KEYS) return false;
  keypad.waiting += digits.toUpperCase();
  return true;
}

/** What the interval of 20 ms that begins at `timestamp` carries: a packet of a key, or undefined for audio. */
export function nextKeyPacket(keypad: Keypad, timestamp: number): KeyPacket | undefined {
  if (keypad.restPackets > 0) {
    keypad.restPackets -= 1;
    return undefined;
  }
  if (keypad.key === '' && !takeNext(keypad, timestamp)) return undefined;
  keypad.packets += 1;
  const { key, packets } = keypad;
  if (packets === KEY_PACKETS + END_REPEATS) {
    keypad.key = '';
    keypad.restPackets = GAP_PACKETS;
  }
  return {
    event: KEYS.indexOf(key),
    key,
    timestamp: keypad.timestamp,
    first: packets === 1,
    end: packets >= KEY_PACKETS,
    over: packets === KEY_PACKETS,
    durationMs: Math.min(packets, KEY_PACKETS) * PACKET_MS,
  };
}

/** The next key goes down; false when there is none, or a pause begins. */
function takeNext(keypad: Keypad, timestamp: number): boolean {
  const next = keypad.waiting.charAt(0);
  if (next === '') return false;
  keypad.waiting = keypad.waiting.slice(1);
  if (PAUSES.includes(next)) {
    // This interval is the first of the pause.
    keypad.restPackets = PAUSE_PACKETS - 1;
    return false;
  }
  keypad.key = next;
  keypad.packets = 0;
  keypad.timestamp = timestamp;
  return true;
}
