/**
 * Calls that come in (RFC 3261 §13.3, §14.2, §15.1.2): INVITE, re-INVITE, ACK, BYE and CANCEL as a user agent
 * server, answered with the caller's own audio.
 *
 * Everything that can be refused is refused before anything rings. From then on the answer is one step, because
 * the port is bound already.
 */
import { type Call, changeCall, changeDialog, handlePart } from './call.ts';
import { endCall, finishCall } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import type { CoreHeaders } from './core-headers.ts';
import { acceptRequest, dialogAsServer, refreshTarget } from './dialog.ts';
import type { Flow } from './flow.ts';
import type { SipRequest } from './message.ts';
import { type Answer, answerOffer, mediaWarning, offeredAddressFamily, sameSession } from './offer-answer.ts';
import { readOffer } from './offer-body.ts';
import { withStatedReason } from './reason.ts';
import { refuse, retryAfter } from './refusal.ts';
import { fail, type Result, type SipError, sipError } from './result.ts';
import { type SessionDescription, serializeSdp } from './sdp.ts';
import type { HeaderLine } from './serialize-message.ts';
import { bytesOf, displayText } from './text.ts';
import type { ServerTransaction } from './transactions.ts';
import type { Turn } from './turn.ts';
import { parseUri, serializeUri } from './uri.ts';
import { ACCEPT, ALLOW, SUPPORTED } from './user-agent.ts';

/** How long an INVITE waits for a port of the reserve before it gets 503, in ms. */
const PORT_WAIT_MS = 2_000;
/** What Retry-After says when we are full, in seconds: about a short call. */
const FULL_RETRY_S = 10;

/** The handle that an INVITE outside a dialog gives its call. */
export function incomingHandle(store: CallStore, request: SipRequest, core: CoreHeaders): string {
  const to = handlePart(userOf(request.uri) ?? userOf(core.to.uri));
  return store.agent.newHandle(handlePart(userOf(core.from.uri)), to);
}

/** An INVITE outside any dialog (§13.3.1); one that was forked and came both ways is served once (§8.2.2.2). */
export function receiveInvite(store: CallStore, turn: Turn, transaction: ServerTransaction): void {
  const { agent } = store;
  const error = unwelcome(store);
  if (error !== undefined) {
    const later = error.status === 503 ? { headers: [retryAfter(FULL_RETRY_S)] } : {};
    refuse(agent, turn, transaction, error, later);
    return;
  }
  const { request, core, flow } = transaction;
  if (store.findMerged(core) !== undefined) {
    const detail = 'the same INVITE came before, by another way';
    return refuse(agent, turn, transaction, sipError('request-merged', 482, detail));
  }
  const dialog = dialogAsServer(request, core, agent.identifiers.tag(), flow);
  if (!dialog.ok) return refuse(agent, turn, transaction, dialog.error);
  const offer = readOffer(request);
  if (!offer.ok) return refuseOffer(store, turn, transaction, offer.error);

  const call: Call = {
    kind: 'call',
    handle: transaction.call ?? incomingHandle(store, request, core),
    direction: 'incoming',
    callId: core.callId,
    peer: peerOf(core.from.uri),
    displayName: core.from.displayName === undefined ? undefined : displayText(core.from.displayName),
    startedMs: turn.nowMs,
    state: 'idle',
    answeredMs: undefined,
    dialog: dialog.value,
    invite: transaction,
    offered: offer.value,
    answer: undefined,
    unacknowledged: undefined,
    outgoing: undefined,
    media: undefined,
    timers: {},
    ending: undefined,
  };
  store.add(call);
  store.addDialog(call);
  agent.respond(turn, transaction, 100);
  takePort(store, turn, call);
}

/** Ports came while INVITEs were waiting for one. */
export function portsArrived(store: CallStore, turn: Turn): void {
  for (const call of store.all()) {
    if (call.timers.port !== undefined) takePort(store, turn, call);
    if (call.timers.port !== undefined) return;
  }
}

