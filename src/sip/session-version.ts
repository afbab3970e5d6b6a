/**
 * The version of our session description, in its o= line (RFC 3264 §8): one more with every change, and never the same
 * number for two descriptions.
 *
 * An offer that was refused has used its number up, although the session is what it was: a peer that goes by numbers
 * would take the next description for the one that it has refused.
 */
import type { CallMedia } from './call.ts';
import type { SessionDescription } from './sdp.ts';

/** An offer goes out. One that says nothing new has a number of before, and frees none that was used since. */
export function noteOffered(media: CallMedia, { origin }: SessionDescription): void {
  media.offeredVersion = Math.max(media.offeredVersion ?? 0, Number(origin.sessionVersion));
}

/** The version of the next description that is another one. They start at 32 bits, so that a number holds them. */
export function nextVersion({ sessionId, description, offeredVersion }: CallMedia): string {
  const sent = Number(description?.origin.sessionVersion ?? sessionId);
  return String(Math.max(sent, offeredVersion ?? 0) + 1);
}
