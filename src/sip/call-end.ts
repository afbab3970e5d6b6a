/**
 * How calls end: our BYE (RFC 3261 §15.1.1), our CANCEL (§9.1), and letting go of everything a call held.
 */
import { type Call, changeCall, changeDialog } from './call.ts';
import { type CallOutcome, outcomeOf } from './call-outcome.ts';
import type { CallStore } from './call-store.ts';
import { type Dialog, routed } from './dialog.ts';
import { dialogFlow } from './dialog-flow.ts';
import { endEarlyDialogs } from './early-dialog.ts';
import { reasonFor } from './reason.ts';
import { cancelFor, ownCore } from './requests.ts';
import type { HeaderLine } from './serialize-message.ts';
import type { Turn } from './turn.ts';
import type { RequestParts } from './user-agent.ts';

/**
 * Ends a call from our side: BYE once its dialog is confirmed, CANCEL while our INVITE rings. A callee waits for
 * the ACK first (§15); a caller waits for the first provisional response (§9.1).
 */
export function endCall(store: CallStore, turn: Turn, call: Call, reason: string): void {
  if (call.state === 'terminated' || call.dialog?.state === 'terminated') return;
  call.ending ??= reason;
  if (call.unacknowledged !== undefined) return;
  const { outgoing } = call;
  if (outgoing !== undefined && call.answeredMs === undefined) {
    if (outgoing.sent === undefined) finishCall(store, turn, call, reason);
    else if (outgoing.provisional) sendCancel(store, turn, call);
    return;
  }
  sendBye(store, turn, call);
}

/** Our INVITE is taken back. Its 487, or a 200 that crossed it, ends the call. */
function sendCancel(store: CallStore, turn: Turn, call: Call): void {
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

/**
 * BYE. The session is over once it is handed to its transaction (§15.1.1); the call is reported as ended when the
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

/**
 * The call is over, whoever ended it: everything it held goes back. `outcome` where the status does not tell it, and
 * nothing did before (call-outcome.ts).
 */
export function finishCall(
  store: CallStore,
  turn: Turn,
  call: Call,
  reason: string,
  status?: number,
  outcome?: CallOutcome,
): void {
  call.outcome ??= outcome;
  endEarlyDialogs(turn, call, status === undefined ? reason : `${status} received`);
  if (call.dialog !== undefined && call.dialog.state !== 'terminated') {
    changeDialog(turn, call, 'terminated', reason);
  }
  store.audio.release(turn, call);
  store.remove(call);
  const cameTo = call.direction === 'outgoing' ? outcomeOf(call, status) : undefined;
  changeCall(turn, call, 'terminated', { reason, status, outcome: cameTo });
}

/** The next request of ours in a dialog (§12.2.1.1). */
export function requestWithin(
  dialog: Dialog,
  method: string,
  headers: readonly HeaderLine[] = [],
  body?: string,
): RequestParts {
  if (method !== 'ACK') dialog.localSequence += 1;
  const { requestUri, routes } = routed(dialog);
  return {
    method,
    uri: requestUri,
    from: dialog.local,
    to: dialog.remote,
    callId: dialog.callId,
    sequence: dialog.localSequence,
    routes,
    headers,
    ...(body === undefined ? undefined : { body }),
  };
}
