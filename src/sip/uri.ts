/**
 * SIP and SIPS URIs (RFC 3261 §19.1), and every other URI as it stands.
 *
 * Parts are kept with their escapes, because %2F and / are not the same in a user part; `unescapeUri` is for
 * people and look-ups, and `uriEquals` knows the rules of §19.1.4.
 */
import { parseHostPort, serializeHostPort } from './host-port.ts';
import { MAX_PARAMETERS } from './limits.ts';
import type { Params } from './params.ts';
import { NO_PARAMS, serializeParams } from './params.ts';
import { fail, ok, type Result } from './result.ts';
import { characterTable } from './text.ts';

/** `sip:user:password@host:port;parameters?headers`. */
export interface SipUri {
  readonly kind: 'sip';
  readonly scheme: 'sip' | 'sips';
  /** Escapes as they came; may hold `;` parameters of its own (§19.1.6). */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** As it came; IPv6 without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port?: number | undefined;
  /** Names in lower case, values with their escapes. */
  readonly params: Params;
  /** `name=value` pairs after "?", with their escapes. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** `tel:`, `urn:`, `http:` and all that is no SIP URI: not looked into. */
export interface OpaqueUri {
  readonly kind: 'opaque';
  /** In lower case. */
  readonly scheme: string;
  /** What follows the colon. */
  readonly rest: string;
}

export type Uri = SipUri | OpaqueUri;

/**
 * A whole URI; `offset` is where `text` starts in the message. Errors: `uri-malformed`, `host-malformed`,
 * `port-malformed`, `parameter-duplicated`, `too-many-parameters`.
 */
export function parseUri(text: string, offset = 0, header?: string): Result<Uri> {
  for (const uri of lately) if (uri.text === text) return uri.read;
  const read = readUri(text, offset, header);
  // An error names a place in its message, so it is made anew.
  if (read.ok) lately[place++ % LATELY] = { text, read };
  return read;
}

/**
 * The last URIs that were read. Several parts read the same of one message (who is called, who calls, where to answer),
 * and most messages to a service name the same few.
 */
const lately: { readonly text: string; readonly read: Result<Uri> }[] = [];
const LATELY = 6;
let place = 0;

function readUri(text: string, offset: number, header?: string): Result<Uri> {
  const colon = schemeEnd(text, 0);
  if (colon === -1) return fail('uri-malformed', offset, 400, 'expected a scheme and ":"', header);
  const end = uriTextEnd(text, colon);
  if (end < text.length) {
    return fail('uri-malformed', offset + end, 400, 'a character that no URI may have', header);
  }
  const scheme = text.startsWith('sip:') ? 'sip' : text.slice(0, colon).toLowerCase();
  if (scheme === 'sip' || scheme === 'sips') return parseSipUri(text, scheme, offset, header);
  const rest = text.slice(colon + 1);
  if (rest === '') return fail('uri-malformed', offset, 400, 'nothing after the scheme', header);
  return ok({ kind: 'opaque', scheme, rest });
}

/** Where the colon after the scheme stands, from `start` on; -1 when no scheme stands there (RFC 3986 §3.1). */
export function schemeEnd(text: string, start: number): number {
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a) continue;
    if (index === start) return -1;
    if (code === 0x3a) return index;
    if (!(code >= 0x30 && code <= 0x39) && code !== 0x2b && code !== 0x2d && code !== 0x2e) return -1;
  }
  return -1;
}

/** Where the characters that a URI may have end, from `start` on: white space, control characters, quotes and <> are none. */
export function uriTextEnd(text: string, start: number, end = text.length): number {
  let index = start;
  while (index < end && NOT_IN_URI[text.charCodeAt(index)] !== 1) index++;
  return index;
}

const NOT_IN_URI = characterTable('"<>\x7f', false).fill(1, 0, 0x21);

function parseSipUri(text: string, scheme: 'sip' | 'sips', offset: number, header?: string): Result<SipUri> {
  const start = scheme.length + 1;
  // A user part may hold ";", "?" and "/" (§25.1 user-unreserved), a host none: the "@" decides.
  const at = text.indexOf('@', start);
  const hostStart = at === -1 ? start : at + 1;
  const userInfo = at === -1 ? NO_USER : readUserInfo(text.slice(start, at));
  if (userInfo === null) {
    return fail('uri-malformed', offset + start, 400, 'an empty user or a broken escape', header);
  }
  const question = text.indexOf('?', hostStart);
  const paramsEnd = question === -1 ? text.length : question;
  const semicolon = text.indexOf(';', hostStart);
  const hostEnd = semicolon === -1 || semicolon > paramsEnd ? paramsEnd : semicolon;
  const hostPort = parseHostPort(text, hostStart, hostEnd, offset, header);
  if (!hostPort.ok) return hostPort;
  const params =
    hostEnd === paramsEnd ? NONE : readParams(text.slice(hostEnd, paramsEnd), offset + hostEnd, header);
  if (!params.ok) return params;
  const headers =
    question === -1 ? NO_HEADERS : readHeaders(text.slice(question + 1), offset + question, header);
  if (!headers.ok) return headers;
  return ok({
    kind: 'sip',
    scheme,
    user: userInfo.user,
    password: userInfo.password,
    host: hostPort.value.host,
    port: hostPort.value.port,
    params: params.value,
    headers: headers.value,
  });
}

