/**
 * The 2xx to an INVITE of ours, and its ACK (RFC 3261 §13.2.2.4).
 *
 * It is the user agent that acknowledges it, again with each retransmission, and whatever fork it comes from: the
 * first one is the call, the others are acknowledged and ended.
 */
import type { Call } from './call.ts';
import { dialogFlow, finishCall, requestWithin } from './call-end.ts';
import { takeAnswer } from './call-session.ts';
import type { CallStore } from './call-store.ts';
import type { CoreHeaders } from './core-headers.ts';
import { type Dialog, dialogAsClient } from './dialog.ts';
import type { SipResponse } from './message.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { reasonFor } from './reason.ts';
import type { HeaderLine } from './serialize-message.ts';
import type { ClientTransaction } from './transaction.ts';
import { outgoing } from './transport-layer.ts';
import type { Turn } from './turn.ts';

/** Forks of one call that are acknowledged and ended; one call rings a handful of phones. */
const MAX_FORKS = 16;

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
  const again = invite.acknowledgements.get(core.toTag ?? '');
  if (again !== undefined) {
    return store.agent.transport.transmit(turn, again.flow, again.message, call.handle);
  }
  const dialog = dialogAsClient(transaction.request, transaction.core, response, core, transaction.flow);
  if (invite.acknowledgements.size > 0) {
    if (dialog.ok) endFork(store, turn, call, invite, dialog.value);
    return;
  }
  store.disarm(call, 'ring timeout');
  store.disarm(call, 'cancel timeout');
  if (!dialog.ok) return finishCall(store, turn, call, dialog.error.detail);
  call.dialog = dialog.value;
  call.answeredMs = turn.nowMs;
  store.addDialog(call);
  acknowledge(store, turn, call, invite, dialog.value);
  turn.emit({
    type: 'dialog.changed',
    call: call.handle,
    callId: call.callId,
    localTag: dialog.value.localTag,
    remoteTag: dialog.value.remoteTag,
    from: 'none',
    to: 'confirmed',
    cause: `${response.status} received`,
  });
  takeAnswer(store, turn, call, invite, response);
}

/** The ACK to a 2xx is a request of the dialog, with the credentials of its INVITE (§13.2.2.4, §22.1). */
function acknowledge(store: CallStore, turn: Turn, call: Call, invite: OutgoingInvite, dialog: Dialog): void {
  const flow = dialogFlow(store, turn, dialog);
  const carried = (invite.sent?.request.headers ?? [])
    .filter(({ name }) => name === 'Authorization' || name === 'Proxy-Authorization')
    .map(({ name, value }): HeaderLine => [name, value]);
  const { request, core } = store.agent.newRequest(requestWithin(dialog, 'ACK', carried), flow);
  const message = outgoing(request, core.callId, `${core.cseq.number} ACK`, core.via.branch);
  invite.acknowledgements.set(dialog.remoteTag, { message, flow });
  store.agent.transport.transmit(turn, flow, message, call.handle);
}

/** Another phone answered as well: its dialog is acknowledged, and ended at once (§13.2.2.4). */
function endFork(store: CallStore, turn: Turn, call: Call, invite: OutgoingInvite, dialog: Dialog): void {
  if (invite.acknowledgements.size >= MAX_FORKS) return;
  acknowledge(store, turn, call, invite, dialog);
  const bye = requestWithin(dialog, 'BYE', reasonFor('answered elsewhere'));
  store.agent.request(turn, bye, dialogFlow(store, turn, dialog), call, call.handle);
}
