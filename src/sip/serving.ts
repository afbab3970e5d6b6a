/**
 * The requests that need no call of their own (RFC 3261 §11.2, RFC 3842): OPTIONS and NOTIFY, and what is
 * checked of every request before it is served (§8.2).
 */
import type { Call } from './call.ts';
import type { CallStore } from './call-store.ts';
import { acceptRequest } from './dialog.ts';
import { allValues } from './list.ts';
import { type SipRequest, value } from './message.ts';
import { parseMessageWaiting } from './message-waiting.ts';
import { refuse, retryAfter } from './refusal.ts';
import { sipError } from './result.ts';
import { latin1 } from './text.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { parseUri } from './uri.ts';
import { ACCEPT, ALLOW, SUPPORTED } from './user-agent.ts';

/** Serves OPTIONS and NOTIFY, in a dialog or out of one; false when the method is not served here. */
export function serveRequest(
  store: CallStore,
  turn: Turn,
  transaction: ServerTransaction,
  call: Call | undefined,
): boolean {
  const { method } = transaction.request;
  if (method !== 'OPTIONS' && method !== 'NOTIFY') return false;
  if (call?.dialog !== undefined) {
    const accepted = acceptRequest(call.dialog, transaction.core, transaction.flow);
    if (!accepted.ok) {
      refuse(store.agent, turn, transaction, accepted.error);
      return true;
    }
  }
  if (method === 'OPTIONS') answerOptions(store, turn, transaction, call);
  else answerNotify(store, turn, transaction);
  return true;
}

const SUPPORTED_TAGS: ReadonlySet<string> = new Set(SUPPORTED.split(', '));

/** The option tags of Require that we do not understand, as Unsupported lists them (§8.2.2.3). */
export function unsupportedExtension(request: SipRequest): string | undefined {
  if (request.method === 'ACK' || request.method === 'CANCEL') return undefined;
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
    ...(transaction.core.toTag === undefined ? { toTag: agent.identifiers.tag() } : undefined),
    headers: [
      ['Contact', agent.contact(transaction.flow, user)],
      ['Allow', ALLOW],
      ['Accept', ACCEPT],
      ['Accept-Encoding', 'identity'],
      ['Accept-Language', 'en'],
      ['Supported', SUPPORTED],
    ],
  });
}

/** A voice-mail server tells without being asked how many messages wait (RFC 3842 §3.5); other news is thanked for. */
function answerNotify(store: CallStore, turn: Turn, transaction: ServerTransaction): void {
  const { agent } = store;
  const { request, core } = transaction;
  const toTag = core.toTag === undefined ? { toTag: agent.identifiers.tag() } : undefined;
  agent.respond(turn, transaction, 200, { ...toTag });
  const type = value(request, 'Content-Type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/simple-message-summary') return;
  const summary = parseMessageWaiting(latin1(request.body));
  if (!summary.ok) return;
  const { account, ...counts } = summary.value;
  const named = account ?? agent.accountFor(userOf(request.uri))?.addressOfRecord;
  turn.emit({
    type: 'message.waiting',
    ...(named === undefined ? undefined : { account: named }),
    ...counts,
  });
}

function userOf(uri: string): string | undefined {
  const parsed = parseUri(uri);
  return parsed.ok && parsed.value.kind === 'sip' ? parsed.value.user : undefined;
}
