/**
 * The session of a call that we place (RFC 3264 §5, §7; RFC 3261 §13.2.1): the offer in the INVITE, and what the
 * answer in the 2xx agreed. The one place where either is decided.
 */
import { type Call, changeCall } from './call.ts';
import { sendBye } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import type { EarlyDialog } from './early-dialog.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import type { SipResponse } from './message.ts';
import { buildOffer, readAnswer } from './offer.ts';
import { readDescription } from './offer-body.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { fail } from './result.ts';
import type { SessionDescription } from './sdp.ts';
import { latin1 } from './text.ts';
import type { Turn } from './turn.ts';

/** The offer of the first try. */
export function offerOf({ agent }: EndpointParts, { action }: OutgoingInvite): SessionDescription {
  const sessionId = String(agent.identifiers.word());
  return buildOffer({ ...action.audio, sessionId, sessionVersion: sessionId });
}

/**
 * The session description of a 1xx: what the phone plays before it is answered, and a preview of the answer
 * (RFC 3261 §13.2.1). One that cannot be used says nothing: the 2xx has the last word.
 */
export function takeEarlyMedia(
  turn: Turn,
  call: Call,
  { offer }: OutgoingInvite,
  early: EarlyDialog,
  response: SipResponse,
): void {
  if (response.body.length === 0) return;
  const repeated = early.described !== undefined && latin1(early.described.body) === latin1(response.body);
  early.described = response;
  if (repeated || offer === undefined) return;
  const answer = readDescription(response);
  const agreed = answer.ok ? readAnswer(offer, answer.value) : answer;
  if (!agreed.ok) return;
  const { codec, remote, direction } = agreed.value;
  turn.emit({
    type: 'media.early',
    call: call.handle,
    ...(early.dialog.remoteTag === '' ? undefined : { remoteTag: early.dialog.remoteTag }),
    codec: codec.name,
    payloadType: codec.type,
    ...(remote === undefined ? undefined : { remoteAddress: remote.address, remotePort: remote.port }),
    direction,
  });
}

/** The answer in the 2xx that made the dialog, which is acknowledged by now; `described` is a 1xx that had it. One that cannot be used ends the call. */
export function takeAnswer(
  store: CallStore,
  turn: Turn,
  call: Call,
  { offer, action }: OutgoingInvite,
  response: SipResponse,
  described: SipResponse | undefined,
): void {
  // RFC 3262 §5: when a reliable 1xx had the answer, the 2xx has none.
  const answer = readDescription(response.body.length === 0 ? (described ?? response) : response);
  const agreed =
    offer === undefined
      ? fail('offer-missing', 0, 500, 'we made no offer')
      : answer.ok
        ? readAnswer(offer, answer.value)
        : answer;
  if (!agreed.ok && call.ending === undefined) {
    call.ending = `the answer cannot be used: ${agreed.error.detail}`;
    call.outcome = 'unusable';
  }
  if (call.ending !== undefined || !agreed.ok) return sendBye(store, turn, call);
  const { codec, remote, direction, rtcpMux } = agreed.value;
  turn.emit({
    type: 'media.started',
    call: call.handle,
    codec: codec.name,
    payloadType: codec.type,
    localAddress: offer?.connection?.address ?? '',
    localPort: offer?.media[0]?.port ?? 0,
    ...(remote === undefined ? undefined : { remoteAddress: remote.address, remotePort: remote.port }),
    direction,
    rtcp: rtcpMux ? 'mux' : 'separate',
  });
  changeCall(turn, call, 'established');
  if (action.durationMs !== undefined) store.arm(turn, call, 'duration', action.durationMs);
}
