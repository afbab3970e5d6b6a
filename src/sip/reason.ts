/**
 * Reason: why a call was ended or taken back, said with the BYE or the CANCEL itself (RFC 3326 §2).
 *
 * Without it, both sides know that a call ended and only one of them why. Q.850 causes are what gateways and
 * billing understand, so a call that ends as it should carries one; what SIP has a status for carries that.
 */
import { allValues } from './list.ts';
import { field, type SipMessage } from './message.ts';
import { parseParams } from './params.ts';
import { fail, ok, type Result } from './result.ts';
import type { HeaderLine } from './serialize-message.ts';
import { displayText, quote, readDigits, skipSpace, tokenEnd, unquote, wire } from './text.ts';

/** `Q.850;cause=16;text="Normal call clearing"`. */
export interface Reason {
  /** SIP, Q.850, or any other word. */
  readonly protocol: string;
  /** A status of SIP or a cause of Q.850; absent when it is malformed. */
  readonly cause?: number;
  /** Latin1, without quotes. */
  readonly text?: string;
}

/** Of a peer's text, in characters: it goes into an event and onto a screen. */
const MAX_SHOWN = 120;

/** One value. Errors: `reason-malformed`, those of `parseParams`. */
export function parseReason(value: string, offset = 0): Result<Reason> {
  const start = skipSpace(value, 0);
  const end = tokenEnd(value, start);
  if (end === start) return fail('reason-malformed', offset + start, 400, 'expected a protocol', 'Reason');
  const params = parseParams(value, end, offset, 'Reason');
  if (!params.ok) return params;
  const cause = readDigits(params.value.get('cause') ?? '');
  const text = params.value.get('text');
  return ok({
    protocol: value.slice(start, end),
    ...(cause < 0 || cause > 999 ? {} : { cause }),
    ...(text === undefined ? {} : { text: unquote(text) }),
  });
}

/** `Q.850 16 "Normal call clearing"`, all values of a message, for people; undefined when it says nothing readable. */
export function statedReason(message: SipMessage): string | undefined {
  if (field(message, 'Reason') === undefined) return undefined;
  const values = allValues(message, 'Reason');
  if (!values.ok) return undefined;
  const shown = values.value.flatMap(({ text, offset }) => {
    const reason = parseReason(text, offset);
    return reason.ok ? [shownReason(reason.value)] : [];
  });
  return shown.length === 0 ? undefined : displayText(shown.join(', ')).slice(0, MAX_SHOWN);
}

function shownReason({ protocol, cause, text }: Reason): string {
  const code = cause === undefined ? protocol : `${protocol} ${cause}`;
  return text === undefined || text === '' ? code : `${code} ${quote(text)}`;
}

/** `BYE received`, and what its Reason says when it has one. */
export function withStatedReason(what: string, request: SipMessage): string {
  const stated = statedReason(request);
  return stated === undefined ? what : `${what}, ${stated}`;
}

/** What our own endings are in SIP's statuses and in the causes of Q.850; others are told in words alone. */
const CAUSES: ReadonlyMap<string, string> = new Map([
  ['hung up', 'Q.850;cause=16'],
  ['the time is over', 'Q.850;cause=16'],
  ['answered elsewhere', 'SIP;cause=200'],
  ['nobody answered', 'Q.850;cause=19'],
  ['no ACK', 'SIP;cause=408'],
  ['no audio received', 'Q.850;cause=102'],
]);

/** The field that says why we end a call, for our BYE or CANCEL. `ending` is text of ours, as the events have it. */
export function reasonFor(ending: string | undefined): readonly HeaderLine[] {
  if (ending === undefined) return [];
  return [['Reason', `${CAUSES.get(ending) ?? 'SIP'};text=${quote(wire(ending.slice(0, MAX_SHOWN)))}`]];
}
