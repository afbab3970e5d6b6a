/**
 * When a packet of ours goes out that answers nothing: to open the port in a NAT on our side, to show a peer where we
 * are (RFC 4961), and to keep the way open (RFC 6263).
 *
 * Why more than one: an echo says nothing before it hears something, and so does a peer that waits to learn where we
 * are. One lost packet would leave both waiting. And when our NAT forgets its mapping in mid-call, nothing reaches us
 * any more, so it is on us to speak first from the new one.
 *
 * Who names an address that is somebody else's (SDP is not proved) gets no more than the six packets of PRIMING_AT_MS
 * sent there, about as many bytes as his INVITE had, headers of IP and UDP counted. All others go to who has spoken.
 */
import type { Echo } from './echo-state.ts';

/** Before anything was heard: when, in ms since the port was opened or the call renegotiated. */
const PRIMING_AT_MS: readonly number[] = [0, 100, 400, 1_000, 2_000, 4_000];
/**
 * After the peer has fallen silent: when, in ms since it was last heard. The first comes when the peer has not heard us
 * for a second either, so that it may take us from another address (latch.ts).
 */
const SILENCE_AT_MS: readonly number[] = [1_100, 1_600, 2_100, 3_000, 5_000];
/** How long we may be silent towards a peer that has spoken, in ms (RFC 6263 §8: 15 s). */
export const KEEPALIVE_MS = 15_000;

/** While packets of ours go out, they keep the way open, in ms. */
const SPEAKING_MS = 60;

/** Mutable; one a call. */
export interface KeepOpen {
  /** When the port was opened, or the call renegotiated. */
  sinceMs: number;
  /** When the silence began that is counted now, and how many packets went out in it. */
  quietMs: number;
  sent: number;
}

/** The port was opened, or the call renegotiated; `sent`: how many packets of PRIMING_AT_MS are done or not needed. */
export function restartKeepOpen(keep: KeepOpen, nowMs: number, sent: number): void {
  keep.sinceMs = nowMs;
  keep.quietMs = nowMs;
  keep.sent = sent;
}

/** Whether a packet is due; the caller sends it. */
export function isPacketDue(keep: KeepOpen, echo: Echo, nowMs: number): boolean {
  const { latch, session, sentAtMs } = echo;
  const speaking = sentAtMs >= 0 && nowMs - sentAtMs < SPEAKING_MS;
  if (session.remote === undefined || speaking) return false;
  const heard = latch.address !== '' && latch.lastHeardMs >= keep.sinceMs;
  const quietMs = heard ? latch.lastHeardMs : keep.sinceMs;
  if (quietMs !== keep.quietMs) {
    keep.quietMs = quietMs;
    keep.sent = 0;
  }
  const atMs = (heard ? SILENCE_AT_MS : PRIMING_AT_MS)[keep.sent];
  // On hold both are silent, and nothing is wrong.
  if (atMs !== undefined && nowMs - quietMs >= atMs && (session.send || session.receive)) {
    keep.sent += 1;
    return true;
  }
  return latch.address !== '' && nowMs - Math.max(sentAtMs, keep.sinceMs) >= KEEPALIVE_MS;
}
