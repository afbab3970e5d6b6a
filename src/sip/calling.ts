/**
 * Calls that we place (RFC 3261 §13.2): INVITE with an offer, redirects, challenges, the ACK to the 2xx.
 *
 * A try that is challenged or redirected goes on as the same call: same Call-ID, same tags, CSeq one higher
 * (§8.1.3.4, §8.1.3.5, §22.2).
 */
import { type DigestClient, FIRST_ATTEMPT } from '../auth/credentials.ts';
import { type Call, changeCall, handlePart, type OutgoingInvite } from './call.ts';
import { dialogFlow, endCall, finishCall, requestWithin, sendBye } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import { reportChallenges } from './challenge-report.ts';
import { parseTargetContact } from './contact.ts';
import type { CoreHeaders } from './core-headers.ts';
import { type Dialog, dialogAsClient } from './dialog.ts';
import type { Account } from './endpoint-config.ts';
import type { Action } from './endpoint-io.ts';
import type { NextHop } from './flow.ts';
import { addressFamily } from './ip-address.ts';
import { fields, type SipResponse } from './message.ts';
import { nextHop } from './next-hop.ts';
import { buildOffer, readAnswer } from './offer.ts';
import { readDescription } from './offer-body.ts';
import { reasonFor } from './reason.ts';
import type { Registrations } from './registration.ts';
import { serializeSdp } from './sdp.ts';
import type { HeaderLine } from './serialize-message.ts';
import { refreshFailed, refreshResponded } from './session-refresh.ts';
import { bytesOf, displayText } from './text.ts';
import type { ClientTransaction } from './transaction.ts';
import { outgoing } from './transport-layer.ts';
import type { Turn } from './turn.ts';
import { userOf } from './uri.ts';
import { ALLOW } from './user-agent.ts';

/** Redirections that one call follows (§8.1.3.4 asks for a bound). */
const MAX_REDIRECTS = 5;
/** How long a phone may ring, in ms: what a proxy gives it (Timer C, §16.6 no. 11), as no time is set for us. */
const RING_TIMEOUT_MS = 180_000;
/** Forks of one call that are acknowledged and ended; one call rings a handful of phones. */
const MAX_FORKS = 16;
/** Who calls without an account (RFC 3323 §4.1). */
const ANONYMOUS = 'sip:anonymous@anonymous.invalid';

/** Places a call. What is wrong with the address is reported as a call that ended at once. */
export function placeCall(
  store: CallStore,
  registrations: Registrations,
  turn: Turn,
  action: Extract<Action, { type: 'call' }>,
): void {
  const { agent } = store;
  const account = accountOf(agent.config.accounts, action.from);
  const target = /^(?:sips?|tel):/i.test(action.to) ? action.to : `sip:${action.to}`;
  const hop = firstHop(store, account, target);
  const from = account?.addressOfRecord ?? ANONYMOUS;
  const user = account?.user ?? 'anonymous';
  const sessionId = String(agent.identifiers.word());
  const offer = buildOffer({ ...action.audio, sessionId, sessionVersion: sessionId });
  const handle = agent.newHandle(handlePart(user), handlePart(userOf(target)));
  const call: Call = {
    kind: 'call',
    handle,
    direction: 'outgoing',
    callId: `${handle}-${agent.identifiers.callId()}`,
    peer: target,
    displayName: undefined,
    startedMs: turn.nowMs,
    state: 'idle',
    answeredMs: undefined,
    dialog: undefined,
    invite: undefined,
    offered: undefined,
    answer: undefined,
    unacknowledged: undefined,
    outgoing: undefined,
    media: undefined,
    timers: {},
    ending: undefined,
  };
  store.add(call);
  if (agent.stopping) return finishCall(store, turn, call, 'this service is going down');
  if (hop === undefined) return finishCall(store, turn, call, `${displayText(target)} is no SIP URI`);
  if (account === undefined && action.from !== undefined) {
    return finishCall(store, turn, call, `there is no account ${displayText(action.from)}`);
  }
  call.outgoing = {
    account,
    from: `<${from}>;tag=${agent.identifiers.tag()}`,
    to: `<${target}>`,
    user,
    offer,
    target,
    hop,
    sequence: 0,
    sent: undefined,
    acknowledgements: new Map(),
    redirects: 0,
    provisional: false,
    cancelled: false,
    attempt: FIRST_ATTEMPT,
  };
  goTo(store, registrations, turn, call, call.outgoing);
}

