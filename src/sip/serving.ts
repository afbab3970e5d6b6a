/**
 * The requests that need no call of their own: which of them there are, and what is checked of each before it is served
 * (RFC 3261 §8.2, §12.2.2). Each has its own file.
 */
import type { Call } from './call.ts';
import { acceptRequest } from './dialog.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { refuseSubscribe, serveNotify } from './event-package.ts';
import { serveInfo } from './info.ts';
import { serveOptions } from './options.ts';
import { serveMessage } from './pager-message.ts';
import { refuseRefer } from './refer.ts';
import { refuse } from './refusal.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';

/** The methods that are answered here. SUBSCRIBE and REFER are refused, in their own way, and so not in Allow. */
const SERVED: ReadonlySet<string> = new Set(['OPTIONS', 'NOTIFY', 'INFO', 'MESSAGE', 'SUBSCRIBE', 'REFER']);

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
  if (method === 'OPTIONS') serveOptions(calls, turn, transaction, call);
  else if (method === 'NOTIFY') serveNotify(agent, turn, transaction);
  else if (method === 'INFO') serveInfo(agent, turn, transaction, call);
  else if (method === 'MESSAGE') serveMessage(parts, turn, transaction, call);
  else if (method === 'SUBSCRIBE') refuseSubscribe(agent, turn, transaction);
  else refuseRefer(agent, turn, transaction);
  return true;
}
