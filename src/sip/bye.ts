/**
 * BYE (RFC 3261 §15.1): how a confirmed call ends, from either side.
 */
import { type Call, changeDialog, toTagOf } from './call.ts';
import { finishCall } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import { acceptRequest } from './dialog.ts';
import { dialogFlow } from './dialog-flow.ts';
import { requestWithin } from './dialog-request.ts';
import { reasonFor, withStatedReason } from './reason.ts';
import { refuse } from './refusal.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';

/**
 * Ours. The session is over once it is handed to its transaction (§15.1.1); the call is reported as ended when the
 * answer comes, or none does.
 */
export function sendBye(store: CallStore, turn: Turn, call: Call): void {
  const { dialog } = call;
  if (dialog === undefined) return finishCall(store, turn, call, call.ending ?? 'ended');
  const flow = dialogFlow(store, turn, dialog);
  store.agent.request(turn, requestWithin(dialog, 'BYE', reasonFor(call.ending)), flow, call, call.handle);
  changeDialog(turn, call, 'terminated', 'BYE sent');
  store.audio.release(turn, call);
}

/** The peer's (§15.1.2). */
export function receiveBye(store: CallStore, turn: Turn, call: Call, transaction: ServerTransaction): void {
  if (call.dialog === undefined) return;
  const { request } = transaction;
  const accepted = acceptRequest(call.dialog, transaction.core, transaction.flow);
  if (!accepted.ok) return refuse(store.agent, turn, transaction, accepted.error);
  store.agent.respond(turn, transaction, 200);
  // Two BYEs crossed: ours has its own answer to come.
  if (call.dialog.state === 'terminated') return;
  if (call.invite !== undefined) store.agent.respond(turn, call.invite, 487, toTagOf(call));
  call.invite = undefined;
  finishCall(store, turn, call, withStatedReason('BYE received', request));
}
