/**
 * From bytes to whoever they are for: bytes into a message, the message to its transaction, and a request that is new
 * to us to the call, the registrar or the method that serves it (RFC 3261 §8.2, §12.2.2, §18).
 */

import { notAcceptable } from './acceptable.ts';
import { receiveAck } from './accepting.ts';
import { answeredLate } from './answered.ts';
import { incomingHandle, receiveInvite } from './answering.ts';
import { receiveBye } from './bye.ts';
import type { Call } from './call.ts';
import { receiveCancel } from './cancel.ts';
import { type CoreHeaders, readCoreHeaders } from './core-headers.ts';
import { receiveEarly } from './early-request.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import type { Flow } from './flow.ts';
import { indicate, loseConnection } from './indications.ts';
import { firstValueEnd } from './list.ts';
import { type SipMessage, type SipRequest, type SipResponse, value } from './message.ts';
import { parseMessage } from './parse-message.ts';
import { receivePrack } from './prack.ts';
import { reportBadMessage, reportForeign, reportReceived, reportStray } from './received.ts';
import { refuse, retryAfter } from './refusal.ts';
import { receiveReinvite } from './reinvite.ts';
import { unsupportedExtension } from './require.ts';
import { type SipError, sipError } from './result.ts';
import { responseFlow, withSource } from './rport.ts';
import { serveRequest } from './serving.ts';
import { receiveStun } from './stun-reception.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { receiveUpdate } from './update.ts';
import { ALLOW } from './user-agent.ts';
import { validateRequest } from './validation.ts';
import { parseVia } from './via.ts';

/** The answer to a keepalive ping on a stream (RFC 5626 §3.5.1). */
const PONG = new Uint8Array([0x0d, 0x0a]);

/** Methods that have no meaning outside a dialog (§15.1.2, RFC 3311 §5.2, RFC 3262 §3). */
const DIALOG_ONLY: ReadonlySet<string> = new Set(['BYE', 'UPDATE', 'PRACK']);

/** CRLFs, or nothing, in a datagram: a keepalive (RFC 5626 §3.5.1), no message. */
function isKeepalive(bytes: Uint8Array): boolean {
  return bytes.length <= 4 && bytes.every((byte) => byte === 0x0d || byte === 0x0a || byte === 0);
}

/** A chunk of a stream: the messages and keepalives that it completes. */
export function receiveStream(parts: EndpointParts, turn: Turn, connection: number, bytes: Uint8Array): void {
  const received = parts.agent.transport.connections.receive(turn, connection, bytes);
  if (received === undefined) return;
  parts.registrations.keepalives.heard(turn, received.flow, received.frames);
  for (const frame of received.frames) {
    if (frame.type === 'message') receive(parts, turn, received.flow, frame.bytes);
    else if (frame.type === 'ping') parts.agent.transport.write(turn, received.flow, PONG);
    else if (frame.type === 'broken') {
      // §18.3: without a length nobody knows where the next message starts.
      const head = parseMessage(frame.head);
      const request = head.ok ? head.value : head.partial;
      refuseUnparsed(
        parts,
        turn,
        received.flow,
        frame.error,
        request?.kind === 'request' ? request : undefined,
      );
      parts.agent.transport.connections.close(turn, connection);
      return loseConnection(parts, turn, connection, frame.error.detail);
    }
  }
}

/** One message, from its bytes to whoever it is for. */
export function receive(parts: EndpointParts, turn: Turn, flow: Flow, bytes: Uint8Array): void {
  if (isKeepalive(bytes) || receiveStun(parts, turn, flow, bytes)) return;
  const parsed = parseMessage(bytes);
  if (!parsed.ok) return refuseUnparsed(parts, turn, flow, parsed.error, parsed.partial);
  const core = readCoreHeaders(parsed.value, parsed.text);
  if (!core.ok) {
    if (parsed.value.kind === 'request') return refuseUnparsed(parts, turn, flow, core.error, parsed.value);
    return reportBadMessage(turn, flow, core.error, undefined, callOfBroken(parts, parsed.value));
  }
  parts.agent.transport.connections.spoke(flow);
  if (parsed.value.kind === 'response') receiveResponse(parts, turn, flow, bytes, parsed.value, core.value);
  else receiveRequest(parts, turn, flow, bytes, parsed.value, core.value);
}

