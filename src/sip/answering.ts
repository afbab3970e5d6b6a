/**
 * Calls that come in (RFC 3261 §13.3): INVITE as a user agent server, answered with the caller's own audio.
 * accepting.ts has the 200 and its ACK, reinvite.ts what comes later, cancel.ts and bye.ts how it ends.
 *
 * Everything that can be refused is refused before anything rings. From then on the answer is one step, because
 * the port is bound already.
 */
import { accept, answerTo, contactOf, refuseOffer } from './accepting.ts';
import { type Call, changeCall, handlePart, toTagOf } from './call.ts';
import { finishCall } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import type { CoreHeaders } from './core-headers.ts';
import { dialogAsServer, dialogKey } from './dialog.ts';
import { lateOffer } from './late-offer.ts';
import { MAX_UNPROVEN_SHARE } from './limits.ts';
import type { SipRequest } from './message.ts';
import { readOffer } from './offer-body.ts';
import { refuse, retryAfter } from './refusal.ts';
import { ringReliably, wantsReliable } from './reliable-provisional.ts';
import { remembering } from './remembered.ts';
import { ok, type SipError, sipError } from './result.ts';
import type { HeaderLine } from './serialize-message.ts';
import { refuseInterval } from './session-timer.ts';
import { displayText } from './text.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { parseUri, serializeUri, userOf } from './uri.ts';

/** How long an INVITE waits for a port of the reserve before it gets 503, in ms. */
const PORT_WAIT_MS = 2_000;
/** What Retry-After says when we are full, in seconds: about a short call. */
const FULL_RETRY_S = 10;
/** Calls that an address may hold before its first ACK, however small --max-calls is. */
const MIN_UNPROVEN = 16;

/** The handle that an INVITE outside a dialog gives its call. */
export function incomingHandle(store: CallStore, request: SipRequest, core: CoreHeaders): string {
  const to = handlePart(userOf(request.uri) ?? userOf(core.to.uri));
  return store.agent.newHandle(handlePart(userOf(core.from.uri)), to);
}