/** A deadline of a call that came in. */
export function answeringDue(
  store: CallStore,
  turn: Turn,
  call: Call,
  name: 'port' | 'ring' | 'answer',
): void {
  if (name === 'ring') ring(store, turn, call);
  else if (name === 'answer') answer(store, turn, call);
  else {
    // A call that was never answered may have given its port back meanwhile.
    takePort(store, turn, call);
    if (call.media === undefined) noPort(store, turn, call);
  }
}

/** A re-INVITE (§14.2). What fails leaves the call as it was. */
export function receiveReinvite(
  store: CallStore,
  turn: Turn,
  call: Call,
  transaction: ServerTransaction,
): void {
  const { agent } = store;
  const { dialog, media } = call;
  if (dialog === undefined) return;
  // §14.2: a second INVITE before the first one has its final response.
  if (call.invite !== undefined) {
    const error = sipError('invite-overlaps', 500, 'an INVITE of this dialog is still being answered');
    return refuse(agent, turn, transaction, error, {
      headers: [retryAfter(1 + (agent.identifiers.word() % 10))],
    });
  }
  const accepted = acceptRequest(dialog, transaction.core, transaction.flow);
  if (!accepted.ok) return refuse(agent, turn, transaction, accepted.error);
  if (call.ending !== undefined) {
    return refuse(agent, turn, transaction, sipError('call-ending', 481, 'the call is being ended'));
  }
  // A call that we placed has its audio elsewhere: its session stays what it is (§14.2 asks for 488).
  if (media?.session === undefined) {
    return refuse(agent, turn, transaction, sipError('session-fixed', 488, 'its audio cannot be changed'));
  }
  const offer = readOffer(transaction.request);
  if (!offer.ok) return refuseOffer(store, turn, transaction, offer.error);
  call.invite = transaction;
  call.offered = offer.value;
  agent.respond(turn, transaction, 100);
  const answered = answerTo(store, call, offer.value);
  if (!answered.ok) {
    call.invite = undefined;
    return refuseOffer(store, turn, transaction, answered.error);
  }
  refreshTarget(dialog, transaction.request);
  accept(store, turn, call, answered.value);
}

/** ACK to a 2xx (§13.3.1.4): the session stands. */
export function receiveAck(store: CallStore, turn: Turn, call: Call, core: CoreHeaders, flow: Flow): void {
  const waiting = call.unacknowledged;
  if (waiting === undefined || waiting.transaction.core.cseq.number !== core.cseq.number) return;
  call.unacknowledged = undefined;
  store.disarm(call, '2xx');
  store.disarm(call, 'no ack');
  if (call.dialog !== undefined) call.dialog.flow = flow;
  if (call.dialog?.state === 'early') changeDialog(turn, call, 'confirmed', 'ACK received');
  changeCall(turn, call, call.media?.held === true ? 'held' : 'established');
  // §15: a callee says BYE only after the ACK; somebody asked for it before.
  if (call.ending !== undefined) endCall(store, turn, call, call.ending);
}

/** BYE (§15.1.2). */
export function receiveBye(store: CallStore, turn: Turn, call: Call, transaction: ServerTransaction): void {
  if (call.dialog === undefined) return;
  const { request } = transaction;
  const accepted = acceptRequest(call.dialog, transaction.core, transaction.flow);
  if (!accepted.ok) return refuse(store.agent, turn, transaction, accepted.error);
  store.agent.respond(turn, transaction, 200);
  // Two BYEs crossed: ours has its own answer to come.
  if (call.dialog.state === 'terminated') return;
  if (call.invite !== undefined) store.agent.respond(turn, call.invite, 487, toTagOf(call));
  call.invite = undefined;
  finishCall(store, turn, call, withStatedReason('BYE received', request));
}

/** CANCEL of an INVITE that we know (§9.2). After the final response it changes nothing. */
export function receiveCancel(
  store: CallStore,
  turn: Turn,
  transaction: ServerTransaction,
  invite: ServerTransaction,
): void {
  const { request } = transaction;
  const call = store.find(invite.call);
  // §9.2: the tag of the INVITE's response. One that was refused without a call has none that we still know.
  const toTag = call === undefined ? { toTag: store.agent.identifiers.tag() } : toTagOf(call);
  store.agent.respond(turn, transaction, 200, toTag);
  if (call === undefined || call.invite !== invite) return;
  call.invite = undefined;
  store.agent.respond(turn, invite, 487, toTagOf(call));
  if (call.answeredMs === undefined) {
    finishCall(store, turn, call, withStatedReason('cancelled', request), 487);
  }
}

