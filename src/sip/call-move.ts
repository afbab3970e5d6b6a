/**
 * A call follows our address (RFC 3261 §12.2.1, §14.1; RFC 3264 §8): when the machine changes its network, or a NAT its
 * mapping, the peer is told the new Contact, and where the audio is to go, in one re-INVITE.
 *
 * Why one after the other: whoever holds 200 calls and takes out a cable would send 200 INVITEs at once through what has
 * only just come up.
 */
import { type Call, peerAddress } from './call.ts';
import { isOutdated } from './call-contact.ts';
import type { CallStore } from './call-store.ts';
import { cancelUnanswered } from './cancel.ts';
import { isReliable } from './flow.ts';
import { endCall } from './hang-up.ts';
import { value } from './message.ts';
import { isAudio } from './negotiated-media.ts';
import { rtcpPortOf } from './offer-answer.ts';
import type { OwnAddresses } from './own-address.ts';
import type { SessionDescription } from './sdp.ts';
import { isBusy, isOver, sendChange } from './session-change.ts';
import { nextVersion } from './session-version.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';
import { parseVia } from './via.ts';

/** Before the first re-INVITE, in ms: the registration goes first, and may show one more mapping. */
const FIRST_MS = 500;
/** Between the re-INVITEs of two calls, in ms: 20 a second. */
const SPREAD_MS = 50;
/** How long until we look again whether another request of the call is over, or its phone answered, in ms. */
const BUSY_MS = 500;
/** Between two moves of one call, in ms. */
const PAUSE_MS = 5_000;
/** Why a call that rang has ended. */
const MOVED = 'our address has changed';
/** How long until a move that could not be sent is tried again, in ms. */
const RETRY_MS = 10_000;

/** Our address is another one, towards some peers at least: their calls are told, one after the other. */
export function moveCalls(store: CallStore, turn: Turn): void {
  let waitMs = FIRST_MS;
  for (const call of store.all()) {
    if (isOver(call) || !isElsewhere(store, call)) continue;
    store.arm(turn, call, 'move', waitMs);
    waitMs += SPREAD_MS;
  }
}

/**
 * The connection of a registration is gone: a server reaches us by no other, in a call neither (RFC 5626 §5.3), so its
 * calls are told by way of a new one.
 */
export function moveCallsOff(store: CallStore, turn: Turn, connection: number): void {
  for (const call of store.all()) {
    if (call.told?.flow.connection === connection) call.told = { ...call.told, cut: true };
  }
  moveCalls(store, turn);
}

/**
 * Calls of ours that ring, over UDP, and have their answer sent to an address that is gone: whoever took the INVITE keeps
 * to where it came from (§18.2.2, RFC 3581 §4). They are taken back, and end now, as those on a connection that is gone
 * do: nobody would hear of the answer, and the callee would.
 */
export function endUnanswerable(store: CallStore, turn: Turn): void {
  const { own } = store.agent;
  for (const call of [...store.all()]) {
    const { outgoing } = call;
    if (outgoing?.sent === undefined || call.answeredMs !== undefined || !outgoing.provisional) continue;
    const { request, flow } = outgoing.sent;
    if (isReliable(flow.transport) || !own.hasRouteTo(flow.remote.address)) continue;
    const via = parseVia(value(request, 'Via') ?? '');
    if (!via.ok || own.isLocal(via.value.host) || own.isAdvertised(via.value.host)) continue;
    call.outcome ??= call.ending === undefined ? 'unreachable' : 'cancelled';
    endCall(store, turn, call, MOVED);
    cancelUnanswered(store, turn, call);
  }
}

/** The deadline `move`. What the peer knows by then, from its own re-INVITE or a hold of ours, is not said again. */
export function tryMove(store: CallStore, turn: Turn, call: Call): void {
  if (isOver(call) || !isElsewhere(store, call)) return;
  const standing = call.state === 'established' || call.state === 'held';
  if (!standing || isBusy(call)) return store.arm(turn, call, 'move', BUSY_MS);
  const pauseMs = call.movedMs === undefined ? 0 : call.movedMs + PAUSE_MS - turn.nowMs;
  if (pauseMs > 0) return store.arm(turn, call, 'move', pauseMs);
  call.movedMs = turn.nowMs;
  sendChange(store, turn, call, 'move', movedOffer(store, call));
}

/** It could not be sent. */
export function moveLater(store: CallStore, turn: Turn, call: Call): void {
  store.arm(turn, call, 'move', RETRY_MS);
}

/** The peer did not take it: nothing more can be done until our address changes once more. */
export function moveRefused(turn: Turn, call: Call, why: string): void {
  turn.emit({
    type: 'diagnosis.raised',
    call: call.handle,
    code: 'call-not-moved',
    severity: 'warning',
    evidence: `our address has changed, and the re-INVITE that says so was not taken: ${displayText(why)}`,
    cause: 'the other side does not allow a change, or cannot reach the new address',
    next: 'its audio may go to the old address: place the call again if nothing is heard',
  });
}

/** Whether the peer would send to another address than ours is now: its requests, or its audio. */
function isElsewhere({ agent }: CallStore, call: Call): boolean {
  const { told, media } = call;
  if (!agent.own.hasRouteTo(peerAddress(call))) return false;
  if (told !== undefined && isOutdated(agent.own, told)) return true;
  const description = media?.session === undefined ? undefined : media.description;
  return description !== undefined && withAddress(agent.own, call, description) !== description;
}

/** The session at our address of now, one version later when that is another one; undefined without audio of ours. */
function movedOffer(store: CallStore, call: Call): SessionDescription | undefined {
  const { media, outgoing, session } = call;
  if (media?.session === undefined || media.description === undefined) {
    // The audio is somebody else's and stays where it is: a peer that takes UPDATE is told of our Contact alone.
    return session?.byUpdate === true ? undefined : outgoing?.offer;
  }
  const moved = withAddress(store.agent.own, call, media.description);
  if (moved === media.description) return moved;
  return { ...moved, origin: { ...moved.origin, sessionVersion: nextVersion(media) } };
}

/** The description with our address and port as they are now; the same one when they are what it says. */
function withAddress(own: OwnAddresses, call: Call, description: SessionDescription): SessionDescription {
  const { connection, origin } = description;
  const { media } = call;
  if (connection === undefined || media === undefined) return description;
  const { family } = connection;
  const here = own.media(peerAddress(call), family, media.port, media.mapped);
  const { address, port } = here;
  const audio = description.media.find((line) => isAudio(line) && line.port !== 0);
  if (connection.address === address && (audio === undefined || audio.port === port)) return description;
  const now = { family: address.includes(':') ? 'ipv6' : 'ipv4', address } as const;
  return {
    ...description,
    origin: { ...origin, ...now },
    connection: now,
    media: description.media.map((line) => {
      if (!isAudio(line) || line.port === 0) return line;
      const others = line.attributes.filter(({ name }) => name !== 'rtcp');
      return { ...line, port, attributes: [...others, ...rtcpPortOf(here)] };
    }),
  };
}
