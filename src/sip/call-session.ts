/**
 * The session of a call that we place (RFC 3264 §5, §7; RFC 3261 §13.2.1): the offer in the INVITE, the answer in the
 * 2xx or before it, or both the other way round. The one place where either is decided.
 *
 * An answer is judged before the call is called established: one that cannot be used is acknowledged all the same, and
 * the call ended with a reason.
 */
import { answerTo, type OwnHalf } from './accepting.ts';
import { diagnoseAddress } from './address-verdict.ts';
import { answerAdvice, judgeAnswer } from './answer-verdict.ts';
import { sendBye } from './bye.ts';
import { type Call, changeCall, peerAddress } from './call.ts';
import type { CallStore } from './call-store.ts';
import { pressKeys } from './dtmf-keys.ts';
import type { EarlyDialog } from './early-dialog.ts';
import { addressFamily } from './ip-address.ts';
import { localAddressOf } from './late-offer.ts';
import type { SipMessage, SipResponse } from './message.ts';
import { type NegotiatedMedia, sameMedia } from './negotiated-media.ts';
import { buildOffer, CALLER_ENCODINGS, readAnswer } from './offer.ts';
import { answerOffer, refuseAll } from './offer-answer.ts';
import { readDescription } from './offer-body.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { fail, ok, type Result, type SipError } from './result.ts';
import { parseSdp, type SessionDescription } from './sdp.ts';
import { serializeSdp } from './serialize-sdp.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';

/**
 * The body of the next try, for a peer at that address; undefined when the offer is left to the peer. Every try has the
 * same session, one version later when our address towards that peer is another one (RFC 3264 §8).
 */
export function offerBody(
  store: CallStore,
  call: Call,
  invite: OutgoingInvite,
  peer: string,
): string | undefined {
  const { action, offer: before } = invite;
  if (action.lateOffer === true) return undefined;
  if (action.sdp !== undefined) return ownText(invite, action.sdp);
  const local = localMedia(store, call, invite, peer);
  if (before === undefined) invite.offer = buildOffer(local);
  else if (localAddressOf(before) !== local.address) {
    const sessionVersion = String(BigInt(before.origin.sessionVersion) + 1n);
    invite.offer = buildOffer({ ...local, sessionId: before.origin.sessionId, sessionVersion });
  }
  return invite.offer === undefined ? undefined : serializeSdp(invite.offer);
}

/** Our end of the audio: whoever asked has it, or the media thread. */
function localMedia({ agent }: CallStore, call: Call, { action }: OutgoingInvite, peer: string) {
  const sessionId = call.media?.sessionId ?? String(agent.identifiers.word());
  const { port = 0, mapped } = call.media ?? {};
  const own = action.audio ?? agent.own.media(peer, addressFamily(peer) ?? 'ipv4', port, mapped);
  return { ...own, sessionId, sessionVersion: sessionId };
}

/** A session description that somebody wrote: it goes out as it stands, and the answer to it is judged. */
function ownText(invite: OutgoingInvite, text: string): string {
  const read = parseSdp(text);
  if (read.ok) invite.offer = read.value;
  return text;
}

/**
 * Our answer to the offer in a 2xx, or in a reliable 1xx, to an INVITE that had none: it goes into the ACK or the PRACK.
 * Undefined when there was an offer of ours, or the session is agreed already. An offer that cannot be answered is
 * answered with every line refused (RFC 3264 §6), and `takeAnswer` ends the call.
 */
export function answerLate(
  store: CallStore,
  call: Call,
  invite: OutgoingInvite,
  response: SipResponse,
  toTag: string,
): string | undefined {
  const { action, late } = invite;
  if (action.lateOffer !== true || (late?.toTag === toTag && late.half.ok)) return undefined;
  const offer = readLateOffer(response);
  const half = offer.ok ? halfFor(store, call, invite, offer.value) : offer;
  invite.late = { toTag, half };
  if (half.ok) invite.offer = half.value.description;
  if (half.ok) return action.sdp ?? serializeSdp(half.value.description);
  return refuseLate(store, call, invite, response);
}

/** The answer that refuses all of an offer that was left to the peer: for one that cannot be used, and for a fork. */
export function refuseLate(
  store: CallStore,
  call: Call,
  invite: OutgoingInvite,
  response: SipResponse,
): string | undefined {
  if (invite.action.lateOffer !== true) return undefined;
  const offer = readLateOffer(response);
  if (!offer.ok) return undefined;
  return serializeSdp(refuseAll(offer.value, localMedia(store, call, invite, peerAddress(call))));
}

function readLateOffer(response: SipResponse): Result<SessionDescription> {
  if (response.body.length > 0) return readDescription(response);
  return fail('offer-missing', 0, 488, 'our INVITE left the offer to the other side, and none came');
}

function halfFor(
  store: CallStore,
  call: Call,
  invite: OutgoingInvite,
  offer: SessionDescription,
): Result<OwnHalf> {
  const { sdp } = invite.action;
  if (sdp !== undefined) {
    const own = parseSdp(sdp);
    return own.ok ? ok({ description: own.value }) : own;
  }
  if (call.media !== undefined) return answerTo(store, call, offer);
  const local = localMedia(store, call, invite, peerAddress(call));
  return answerOffer(offer, local, { only: CALLER_ENCODINGS });
}

/**
 * The session description of a 1xx: what the phone plays before it is answered, and a preview of the answer
 * (§13.2.1). One that cannot be used says nothing: the 2xx has the last word.
 */
