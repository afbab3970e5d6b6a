/**
 * The 200 to an INVITE, and its ACK (RFC 3261 §13.3.1.4): sent, repeated until it is acknowledged, and the call
 * ended when it never is. The same for the first INVITE of a call and for every later one (§14.2).
 *
 * The offer may stand on either side: then the 200 has our answer, or it has our offer and the ACK the answer.
 */
import { type Call, changeCall, changeDialog, peerAddress } from './call.ts';
import { contactToTell } from './call-contact.ts';
import { finishCall } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import type { CoreHeaders } from './core-headers.ts';
import { acceptRequest } from './dialog.ts';
import type { Flow } from './flow.ts';
import { endCall } from './hang-up.ts';
import { takeLateAnswer } from './late-offer.ts';
import type { SipRequest } from './message.ts';
import type { NegotiatedMedia } from './negotiated-media.ts';
import { CALLER_ENCODINGS } from './offer.ts';
import { type Answer, answerOffer, mediaWarning, offeredAddressFamily, sameSession } from './offer-answer.ts';
import { reportBadMessage } from './received.ts';
import { refuse } from './refusal.ts';
import { fail, type Result, type SipError } from './result.ts';
import type { SessionDescription } from './sdp.ts';
import type { HeaderLine } from './serialize-message.ts';
import { serializeSdp } from './serialize-sdp.ts';
import { agreeInterval } from './session-timer.ts';
import { nextVersion } from './session-version.ts';
import { asksForSips } from './sips.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { userOf } from './uri.ts';
import { ACCEPT, ALLOW, SUPPORTED } from './user-agent.ts';

/** How often Timer E sends a request again before Timer F ends it (§17.1.2.2). */
const BYE_REPEATS = 10;

/** What a 200 says of the session: our answer with what was agreed, or our offer, with nothing agreed yet. */
export interface OwnHalf {
  readonly description: SessionDescription;
  readonly media?: NegotiatedMedia;
}

/**
 * Sends the 200 with our half of the session, opens or changes the audio once it is agreed, and waits for the ACK.
 * Without a half the session was agreed before (RFC 3262 §5).
 */
export function accept(store: CallStore, turn: Turn, call: Call, half: OwnHalf | undefined): void {
  const { invite, media } = call;
  if (invite === undefined || media === undefined) return;
  if (half !== undefined) {
    const { description } = half;
    media.description = description;
    if (half.media === undefined) {
      call.offering = description;
      media.offeredMs ??= turn.nowMs;
    } else store.audio.agree(turn, call, media, half.media, description.connection?.address ?? '');
  }
  const headers: HeaderLine[] = [
    ['Contact', contactOf(store, call)],
    ['Allow', ALLOW],
    ['Supported', SUPPORTED],
  ];
  for (const line of agreeInterval(store, turn, call, invite.request)) headers.push(line);
  if (half !== undefined) headers.push(['Content-Type', 'application/sdp']);
  const body = half === undefined ? undefined : serializeSdp(half.description);
  const sequence = invite.core.cseq.number;
  store.agent.respond(turn, invite, 200, { toTag: call.dialog?.localTag, headers, body });
  call.invite = undefined;
  call.offered = undefined;
  call.answer = undefined;
  const { t1Ms } = store.agent.config.timers;
  call.unacknowledged = { transaction: invite, sequence, intervalMs: t1Ms };
  store.arm(turn, call, '2xx', t1Ms);
  store.arm(turn, call, 'no ack', 64 * t1Ms);
}

/** ACK to a 2xx (§13.3.1.4): the session stands, unless our offer was in the 2xx and the ACK has no answer to it. */
export function receiveAck(
  store: CallStore,
  turn: Turn,
  call: Call,
  request: SipRequest,
  core: CoreHeaders,
  flow: Flow,
): void {
  const waiting = call.unacknowledged;
  if (waiting === undefined || waiting.sequence !== core.cseq.number) return;
  const accepted = call.dialog === undefined ? undefined : acceptRequest(call.dialog, core, flow);
  // Nobody answers an ACK; the 200 is repeated until one comes that may.
  if (accepted?.ok === false) return reportBadMessage(turn, flow, accepted.error, undefined, call.handle);
  store.agent.transport.sources.release(call.heldFor);
  call.heldFor = undefined;
  store.agent.transactions.settle(waiting.transaction);
  call.unacknowledged = undefined;
  store.disarm(call, '2xx');
  store.disarm(call, 'no ack');
  if (call.dialog?.state === 'early') changeDialog(turn, call, 'confirmed', 'ACK received');
  if (call.offering !== undefined) takeLateAnswer(store, turn, call, request, flow);
  // Without anything agreed there is no session: the call ends as it was answered.
  if (call.media?.session !== undefined) {
    changeCall(turn, call, call.media.held ? 'held' : 'established');
  }
  // §15: a callee says BYE only after the ACK; somebody asked for it before.
  if (call.ending !== undefined) endCall(store, turn, call, call.ending);
}

