/**
 * The first line of a message: a request line or a status line (RFC 3261 §7.1, §7.2).
 *
 * As much as can be read is given even when the line is wrong, because a request of which the method is known
 * can be answered, and 505 and 414 are more helpful than silence.
 */
import { MAX_START_LINE_BYTES } from './limits.ts';
import { COMMON_METHODS } from './methods.ts';
import type { SipError } from './result.ts';
import { characterTable, readDigits, tokenAt } from './text.ts';

/** A request line may have an `error` and still be known enough for an answer. */
export type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly uri: string; readonly error?: SipError }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string }
  | { readonly kind: 'unreadable'; readonly error: SipError };

const SP = 0x20;

/**
 * The line from `start` to `end`, line break excluded. Errors: `request-line-malformed`, `status-line-malformed`,
 * `version-unsupported` (505), `request-uri-too-long` (414), `start-line-too-long`.
 */
export function parseStartLine(text: string, start: number, end: number): StartLine {
  const tooLong = end - start > MAX_START_LINE_BYTES;
  if (text.charCodeAt(start + 3) === 0x2f && isSipName(text, start)) {
    if (tooLong) return unreadable('start-line-too-long', start, `more than ${MAX_START_LINE_BYTES} bytes`);
    return parseStatusLine(text, start, end);
  }
  let methodEnd = text.indexOf(' ', start);
  if (methodEnd === -1 || methodEnd > end) methodEnd = end;
  const method = tokenAt(text, start, methodEnd, COMMON_METHODS);
  if (method === undefined) {
    return unreadable('request-line-malformed', start, 'expected a method, a Request-URI and SIP/2.0');
  }
  const uriStart = methodEnd + 1;
  if (tooLong) {
    const error = problem('request-uri-too-long', uriStart, 414, `more than ${MAX_START_LINE_BYTES} bytes`);
    return { kind: 'request', method, uri: '', error };
  }
  const uriEnd = text.lastIndexOf(' ', end - 1);
  if (uriEnd <= uriStart) {
    const error = problem('request-line-malformed', uriStart, 400, 'expected a Request-URI and SIP/2.0');
    return { kind: 'request', method, uri: '', error };
  }
  const uri = text.slice(uriStart, uriEnd);
  const error = checkVersion(text, uriEnd + 1, end) ?? checkRequestUri(text, uriStart, uriEnd);
  return error ? { kind: 'request', method, uri, error } : { kind: 'request', method, uri };
}

/** §7.2; leniency `reason-phrase-missing`. */
function parseStatusLine(text: string, start: number, end: number): StartLine {
  const versionEnd = text.indexOf(' ', start);
  if (versionEnd === -1 || versionEnd >= end) {
    return unreadable('status-line-malformed', start, 'expected a status');
  }
  const wrong = checkVersion(text, start, versionEnd);
  if (wrong) return { kind: 'unreadable', error: wrong };
  const codeStart = versionEnd + 1;
  const codeEnd = Math.min(codeStart + 3, end);
  const status = readDigits(text, codeStart, codeEnd);
  if (status < 100 || status > 699 || (codeEnd < end && text.charCodeAt(codeEnd) !== SP)) {
    return unreadable('status-line-malformed', codeStart, 'expected a status from 100 to 699');
  }
  return { kind: 'response', status, reason: text.slice(Math.min(codeEnd + 1, end), end) };
}

/** §7.1: no white space, no control characters and no angle brackets in a Request-URI. */
function checkRequestUri(text: string, start: number, end: number): SipError | undefined {
  let index = start;
  while (index < end && NOT_IN_URI[text.charCodeAt(index)] !== 1) index++;
  if (index === end) return undefined;
  return problem('request-line-malformed', index, 400, 'a character that no Request-URI may have');
}

const NOT_IN_URI = characterTable('<>\x7f', false).fill(1, 0, SP + 1);

/** §7.1: SIP/2.0, without regard to case. Another version is 505 (§21.5.6), anything else is no version. */
function checkVersion(text: string, start: number, end: number): SipError | undefined {
  if (end - start === 7 && text.startsWith('SIP/2.0', start)) return undefined;
  const version = text.slice(start, end).toUpperCase();
  if (version === 'SIP/2.0') return undefined;
  if (/^SIP\/\d{1,8}\.\d{1,8}$/.test(version)) {
    return problem('version-unsupported', start, 505, `${version} is not SIP/2.0`);
  }
  return problem('request-line-malformed', start, 400, 'expected SIP/2.0');
}

function isSipName(text: string, start: number): boolean {
  return text.startsWith('SIP', start) || text.slice(start, start + 3).toUpperCase() === 'SIP';
}

function unreadable(code: string, offset: number, detail: string): StartLine {
  return { kind: 'unreadable', error: problem(code, offset, 400, detail) };
}

function problem(code: string, offset: number, status: number, detail: string): SipError {
  return { code, offset, status, detail };
}
