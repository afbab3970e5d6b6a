/**
 * PRACK (RFC 3262 §3, §5): the 180 arrived. It brings the answer when our offer was in that, and only then may the
 * call be answered.
 */
import { refuseOffer } from './accepting.ts';
import { rung } from './answering.ts';
import { type Call, toTagOf } from './call.ts';
import { finishCall } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import { acceptRequest } from './dialog.ts';
import { readLateAnswer } from './late-offer.ts';
import { field, type SipRequest } from './message.ts';
import { parseRack } from './rack.ts';
import { refuse } from './refusal.ts';
import type { ReliableProvisional } from './reliable-provisional.ts';
import { type SipError, sipError } from './result.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { refuseGlare } from './update.ts';

/** A PRACK in a dialog. One that acknowledges nothing which waits gets 481 (§3). */
export function receivePrack(store: CallStore, turn: Turn, call: Call, transaction: ServerTransaction): void {
  const { agent } = store;
  const { dialog, reliable, offering, media } = call;
  if (dialog === undefined) return;
  const { request, core, flow } = transaction;
  const accepted = acceptRequest(dialog, core, flow);
  if (!accepted.ok) return refuse(agent, turn, transaction, accepted.error);
  const mismatch = misses(request, reliable);
  if (mismatch !== undefined) return refuse(agent, turn, transaction, mismatch);
  call.reliable = undefined;
  store.disarm(call, 'reliable 1xx');
  store.disarm(call, 'no prack');
  if (offering !== undefined && media !== undefined) {
    call.offering = undefined;
    const agreed = readLateAnswer(offering, request);
    if (!agreed.ok) return endUnanswered(store, turn, call, transaction, agreed.error);
    store.audio.agree(turn, call, media, agreed.value, offering.connection?.address ?? '');
  }
  if (offering === undefined && request.body.length > 0) {
    // §5: what is in it is an offer, and that of the INVITE is still open. The 180 is acknowledged all the same.
    const detail = 'the offer of the INVITE is not answered yet';
    refuseGlare(store, turn, transaction, sipError('offer-overlaps', 500, detail));
  } else agent.respond(turn, transaction, 200);
  rung(store, turn, call);
}

/** Why a PRACK is not for that response. */
function misses(request: SipRequest, reliable: ReliableProvisional | undefined): SipError | undefined {
  const header = field(request, 'RAck');
  if (header === undefined) return sipError('rack-missing', 400, 'a PRACK without an RAck');
  const rack = parseRack(header.value, header.offset);
  if (!rack.ok) return rack.error;
  const { responseNumber, sequence, method } = rack.value;
  const matches =
    reliable?.responseNumber === responseNumber && reliable.sequence === sequence && method === 'INVITE';
  return matches ? undefined : sipError('prack-unexpected', 481, 'no response waits for that PRACK');
}

/** Our offer has no answer that can be used, so there will be no session: neither PRACK nor INVITE is accepted. */
function endUnanswered(
  store: CallStore,
  turn: Turn,
  call: Call,
  transaction: ServerTransaction,
  error: SipError,
): void {
  refuseOffer(store, turn, transaction, error);
  if (call.invite !== undefined) store.agent.respond(turn, call.invite, 488, toTagOf(call));
  call.invite = undefined;
  finishCall(store, turn, call, `no answer to our offer: ${error.detail}`, 488);
}
