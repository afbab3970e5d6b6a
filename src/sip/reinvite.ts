/**
 * A re-INVITE (RFC 3261 §14.2): hold, resume, another address, other codecs, or an offer asked of us. What fails
 * leaves the call as it was.
 */
import { accept, answerTo, refuseOffer } from './accepting.ts';
import type { Call } from './call.ts';
import type { CallStore } from './call-store.ts';
import { acceptRequest, refreshTarget } from './dialog.ts';
import { lateOffer } from './late-offer.ts';
import { readOffer } from './offer-body.ts';
import { refuse } from './refusal.ts';
import { sipError } from './result.ts';
import { refuseInterval } from './session-timer.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { offerGlare, refuseGlare } from './update.ts';

/** A re-INVITE (§14.2). What fails leaves the call as it was. */
export function receiveReinvite(
  store: CallStore,
  turn: Turn,
  call: Call,
  transaction: ServerTransaction,
): void {
  const { agent } = store;
  const { dialog } = call;
  if (dialog === undefined) return;
  // §14.2: a second INVITE before the first one has its final response.
  if (call.invite !== undefined) {
    const error = sipError('invite-overlaps', 500, 'an INVITE of this dialog is still being answered');
    return refuseGlare(store, turn, transaction, error);
  }
  const accepted = acceptRequest(dialog, transaction.core, transaction.flow);
  if (!accepted.ok) return refuse(agent, turn, transaction, accepted.error);
  if (call.ending !== undefined) {
    return refuse(agent, turn, transaction, sipError('call-ending', 481, 'the call is being ended'));
  }
  // §14.2: both sides may not have an offer out at the same time.
  const glare = offerGlare(call);
  if (glare !== undefined) return refuseGlare(store, turn, transaction, glare);
  if (refuseInterval(store, turn, transaction)) return;
  const offer = readOffer(transaction.request);
  if (!offer.ok) return refuseOffer(store, turn, transaction, offer.error);
  call.invite = transaction;
  agent.respond(turn, transaction, 100);
  const half = offer.value === undefined ? lateOffer(store, call) : answerTo(store, call, offer.value);
  if (!half.ok) {
    call.invite = undefined;
    return refuseOffer(store, turn, transaction, half.error);
  }
  refreshTarget(dialog, transaction.request);
  accept(store, turn, call, half.value);
}