interface UserInfo {
  readonly user: string | undefined;
  readonly password: string | undefined;
}

const NO_USER: UserInfo = { user: undefined, password: undefined };
const NONE = ok(NO_PARAMS);
const NO_HEADERS: Result<[string, string][]> = ok([]);

/** `user[:password]`; null when it is malformed. Leniency `user-characters`: it is compared and carried as it is. */
function readUserInfo(text: string): UserInfo | null {
  const colon = text.indexOf(':');
  const user = colon === -1 ? text : text.slice(0, colon);
  if (user === '' || !hasWholeEscapes(text)) return null;
  return { user, password: colon === -1 ? undefined : text.slice(colon + 1) };
}

/** `;name=value;flag`: no white space, no quotes, so not the parameters of a header field. */
function readParams(text: string, offset: number, header?: string): Result<Params> {
  const params = new Map<string, string | undefined>();
  let at = offset;
  for (const part of text.slice(1).split(';', MAX_PARAMETERS + 1)) {
    at += 1;
    const equals = part.indexOf('=');
    const name = (equals === -1 ? part : part.slice(0, equals)).toLowerCase();
    if (name === '' || !hasWholeEscapes(part)) {
      return fail('uri-malformed', at, 400, 'a malformed parameter of a URI', header);
    }
    if (params.has(name)) return fail('parameter-duplicated', at, 400, `${name} stands twice`, header);
    if (params.size === MAX_PARAMETERS) {
      return fail('too-many-parameters', at, 400, `more than ${MAX_PARAMETERS}`, header);
    }
    params.set(name, equals === -1 ? undefined : part.slice(equals + 1));
    at += part.length;
  }
  return ok(params);
}

/** `name=value&name=value` (§19.1.1). A value may be empty. */
function readHeaders(text: string, offset: number, header?: string): Result<[string, string][]> {
  const headers: [string, string][] = [];
  for (const part of text.split('&', MAX_PARAMETERS + 1)) {
    const equals = part.indexOf('=');
    if (equals < 1 || !hasWholeEscapes(part)) {
      return fail('uri-malformed', offset, 400, 'expected name=value after "?"', header);
    }
    if (headers.length === MAX_PARAMETERS) {
      return fail('too-many-parameters', offset, 400, `more than ${MAX_PARAMETERS} headers`, header);
    }
    headers.push([part.slice(0, equals), part.slice(equals + 1)]);
  }
  return ok(headers);
}

/** Every % is followed by two hexadecimal digits (§25.1 escaped). */
function hasWholeEscapes(text: string): boolean {
  return !text.includes('%') || !/%(?![0-9a-fA-F]{2})/.test(text);
}

/** The URI as text; parts are written as they stand. */
export function serializeUri(uri: Uri): string {
  if (uri.kind === 'opaque') return `${uri.scheme}:${uri.rest}`;
  const password = uri.password === undefined ? '' : `:${uri.password}`;
  const user = uri.user === undefined ? '' : `${uri.user}${password}@`;
  const headers = uri.headers.map(([name, value]) => `${name}=${value}`).join('&');
  const query = headers === '' ? '' : `?${headers}`;
  return `${uri.scheme}:${user}${serializeHostPort(uri)}${serializeParams(uri.params)}${query}`;
}

/** Escapes resolved, latin1 (`displayText` for people). A broken escape stays as it is. */
export function unescapeUri(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** Text as a user part: whatever §25.1 does not allow there is escaped. Latin1 in, ASCII out. */
export function escapeUser(text: string): string {
  return text.replace(/[^A-Za-z0-9\-_.!~*'()&=+$,;?/]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

/** The user of a URI, as it may stand in a Contact of ours. */
export function userOf(uri: string): string | undefined {
  const parsed = parseUri(uri);
  if (!parsed.ok) return undefined;
  if (parsed.value.kind === 'sip') return parsed.value.user;
  // The number of a tel URI may stand in a SIP URI of ours (§19.1.6); of other schemes nobody knows what would.
  return parsed.value.scheme === 'tel' ? /^[+0-9.()-]+/.exec(parsed.value.rest)?.[0] : undefined;
}
