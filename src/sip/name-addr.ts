/**
 * An address in a header field: From, To, Contact, Route, Record-Route, Reply-To (RFC 3261 §20.10, §25.1).
 *
 * `"Bob" <sip:bob@example.org>;tag=1` is a name-addr, `sip:bob@example.org;tag=1` an addr-spec; in the latter
 * every parameter belongs to the header field, as it could not be told from one of the URI. The URI is kept as
 * text: most are compared or passed on, few are read (`parseUri`).
 */

import { allValues, type ListValue } from './list.ts';
import type { SipMessage } from './message.ts';
import { NO_PARAMS, type Params, parseParams, serializeParams } from './params.ts';
import { fail, ok, type Result } from './result.ts';
import { quote, quotedStringEnd, resolveEscapes, skipSpace, trimEnd } from './text.ts';
import { schemeEnd, uriTextEnd } from './uri.ts';

/** One address. */
export interface NameAddr {
  /** Without quotes, escapes resolved, latin1 (`displayText` for people); absent when there is none. */
  readonly displayName?: string | undefined;
  /** As it stands, without <>: a scheme and something after it; the rest is for `parseUri` to judge. */
  readonly uri: string;
  /** Of the header field: `tag`, `expires`, `q`. Those of the URI are in `uri`. */
  readonly params: Params;
}

/**
 * One address that fills `text` from `first` to `end`; `offset` is where `text` starts in the message. Errors:
 * `address-malformed` and those of `parseParams`.
 */
export function parseNameAddr(
  text: string,
  offset = 0,
  header?: string,
  first = 0,
  end = text.length,
): Result<NameAddr> {
  const start = skipSpace(text, first, end);
  let open = text.indexOf('<', start);
  let displayName: string | undefined;
  if (text.charCodeAt(start) === 0x22) {
    const quoteEnd = quotedStringEnd(text, start, end);
    open = quoteEnd === -1 ? -1 : skipSpace(text, quoteEnd, end);
    if (open === -1 || open === end || text.charCodeAt(open) !== 0x3c) {
      return fail('address-malformed', offset + start, 400, 'expected "display name" and <uri>', header);
    }
    displayName = resolveEscapes(text.slice(start + 1, quoteEnd - 1));
  } else if (open === -1 || open >= end) {
    return parseAddrSpec(text, start, end, offset, header);
  } else if (open > start) {
    const nameEnd = trimEnd(text, start, open);
    if (!isUnquotedName(text, start, nameEnd)) {
      return fail('address-malformed', offset + start, 400, 'such a display name must be quoted', header);
    }
    displayName = text.slice(start, nameEnd);
  }
  const close = uriEndAt(text, open + 1, end);
  if (close === -1 || close === end || text.charCodeAt(close) !== 0x3e) {
    return fail('address-malformed', offset + open, 400, 'expected <uri>', header);
  }
  const params = parseParams(text, close + 1, offset, header, end);
  if (!params.ok) return params;
  const uri = text.slice(open + 1, close);
  return ok({ displayName: displayName || undefined, uri, params: params.value });
}

/** §20.10: a URI with a comma, a semicolon or a question mark must be in <>, so here they end it or are wrong. */
function parseAddrSpec(
  text: string,
  start: number,
  end: number,
  offset: number,
  header?: string,
): Result<NameAddr> {
  const semicolon = text.indexOf(';', start);
  const specEnd = semicolon === -1 || semicolon > end ? end : semicolon;
  const uriEnd = trimEnd(text, start, specEnd);
  const uri = text.slice(start, uriEnd);
  if (uriEndAt(text, start, uriEnd) !== uriEnd || uri.includes('?') || uri.includes(',')) {
    return fail(
      'address-malformed',
      offset + start,
      400,
      'expected a URI, in <> when it has headers',
      header,
    );
  }
  const params = specEnd === end ? ok(NO_PARAMS) : parseParams(text, specEnd, offset, header, end);
  return params.ok ? ok({ displayName: undefined, uri, params: params.value }) : params;
}

/** Where the URI that starts at `start` ends, at most `end`; -1 when there is no scheme, colon and something after it. */
function uriEndAt(text: string, start: number, end: number): number {
  const colon = text.startsWith('sip:', start) ? start + 3 : schemeEnd(text, start);
  if (colon === -1) return -1;
  const uriEnd = uriTextEnd(text, colon + 1, end);
  return uriEnd > colon + 1 ? uriEnd : -1;
}

/** Wider than the grammar's *(token LWS): leniency `display-name-characters`. */
function isUnquotedName(text: string, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 && code !== 0x09) return false;
    if (code === 0x22 || code === 0x2c || code === 0x3b || code === 0x3e || code === 0x7f) return false;
  }
  return true;
}

/** All addresses of all fields of that canonical name, in order. */
export function parseNameAddrList(message: SipMessage, name: string): Result<NameAddr[]> {
  const values = allValues(message, name);
  return values.ok ? parseEach(values.value, name) : values;
}

function parseEach(values: readonly ListValue[], header: string): Result<NameAddr[]> {
  const addresses: NameAddr[] = [];
  for (const { text, offset } of values) {
    const address = parseNameAddr(text, offset, header);
    if (!address.ok) return address;
    addresses.push(address.value);
  }
  return ok(addresses);
}

/** `"Bob" <sip:bob@example.org>;tag=1`, always with <>, the display name always quoted. */
export function serializeNameAddr({ displayName, uri, params }: NameAddr): string {
  const name = displayName ? `${quote(displayName)} ` : '';
  return `${name}<${uri}>${serializeParams(params)}`;
}
