/**
 * Symmetric RTP: which source a call listens to, and so where its packets are returned to (RFC 4961; the
 * latching of RFC 7362 §5).
 *
 * Behind a NAT the SDP's address is not the one packets come from, so the source must be learned. A stranger who
 * finds the port must not be learned, or must lose the call again to its owner:
 *
 * 1. the negotiated address wins over any other, also over one that was latched before it spoke;
 * 2. another source is taken only while nothing valid has come (the caller behind a NAT);
 * 3. after that the source changes by renegotiation alone, or by a proven restart of the same stream: the old
 *    source silent for a second, the same SSRC, and a sequence number that goes on where it stopped. A NAT that
 *    rebinds looks just so; a stranger who has not seen the stream cannot guess them (the SSRC alone has 32 bits).
 */
import { continuesSequence, type Sequence } from './sequence.ts';
import type { MediaAddress } from './session.ts';

/** How long the latched source must have been silent before its stream may go on from another one, in ms. */
export const RESTART_SILENCE_MS = 1_000;

/**
 * The source of one call. Mutable. Addresses are compared as text, so all of them are in the form in which the
 * socket gives them.
 */
export interface Latch {
  /** What the SDP said; an empty address and port 0: nothing. */
  negotiatedAddress: string;
  negotiatedPort: number;
  /** Where packets come from; an empty address: nothing has come. */
  address: string;
  port: number;
  /** Kept from before a renegotiation: good until somebody else speaks. */
  carriedOver: boolean;
  lastHeardMs: number;
}

/** Nothing heard yet. */
export function newLatch(negotiated: MediaAddress | undefined): Latch {
  return {
    negotiatedAddress: negotiated?.address ?? '',
    negotiatedPort: negotiated?.port ?? 0,
    address: '',
    port: 0,
    carriedOver: false,
    lastHeardMs: 0,
  };
}

/**
 * A renegotiation. The same address changes nothing; another one is latched anew, and until somebody else
 * speaks the old source is still heard: its packets are on the way, or its NAT has not moved.
 * Returns whether the address is another one.
 */
export function renegotiateLatch(latch: Latch, negotiated: MediaAddress | undefined): boolean {
  const address = negotiated?.address ?? '';
  const port = negotiated?.port ?? 0;
  if (address === latch.negotiatedAddress && port === latch.negotiatedPort) return false;
  latch.negotiatedAddress = address;
  latch.negotiatedPort = port;
  latch.carriedOver = true;
  return true;
}

/** What the gate says of a valid packet: not heard, from the latched source, or from one that is latched by it. */
export type Admission = 'refused' | 'known' | 'latched';

/** Judges the source of one valid packet, and latches it where the rule says so. */
export function admit(
  latch: Latch,
  sequence: Sequence,
  sameSsrc: boolean,
  number: number,
  address: string,
  port: number,
  nowMs: number,
): Admission {
  if (port === latch.port && address === latch.address) {
    latch.lastHeardMs = nowMs;
    return 'known';
  }
  const negotiated = port === latch.negotiatedPort && address === latch.negotiatedAddress;
  const open = latch.address === '' || latch.carriedOver;
  const restarted =
    sameSsrc && nowMs - latch.lastHeardMs >= RESTART_SILENCE_MS && continuesSequence(sequence, number);
  if (!negotiated && !open && !restarted) return 'refused';
  latch.address = address;
  latch.port = port;
  latch.carriedOver = false;
  latch.lastHeardMs = nowMs;
  return 'latched';
}