/** The call that a response is about which cannot be read, when its branch can: whoever waits for it should know. */
function callOfBroken({ agent }: EndpointParts, response: SipResponse): string | undefined {
  const top = value(response, 'Via') ?? '';
  const via = parseVia(top.slice(0, firstValueEnd(top)));
  return via.ok ? agent.transactions.matchBranch(via.value.branch)?.call : undefined;
}

function receiveResponse(
  parts: EndpointParts,
  turn: Turn,
  flow: Flow,
  bytes: Uint8Array,
  response: SipResponse,
  core: CoreHeaders,
): void {
  const transaction = parts.agent.transactions.matchClient(core);
  const givenUp = parts.calls.givenUp.find(response, core);
  const asked = transaction ?? givenUp?.transaction;
  report(parts, turn, flow, bytes, response, core, asked?.call);
  if (asked === undefined) return reportStray(turn, flow, response);
  const foreign = mismatch(asked.core, core);
  if (foreign !== undefined) return reportForeign(turn, flow, response, foreign, asked.call);
  parts.agent.transport.sources.proved(flow);
  if (givenUp !== undefined) return answeredLate(parts.calls, turn, givenUp, response, core);
  const indication = transaction && parts.agent.transactions.receiveResponse(turn, transaction, response);
  if (indication !== undefined) indicate(parts, turn, indication, core);
}

/**
 * What of a response with the branch of our request is not ours, as another's that guessed the branch, or one that
 * was passed on to us with a Via too many (§8.1.3.3), has it; undefined when all is.
 */
function mismatch(asked: CoreHeaders, core: CoreHeaders): string | undefined {
  if (core.callId !== asked.callId) return 'Call-ID';
  if (core.fromTag !== asked.fromTag) return 'From';
  if (core.cseq.number !== asked.cseq.number) return 'CSeq';
  return core.viaCount === asked.viaCount ? undefined : 'Via';
}

function receiveRequest(
  parts: EndpointParts,
  turn: Turn,
  flow: Flow,
  bytes: Uint8Array,
  request: SipRequest,
  core: CoreHeaders,
): void {
  const { transactions } = parts.agent;
  const known = transactions.matchServer(request, core);
  const call = known === undefined ? parts.calls.findByRequest(core) : undefined;
  if (known !== undefined || request.method === 'ACK') {
    report(parts, turn, flow, bytes, request, core, known?.call ?? call?.handle);
    if (known === undefined || transactions.receiveAgain(turn, known, request)) {
      const acknowledged = call ?? parts.calls.findByRequest(core);
      if (acknowledged === undefined) return parts.proxy?.acknowledge(turn, request, core, flow);
      parts.agent.transport.sources.proved(flow);
      receiveAck(parts.calls, turn, acknowledged, request, core, flow);
    }
    return;
  }
  if (call !== undefined) parts.agent.transport.sources.proved(flow);
  const fresh = request.method === 'INVITE' && core.toTag === undefined;
  const handle =
    call?.handle ??
    parts.calls.findEarly(core)?.call.handle ??
    (fresh && parts.agent.config.echo ? incomingHandle(parts.calls, request, core) : undefined);
  const cancelled = request.method === 'CANCEL' ? transactions.matchCancelled(request, core) : undefined;
  report(parts, turn, flow, bytes, request, core, handle ?? cancelled?.call);
  const noted = withSource(request, core, flow);
  const back = responseFlow(core.via, flow);
  if (transactions.full) {
    const about = {
      callId: core.callId,
      cseq: `${core.cseq.number} ${request.method}`,
      branch: core.via.branch,
    };
    parts.agent.respondStateless(turn, noted, back, about, 503, { headers: [retryAfter(10)] });
    return;
  }
  const named = handle ?? cancelled?.call;
  const transaction = transactions.openServer(turn, noted, core, back, named, bytes.length);
  serve(parts, turn, transaction, call, cancelled);
}

