/**
 * Hold and resume from our side (RFC 3264 §8.4, RFC 3261 §14.1): a re-INVITE that changes the direction of the audio
 * and nothing else.
 *
 * What we wish is not what stands: a hold that is refused leaves the call as it was, and one that meets the peer's own
 * re-INVITE waits until that is over.
 */
import type { Call, CallMedia } from './call.ts';
import { changeCall } from './call.ts';
import type { CallStore } from './call-store.ts';
import { isAudio } from './negotiated-media.ts';
import type { SessionDescription } from './sdp.ts';
import type { Direction } from './sdp-attributes.ts';
import { isBusy, isOver, sendChange } from './session-change.ts';
import { nextVersion } from './session-version.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';

/** How long until we look again whether the other INVITE is over, in ms. */
const BUSY_MS = 200;

export type HoldWish = 'hold' | 'resume';

/** The action. Asking for what stands already changes nothing. */
export function wishHold(store: CallStore, turn: Turn, call: Call, wish: HoldWish): void {
  const standing = call.state === 'established' || call.state === 'held';
  if (!standing || isOver(call)) return holdRefused(turn, call, wish, `the call is ${call.state}`);
  if (call.media?.session === undefined) {
    return holdRefused(turn, call, wish, 'its audio is not ringback’s own');
  }
  call.wish = wish;
  tryHold(store, turn, call);
}

/** Sends the re-INVITE, if it is still wished for and nothing else is open. */
export function tryHold(store: CallStore, turn: Turn, call: Call): void {
  const { wish, media } = call;
  if (wish === undefined || isOver(call)) return;
  if (isBusy(call)) return store.arm(turn, call, 'change', BUSY_MS);
  const before = media?.description;
  if (media?.session === undefined || before === undefined) return;
  if ((wish === 'hold') === media.holding) return holdUnchanged(turn, call, media, wish);
  const direction = directionFor(wish, media.session.send);
  sendChange(store, turn, call, wish, withDirection(before, direction, nextVersion(media)));
}

/**
 * §8.4: hold turns sendrecv into sendonly, and recvonly, where the peer holds us, into inactive. `heard`: the peer
 * listens, so it does not hold us.
 */
function directionFor(wish: HoldWish, heard: boolean): Direction {
  if (wish === 'hold') return heard ? 'sendonly' : 'inactive';
  return heard ? 'sendrecv' : 'recvonly';
}

/** The same session in another direction, as another version (RFC 3264 §8). */
function withDirection(
  before: SessionDescription,
  direction: Direction,
  sessionVersion: string,
): SessionDescription {
  const { origin } = before;
  const media = before.media.map((line) => {
    if (!isAudio(line)) return line;
    const others = line.attributes.filter(({ name }) => !DIRECTIONS.has(name));
    return { ...line, attributes: [...others, { name: direction }] };
  });
  return { ...before, origin: { ...origin, sessionVersion }, media };
}

const DIRECTIONS: ReadonlySet<string> = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive']);

/** The peer took it. */
export function holdAgreed(
  store: CallStore,
  turn: Turn,
  call: Call,
  media: CallMedia,
  purpose: HoldWish,
): void {
  media.holding = purpose === 'hold';
  const to = media.held ? 'held' : 'established';
  if (call.state !== to) {
    if (call.wish === purpose) call.wish = undefined;
    changeCall(turn, call, to);
  } else holdUnchanged(turn, call, media, purpose);
  // The other one was wished for meanwhile.
  if (call.wish !== undefined) tryHold(store, turn, call);
}

/** The state of the call stays what it was. Whoever asked waits for a word all the same. */
function holdUnchanged(turn: Turn, call: Call, media: CallMedia, wish: HoldWish): void {
  if (wish === 'resume' && media.held) {
    return holdRefused(turn, call, wish, 'the other side holds the call, and only it can resume it');
  }
  if (call.wish === wish) call.wish = undefined;
  turn.emit({
    type: 'diagnosis.raised',
    call: call.handle,
    code: `${wish}-unchanged`,
    severity: 'info',
    evidence: wish === 'hold' ? 'the call is held, as it was before' : 'the call is not held, as before',
    cause: wish === 'hold' ? 'one side or the other holds it already' : 'nobody held it',
    next: 'nothing; ringback status shows the state of every call',
  });
}

/** The peer, or the network, did not take it. The call stays what it was. */
export function holdRefused(turn: Turn, call: Call, purpose: HoldWish, why: string): void {
  if (call.wish === purpose) call.wish = undefined;
  turn.emit({
    type: 'diagnosis.raised',
    call: call.handle,
    code: `${purpose}-refused`,
    severity: 'warning',
    evidence: `the ${purpose} did not happen: ${displayText(why)}`,
    cause: 'the call does not allow it now, or the other side does not',
    next: 'the call goes on as it was; look at the response to the re-INVITE with -vv',
  });
}
