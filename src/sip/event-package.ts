/**
 * SUBSCRIBE and NOTIFY (RFC 6665). We send no subscriptions and take none; what we do take is the news of waiting
 * messages that a voice-mail server sends unasked (RFC 3842 §3.5).
 */
import { readBody, refuseBody } from './body-type.ts';
import { field, type SipRequest } from './message.ts';
import { parseMessageWaiting } from './message-waiting.ts';
import { ownTag, refuse } from './refusal.ts';
import { type SipError, sipError } from './result.ts';
import { displayText, skipSpace, tokenEnd } from './text.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { userOf } from './uri.ts';
import type { UserAgent } from './user-agent.ts';

/** The package whose NOTIFY we understand. */
const MESSAGE_SUMMARY = 'message-summary';
/** The body of its NOTIFY (RFC 3842 §5.1). */
export const SUMMARY_TYPE = 'application/simple-message-summary';

/** A NOTIFY, in a call or out of one. Another package gets 489 and hears which one is known (RFC 6665 §8.3.2). */
export function serveNotify(agent: UserAgent, turn: Turn, transaction: ServerTransaction): void {
  const { request } = transaction;
  const name = packageOf(request);
  // Servers that send the summary without Event mean the one package that has it.
  if (name !== MESSAGE_SUMMARY && (name !== undefined || !isSummary(request))) {
    const error = unknownPackage(request, name);
    return refuse(agent, turn, transaction, error, { headers: [['Allow-Events', MESSAGE_SUMMARY]] });
  }
  const body = readBody(request, [SUMMARY_TYPE]);
  if (!body.ok) return refuseBody(agent, turn, transaction, body.error, [SUMMARY_TYPE]);
  const summary = body.value === undefined ? undefined : parseMessageWaiting(body.value.text);
  if (summary?.ok === false) return refuse(agent, turn, transaction, summary.error);
  agent.respond(turn, transaction, 200, ownTag(agent, transaction.core));
  if (summary === undefined) return;
  const { account, ...counts } = summary.value;
  const named = account ?? agent.accountFor(userOf(request.uri))?.addressOfRecord;
  turn.emit({
    type: 'message.waiting',
    ...(named === undefined ? undefined : { account: named }),
    ...counts,
  });
}

/**
 * A SUBSCRIBE: 489 whatever the package, as we notify of none. No Allow-Events: it would promise the packages in it
 * to subscribers (RFC 6665 §8.2.2).
 */
export function refuseSubscribe(agent: UserAgent, turn: Turn, transaction: ServerTransaction): void {
  const { request } = transaction;
  refuse(agent, turn, transaction, unknownPackage(request, packageOf(request)));
}

/** The event package without its parameters, in lower case; undefined when there is no Event. */
function packageOf(request: SipRequest): string | undefined {
  const text = field(request, 'Event')?.value;
  if (text === undefined) return undefined;
  const start = skipSpace(text, 0);
  return text.slice(start, tokenEnd(text, start)).toLowerCase();
}

function unknownPackage(request: SipRequest, name: string | undefined): SipError {
  const shown = displayText(name ?? '').slice(0, 80);
  const detail = name === undefined ? 'there is no Event' : `the event package ${shown} is not served here`;
  const error = sipError('event-unknown', 489, detail);
  return { ...error, offset: field(request, 'Event')?.offset ?? 0, header: 'Event' };
}

function isSummary(request: SipRequest): boolean {
  const type = field(request, 'Content-Type')?.value.split(';', 1)[0]?.trim().toLowerCase();
  return type === SUMMARY_TYPE;
}