/** The name of a next hop was looked up. */
export function callResolved(
  store: CallStore,
  registrations: Registrations,
  turn: Turn,
  host: string,
  addresses: readonly string[],
  error: string | undefined,
): void {
  for (const call of [...store.all()]) {
    const { outgoing: invite } = call;
    if (invite === undefined || invite.sent !== undefined || invite.hop.host !== host) continue;
    const [address] = addresses;
    if (address === undefined) finishCall(store, turn, call, error ?? `${host} has no address`);
    else sendInvite(store, registrations, turn, call, invite, address);
  }
}

/** A response to an INVITE, a CANCEL or a BYE of ours. */
export function callResponded(
  store: CallStore,
  registrations: Registrations,
  turn: Turn,
  call: Call,
  transaction: ClientTransaction<unknown>,
  response: SipResponse,
  core: CoreHeaders,
): void {
  if (call.refresh?.sent === transaction) {
    return refreshResponded(store, turn, call, call.refresh, response);
  }
  const { status, reason } = response;
  const { outgoing: invite } = call;
  if (transaction.method === 'BYE') {
    if (status >= 200 && isOwn(call, transaction)) finishCall(store, turn, call, call.ending ?? 'ended');
    return;
  }
  if (transaction.method !== 'INVITE' || invite === undefined) return;
  if (status < 200) return provisional(store, turn, call, invite, status);
  if (status !== 401 && status !== 407) {
    digestFor(store, registrations, invite)?.accepted(invite.attempt, authenticationInfo(response));
  }
  if (status < 300) return answered(store, turn, call, invite, transaction, response, core);
  if (call.ending !== undefined) return finishCall(store, turn, call, call.ending, status);
  if (status < 400) return redirected(store, registrations, turn, call, invite, response);
  if (status === 401 || status === 407)
    return challenged(store, registrations, turn, call, invite, response, status);
  finishCall(store, turn, call, displayText(reason), status);
}

/** Nobody answered an INVITE or a BYE of ours, or it could not be sent (`error`). */
export function callFailed(
  store: CallStore,
  turn: Turn,
  call: Call,
  transaction: ClientTransaction<unknown>,
  error: string | undefined,
): void {
  if (call.refresh?.sent === transaction) return refreshFailed(store, turn, call, call.refresh, error);
  if (transaction.method === 'BYE') {
    if (isOwn(call, transaction)) finishCall(store, turn, call, call.ending ?? 'ended');
    return;
  }
  // A CANCEL, or a try that has its answer: the ACK to a redirection could not be delivered.
  if (transaction !== call.outgoing?.sent) return;
  if (call.ending !== undefined) return finishCall(store, turn, call, call.ending);
  // §8.1.3.1: a time-out counts as a 408, a transport error as a 503.
  finishCall(store, turn, call, error ?? 'no answer in time', error === undefined ? 408 : 503);
}

function goTo(
  store: CallStore,
  registrations: Registrations,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
): void {
  invite.sent = undefined;
  const { host } = invite.hop;
  if (addressFamily(host) === undefined) turn.ask({ type: 'resolve', host });
  else sendInvite(store, registrations, turn, call, invite, host);
}

