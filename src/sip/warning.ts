/**
 * Warning: what was wrong with a session description, for a person to read (RFC 3261 §20.43).
 */
import { allValues } from './list.ts';
import type { SipMessage } from './message.ts';
import { fail, ok, type Result } from './result.ts';
import { quote, quotedStringEnd, readDigits, skipSpace, trimEnd, unquote } from './text.ts';

/** `304 lab.local "Media type not available"`. */
export interface Warning {
  /** Three digits, 300 to 399 for what SIP defines. */
  readonly code: number;
  /** Who says it: a host or a pseudonym. */
  readonly agent: string;
  /** Latin1, without quotes. */
  readonly text: string;
}

/** One value. Error: `warning-malformed`. */
export function parseWarning(text: string, offset = 0): Result<Warning> {
  const start = skipSpace(text, 0);
  const code = readDigits(text, start, start + 3);
  const agentStart = skipSpace(text, start + 3);
  const agentEnd = text.indexOf(' ', agentStart);
  const quoteStart = agentEnd === -1 ? text.length : skipSpace(text, agentEnd);
  const end = trimEnd(text, 0, text.length);
  const quoted = text.charCodeAt(quoteStart) === 0x22 && quotedStringEnd(text, quoteStart) === end;
  if (code < 100 || agentStart === start + 3 || agentEnd === agentStart || !quoted) {
    return fail('warning-malformed', offset + start, 400, 'expected code, agent and "text"', 'Warning');
  }
  return ok({ code, agent: text.slice(agentStart, agentEnd), text: unquote(text.slice(quoteStart, end)) });
}

/** All Warning fields of a message, in order. */
export function parseWarnings(message: SipMessage): Result<Warning[]> {
  const values = allValues(message, 'Warning');
  if (!values.ok) return values;
  const warnings: Warning[] = [];
  for (const value of values.value) {
    const warning = parseWarning(value.text, value.offset);
    if (!warning.ok) return warning;
    warnings.push(warning.value);
  }
  return ok(warnings);
}

/** The value of a Warning field. */
export function serializeWarning({ code, agent, text }: Warning): string {
  return `${code} ${agent} ${quote(text)}`;
}
