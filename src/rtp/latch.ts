/**
 * Symmetric RTP: which source a call listens to, and so where its packets are returned to (RFC 4961; the
 * latching of RFC 7362 §5).
 *
 * Behind a NAT the SDP's address is not the one packets come from, so the source must be learned. A stranger who
 * finds the port must not be learned, or must lose the call again to its owner:
 *
 * 1. the negotiated address wins over any other, also over one that was latched before it spoke;
 * 2. another source is taken only while nothing valid has come (the peer is behind a NAT), and not one whose stream
 *    was there before the port was told to anybody;
 * 3. after that the source changes by a proven restart of the same stream: the old source silent for a second, the
 *    same SSRC, and a sequence number that goes on where it stopped. A NAT that rebinds looks just so; a stranger
 *    who has not seen the stream cannot guess them (the SSRC alone has 32 bits);
 * 4. or by a renegotiation, which lets the same stream move at once, and another one when the old source has been
 *    silent for a second since;
 * 5. the source before that takes the call back by speaking: a NAT that has rebound leaves nobody at the old mapping,
 *    so who speaks there is the owner, and the other one was not;
 * 6. in the first seconds a source at the address that the call's SIP messages come from takes the call from any other
 *    that was not negotiated. Whoever sends to all our ports all the time, each packet as another stream, is first
 *    everywhere, and 2 alone would give him every call from behind a NAT.
 */
import { continuesSequence, type Sequence } from './sequence.ts';
import type { MediaAddress } from './session.ts';

/** How long after the first packet rule 6 holds, in ms: a phone speaks as soon as it has the answer. */
export const FIRST_COME_MS = 5_000;
/** How long the latched source must have been silent before another one may go on, in ms. */
export const RESTART_SILENCE_MS = 1_000;

/** A stream and where it comes from. */
export interface Stream extends MediaAddress {
  readonly ssrc: number;
}

/**
 * The source of one call. Mutable. Addresses are compared as text, so all of them are in the form in which the
 * socket gives them.
 */
export interface Latch {
  /** Where packets come from; an empty address: nothing has come. What each packet looks at stands first (echo.ts). */
  address: string;
  port: number;
  lastHeardMs: number;
  /** When a renegotiation opened it to another source; −1: it is closed. */
  openedMs: number;
  /** What the SDP said last; an empty address and port 0: nothing. */
  negotiatedAddress: string;
  negotiatedPort: number;
  /** When the first packet came, of anybody. */
  firstHeardMs: number;
  /** The address that the call's SIP messages come from; empty: not known. */
  readonly signalledFrom: string;
  /** That renegotiation named another address: the old source is not to come back. */
  moved: boolean;
  /** Who was latched before a change that the SDP did not ask for. */
  former: Stream | undefined;
  /** Streams that were there before the call: never taken. */
  readonly strangers: readonly Stream[];
}

/** Nothing heard yet. */
export function newLatch(
  negotiated: MediaAddress | undefined,
  strangers: readonly Stream[] = [],
  signalledFrom = '',
): Latch {
  return {
    address: '',
    port: 0,
    lastHeardMs: 0,
    openedMs: -1,
    negotiatedAddress: negotiated?.address ?? '',
    negotiatedPort: negotiated?.port ?? 0,
    firstHeardMs: 0,
    signalledFrom,
    moved: false,
    former: undefined,
    strangers,
  };
}

/**
 * A renegotiation. Another address is latched anew, and until somebody else speaks the old source is still heard: its
 * packets are on the way, or its NAT has not moved. The same address, from a peer that is not heard there and is to
 * send (`receive`), may mean that its NAT has another mapping now. None at all is a hold (RFC 3264 §8.4), in which
 * nobody is to take the call. Returns whether the address is another one.
 */
export function renegotiateLatch(
  latch: Latch,
  negotiated: MediaAddress | undefined,
  receive: boolean,
  nowMs: number,
): boolean {
  if (negotiated === undefined) return false;
  const { address, port } = negotiated;
  const moved = address !== latch.negotiatedAddress || port !== latch.negotiatedPort;
  latch.negotiatedAddress = address;
  latch.negotiatedPort = port;
  const heardThere = latch.address === address && latch.port === port;
  if (!moved && (heardThere || !receive)) return false;
  latch.openedMs = nowMs;
  latch.moved = moved;
  return moved;
}

/** Where packets may go now: to whom we hear, or where the SDP says; undefined: nowhere. */
export function latchedOr(latch: Latch, negotiated: MediaAddress | undefined): MediaAddress | undefined {
  return latch.address === '' || (latch.openedMs >= 0 && latch.moved) ? negotiated : latch;
}

/** What the gate says of a valid packet: not heard, from the latched source, or from one that is latched by it. */
export type Admission = 'refused' | 'known' | 'latched';

/** Judges the source of one valid packet, and latches it where the rule says so. `heard`: the SSRC heard last. */
export function admit(
  latch: Latch,
  sequence: Sequence,
  heard: number,
  ssrc: number,
  number: number,
  address: string,
  port: number,
  nowMs: number,
): Admission {
  if (port === latch.port && address === latch.address) {
    latch.lastHeardMs = nowMs;
    // It still speaks after the renegotiation, and a second after one that named another address: it is the peer.
    if (latch.openedMs >= 0 && (!latch.moved || nowMs - latch.openedMs >= RESTART_SILENCE_MS)) {
      latch.openedMs = -1;
    }
    return 'known';
  }
  const { former } = latch;
  // Both are nobody's guess: who was latched between has no claim to come back.
  const stranger = latch.strangers.some((stream) => isStream(stream, ssrc, address, port));
  const owner =
    (port === latch.negotiatedPort && address === latch.negotiatedAddress) ||
    (former !== undefined && isStream(former, ssrc, address, port)) ||
    (!stranger && outdoesFirst(latch, address, nowMs));
  if (!owner) {
    if (stranger) return 'refused';
    const same = ssrc === heard && continuesSequence(sequence, number);
    if (latch.address !== '' && !mayChange(latch, same, nowMs)) return 'refused';
  }
  const asked = latch.address === '' || (latch.openedMs >= 0 && latch.moved);
  if (latch.address === '') latch.firstHeardMs = nowMs;
  latch.former = owner || asked ? undefined : { address: latch.address, port: latch.port, ssrc: heard };
  latch.address = address;
  latch.port = port;
  latch.openedMs = -1;
  latch.lastHeardMs = nowMs;
  return 'latched';
}

/** Rule 6. It is no change that can be taken back: `former` would be the stranger. */
function outdoesFirst(latch: Latch, address: string, nowMs: number): boolean {
  if (latch.address === '' || address !== latch.signalledFrom || latch.address === address) return false;
  const negotiated = latch.address === latch.negotiatedAddress && latch.port === latch.negotiatedPort;
  return !negotiated && nowMs - latch.firstHeardMs < FIRST_COME_MS;
}

/** Whether another source may follow the one that was heard; `same`: it goes on with the same stream. */
function mayChange(latch: Latch, same: boolean, nowMs: number): boolean {
  const open = latch.openedMs >= 0;
  const silent = nowMs - Math.max(latch.lastHeardMs, latch.openedMs) >= RESTART_SILENCE_MS;
  return same ? open || silent : open && silent;
}

function isStream(stream: Stream, ssrc: number, address: string, port: number): boolean {
  return stream.ssrc === ssrc && stream.port === port && stream.address === address;
}
