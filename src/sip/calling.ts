/**
 * Calls that we place (RFC 3261 §13.2.2): what every response to an INVITE, CANCEL or BYE of ours means, and what no
 * response means.
 *
 * How a call begins is in placing.ts, a try of its INVITE in invite-attempt.ts, the 2xx in answered.ts.
 */
import { answered } from './answered.ts';
import type { Call } from './call.ts';
import { challenged } from './call-challenge.ts';
import { noteNextNonce } from './call-credentials.ts';
import { finishCall } from './call-end.ts';
import { changeFailed, changeResponded, earlierResponded } from './change-response.ts';
import type { CoreHeaders } from './core-headers.ts';
import { authorizeAgain } from './dialog-challenge.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { hopOfFlow } from './flow.ts';
import { sendInvite } from './invite-attempt.ts';
import { wayOf } from './large-request.ts';
import type { SipResponse } from './message.ts';
import { tryNext } from './next-server.ts';
import { provisional } from './provisional.ts';
import { withStatedReason } from './reason.ts';
import { redirected } from './redirect.ts';
import { refuseCall } from './refused-call.ts';
import { afterRefusal } from './session-timer.ts';
import { displayText, quote } from './text.ts';
import type { ClientTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { endUnanswered, endUnreached } from './unreached-call.ts';
import { parseWarnings } from './warning.ts';

/** Of what a peer says of its refusal, in characters: it goes onto a screen. */
const MAX_SHOWN = 240;

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
  if (transaction.core.toTag !== undefined) {
    const again = authorizeAgain(parts, turn, call, transaction, response);
    if (again !== undefined && call.change?.sent === transaction) call.change.sent = again;
    if (again !== undefined) return;
    if (transaction.method === 'INVITE' && call.change?.sent !== transaction) {
      return earlierResponded(store, turn, call, transaction, response);
    }
  }
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
  if (status < 200) return provisional(parts, turn, call, invite, transaction, response, core);
  if (status !== 401 && status !== 407) noteNextNonce(parts, invite, response);
  if (status < 300) return answered(store, turn, call, invite, transaction, response, core);
  if (call.ending !== undefined) return finishCall(store, turn, call, call.ending, status);
  if (status < 400) return redirected(parts, turn, call, invite, response);
  if (status === 401 || status === 407) return challenged(parts, turn, call, invite, response, status);
  if (status === 422 && invite.sent !== undefined) {
    const interval = afterRefusal(invite.interval, response);
    if (interval !== undefined) {
      invite.interval = interval;
      return sendInvite(parts, turn, call, invite, hopOfFlow(wayOf(invite.sent)));
    }
  }
  if (tryNext(parts, turn, call, invite, { status, reason, response })) return;
  refuseCall(store, turn, call, response, whyRefused(response));
}

/** The reason phrase, and what the peer says beyond it in Warning and Reason (§20.43, RFC 3326). */
function whyRefused(response: SipResponse): string {
  const warnings = parseWarnings(response);
  const said = warnings.ok ? warnings.value.map(({ code, text }) => `Warning ${code} ${quote(text)}`) : [];
  const phrase = [response.reason, ...said].join(', ');
  return withStatedReason(displayText(phrase).slice(0, MAX_SHOWN), response);
}

/** Nobody answered an INVITE or a BYE of ours, or it could not be sent (`error`). */
export function callFailed(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  transaction: ClientTransaction<unknown>,
  error: string | undefined,
): void {
  const { calls: store } = parts;
  const { outgoing: invite } = call;
  if (call.change?.sent === transaction) return changeFailed(store, turn, call, call.change, error);
  if (transaction.method === 'BYE') {
    if (isOwn(call, transaction)) finishCall(store, turn, call, call.ending ?? 'ended');
    return;
  }
  // A CANCEL, or a try that has its answer: the ACK to a redirection could not be delivered.
  if (invite === undefined || transaction !== invite.sent) return;
  if (call.ending !== undefined) return finishCall(store, turn, call, call.ending);
  // §8.1.3.1: a time-out counts as a 408, a transport error as a 503.
  const failed = { status: error === undefined ? 408 : 503, reason: error ?? 'no answer in time' };
  store.givenUp.add(call, transaction);
  const { explained } = invite;
  invite.explained = false;
  if (tryNext(parts, turn, call, invite, failed)) return;
  if (error === undefined) return endUnanswered(store, turn, call, invite);
  endUnreached(store, turn, call, invite, { reason: error, sent: true, explained });
}

/** Whether a request went to the dialog of the call, and not to a fork that was ended. */
function isOwn(call: Call, transaction: ClientTransaction<unknown>): boolean {
  // A peer of RFC 2543 has no tag: then the dialog's is empty, and the request has none (§12.1.1).
  return (transaction.core.toTag ?? '') === call.dialog?.remoteTag;
}
