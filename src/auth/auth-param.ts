/**
 * The common form of every authentication header (RFC 7235 §2.1, RFC 3261 §25.1): a scheme, then `name=value`
 * pairs with commas between them, of which several may follow each other in one value.
 *
 * A comma ends a parameter and may also end a challenge: only what follows tells (`name =` or `scheme name =`).
 * That ambiguity is resolved here, once, for challenges, credentials and Authentication-Info.
 */

/** Parameters of one challenge or credentials; more are not read. */
const MAX_AUTH_PARAMETERS = 32;

/** One scheme with its parameters. */
export interface AuthValue {
  /** In lower case; empty for Authentication-Info, which has none. */
  readonly scheme: string;
  /** Names in lower case; values without quotes and escapes. The first of a name counts. */
  readonly parameters: ReadonlyMap<string, string>;
  /** What was wrong with it; absent when nothing was. */
  readonly problem?: string;
}

interface OpenValue {
  scheme: string;
  parameters: Map<string, string>;
  problem?: string;
}

/** 1 for the characters of a token. */
const TOKEN = new Uint8Array(256);
for (const character of "-.!%*_+`'~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TOKEN[character.charCodeAt(0)] = 1;
}

/** What nearly all parameters are called: a name cut out of a message costs more to look up than one of these. */
const COMMON_NAMES = [
  'username',
  'realm',
  'nonce',
  'uri',
  'response',
  'algorithm',
  'cnonce',
  'qop',
  'nc',
  'opaque',
];

const COMMA = 0x2c;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text, at)) at += 1;
  return at;
}

/** Where the token that starts at `at` ends; `at` itself when there is none. */
function tokenEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && TOKEN[text.charCodeAt(end)] === 1) end += 1;
  return end;
}

/** The name from `at` to `end`, in lower case. */
function nameAt(text: string, at: number, end: number): string {
  for (const name of COMMON_NAMES) if (name.length === end - at && text.startsWith(name, at)) return name;
  return text.slice(at, end).toLowerCase();
}

/** The next comma that is not inside quotes, or the end. */
function nextComma(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (quoted && code === BACKSLASH) at += 1;
    else if (code === QUOTE) quoted = !quoted;
    else if (code === COMMA && !quoted) return at;
  }
  return text.length;
}

/** The index behind the closing quote of the string that opens at `from`; −1 when there is none. */
function quotedEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at += 1;
  }
  return -1;
}

/** What stands between quotes: each backslash goes, the character after it stays. */
function withoutEscapes(text: string): string {
  return text.includes('\\') ? text.replace(/\\([\s\S])/g, '$1') : text;
}

/** Reads the schemes of one header value, in order, at most `limit` of them. Never throws. */
export function parseAuthValues(text: string, limit: number): AuthValue[] {
  const values: OpenValue[] = [];
  let current: OpenValue | undefined;
  let at = 0;
  while (at < text.length) {
    at = skipSpace(text, at);
    if (text.charCodeAt(at) === COMMA) {
      at += 1;
      continue;
    }
    if (at >= text.length) break;
    const end = tokenEnd(text, at);
    const after = skipSpace(text, end);
    if (end > at && text.charCodeAt(after) !== EQUALS) {
      if (values.length === limit) break;
      // A word with no "=" behind it starts the next challenge: a scheme.
      current = { scheme: text.slice(at, end).toLowerCase(), parameters: new Map() };
      values.push(current);
      at = after;
      continue;
    }
    current ??= open(values);
    at =
      end === at ? spoil(current, text, at) : readParameter(current, nameAt(text, at, end), text, after + 1);
  }
  return values;
}

/** Parameters before any scheme: Authentication-Info. */
function open(values: OpenValue[]): OpenValue {
  const value: OpenValue = { scheme: '', parameters: new Map() };
  values.push(value);
  return value;
}

function spoil(current: OpenValue, text: string, at: number): number {
  current.problem ??= `unexpected "${text.charAt(at)}"`;
  return nextComma(text, at);
}

/** `from` is behind the equals sign. Returns where the next parameter may start. */
function readParameter(current: OpenValue, name: string, text: string, from: number): number {
  const at = skipSpace(text, from);
  const quoted = text.charCodeAt(at) === QUOTE;
  const end = quoted ? quotedEnd(text, at) : unquotedEnd(text, at);
  if (end < 0) {
    current.problem ??= `the quotes of ${name} are not closed`;
    return text.length;
  }
  const next = skipSpace(text, end);
  if (next < text.length && text.charCodeAt(next) !== COMMA) {
    // §2.1 wants a comma here. Without it nobody can say where the value ends.
    current.problem ??= `no comma after ${name}`;
    return nextComma(text, next);
  }
  if (current.parameters.size === MAX_AUTH_PARAMETERS) current.problem ??= 'too many parameters';
  else if (!current.parameters.has(name)) {
    current.parameters.set(name, quoted ? withoutEscapes(text.slice(at + 1, end - 1)) : text.slice(at, end));
  }
  return next;
}

/** Where a token ends, or whatever stands there up to a comma or a space: `nc=00000001`, `uri=sip:…` by sloppy clients. */
function unquotedEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && text.charCodeAt(end) !== COMMA && !isSpace(text, end)) end += 1;
  return end;
}

/** `"a \"b\""`: quotes and escapes put around a value (RFC 3261 §25.1, quoted-string). */
export function quote(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}