function sendInvite(
  store: CallStore,
  registrations: Registrations,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  address: string,
): void {
  const { agent } = store;
  const { hop } = invite;
  const flow = agent.transport.flowTo(turn, hop.transport, { address, port: hop.port });
  const body = bytesOf(serializeSdp(invite.offer));
  const digest = digestFor(store, registrations, invite);
  const credentials = digest?.authorize({ method: 'INVITE', uri: invite.target, body }, invite.attempt);
  invite.attempt = credentials?.attempt ?? invite.attempt;
  invite.sequence += 1;
  invite.provisional = false;
  const headers: HeaderLine[] = [
    ['Contact', agent.contact(flow, invite.user)],
    ['Allow', ALLOW],
    ...(credentials?.fields ?? []).map(({ name, value }): HeaderLine => [name, value]),
    ['Content-Type', 'application/sdp'],
  ];
  const parts = {
    method: 'INVITE',
    uri: invite.target,
    from: invite.from,
    to: invite.to,
    callId: call.callId,
    sequence: invite.sequence,
    headers,
    body,
  };
  invite.sent = agent.request(turn, parts, flow, call, call.handle);
  changeCall(turn, call, 'calling');
}

function provisional(store: CallStore, turn: Turn, call: Call, invite: OutgoingInvite, status: number): void {
  invite.provisional = true;
  if (call.ending !== undefined) endCall(store, turn, call, call.ending);
  else {
    if (call.timers['ring timeout'] === undefined) store.arm(turn, call, 'ring timeout', RING_TIMEOUT_MS);
    if (status > 100) changeCall(turn, call, 'ringing', { status });
  }
}

/** A 2xx (§13.2.2.4). One that comes again, or from another fork, is acknowledged as well. */
function answered(
  store: CallStore,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  transaction: ClientTransaction<unknown>,
  response: SipResponse,
  core: CoreHeaders,
): void {
  const again = invite.acknowledgements.get(core.toTag ?? '');
  if (again !== undefined) {
    return store.agent.transport.transmit(turn, again.flow, again.message, call.handle);
  }
  const dialog = dialogAsClient(transaction.request, transaction.core, response, core, transaction.flow);
  if (invite.acknowledgements.size > 0) {
    if (dialog.ok) endFork(store, turn, call, invite, dialog.value);
    return;
  }
  store.disarm(call, 'ring timeout');
  store.disarm(call, 'cancel timeout');
  if (!dialog.ok) return finishCall(store, turn, call, dialog.error.detail);
  call.dialog = dialog.value;
  call.answeredMs = turn.nowMs;
  store.addDialog(call);
  acknowledge(store, turn, call, invite, dialog.value);
  turn.emit({
    type: 'dialog.changed',
    call: call.handle,
    callId: call.callId,
    localTag: dialog.value.localTag,
    remoteTag: dialog.value.remoteTag,
    from: 'none',
    to: 'confirmed',
    cause: `${response.status} received`,
  });
  const answer = readDescription(response);
  const agreed = answer.ok ? readAnswer(invite.offer, answer.value) : answer;
  if (!agreed.ok) call.ending ??= `the answer cannot be used: ${agreed.error.detail}`;
  if (call.ending !== undefined || !agreed.ok) return sendBye(store, turn, call);
  const { codec, remote, direction, rtcpMux } = agreed.value;
  const { connection, media } = invite.offer;
  turn.emit({
    type: 'media.started',
    call: call.handle,
    codec: codec.name,
    payloadType: codec.type,
    localAddress: connection?.address ?? '',
    localPort: media[0]?.port ?? 0,
    ...(remote === undefined ? undefined : { remoteAddress: remote.address, remotePort: remote.port }),
    direction,
    rtcp: rtcpMux ? 'mux' : 'separate',
  });
  changeCall(turn, call, 'established');
}

/** The ACK to a 2xx is a request of the dialog, with the credentials of its INVITE (§13.2.2.4, §22.1). */
function acknowledge(store: CallStore, turn: Turn, call: Call, invite: OutgoingInvite, dialog: Dialog): void {
  const flow = dialogFlow(store, turn, dialog);
  const carried = (invite.sent?.request.headers ?? [])
    .filter(({ name }) => name === 'Authorization' || name === 'Proxy-Authorization')
    .map(({ name, value }): HeaderLine => [name, value]);
  const { request, core } = store.agent.newRequest(requestWithin(dialog, 'ACK', carried), flow);
  const message = outgoing(request, core.callId, `${core.cseq.number} ACK`, core.via.branch);
  invite.acknowledgements.set(dialog.remoteTag, { message, flow });
  store.agent.transport.transmit(turn, flow, message, call.handle);
}