/** The 2xx again, at intervals that double up to T2 (§13.3.1.4). */
export function repeatOk(store: CallStore, turn: Turn, call: Call): void {
  const waiting = call.unacknowledged;
  if (waiting === undefined) return;
  const { transaction } = waiting;
  const { sources } = store.agent.transport;
  if (sources.mayRepeat(transaction.flow, turn.nowMs)) store.agent.transactions.repeatOk(turn, transaction);
  waiting.intervalMs = Math.min(2 * waiting.intervalMs, store.agent.config.timers.t2Ms);
  store.arm(turn, call, '2xx', waiting.intervalMs);
}

/** No ACK for 64·T1 (§13.3.1.4): the dialog is confirmed, and ended with a BYE. */
export function acknowledgementMissing(store: CallStore, turn: Turn, call: Call): void {
  const transaction = call.unacknowledged?.transaction;
  if (transaction === undefined) return;
  call.unacknowledged = undefined;
  store.disarm(call, '2xx');
  turn.emit({
    type: 'diagnosis.raised',
    call: call.handle,
    code: 'ack-missing',
    severity: 'error',
    evidence: `our 200 to ${call.peer} was repeated for ${(64 * store.agent.config.timers.t1Ms) / 1000} s and no ACK came`,
    cause: 'the caller cannot reach our Contact, or a proxy on the way lost the route',
    next: 'look at Contact and Record-Route in the 200, and set --advertise-ip when the Contact is private',
  });
  const reason = call.ending ?? 'no ACK';
  // A BYE would go out eleven times, to an address that may be somebody else's.
  const { sources } = store.agent.transport;
  if (!sources.mayRepeat(call.dialog?.flow ?? transaction.flow, turn.nowMs, BYE_REPEATS)) {
    return finishCall(store, turn, call, reason);
  }
  endCall(store, turn, call, reason);
}

/** Our answer to an offer, its version counted up when it differs from what we sent last (RFC 3264 §8). */
export function answerTo(store: CallStore, call: Call, offer: SessionDescription): Result<Answer> {
  const { media } = call;
  if (media === undefined) return fail('no-port', 0, 503, 'no RTP port');
  const peer = peerAddress(call);
  const before = media.description;
  const { address, port, rtcpPort } = store.agent.own.media(
    peer,
    offeredAddressFamily(offer),
    media.port,
    media.mapped,
  );
  const sessionVersion = before?.origin.sessionVersion ?? media.sessionId;
  const local = { address, port, rtcpPort, sessionId: media.sessionId, sessionVersion };
  const only = media.mode?.type === 'talk' ? CALLER_ENCODINGS : undefined;
  const options = { holding: media.holding, only };
  const answered = answerOffer(offer, local, options);
  if (!answered.ok || before === undefined || sameSession(before, answered.value.description))
    return answered;
  return answerOffer(offer, { ...local, sessionVersion: nextVersion(media) }, options);
}

/** Refuses an offer, with what would have been taken. */
export function refuseOffer(
  store: CallStore,
  turn: Turn,
  transaction: ServerTransaction,
  error: SipError,
): void {
  const headers: HeaderLine[] = [];
  if (error.status === 415) headers.push(['Accept', ACCEPT], ['Accept-Encoding', 'identity']);
  const warning = mediaWarning(error);
  if (warning !== undefined) {
    const host = store.agent.own.towards(transaction.flow.remote.address);
    headers.push(['Warning', `${warning.code} ${host.includes(':') ? `[${host}]` : host} "${warning.text}"`]);
  }
  refuse(store.agent, turn, transaction, error, { headers });
}

/** Our Contact in a response to the INVITE that is being answered, or to another request of the call. */
export function contactOf(store: CallStore, call: Call, transaction = call.invite): string {
  const flow = call.dialog?.flow ?? transaction?.flow;
  if (flow === undefined) throw new Error('a call has a flow from its first message on');
  const told = contactToTell(store.agent.own, flow);
  call.told = told;
  const request = transaction?.request;
  const secure = call.dialog?.secure === true || (request !== undefined && asksForSips(request));
  return store.agent.dialogContact(flow, userOf(request?.uri ?? ''), secure, told.at);
}
