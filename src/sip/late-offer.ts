/**
 * The late offer (RFC 3261 §13.2.1, §13.3.1, §14.2): an INVITE without a session description leaves the offer to us.
 * It goes out in the 200, and the ACK has to bring the answer.
 *
 * A call whose offer is not answered has no session, so it ends; a call that had one keeps it.
 */
import { type Call, peerAddress } from './call.ts';
import type { CallStore } from './call-store.ts';
import { type Flow, formatAddress } from './flow.ts';
import { addressFamily } from './ip-address.ts';
import type { SipMessage, SipRequest } from './message.ts';
import type { NegotiatedMedia } from './negotiated-media.ts';
import { buildOffer, CALLER_CODECS, ECHO_CODECS, readAnswer, renewOffer } from './offer.ts';
import { sameSession } from './offer-answer.ts';
import { readDescription } from './offer-body.ts';
import { fail, ok, type Result, type SipError } from './result.ts';
import type { SessionDescription } from './sdp.ts';
import { nextVersion } from './session-version.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';

/** Our offer: all that the echo loops, or in a call that stands its lines again, both ways (RFC 3264 §8). */
export function lateOffer(
  store: CallStore,
  call: Call,
): Result<{ readonly description: SessionDescription }> {
  const { media } = call;
  if (media === undefined) return fail('no-port', 0, 503, 'no RTP port');
  const before = media.description;
  const peer = peerAddress(call);
  // The family in use, or that of the signalling: nothing else is known of the peer.
  const family = before?.connection?.family ?? addressFamily(peer) ?? 'ipv4';
  const local = {
    ...store.agent.own.media(peer, family, media.port, media.mapped),
    sessionId: media.sessionId,
    sessionVersion: before?.origin.sessionVersion ?? media.sessionId,
  };
  const codecs = media.mode?.type === 'talk' ? CALLER_CODECS : ECHO_CODECS;
  if (before === undefined) return ok({ description: buildOffer(local, codecs) });
  const direction = media.holding ? 'sendonly' : 'sendrecv';
  const offer = renewOffer(before, local, codecs, direction);
  if (sameSession(before, offer)) return ok({ description: offer });
  const changed = { ...local, sessionVersion: nextVersion(media) };
  return ok({ description: renewOffer(before, changed, codecs, direction) });
}

/** The answer in the ACK to our offer. Without one that can be used the session stays what it was, if it was one. */
export function takeLateAnswer(store: CallStore, turn: Turn, call: Call, ack: SipRequest, flow: Flow): void {
  const { offering, media } = call;
  call.offering = undefined;
  if (offering === undefined || media === undefined) return;
  const agreed = readLateAnswer(offering, ack);
  if (agreed.ok) return store.audio.agree(turn, call, media, agreed.value, localAddressOf(offering));
  reportBadAnswer(turn, call, agreed.error, flow);
  if (media.session === undefined) call.ending ??= `no answer to our offer: ${agreed.error.detail}`;
}

/** What the answer in a message agreed to our offer. Errors: `answer-missing`, those of the body, `readAnswer`'s. */
export function readLateAnswer(offer: SessionDescription, message: SipMessage): Result<NegotiatedMedia> {
  if (message.body.length === 0) {
    return fail('answer-missing', 0, 400, 'our offer was answered with nothing');
  }
  const answer = readDescription(message);
  return answer.ok ? readAnswer(offer, answer.value) : answer;
}

/** The address that our description names for the session; empty: none. */
export function localAddressOf(description: SessionDescription): string {
  return description.connection?.address ?? '';
}

/** An ACK gets no response, so what is wrong with it can only be said. */
function reportBadAnswer(turn: Turn, call: Call, error: SipError, flow: Flow): void {
  turn.emit({
    type: 'sip.rejected',
    call: call.handle,
    transport: flow.transport,
    remote: formatAddress(flow.remote),
    code: error.code,
    offset: error.offset,
    ...(error.header === undefined ? undefined : { header: error.header }),
    detail: displayText(error.detail),
    hint: 'an INVITE without an offer gets ours in the 200; put the answer into the ACK (RFC 3261 §13.2.1)',
  });
}