/** The 2xx again, at intervals that double up to T2 (§13.3.1.4). */
export function repeatOk(store: CallStore, turn: Turn, call: Call): void {
  const waiting = call.unacknowledged;
  if (waiting === undefined) return;
  store.agent.transactions.repeatOk(turn, waiting.transaction);
  waiting.intervalMs = Math.min(2 * waiting.intervalMs, store.agent.config.timers.t2Ms);
  store.arm(turn, call, '2xx', waiting.intervalMs);
}

/** No ACK for 64·T1 (§13.3.1.4): the dialog is confirmed, and ended with a BYE. */
export function acknowledgementMissing(store: CallStore, turn: Turn, call: Call): void {
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
  endCall(store, turn, call, call.ending ?? 'no ACK');
}

/** Refuses a call that nobody has answered yet: we are stopping, or were asked to hang up. */
export function declineCall(store: CallStore, turn: Turn, call: Call, reason: string): void {
  if (call.invite === undefined) return;
  const status = store.agent.stopping ? 503 : 480;
  store.agent.respond(turn, call.invite, status, toTagOf(call));
  call.invite = undefined;
  finishCall(store, turn, call, reason, status);
}

/** Why no call at all is taken now. */
function unwelcome(store: CallStore): SipError | undefined {
  const { config, stopping } = store.agent;
  if (stopping) return sipError('stopping', 503, 'this service is going down');
  if (!config.echo) return sipError('not-an-echo', 480, 'nobody answers calls here');
  if (store.size >= config.maxCalls) {
    return sipError('too-many-calls', 486, `${store.size} calls are up, and --max-calls allows no more`);
  }
  return undefined;
}

function refuseOffer(store: CallStore, turn: Turn, transaction: ServerTransaction, error: SipError): void {
  const headers: HeaderLine[] = [];
  if (error.status === 415) headers.push(['Accept', ACCEPT], ['Accept-Encoding', 'identity']);
  const warning = mediaWarning(error);
  if (warning !== undefined) {
    const host = store.agent.addressTowards(transaction.flow.remote.address);
    headers.push(['Warning', `${warning.code} ${host.includes(':') ? `[${host}]` : host} "${warning.text}"`]);
  }
  refuse(store.agent, turn, transaction, error, { headers });
}

function takePort(store: CallStore, turn: Turn, call: Call): void {
  call.media = store.audio.take(turn);
  if (call.media === undefined) {
    if (store.audio.exhausted !== undefined) noPort(store, turn, call);
    else if (call.timers.port === undefined) store.arm(turn, call, 'port', PORT_WAIT_MS);
    return;
  }
  store.disarm(call, 'port');
  const { offered, invite } = call;
  if (offered === undefined || invite === undefined) return;
  // The offer is judged before anything rings.
  const answered = answerTo(store, call, offered);
  if (!answered.ok) {
    refuseOffer(store, turn, invite, answered.error);
    call.invite = undefined;
    return finishCall(store, turn, call, answered.error.code, answered.error.status);
  }
  call.answer = answered.value;
  if (store.agent.config.ringDelayMs > 0) store.arm(turn, call, 'ring', store.agent.config.ringDelayMs);
  else ring(store, turn, call);
}

function noPort(store: CallStore, turn: Turn, call: Call): void {
  if (call.invite === undefined) return;
  const detail = store.audio.exhausted ?? 'no RTP port became free in time';
  const error = sipError('no-port', 503, detail);
  refuse(store.agent, turn, call.invite, error, { ...toTagOf(call), headers: [retryAfter(FULL_RETRY_S)] });
  call.invite = undefined;
  finishCall(store, turn, call, 'no port', 503);
}

function ring(store: CallStore, turn: Turn, call: Call): void {
  if (call.invite === undefined) return;
  changeDialogToEarly(turn, call);
  const headers: HeaderLine[] = [['Contact', contactOf(store, call)]];
  store.agent.respond(turn, call.invite, 180, { ...toTagOf(call), headers });
  changeCall(turn, call, 'ringing');
  if (store.agent.config.answerDelayMs > 0) store.arm(turn, call, 'answer', store.agent.config.answerDelayMs);
  else answer(store, turn, call);
}

