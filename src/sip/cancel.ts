/**
 * CANCEL (RFC 3261 §9): an INVITE without a final response is taken back, ours (§9.1) or the peer's (§9.2).
 */
import { type Call, toTagOf } from './call.ts';
import { finishCall } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import { reasonFor, withStatedReason } from './reason.ts';
import { cancelFor, ownCore } from './requests.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';

/** Our INVITE is taken back. Its 487, or a 200 that crossed it, ends the call. */
export function sendCancel(store: CallStore, turn: Turn, call: Call): void {
  const { outgoing } = call;
  if (outgoing?.sent === undefined || outgoing.cancelled) return;
  outgoing.cancelled = true;
  const { request, flow } = outgoing.sent;
  const cancel = cancelFor(request, reasonFor(call.ending));
  store.agent.transactions.openClient(turn, cancel, ownCore(cancel), flow, call, call.handle);
  store.disarm(call, 'ring timeout');
  store.arm(turn, call, 'cancel timeout', 64 * store.agent.config.timers.t1Ms);
}

/** No final response to a cancelled INVITE for 64·T1: it counts as cancelled, and its transaction goes (§9.1). */
export function cancelUnanswered(store: CallStore, turn: Turn, call: Call): void {
  const sent = call.outgoing?.sent;
  if (sent !== undefined) store.agent.transactions.abandon(turn, sent, 'no answer to CANCEL');
  finishCall(store, turn, call, call.ending ?? 'cancelled');
}

/** CANCEL of an INVITE that we know (§9.2). After the final response it changes nothing. */
export function receiveCancel(
  store: CallStore,
  turn: Turn,
  transaction: ServerTransaction,
  invite: ServerTransaction,
): void {
  const { request } = transaction;
  const call = store.find(invite.call);
  // §9.2: the tag of the INVITE's response. One that was refused without a call has none that we still know.
  const toTag = call === undefined ? { toTag: store.agent.identifiers.tag() } : toTagOf(call);
  store.agent.respond(turn, transaction, 200, toTag);
  if (call === undefined || call.invite !== invite) return;
  call.invite = undefined;
  store.agent.respond(turn, invite, 487, toTagOf(call));
  if (call.answeredMs === undefined) {
    finishCall(store, turn, call, withStatedReason('cancelled', request), 487);
  }
}
