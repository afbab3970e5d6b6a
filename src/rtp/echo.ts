/**
 * The echo of one call: takes a packet, decides, and rewrites it in place to be returned (RFC 3550 §5.1, §8.2).
 *
 * What is returned is the caller's own packet with our SSRC: looping the sender's back looks like a loop to it
 * (§8.2). Sequence numbers and timestamps are moved by a constant, so that our stream is one numbering from the
 * priming packet on, and the gaps of what was lost stay gaps: a caller hears the loss of both ways. Marker and
 * payload type stay. CSRC list, header extension and padding stay as well: the contributing sources are still
 * those (§5.1), an extension that a receiver does not know it skips (§5.3.1), and nothing has to be moved.
 *
 * Why one big function and numbers in a mutable state: it runs for every packet of every call and allocates
 * nothing. What happens once in a call (a latch, a key) is left in the state (echo-state.ts) for the caller to pick up.
 */
import * as counter from './counters.ts';
import { AUDIO, type Echo, NOT_NEGOTIATED, TELEPHONE_EVENT } from './echo-state.ts';
import { rebaseJitter, receiveJitter } from './jitter.ts';
import { admit } from './latch.ts';
import {
  readPayloadType,
  readSequence,
  readSsrc,
  readTimestamp,
  rtpPayloadLength,
  rtpPayloadOffset,
  writeSequence,
  writeSsrc,
  writeTimestamp,
} from './rtp-packet.ts';
import { lostPackets, receiveSequence, restartSequence } from './sequence.ts';
import { receiveAudioAfterEvent, receiveTelephoneEvent } from './telephone-event.ts';

/**
 * Packets heard from one call in one second before the rest is dropped. The densest audio is a packet every
 * 2.5 ms; what is faster is two echoes that return each other's packets, and has to end.
 */
export const MAX_PACKETS_PER_S = 500;
/**
 * Keys told of in one second: twice what any machine dials (40 ms a key and 40 ms between, ITU-T Q.24). Each is an event
 * and a line in a log, and a stranger would have one for each packet.
 */
export const MAX_KEYS_PER_S = 25;
/** The largest packet returned, in bytes: an Ethernet frame's worth. A larger one is dropped. */
const MAX_RTP_BYTES = 1_500;

/** What to do with a packet. */
export type Verdict =
  /** Nobody's, or nothing we negotiated. Counted as dropped. */
  | 'drop'
  /** Counted; not returned, because the call is held, or a conversation of ours. */
  | 'count'
  /** Rewritten in place: send it to the latched source. */
  | 'echo';

/**
 * Takes one datagram of the RTP port that is no RTCP. It is counted; on `echo` it has been rewritten and its
 * `length` bytes are to go to `echo.latch`, then `sentPacket` is told.
 */
export function receivePacket(
  echo: Echo,
  bytes: Uint8Array,
  length: number,
  address: string,
  port: number,
  nowMs: number,
): Verdict {
  echo.latched = false;
  echo.keyPress = undefined;
  const offset = length > MAX_RTP_BYTES ? -1 : rtpPayloadOffset(bytes, length);
  if (offset < 0) return drop(echo);
  const type = readPayloadType(bytes);
  if (type !== echo.type) learnType(echo, type);
  const { kind, clockRate } = echo;
  if (kind === NOT_NEGOTIATED) return drop(echo);
  const ssrc = readSsrc(bytes);
  // Our own packet came back: the peer is an echo too, and the two would play ping-pong for ever (§8.2). A call that
  // talks returns nothing, and hears what a plain echo sends it.
  if (ssrc === echo.ownSsrc && !echo.talks) return drop(echo);
  const number = readSequence(bytes);
  const sameSsrc = ssrc === echo.ssrc;
  const admission = admit(echo.latch, echo.sequence, echo.ssrc, ssrc, number, address, port, nowMs);
  if (admission === 'refused' || isFlood(echo, nowMs)) return drop(echo);
  if (admission === 'latched') echo.latched = true;

  const timestamp = readTimestamp(bytes);
  const payloadLength = rtpPayloadLength(bytes, length, offset);
  if (!sameSsrc) startSource(echo, ssrc, number, timestamp, clockRate, nowMs);
  else if (!countArrival(echo, number)) return drop(echo);
  counter.addCounter(echo.counters, echo.base, counter.PACKETS_RECEIVED, 1);
  counter.addCounter(echo.counters, echo.base, counter.BYTES_RECEIVED, length);
  echo.counters[echo.base + counter.LOST] = lostPackets(echo.sequence);
  if (kind === AUDIO) {
    receiveJitter(echo.jitter, nowMs, timestamp, clockRate);
    echo.counters[echo.base + counter.JITTER_MS] = echo.jitter.jitterMs;
    if (echo.keyDown) echo.keyPress = receiveAudioAfterEvent(echo.events, timestamp, clockRate);
  } else {
    echo.keyPress = receiveTelephoneEvent(echo.events, timestamp, clockRate, bytes, offset, payloadLength);
  }
  if (kind === TELEPHONE_EVENT || echo.keyPress !== undefined) noteKey(echo);
  if (!echo.returns) {
    echo.paused = true;
    return 'count';
  }
  // After a hold our numbering goes on where it stopped: what was not returned is no loss.
  if (echo.paused) joinOwnStream(echo, number, timestamp, clockRate, nowMs);
  rewrite(echo, bytes, number, timestamp, clockRate, nowMs);
  echo.payloadBytesSent += payloadLength;
  return 'echo';
}

