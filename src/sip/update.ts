/**
 * UPDATE (RFC 3311 §5.2): a session is changed, or only kept alive, without an INVITE. It may come before the call
 * is answered, where a re-INVITE may not.
 *
 * It is answered at once and needs no ACK, so an offer in it must not cross one that is still open.
 */
import { answerTo, contactOf, refuseOffer } from './accepting.ts';
import { type Call, changeCall } from './call.ts';
import type { CallStore } from './call-store.ts';
import { acceptRequest, refreshTarget } from './dialog.ts';
import type { Answer } from './offer-answer.ts';
import { readOffer } from './offer-body.ts';
import { refuse, retryAfter } from './refusal.ts';
import { type SipError, sipError } from './result.ts';
import type { HeaderLine } from './serialize-message.ts';
import { serializeSdp } from './serialize-sdp.ts';
import { agreeInterval, refuseInterval } from './session-timer.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { ALLOW, SUPPORTED } from './user-agent.ts';

/** An UPDATE in a dialog, early or confirmed. What fails leaves the call as it was. */
export function receiveUpdate(
  store: CallStore,
  turn: Turn,
  call: Call,
  transaction: ServerTransaction,
): void {
  const { agent } = store;
  const { dialog } = call;
  if (dialog === undefined) return;
  const { request, core, flow } = transaction;
  const accepted = acceptRequest(dialog, core, flow);
  if (!accepted.ok) return refuse(agent, turn, transaction, accepted.error);
  if (refuseInterval(store, turn, transaction)) return;
  const offer = readOffer(request);
  if (!offer.ok) return refuseOffer(store, turn, transaction, offer.error);
  let answer: Answer | undefined;
  if (offer.value !== undefined) {
    const glare = offerGlare(call);
    if (glare !== undefined) return refuseGlare(store, turn, transaction, glare);
    const answered = answerTo(store, call, offer.value);
    if (!answered.ok) return refuseOffer(store, turn, transaction, answered.error);
    answer = answered.value;
  }
  // RFC 3311 §5.1: the Contact of an UPDATE moves the target, as that of a re-INVITE does.
  refreshTarget(dialog, request);
  const headers: HeaderLine[] = [
    ['Contact', contactOf(store, call, transaction)],
    ['Allow', ALLOW],
    ['Supported', SUPPORTED],
    ...agreeInterval(store, turn, call, request),
  ];
  if (answer === undefined) return agent.respond(turn, transaction, 200, { headers });
  headers.push(['Content-Type', 'application/sdp']);
  const body = serializeSdp(answer.description);
  changeSession(store, turn, call, answer);
  agent.respond(turn, transaction, 200, { headers, body });
}

function changeSession(store: CallStore, turn: Turn, call: Call, { description, media }: Answer): void {
  if (call.media === undefined) return;
  call.media.description = description;
  store.audio.agree(turn, call, call.media, media, description.connection?.address ?? '');
  // Before the ACK the call is not established, held or not.
  if (call.state === 'established' || call.state === 'held') {
    changeCall(turn, call, media.held ? 'held' : 'established');
  }
}

/** Why no offer can be taken now: one that is open already, theirs (500) or ours (491) (RFC 3311 §5.2). */
export function offerGlare(call: Call): SipError | undefined {
  if (call.offering !== undefined || (call.change?.open === true && call.change.offer !== undefined)) {
    return sipError('offer-pending', 491, 'our own offer is not answered yet');
  }
  if (call.invite !== undefined && call.media?.session === undefined) {
    return sipError('offer-overlaps', 500, 'the offer of the INVITE is not answered yet');
  }
  // A call that we placed has its audio elsewhere: its session stays what it is (RFC 3261 §14.2 asks for 488).
  if (call.media?.session === undefined) {
    return sipError('session-fixed', 488, 'its audio cannot be changed');
  }
  return undefined;
}

/** Refuses what crosses an open offer; a 500 says when to come again, within 10 s (RFC 3261 §14.2). */
export function refuseGlare(
  store: CallStore,
  turn: Turn,
  transaction: ServerTransaction,
  error: SipError,
): void {
  const headers = error.status === 500 ? [retryAfter(1 + (store.agent.identifiers.word() % 10))] : [];
  refuse(store.agent, turn, transaction, error, { headers });
}