export function takeEarlyMedia(
  store: CallStore,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  early: EarlyDialog,
  response: SipResponse,
): void {
  const { action, offer, late } = invite;
  if (response.body.length === 0) return;
  const repeated = early.described !== undefined && early.described.body === response.body;
  early.described = response;
  if (repeated) return;
  if (action.lateOffer === true) {
    if (late?.half.ok === true) openAudio(store, turn, call, late.half.value);
    return;
  }
  if (offer === undefined) return;
  const agreed = judged(offer, response);
  if (!agreed.ok) return;
  announceEarly(turn, call, early, agreed.value);
  openAudio(store, turn, call, { description: offer, media: agreed.value });
}

function announceEarly(turn: Turn, call: Call, { dialog }: EarlyDialog, agreed: NegotiatedMedia): void {
  const { codec, remote, direction } = agreed;
  turn.emit({
    type: 'media.early',
    call: call.handle,
    ...(dialog.remoteTag === '' ? undefined : { remoteTag: dialog.remoteTag }),
    codec: codec.name,
    payloadType: codec.type,
    ...(remote === undefined ? undefined : { remoteAddress: remote.address, remotePort: remote.port }),
    direction,
  });
}

/**
 * The session of the 2xx that made the dialog, which is acknowledged by now; `described` is a 1xx that had it. Without
 * one the call is ended, with the reason in words.
 */
export function takeAnswer(
  store: CallStore,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  response: SipResponse,
  described: SipResponse | undefined,
): void {
  // RFC 3262 §5: when a reliable 1xx had the answer, the 2xx has none.
  const half = agreedHalf(invite, response.body.length === 0 ? (described ?? response) : response);
  if (!half.ok && call.ending === undefined) {
    reportUnusable(turn, call, half.error);
    call.ending = `the answer cannot be used: ${half.error.detail}`;
    call.outcome = 'unusable';
  }
  if (call.ending !== undefined || !half.ok) return sendBye(store, turn, call);
  if (call.media === undefined) announce(store, turn, call, half.value);
  else openAudio(store, turn, call, half.value);
  // Whoever waits for the call sees that it stands, also when the other side holds it from the start.
  changeCall(turn, call, 'established');
  if (call.media?.held === true) changeCall(turn, call, 'held');
  const { dtmf, durationMs } = invite.action;
  if (durationMs !== undefined) store.arm(turn, call, 'duration', durationMs);
  if (dtmf !== undefined) pressKeys(turn, call, dtmf);
}

/** Our half with what was agreed, or why there is none. */
function agreedHalf(invite: OutgoingInvite, response: SipResponse): Result<OwnHalf> {
  const { action, late } = invite;
  if (action.lateOffer === true) return late?.half ?? fail('offer-missing', 0, 488, 'no offer came');
  const description = invite.offer;
  if (description === undefined) return fail('offer-missing', 0, 500, 'we made no offer');
  const agreed = judged(description, response);
  if (agreed.ok) return ok({ description, media: agreed.value });
  // Somebody else's session may be of encodings that we know nothing of.
  return action.sdp !== undefined && agreed.error.code === UNREADABLE ? ok({ description }) : agreed;
}

/** What the judge lets pass and we cannot speak. */
const UNREADABLE = 'audio-unknown';

/** The answer in a message, judged and read. */
function judged(offer: SessionDescription, message: SipMessage): Result<NegotiatedMedia> {
  if (message.body.length === 0) {
    return fail('answer-missing', 0, 488, 'our offer was answered with nothing');
  }
  const answer = readDescription(message);
  if (!answer.ok) return answer;
  const error = judgeAnswer(offer, answer.value);
  if (error !== undefined) return { ok: false, error };
  const agreed = readAnswer(offer, answer.value);
  return agreed.ok ? agreed : fail(UNREADABLE, 0, 488, agreed.error.detail);
}

/** Opens the audio, or changes what an early answer opened. Nothing is said again that is so already. */
function openAudio(store: CallStore, turn: Turn, call: Call, { description, media: agreed }: OwnHalf): void {
  const { media } = call;
  if (media === undefined) return;
  media.description = description;
  if (agreed === undefined) return;
  if (media.session !== undefined && sameMedia(media.session, agreed)) {
    if (call.answeredMs !== undefined) store.audio.begin(turn, media);
    return;
  }
  store.audio.agree(turn, call, media, agreed, localAddressOf(description));
}

/** The audio is somebody else's: what was agreed is said, and that is all. */
function announce(store: CallStore, turn: Turn, call: Call, { description, media: agreed }: OwnHalf): void {
  if (agreed === undefined) return;
  diagnoseAddress(store.agent, turn, call, agreed);
  const { codec, remote, direction, rtcpMux } = agreed;
  turn.emit({
    type: 'media.started',
    call: call.handle,
    codec: codec.name,
    payloadType: codec.type,
    localAddress: localAddressOf(description),
    localPort: description.media.find(({ port }) => port !== 0)?.port ?? 0,
    ...(remote === undefined ? undefined : { remoteAddress: remote.address, remotePort: remote.port }),
    direction,
    rtcp: rtcpMux ? 'mux' : 'separate',
  });
}

function reportUnusable(turn: Turn, call: Call, { code, detail }: SipError): void {
  turn.emit({
    type: 'diagnosis.raised',
    call: call.handle,
    code,
    severity: 'error',
    evidence: displayText(detail),
    ...answerAdvice(code),
  });
}
