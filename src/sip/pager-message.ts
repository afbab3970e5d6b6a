/**
 * MESSAGE (RFC 3428): a text that comes alone. It gets 200, and with `--echo-messages` it comes back as a MESSAGE
 * of ours, so that a person can test texts as calls are tested.
 *
 * What answers by itself must not answer another that does: our echo carries In-Reply-To, and what carries it is
 * never echoed. As a sender can be forged, one text at a time goes to an address, and few in all.
 */
import { type Attempt, type DigestClient, FIRST_ATTEMPT } from '../auth/credentials.ts';
import { readBody, refuseBody } from './body-type.ts';
import type { Call } from './call.ts';
import type { CoreHeaders } from './core-headers.ts';
import { dialogFlow } from './dialog-flow.ts';
import { requestWithin } from './dialog-request.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import type { Flow } from './flow.ts';
import { MAX_ECHOED_MESSAGES, MAX_PAGER_MESSAGE_BYTES } from './limits.ts';
import { field, fields, NO_BODY, type SipRequest, value } from './message.ts';
import { withParams } from './params.ts';
import { ownTag } from './refusal.ts';
import type { HeaderLine } from './serialize-message.ts';
import { displayText } from './text.ts';
import type { Indication, ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { parseUri, serializeUri } from './uri.ts';
import type { RequestParts } from './user-agent.ts';

/** The text that we take, and send back (RFC 3428 §7: every user agent takes plain text). */
export const TEXT_TYPE = 'text/plain';
/** What gets 200: a text with something beside it is taken as well, and not sent back. */
const MESSAGE_TYPES = [TEXT_TYPE, 'multipart/mixed'] as const;

/** A MESSAGE of ours that is out. */
export interface MessageEcho {
  readonly kind: 'message';
  /** The address it goes to, which gets no other one meanwhile. */
  readonly target: string;
  readonly call: string | undefined;
  readonly flow: Flow;
  readonly digest: DigestClient | undefined;
  request: RequestParts;
  attempt: Attempt;
}

/** Serves a MESSAGE; `call` is the one it came in, already checked for its order. */
export function serveMessage(
  parts: EndpointParts,
  turn: Turn,
  transaction: ServerTransaction,
  call: Call | undefined,
): void {
  const { agent } = parts;
  const { request, core } = transaction;
  const body = readBody(request, MESSAGE_TYPES);
  if (!body.ok) return refuseBody(agent, turn, transaction, body.error, MESSAGE_TYPES);
  agent.respond(turn, transaction, 200, ownTag(agent, core));
  if (agent.config.echoMessages !== true || agent.stopping || body.value?.type !== TEXT_TYPE) return;
  if (field(request, 'In-Reply-To') !== undefined) return;
  echo(parts, turn, request, core, transaction.flow, call);
}

function echo(
  parts: EndpointParts,
  turn: Turn,
  request: SipRequest,
  core: CoreHeaders,
  flow: Flow,
  call: Call | undefined,
): void {
  const { agent, calls, messageEchoes } = parts;
  const target = addressOf(core.from.uri);
  const why = unsendable(messageEchoes, request, target);
  if (why !== undefined || target === undefined) {
    return tell(turn, call?.handle, 'info', `a text of ${displayText(core.from.uri)} was not echoed: ${why}`);
  }
  const headers: HeaderLine[] = [
    ['In-Reply-To', core.callId],
    ['Content-Type', value(request, 'Content-Type') ?? 'text/plain'],
  ];
  const { body } = request;
  const dialog = call?.dialog;
  const account = parts.registrations.accountTowards(flow, core.to.uri);
  const message: MessageEcho = {
    kind: 'message',
    target,
    call: call?.handle,
    flow: dialog === undefined ? flow : dialogFlow(calls, turn, dialog),
    // Whoever gets a digest can try passwords on it: only the account's own server, which has had one.
    digest: dialog === undefined ? parts.registrations.digestTowards(flow, core.to.uri) : undefined,
    request:
      dialog === undefined
        ? {
            method: 'MESSAGE',
            uri: target,
            from: `<${core.to.uri}>;tag=${agent.identifiers.tag()}`,
            to: `<${target}>`,
            callId: agent.identifiers.callId(),
            sequence: 1,
            routes: account === undefined ? [] : parts.registrations.serviceRouteOf(account),
            headers,
            body,
          }
        : requestWithin(dialog, 'MESSAGE', headers, body),
    attempt: FIRST_ATTEMPT,
  };
  messageEchoes.add(target);
  send(parts, turn, message);
}

/** One try, with the credentials that are known by then. */
function send(parts: EndpointParts, turn: Turn, message: MessageEcho): void {
  const { digest, request } = message;
  const { body, headers = [], uri } = request;
  const credentials = digest?.authorize({ method: 'MESSAGE', uri, body: body ?? NO_BODY }, message.attempt);
  message.attempt = credentials?.attempt ?? message.attempt;
  const carried = (credentials?.fields ?? []).map(({ name, value }): HeaderLine => [name, value]);
  const sent = { ...request, headers: [...carried, ...headers] };
  parts.agent.request(turn, sent, message.flow, message, message.call);
}

/** What became of a MESSAGE of ours. */
export function messageIndicated(
  parts: EndpointParts,
  turn: Turn,
  message: MessageEcho,
  indication: Indication<unknown>,
): void {
  if (indication.type === 'response') {
    const { response } = indication;
    const { status } = response;
    if (status < 200) return;
    if ((status === 401 || status === 407) && message.digest !== undefined) {
      const name = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
      const challenges = fields(response, name).map((one) => one.value);
      const cnonce = parts.agent.identifiers.cnonce();
      const verdict = message.digest.challenged({ status, challenges, cnonce }, message.attempt);
      if (verdict.type === 'retry') {
        message.attempt = verdict.attempt;
        message.request = { ...message.request, sequence: message.request.sequence + 1 };
        return send(parts, turn, message);
      }
    }
    parts.messageEchoes.delete(message.target);
    if (status < 300) return;
    const evidence = `${displayText(message.target)} answered our MESSAGE with ${status} ${displayText(response.reason)}`;
    return tell(turn, message.call, 'warning', evidence);
  }
  parts.messageEchoes.delete(message.target);
  const why = indication.type === 'timeout' ? 'no answer in time' : indication.error;
  tell(turn, message.call, 'warning', `our MESSAGE to ${displayText(message.target)} failed: ${why}`);
}

/** Why a text cannot come back; undefined when it can. */
function unsendable(
  out: ReadonlySet<string>,
  request: SipRequest,
  target: string | undefined,
): string | undefined {
  if (target === undefined) return 'its sender is no SIP URI';
  if (out.has(target)) return 'one to the same address is still out';
  if (out.size >= MAX_ECHOED_MESSAGES) return `${MAX_ECHOED_MESSAGES} are out`;
  const addresses = (value(request, 'From') ?? '').length + (value(request, 'To') ?? '').length;
  const bytes = request.body.length + 2 * addresses;
  // RFC 3428 §8: beyond 1300 bytes in all a path may break it; our own fields are less than the rest of it.
  if (bytes > MAX_PAGER_MESSAGE_BYTES) return `${request.body.length} bytes are too many for one MESSAGE`;
  return undefined;
}

/** The sender's URI as it may stand in a start line (§19.1.1, Table 1); undefined when it is no SIP URI. */
function addressOf(uri: string): string | undefined {
  const parsed = parseUri(uri);
  if (!parsed.ok || parsed.value.kind !== 'sip') return undefined;
  const params = withParams(parsed.value.params, { method: null });
  return serializeUri({ ...parsed.value, params, headers: [] });
}

function tell(turn: Turn, call: string | undefined, severity: 'info' | 'warning', evidence: string): void {
  turn.emit({
    type: 'diagnosis.raised',
    ...(call === undefined ? undefined : { call }),
    code: 'message-not-echoed',
    severity,
    evidence,
    cause: 'the text was taken with 200, and could not be sent back as a MESSAGE',
    next: 'look at From in the MESSAGE: its address is where the echo goes, by the way that the MESSAGE came',
  });
}
