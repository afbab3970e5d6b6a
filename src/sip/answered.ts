/**
 * The 2xx to an INVITE of ours, and its ACK (RFC 3261 §13.2.2.4).
 *
 * It is the user agent that acknowledges it, again with each retransmission, and whatever fork it comes from: the
 * first one is the call, the others are acknowledged and ended.
 */
import { type Call, reportDialog } from './call.ts';
import { finishCall } from './call-end.ts';
import { noteMapping } from './call-keepalive.ts';
import { answerLate, refuseLate, takeAnswer } from './call-session.ts';
import type { CallStore } from './call-store.ts';
import { earlierResponded } from './change-response.ts';
import type { CoreHeaders } from './core-headers.ts';
import { type Dialog, dialogAsClient, dialogWithoutContact } from './dialog.ts';
import { dialogFlow } from './dialog-flow.ts';
import { requestWithin } from './dialog-request.ts';
import { type EarlyDialog, endEarlyDialogs } from './early-dialog.ts';
import type { GivenUpTry } from './given-up.ts';
import { wayOf } from './large-request.ts';
import { MAX_FORKS } from './limits.ts';
import type { SipResponse } from './message.ts';
import { outgoing } from './outgoing.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { reasonFor } from './reason.ts';
import type { SipError } from './result.ts';
import type { HeaderLine } from './serialize-message.ts';
import { takeInterval } from './session-timer.ts';
import type { ClientTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';

/** A 2xx. One that comes again, or from another fork, is acknowledged as well. */
export function answered(
  store: CallStore,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  transaction: ClientTransaction<unknown>,
  response: SipResponse,
  core: CoreHeaders,
): void {
  const tag = core.toTag ?? '';
  if (acknowledgedAgain(store, turn, call, invite, tag)) return;
  const early = invite.early.get(tag);
  const { dialog, error } = acceptedDialog(transaction, response, core, early);
  if (early !== undefined) early.dialog.state = 'confirmed';
  if (call.answeredMs !== undefined) {
    return endFork(store, turn, call, invite, transaction, dialog, response, 'answered elsewhere');
  }
  store.disarm(call, 'ring timeout');
  store.disarm(call, 'cancel timeout');
  call.dialog = dialog;
  call.answeredMs = turn.nowMs;
  noteMapping(call, response);
  store.addDialog(call);
  const answer = answerLate(store, call, invite, response, tag);
  acknowledge(store, turn, call, invite, transaction, dialog, answer);
  const from = early === undefined ? 'none' : 'early';
  reportDialog(turn, call, dialog, from, 'confirmed', `${response.status} received`);
  endEarlyDialogs(turn, call, 'answered elsewhere');
  if (error !== undefined && error.code !== 'contact-missing') {
    call.outcome ??= 'unusable';
    call.ending ??= `the ${response.status} cannot be used: ${error.detail}`;
  }
  if (early?.hungUp === true) {
    return finishCall(store, turn, call, 'BYE received before the answer', undefined, 'refused');
  }
  takeInterval(store, turn, call, response);
  takeAnswer(store, turn, call, invite, response, early?.described);
}

/**
 * A 2xx to an INVITE that was given up: it is acknowledged as well. Where it is not a re-INVITE, whose place the next
 * one has taken, it is ended: the call goes on by way of another server.
 */
export function answeredLate(
  store: CallStore,
  turn: Turn,
  { call, transaction, early }: GivenUpTry,
  response: SipResponse,
  core: CoreHeaders,
): void {
  if (transaction.core.toTag !== undefined) return earlierResponded(store, turn, call, transaction, response);
  const { outgoing: invite } = call;
  const tag = core.toTag ?? '';
  if (invite === undefined || acknowledgedAgain(store, turn, call, invite, tag)) return;
  const { dialog } = acceptedDialog(transaction, response, core, early.get(tag));
  endFork(store, turn, call, invite, transaction, dialog, response, 'another server was tried');
}

/** A 2xx that came before: its ACK goes out again. */
function acknowledgedAgain(
  store: CallStore,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  tag: string,
): boolean {
  const again = invite.acknowledgements.get(tag);
  if (again !== undefined) store.agent.transport.transmit(turn, again.flow, again.message, call.handle);
  return again !== undefined;
}

/** The dialog of a 2xx, as far as it can be read; `error` says what could not. */
function acceptedDialog(
  transaction: ClientTransaction<unknown>,
  response: SipResponse,
  core: CoreHeaders,
  early: EarlyDialog | undefined,
): { readonly dialog: Dialog; readonly error?: SipError } {
  const { request, core: asked } = transaction;
  const flow = wayOf(transaction);
  const made = dialogAsClient(request, asked, response, core, flow);
  const dialog = made.ok ? made.value : dialogWithoutContact(request, asked, response, core, flow);
  if (early !== undefined) {
    // §13.2.2.4: routes and target are those of the 2xx; the numbers go on.
    dialog.localSequence = early.dialog.localSequence;
    dialog.remoteSequence = early.dialog.remoteSequence;
  }
  return made.ok ? { dialog } : { dialog, error: made.error };
}

/** The ACK to a 2xx is a request of the dialog, with the number and the credentials of its INVITE (§13.2.2.4, §22.1). */
function acknowledge(
  store: CallStore,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  { request: asked, core: { cseq } }: ClientTransaction<unknown>,
  dialog: Dialog,
  answer: string | undefined,
): void {
  const way = dialogFlow(store, turn, dialog);
  const carried = asked.headers
    .filter(({ name }) => name === 'Authorization' || name === 'Proxy-Authorization')
    .map(({ name, value }): HeaderLine => [name, value]);
  if (answer !== undefined) carried.push(['Content-Type', 'application/sdp']);
  const parts = { ...requestWithin(dialog, 'ACK', carried, answer), sequence: cseq.number };
  const { request, core, flow } = store.agent.large.acknowledgement(turn, parts, way);
  const message = outgoing(request, core.callId, `${cseq.number} ACK`, core.via.branch);
  invite.acknowledgements.set(dialog.remoteTag, { dialog, message, flow });
  store.agent.transport.transmit(turn, flow, message, call.handle);
}

/** Nobody wants what was answered: its dialog is acknowledged, and ended at once (§13.2.2.4). */
function endFork(
  store: CallStore,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  transaction: ClientTransaction<unknown>,
  dialog: Dialog,
  response: SipResponse,
  reason: string,
): void {
  if (invite.acknowledgements.size >= MAX_FORKS) return;
  acknowledge(store, turn, call, invite, transaction, dialog, refuseLate(store, call, invite, response));
  const bye = requestWithin(dialog, 'BYE', reasonFor(reason));
  store.agent.request(turn, bye, dialogFlow(store, turn, dialog), call, call.handle);
}