/** The packet went out. */
export function sentPacket(echo: Echo, length: number): void {
  counter.addCounter(echo.counters, echo.base, counter.PACKETS_SENT, 1);
  counter.addCounter(echo.counters, echo.base, counter.BYTES_SENT, length);
}

/** The packet did not go out, or an ICMP error came back for an earlier one. */
export function sendFailed(echo: Echo): void {
  counter.addCounter(echo.counters, echo.base, counter.SEND_ERRORS, 1);
}

/** Counts a datagram that is not for this call. */
export function drop(echo: Echo): 'drop' {
  counter.addCounter(echo.counters, echo.base, counter.DROPPED, 1);
  return 'drop';
}

/** Our stream has sent a packet of its own, the priming packet: the peer's numbers are joined to it anew. */
export function startOwnStream(
  echo: Echo,
  sequence: number,
  timestamp: number,
  clockRate: number,
  nowMs: number,
): void {
  echo.sentAtMs = nowMs;
  echo.sentSequence = sequence;
  echo.sentTimestamp = timestamp;
  echo.sentClockRate = clockRate;
  echo.paused = true;
}

/** Where our stream stands at `nowMs` on a clock of `clockRate` Hz, modulo 2³². */
export function ownTimestamp(echo: Echo, nowMs: number, clockRate: number): number {
  return (echo.sentTimestamp + Math.round(((nowMs - echo.sentAtMs) * clockRate) / 1000)) >>> 0;
}

/** Looks up what was agreed for a type: packet after packet has the same one. */
function learnType(echo: Echo, type: number): void {
  // Of two with one number the last one counts.
  const payload = echo.session.payloads.findLast((each) => each.type === type && each.clockRate > 0);
  echo.type = type;
  echo.kind = NOT_NEGOTIATED;
  if (payload === undefined) return;
  echo.kind = payload.name === 'TELEPHONE-EVENT' ? TELEPHONE_EVENT : AUDIO;
  echo.clockRate = payload.clockRate;
}

/** After a packet of a key, or one that ended it: whether it is held on, and whether its end may be told. */
function noteKey(echo: Echo): void {
  echo.keyDown = echo.events.event >= 0;
  if (echo.keyPress !== undefined && ++echo.windowKeys > MAX_KEYS_PER_S) echo.keyPress = undefined;
}

/** A first or another SSRC: its numbers are moved to go on where ours stand (§5.1: one numbering an SSRC). */
function startSource(
  echo: Echo,
  ssrc: number,
  number: number,
  timestamp: number,
  clockRate: number,
  nowMs: number,
): void {
  echo.ssrc = ssrc;
  restartSequence(echo.sequence, number);
  rebaseJitter(echo.jitter);
  echo.events.started = false;
  joinOwnStream(echo, number, timestamp, clockRate, nowMs);
}

/** From here on the peer's numbers are moved so that `number` becomes the one after our last. */
function joinOwnStream(
  echo: Echo,
  number: number,
  timestamp: number,
  clockRate: number,
  nowMs: number,
): void {
  echo.paused = false;
  const first = echo.sentAtMs < 0;
  echo.sequenceOffset = first ? 0 : echo.sentSequence + 1 - number;
  echo.timestampOffset = first ? 0 : ownTimestamp(echo, nowMs, clockRate) - timestamp;
}

/** Counts what the numbering says; false for a jump that is not proven yet (§A.1). */
function countArrival(echo: Echo, number: number): boolean {
  const arrival = receiveSequence(echo.sequence, number);
  if (arrival === 'next') return true;
  if (arrival === 'jump') return false;
  if (arrival === 'restart') rebaseJitter(echo.jitter);
  if (arrival === 'late') counter.addCounter(echo.counters, echo.base, counter.REORDERED, 1);
  if (arrival === 'duplicate') counter.addCounter(echo.counters, echo.base, counter.DUPLICATES, 1);
  return true;
}

function isFlood(echo: Echo, nowMs: number): boolean {
  if (nowMs - echo.windowStartMs >= 1000) {
    echo.windowStartMs = nowMs;
    echo.windowPackets = 0;
    echo.windowKeys = 0;
  }
  return ++echo.windowPackets > MAX_PACKETS_PER_S;
}

function rewrite(
  echo: Echo,
  bytes: Uint8Array,
  number: number,
  timestamp: number,
  clockRate: number,
  nowMs: number,
): void {
  const sequence = (number + echo.sequenceOffset) & 0xffff;
  const moved = (timestamp + echo.timestampOffset) >>> 0;
  writeSsrc(bytes, echo.ownSsrc);
  writeSequence(bytes, sequence);
  writeTimestamp(bytes, moved);
  // A late packet must not set our stream back: what goes on after it goes on after the highest.
  const forward = (sequence - echo.sentSequence) & 0xffff;
  if (echo.sentAtMs < 0 || forward < 0x8000) {
    echo.sentAtMs = nowMs;
    echo.sentSequence = sequence;
    echo.sentTimestamp = moved;
    echo.sentClockRate = clockRate;
  }
}
