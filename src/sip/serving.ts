/**
 * The requests that need no call of their own (RFC 3261 §11.2): OPTIONS here, the others in their own files, and what
 * is checked of every request before it is served (§8.2).
 */
import type { Call } from './call.ts';
import type { CallStore } from './call-store.ts';
import { acceptRequest } from './dialog.ts';
import { DTMF_TYPES } from './dtmf-relay.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { refuseSubscribe, SUMMARY_TYPE, serveNotify } from './event-package.ts';
import { serveInfo } from './info.ts';
import { allValues } from './list.ts';
import { field, type SipRequest } from './message.ts';
import { serveMessage, TEXT_TYPE } from './pager-message.ts';
import { ownTag, refuse, retryAfter } from './refusal.ts';
import { sipError } from './result.ts';
import { asksForSips } from './sips.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { parseUri } from './uri.ts';
import { ACCEPT, ALLOW, SUPPORTED, type UserAgent } from './user-agent.ts';

/** The methods that are answered here. SUBSCRIBE and REFER are refused, in their own way, and so not in Allow. */
const SERVED: ReadonlySet<string> = new Set(['OPTIONS', 'NOTIFY', 'INFO', 'MESSAGE', 'SUBSCRIBE', 'REFER']);
/** Every body that some method of ours takes, for OPTIONS (§11.2). */
const ACCEPTED = [ACCEPT, ...DTMF_TYPES, SUMMARY_TYPE, TEXT_TYPE].join(', ');

/** Serves what needs no call of its own, in a dialog or out of one; false when the method is not served here. */
export function serveRequest(
  parts: EndpointParts,
  turn: Turn,
  transaction: ServerTransaction,
  call: Call | undefined,
): boolean {
  const { agent, calls } = parts;
  const { method } = transaction.request;
  if (!SERVED.has(method)) return false;
  if (call?.dialog !== undefined) {
    const accepted = acceptRequest(call.dialog, transaction.core, transaction.flow);
    if (!accepted.ok) {
      refuse(agent, turn, transaction, accepted.error);
      return true;
    }
  }
  if (method === 'OPTIONS') answerOptions(calls, turn, transaction, call);
  else if (method === 'NOTIFY') serveNotify(agent, turn, transaction);
  else if (method === 'INFO') serveInfo(agent, turn, transaction, call);
  else if (method === 'MESSAGE') serveMessage(parts, turn, transaction, call);
  else if (method === 'SUBSCRIBE') refuseSubscribe(agent, turn, transaction);
  else refuseRefer(agent, turn, transaction);
  return true;
}

/**
 * REFER: 405, as an echo transfers nobody (§8.2.1, RFC 3515 §2.4.2). Not 603: that says that a person declined, and a
 * proxy that forked the request would stop asking the others for it (§16.7 no. 5).
 */
function refuseRefer(agent: UserAgent, turn: Turn, transaction: ServerTransaction): void {
  const error = sipError('method-not-allowed', 405, 'an echo follows no REFER: the call stays where it is');
  refuse(agent, turn, transaction, error, { headers: [['Allow', ALLOW]] });
}

const SUPPORTED_TAGS: ReadonlySet<string> = new Set(SUPPORTED.split(', '));

/** The option tags of Require that we do not understand, as Unsupported lists them (§8.2.2.3). */
export function unsupportedExtension(request: SipRequest): string | undefined {
  if (request.method === 'ACK' || request.method === 'CANCEL') return undefined;
  // Most have none; this is asked of every request, and a list is put together for the answer.
  if (field(request, 'Require') === undefined) return undefined;
  const required = allValues(request, 'Require');
  if (!required.ok || required.value.length === 0) return undefined;
  const unknown = required.value.filter(({ text }) => !SUPPORTED_TAGS.has(text.toLowerCase()));
  return unknown.length === 0 ? undefined : unknown.map(({ text }) => text).join(', ');
}

/** §11.2: the status an INVITE would get now, and what we can do. */
function answerOptions(
  store: CallStore,
  turn: Turn,
  transaction: ServerTransaction,
  call: Call | undefined,
): void {
  const { agent } = store;
  if (call === undefined && agent.stopping) {
    const error = sipError('stopping', 503, 'this service is going down');
    return refuse(agent, turn, transaction, error, { headers: [retryAfter(10)] });
  }
  const full = call === undefined && agent.config.echo && store.size >= agent.config.maxCalls;
  const uri = parseUri(transaction.request.uri);
  const user = uri.ok && uri.value.kind === 'sip' ? uri.value.user : undefined;
  agent.respond(turn, transaction, full ? 486 : 200, {
    ...ownTag(agent, transaction.core),
    headers: [
      ['Contact', agent.contact(transaction.flow, user, asksForSips(transaction.request))],
      ['Allow', agent.config.registrar === undefined ? ALLOW : `${ALLOW}, REGISTER`],
      ['Accept', ACCEPTED],
      ['Accept-Encoding', 'identity'],
      ['Accept-Language', 'en'],
      ['Supported', agent.config.registrar === undefined ? SUPPORTED : `${SUPPORTED}, path, outbound`],
    ],
  });
}