/** Another phone answered as well: its dialog is acknowledged, and ended at once (§13.2.2.4). */
function endFork(store: CallStore, turn: Turn, call: Call, invite: OutgoingInvite, dialog: Dialog): void {
  if (invite.acknowledgements.size >= MAX_FORKS) return;
  acknowledge(store, turn, call, invite, dialog);
  const bye = requestWithin(dialog, 'BYE', reasonFor('answered elsewhere'));
  store.agent.request(turn, bye, dialogFlow(store, turn, dialog), call, call.handle);
}

/** §8.1.3.4: the first Contact, within bounds. */
function redirected(
  store: CallStore,
  registrations: Registrations,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  response: SipResponse,
): void {
  const contact = parseTargetContact(response);
  const uri = contact.ok ? contact.value?.uri : undefined;
  const hop = uri === undefined ? undefined : nextHop(uri, invite.hop.transport);
  if (uri === undefined || hop === undefined || invite.redirects >= MAX_REDIRECTS) {
    const why = hop === undefined ? 'redirected to nowhere' : `redirected more than ${MAX_REDIRECTS} times`;
    return finishCall(store, turn, call, why, response.status);
  }
  invite.redirects += 1;
  invite.target = uri;
  invite.hop = hop;
  goTo(store, registrations, turn, call, invite);
}

function challenged(
  store: CallStore,
  registrations: Registrations,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  response: SipResponse,
  status: 401 | 407,
): void {
  const digest = digestFor(store, registrations, invite);
  if (digest === undefined || invite.sent === undefined) {
    const why = invite.account === undefined ? 'there is no account' : 'the account is with another server';
    return finishCall(store, turn, call, `${status} asks for credentials, and ${why}`, status);
  }
  const name = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
  const challenges = fields(response, name).map(({ value }) => value);
  const cnonce = store.agent.identifiers.cnonce();
  const verdict = digest.challenged({ status, challenges, cnonce }, invite.attempt);
  if (verdict.type === 'refused') return finishCall(store, turn, call, verdict.reason, status);
  reportChallenges(turn, status, verdict.challenges, { call: call.handle });
  invite.attempt = verdict.attempt;
  sendInvite(store, registrations, turn, call, invite, invite.sent.flow.remote.address);
}

/**
 * The account's credentials, for its own server and our proxy alone: whoever else a call is redirected to could try
 * passwords on the digest.
 */
function digestFor(
  store: CallStore,
  registrations: Registrations,
  { account, hop }: OutgoingInvite,
): DigestClient | undefined {
  if (account === undefined) return undefined;
  const { proxy } = store.agent.config;
  const own = hop.host === account.server.host && hop.port === account.server.port;
  const proxied = hop.host === proxy?.address && hop.port === proxy.port;
  return own || proxied ? registrations.digestOf(account) : undefined;
}

/** Whether a request went to the dialog of the call, and not to a fork that was ended. */
function isOwn(call: Call, transaction: ClientTransaction<unknown>): boolean {
  // A peer of RFC 2543 has no tag: then the dialog's is empty, and the request has none (§12.1.1).
  return (transaction.core.toTag ?? '') === call.dialog?.remoteTag;
}

/** The nonce that the server wants next (RFC 7616 §3.5). */
function authenticationInfo(response: SipResponse): string[] {
  return [...fields(response, 'Authentication-Info'), ...fields(response, 'Proxy-Authentication-Info')].map(
    ({ value }) => value,
  );
}

function accountOf(accounts: readonly Account[], from: string | undefined): Account | undefined {
  if (from === undefined) return accounts[0];
  return accounts.find((account) => account.user === from || account.addressOfRecord === from);
}

/** Where the first try goes: the proxy that was set, else the account's server, else where the URI says. */
function firstHop(store: CallStore, account: Account | undefined, target: string): NextHop | undefined {
  const { proxy } = store.agent.config;
  const named = nextHop(target, 'udp');
  if (named === undefined) return undefined;
  if (proxy !== undefined) return { transport: proxy.transport, host: proxy.address, port: proxy.port };
  return account?.server ?? named;
}