/** A request that is new to us (§8.2, §12.2.2). */
function serve(
  parts: EndpointParts,
  turn: Turn,
  transaction: ServerTransaction,
  call: Call | undefined,
  cancelled: ServerTransaction | undefined,
): void {
  const { request, core } = transaction;
  const { method } = request;
  if (method === 'CANCEL') {
    if (cancelled !== undefined && parts.proxy?.cancel(turn, transaction, cancelled) === true) return;
    if (cancelled !== undefined) return receiveCancel(parts.calls, turn, transaction, cancelled);
    return refuse(
      parts.agent,
      turn,
      transaction,
      sipError('dialog-unknown', 481, 'there is no such INVITE to cancel'),
    );
  }
  const wrong = validateRequest(request);
  if (wrong !== undefined) return refuse(parts.agent, turn, transaction, wrong);
  if (call === undefined && parts.proxy?.serve(turn, transaction) === true) return;
  const extension = unsupportedExtension(request);
  if (extension !== undefined) {
    const error = sipError('extension-unsupported', 420, `Require asks for ${extension}`);
    return refuse(parts.agent, turn, transaction, error, { headers: [['Unsupported', extension]] });
  }
  const early = call === undefined ? parts.calls.findEarly(core) : undefined;
  if (early !== undefined) return receiveEarly(parts, turn, early, transaction);
  // §15.1.2: a BYE that matches no dialog has missed one, with a To tag or without.
  const within = DIALOG_ONLY.has(method) || (core.toTag !== undefined && method !== 'REGISTER');
  // A dialog that our BYE has ended knows one request more: the peer's BYE that crossed it.
  const over = call?.dialog?.state === 'terminated' && method !== 'BYE';
  if (within && (call === undefined || over)) {
    return refuse(
      parts.agent,
      turn,
      transaction,
      sipError('dialog-unknown', 481, 'no call has that Call-ID and those tags'),
    );
  }
  if (isMerged(parts, transaction)) {
    const error = sipError('request-merged', 482, 'the same request came before, by another way');
    return refuse(parts.agent, turn, transaction, error);
  }
  if (method === 'INVITE') {
    const unacceptable = notAcceptable(request);
    if (unacceptable !== undefined) return refuse(parts.agent, turn, transaction, unacceptable);
    if (call === undefined) receiveInvite(parts.calls, turn, transaction);
    else receiveReinvite(parts.calls, turn, call, transaction);
  } else if (method === 'BYE' && call !== undefined) receiveBye(parts.calls, turn, call, transaction);
  else if (method === 'PRACK' && call !== undefined) receivePrack(parts.calls, turn, call, transaction);
  else if (method === 'UPDATE' && call !== undefined) receiveUpdate(parts.calls, turn, call, transaction);
  else if (!serveRequest(parts, turn, transaction, call)) {
    const error = sipError('method-not-allowed', 405, `${method} is not served here`);
    refuse(parts.agent, turn, transaction, error, { headers: [['Allow', ALLOW]] });
  }
}

/** Requests that may come twice: pings that never count up, and REGISTER, whose order §10.3 judges. */
const NEVER_MERGED: ReadonlySet<string> = new Set(['INVITE', 'OPTIONS', 'REGISTER']);

/** §8.2.2.2. An INVITE's first way is its call (call-store.ts). */
function isMerged({ agent }: EndpointParts, transaction: ServerTransaction): boolean {
  if (transaction.core.toTag !== undefined || NEVER_MERGED.has(transaction.method)) return false;
  return agent.transactions.matchMerged(transaction) !== undefined;
}

/** What could not be understood: the status it deserves, when there is enough to answer (§8.2). */
function refuseUnparsed(
  parts: EndpointParts,
  turn: Turn,
  flow: Flow,
  error: SipError,
  request: SipRequest | undefined,
): void {
  const answered = request !== undefined && parts.agent.respondMalformed(turn, request, flow, error);
  reportBadMessage(turn, flow, error, answered ? error.status : undefined);
}

function report(
  parts: EndpointParts,
  turn: Turn,
  flow: Flow,
  bytes: Uint8Array,
  message: SipMessage,
  core: CoreHeaders,
  call: string | undefined,
): void {
  reportReceived(turn, flow, bytes, message, core, call, parts.agent.transport.rawMessages);
}