/** An INVITE outside any dialog (§13.3.1); one that was forked and came both ways is served once (§8.2.2.2). */
export function receiveInvite(store: CallStore, turn: Turn, transaction: ServerTransaction): void {
  const { agent } = store;
  const error = unwelcome(store, transaction);
  if (error !== undefined) {
    const later = error.status === 503 ? { headers: [retryAfter(FULL_RETRY_S)] } : {};
    refuse(agent, turn, transaction, error, later);
    return;
  }
  const { request, core, flow } = transaction;
  const inviteKey = dialogKey(core.callId, '', core.fromTag ?? '');
  if (store.findMerged(inviteKey, core) !== undefined) {
    const detail = 'the same INVITE came before, by another way';
    return refuse(agent, turn, transaction, sipError('request-merged', 482, detail));
  }
  const dialog = dialogAsServer(request, core, agent.identifiers.tag(), flow);
  if (!dialog.ok) return refuse(agent, turn, transaction, dialog.error);
  if (refuseInterval(store, turn, transaction)) return;
  const offer = readOffer(request);
  if (!offer.ok) return refuseOffer(store, turn, transaction, offer.error);

  const call: Call = {
    kind: 'call',
    handle: transaction.call ?? incomingHandle(store, request, core),
    direction: 'incoming',
    callId: core.callId,
    inviteKey,
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
  call.heldFor = agent.transport.sources.hold(flow);
  store.add(call);
  store.addDialog(call);
  agent.respond(turn, transaction, 100);
  takePort(store, turn, call);
}

/** Ports came while INVITEs were waiting for one. */
export function portsArrived(store: CallStore, turn: Turn): void {
  for (const call of [...store.withoutPort]) {
    if (call.direction === 'outgoing') continue;
    takePort(store, turn, call);
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

/** Refuses a call that nobody has answered yet: we are stopping, or were asked to hang up. */
export function declineCall(store: CallStore, turn: Turn, call: Call, reason: string): void {
  if (call.invite === undefined) return;
  const status = store.agent.stopping ? 503 : 480;
  store.agent.respond(turn, call.invite, status, toTagOf(call));
  call.invite = undefined;
  finishCall(store, turn, call, reason, status);
}

/** Why no call at all is taken now. */
function unwelcome(store: CallStore, { flow }: ServerTransaction): SipError | undefined {
  const { config, stopping, transport } = store.agent;
  if (stopping) return sipError('stopping', 503, 'this service is going down');
  if (!config.echo) return sipError('not-an-echo', 480, 'nobody answers calls here');
  if (store.size >= config.maxCalls) {
    const { share } = config;
    const bound = share?.fewerCalls === true ? `the limit of ${share.openFiles} open files` : '--max-calls';
    return sipError('too-many-calls', 486, `${store.size} calls are up, and ${bound} allows no more`);
  }
  const held = transport.sources.heldBy(flow);
  if (held >= Math.max(MIN_UNPROVEN, config.maxCalls * MAX_UNPROVEN_SHARE)) {
    const detail = `${held} calls of ${flow.remote.address} wait for its first ACK`;
    return sipError('too-many-unproven', 486, detail);
  }
  return undefined;
}

function takePort(store: CallStore, turn: Turn, call: Call): void {
  call.media = store.audio.take(turn);
  if (call.media === undefined) {
    if (store.audio.noPortSoon !== undefined) noPort(store, turn, call);
    else if (call.timers.port === undefined) store.arm(turn, call, 'port', PORT_WAIT_MS);
    return;
  }
  store.disarm(call, 'port');
  const { offered, invite } = call;
  if (invite === undefined) return;
  // The offer is judged before anything rings.
  const answered = offered === undefined ? undefined : answerTo(store, call, offered);
  if (answered?.ok === false) {
    refuseOffer(store, turn, invite, answered.error);
    call.invite = undefined;
    return finishCall(store, turn, call, answered.error.code, answered.error.status);
  }
  call.answer = answered?.value;
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
  // The call goes on when its PRACK comes (prack.ts).
  const reliably = wantsReliable(call.invite.request, store.agent.config.prack === true);
  if (reliably) ringReliably(store, turn, call, call.invite);
  else {
    const headers: HeaderLine[] = [['Contact', contactOf(store, call)]];
    store.agent.respond(turn, call.invite, 180, { toTag: call.dialog?.localTag, headers });
  }
  changeCall(turn, call, 'ringing');
  if (!reliably) rung(store, turn, call);
}

/** It rings, and the caller knows, if it had to: now the call may be answered. */
export function rung(store: CallStore, turn: Turn, call: Call): void {
  if (store.agent.config.answerDelayMs > 0) store.arm(turn, call, 'answer', store.agent.config.answerDelayMs);
  else answer(store, turn, call);
}

function answer(store: CallStore, turn: Turn, call: Call): void {
  // A session that was agreed while it rang (prack.ts) stands; the 200 has nothing to add.
  const agreed = call.media?.session !== undefined;
  const half = agreed ? ok(undefined) : call.answer === undefined ? lateOffer(store, call) : ok(call.answer);
  if (!half.ok) return;
  call.answeredMs = turn.nowMs;
  accept(store, turn, call, half.value);
  changeCall(turn, call, 'answered');
}

function changeDialogToEarly(turn: Turn, call: Call): void {
  if (call.dialog === undefined || !turn.wants('dialog.changed')) return;
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

/** The peer's address without parameters and password, safe to show. */
export const peerOf = remembering((uri: string): string => {
  const parsed = parseUri(uri);
  if (!parsed.ok || parsed.value.kind !== 'sip') return displayText(uri);
  const { kind, scheme, user, host, port } = parsed.value;
  const bare = { kind, scheme, host, params: new Map(), headers: [] };
  const named = { ...bare, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
  return displayText(serializeUri(named));
});
