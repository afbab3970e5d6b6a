/**
 * Calls that we place (RFC 3261 §13.2.2): what every response to an INVITE, CANCEL or BYE of ours means, and what no
 * response means.
 *
 * How a call begins is in placing.ts, a try of its INVITE in invite-attempt.ts, the 2xx in answered.ts.
 */
import { answered } from './answered.ts';
import { type Call, changeCall } from './call.ts';
import { challenged } from './call-challenge.ts';
import { noteNextNonce } from './call-credentials.ts';
import { endCall, finishCall } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import { changeFailed, changeResponded } from './change-response.ts';
import type { CoreHeaders } from './core-headers.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import type { SipResponse } from './message.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { redirected } from './redirect.ts';
import { displayText } from './text.ts';
import type { ClientTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';

/** How long a phone may ring, in ms: what a proxy gives it (Timer C, §16.6 no. 11), as no time is set for us. */
const RING_TIMEOUT_MS = 180_000;

/** A response to an INVITE, a CANCEL or a BYE of ours. */
export function callResponded(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  transaction: ClientTransaction<unknown>,
  response: SipResponse,
  core: CoreHeaders,
): void {
  const { calls: store } = parts;
  if (call.change?.sent === transaction) {
    return changeResponded(store, turn, call, call.change, response);
  }
  const { status, reason } = response;
  const { outgoing: invite } = call;
  if (transaction.method === 'BYE') {
    if (status >= 200 && isOwn(call, transaction)) finishCall(store, turn, call, call.ending ?? 'ended');
    return;
  }
  if (transaction.method !== 'INVITE' || invite === undefined) return;
  if (status < 200) return provisional(store, turn, call, invite, status);
  if (status !== 401 && status !== 407) noteNextNonce(parts, invite, response);
  if (status < 300) return answered(store, turn, call, invite, transaction, response, core);
  if (call.ending !== undefined) return finishCall(store, turn, call, call.ending, status);
  if (status < 400) return redirected(parts, turn, call, invite, response);
  if (status === 401 || status === 407) return challenged(parts, turn, call, invite, response, status);
  finishCall(store, turn, call, displayText(reason), status);
}

/** Nobody answered an INVITE or a BYE of ours, or it could not be sent (`error`). */
export function callFailed(
  { calls: store }: EndpointParts,
  turn: Turn,
  call: Call,
  transaction: ClientTransaction<unknown>,
  error: string | undefined,
): void {
  if (call.change?.sent === transaction) return changeFailed(store, turn, call, call.change, error);
  if (transaction.method === 'BYE') {
    if (isOwn(call, transaction)) finishCall(store, turn, call, call.ending ?? 'ended');
    return;
  }
  // A CANCEL, or a try that has its answer: the ACK to a redirection could not be delivered.
  if (transaction !== call.outgoing?.sent) return;
  if (call.ending !== undefined) return finishCall(store, turn, call, call.ending);
  // §8.1.3.1: a time-out counts as a 408, a transport error as a 503.
  finishCall(store, turn, call, error ?? 'no answer in time', error === undefined ? 408 : 503);
}

function provisional(store: CallStore, turn: Turn, call: Call, invite: OutgoingInvite, status: number): void {
  invite.provisional = true;
  if (call.ending !== undefined) endCall(store, turn, call, call.ending);
  else {
    if (call.timers['ring timeout'] === undefined) store.arm(turn, call, 'ring timeout', RING_TIMEOUT_MS);
    if (status > 100) changeCall(turn, call, 'ringing', { status });
  }
}

/** Whether a request went to the dialog of the call, and not to a fork that was ended. */
function isOwn(call: Call, transaction: ClientTransaction<unknown>): boolean {
  // A peer of RFC 2543 has no tag: then the dialog's is empty, and the request has none (§12.1.1).
  return (transaction.core.toTag ?? '') === call.dialog?.remoteTag;
}
