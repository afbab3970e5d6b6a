/**
 * What comes back to our re-INVITE or UPDATE (RFC 3261 §14.1, §12.2.1.2, RFC 3311 §5.1): a changed session, a refusal
 * that leaves the call as it was, or a peer that does not know the call any more.
 */
import type { Call } from './call.ts';
import { moveLater, moveRefused } from './call-move.ts';
import type { CallStore } from './call-store.ts';
import { refreshTarget } from './dialog.ts';
import { dialogFlow } from './dialog-flow.ts';
import { requestWithin } from './dialog-request.ts';
import { endCall } from './hang-up.ts';
import { holdAgreed, holdRefused } from './hold.ts';
import type { SipResponse } from './message.ts';
import { sameMedia } from './negotiated-media.ts';
import { readAnswer } from './offer.ts';
import { readDescription } from './offer-body.ts';
import { outgoing } from './outgoing.ts';
import { glareMs, isOver, type SessionChange } from './session-change.ts';
import { longerInterval, refreshAgreed, refreshLater, refreshRefused } from './session-refresh.ts';
import type { ClientTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';

/** A response to our re-INVITE or UPDATE. */
export function changeResponded(
  store: CallStore,
  turn: Turn,
  call: Call,
  change: SessionChange,
  response: SipResponse,
): void {
  const { status } = response;
  if (status < 200) return;
  const { open } = change;
  change.open = false;
  store.disarm(call, 'change timeout');
  if (status < 300) {
    if (change.sent.method === 'INVITE') acknowledge(store, turn, call, change);
    if (open && !isOver(call)) changed(store, turn, call, change, response);
  } else if (!isOver(call)) refused(store, turn, call, change, response);
}

/** A re-INVITE before the last one: its 2xx comes again, because the ACK was lost. */
export function earlierResponded(
  store: CallStore,
  turn: Turn,
  call: Call,
  earlier: ClientTransaction<unknown>,
  { status }: SipResponse,
): void {
  if (status < 200 || status >= 300) return;
  const ack = acknowledgement(store, turn, call, earlier);
  if (ack !== undefined) store.agent.transport.transmit(turn, ack.flow, ack.message, call.handle);
}

/** Nobody answered (as a 408, RFC 3261 §8.1.3.1), or it could not be sent (`error`), which may pass. */
export function changeFailed(
  store: CallStore,
  turn: Turn,
  call: Call,
  change: SessionChange,
  error: string | undefined,
): void {
  change.open = false;
  store.disarm(call, 'change timeout');
  if (isOver(call)) return;
  if (change.sent.method === 'INVITE') store.givenUp.add(call, change.sent);
  if (error === undefined) endCall(store, turn, call, `${nameOf(change)} was not answered`);
  else if (change.purpose === 'refresh') refreshLater(store, turn, call);
  else if (change.purpose === 'move') moveLater(store, turn, call);
  else holdRefused(turn, call, change.purpose, `it could not be sent: ${error}`);
}

/** Only provisional responses for 64·T1. The call may be over already, and its re-INVITE be left. */
export function changeUnanswered(store: CallStore, turn: Turn, call: Call): void {
  const { change } = call;
  if (change?.open !== true) return;
  store.agent.transactions.abandon(turn, change.sent, 'no final response to the re-INVITE');
  changeFailed(store, turn, call, change, undefined);
}

function changed(
  store: CallStore,
  turn: Turn,
  call: Call,
  change: SessionChange,
  response: SipResponse,
): void {
  const { dialog, media } = call;
  if (dialog === undefined) return;
  refreshTarget(dialog, response);
  call.told = change.told;
  refreshAgreed(store, turn, call, response);
  if (change.offer === undefined || media?.session === undefined) return;
  const answer = readDescription(response);
  const agreed = answer.ok ? readAnswer(change.offer, answer.value) : answer;
  const { purpose } = change;
  if (purpose !== 'refresh') {
    if (!agreed.ok) {
      const { detail } = agreed.error;
      return purpose === 'move' ? moveRefused(turn, call, detail) : holdRefused(turn, call, purpose, detail);
    }
    media.description = change.offer;
  }
  // What cannot be used leaves the audio as it was; what says the same is no change, unless it begins elsewhere.
  if (agreed.ok && (purpose === 'move' || !sameMedia(media.session, agreed.value))) {
    store.audio.agree(turn, call, media, agreed.value, change.offer.connection?.address ?? '');
  }
  if (purpose === 'hold' || purpose === 'resume') holdAgreed(store, turn, call, media, purpose);
}

function refused(
  store: CallStore,
  turn: Turn,
  call: Call,
  change: SessionChange,
  response: SipResponse,
): void {
  const { status, reason } = response;
  // RFC 3261 §12.2.1.2: the peer has no such dialog, or does not answer in it.
  if (status === 408 || status === 481) return endCall(store, turn, call, `${nameOf(change)} got ${status}`);
  if (change.purpose === 'refresh') return refreshRefused(store, turn, call, response);
  const timer = change.purpose === 'move' ? 'move' : 'change';
  if (status === 491) return store.arm(turn, call, timer, glareMs(store, call));
  if (status === 422 && longerInterval(call, response)) return store.arm(turn, call, timer, 0);
  if (change.purpose === 'move') return moveRefused(turn, call, `${status} ${reason}`);
  holdRefused(turn, call, change.purpose, `${status} ${reason}`);
}

function nameOf({ purpose }: SessionChange): string {
  if (purpose === 'move') return 'the re-INVITE with our new address';
  return purpose === 'refresh' ? 'the session refresh' : `the re-INVITE to ${purpose}`;
}

function acknowledge(store: CallStore, turn: Turn, call: Call, change: SessionChange): void {
  change.acknowledgement ??= acknowledgement(store, turn, call, change.sent);
  if (change.acknowledgement === undefined) return;
  const { message, flow } = change.acknowledgement;
  store.agent.transport.transmit(turn, flow, message, call.handle);
}

/** The ACK has the number of its INVITE, whatever was sent since. */
function acknowledgement(
  store: CallStore,
  turn: Turn,
  { dialog }: Call,
  invite: ClientTransaction<unknown>,
): SessionChange['acknowledgement'] {
  if (dialog === undefined) return undefined;
  const way = dialogFlow(store, turn, dialog);
  const { number } = invite.core.cseq;
  const parts = { ...requestWithin(dialog, 'ACK'), sequence: number };
  const { request, core, flow } = store.agent.large.acknowledgement(turn, parts, way);
  return { message: outgoing(request, core.callId, `${number} ACK`, core.via.branch), flow };
}