function answer(store: CallStore, turn: Turn, call: Call): void {
  if (call.answer === undefined) return;
  call.answeredMs = turn.nowMs;
  accept(store, turn, call, call.answer);
  changeCall(turn, call, 'answered');
}

/** Sends the 200 with our answer, opens or changes the audio, and waits for the ACK. */
function accept(store: CallStore, turn: Turn, call: Call, { description, media }: Answer): void {
  const { invite } = call;
  if (invite === undefined || call.media === undefined) return;
  call.media.description = description;
  store.audio.agree(turn, call, call.media, media, description.connection?.address ?? '');
  const headers: HeaderLine[] = [
    ['Contact', contactOf(store, call)],
    ['Allow', ALLOW],
    ['Supported', SUPPORTED],
    ['Content-Type', 'application/sdp'],
  ];
  const body = bytesOf(serializeSdp(description));
  store.agent.respond(turn, invite, 200, { ...toTagOf(call), headers, body });
  call.invite = undefined;
  call.offered = undefined;
  call.answer = undefined;
  const { t1Ms } = store.agent.config.timers;
  call.unacknowledged = { transaction: invite, intervalMs: t1Ms };
  store.arm(turn, call, '2xx', t1Ms);
  store.arm(turn, call, 'no ack', 64 * t1Ms);
}

/** Our answer to an offer, its version counted up when it differs from what we sent last (RFC 3264 §8). */
function answerTo(store: CallStore, call: Call, offer: SessionDescription): Result<Answer> {
  const { media } = call;
  if (media === undefined) return fail('no-port', 0, 503, 'no RTP port');
  const peer = call.dialog?.flow.remote.address ?? '127.0.0.1';
  const before = media.description;
  const local = {
    address: store.agent.mediaAddress(peer, offeredAddressFamily(offer)),
    port: media.port,
    sessionId: media.sessionId,
    sessionVersion: before?.origin.sessionVersion ?? media.sessionId,
  };
  const answered = answerOffer(offer, local);
  if (!answered.ok || before === undefined || sameSession(before, answered.value.description))
    return answered;
  const sessionVersion = String(BigInt(local.sessionVersion) + 1n);
  return answerOffer(offer, { ...local, sessionVersion });
}

function changeDialogToEarly(turn: Turn, call: Call): void {
  if (call.dialog === undefined) return;
  turn.emit({
    type: 'dialog.changed',
    call: call.handle,
    callId: call.callId,
    localTag: call.dialog.localTag,
    ...(call.dialog.remoteTag === '' ? undefined : { remoteTag: call.dialog.remoteTag }),
    from: 'none',
    to: 'early',
    cause: '180 sent',
  });
}

function contactOf(store: CallStore, call: Call): string {
  const flow = call.dialog?.flow ?? call.invite?.flow;
  if (flow === undefined) throw new Error('a call has a flow from its first message on');
  return store.agent.contact(flow, userOf(call.invite?.request.uri ?? ''));
}

function toTagOf(call: Call): { toTag: string } | undefined {
  return call.dialog === undefined ? undefined : { toTag: call.dialog.localTag };
}

function userOf(uri: string): string | undefined {
  const parsed = parseUri(uri);
  if (!parsed.ok) return undefined;
  if (parsed.value.kind === 'sip') return parsed.value.user;
  // The number of a tel URI may stand in a SIP URI of ours (§19.1.6); of other schemes nobody knows what would.
  return parsed.value.scheme === 'tel' ? /^[+0-9.()-]+/.exec(parsed.value.rest)?.[0] : undefined;
}

/** The peer's address without parameters and password, safe to show. */
function peerOf(uri: string): string {
  const parsed = parseUri(uri);
  if (!parsed.ok || parsed.value.kind !== 'sip') return displayText(uri);
  const { kind, scheme, user, host, port } = parsed.value;
  const bare = { kind, scheme, host, params: new Map(), headers: [] };
  const named = { ...bare, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
  return displayText(serializeUri(named));
}
