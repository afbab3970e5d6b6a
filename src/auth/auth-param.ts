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

const TOKEN = /[A-Za-z0-9\-.!%*_+`'~]+/y;

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text, at)) at += 1;
  return at;
}

function tokenAt(text: string, at: number): string {
  TOKEN.lastIndex = at;
  return TOKEN.exec(text)?.[0] ?? '';
}

/** The next comma that is not inside quotes, or the end. */
function nextComma(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) return at;
  }
  return text.length;
}

/** A quoted string from its opening quote; `end` is behind the closing one, −1 when there is none. */
function quotedAt(text: string, from: number): { value: string; end: number } {
  let value = '';
  for (let at = from + 1; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '"') return { value, end: at + 1 };
    if (character === '\\') at += 1;
    value += text.charAt(at);
  }
  return { value, end: -1 };
}

/** Reads the schemes of one header value, in order, at most `limit` of them. Never throws. */
export function parseAuthValues(text: string, limit: number): AuthValue[] {
  const values: OpenValue[] = [];
  let current: OpenValue | undefined;
  let at = 0;
  while (at < text.length) {
    at = skipSpace(text, at);
    if (text.charAt(at) === ',') {
      at += 1;
      continue;
    }
    if (at >= text.length) break;
    const word = tokenAt(text, at);
    const after = skipSpace(text, at + word.length);
    if (word !== '' && text.charAt(after) !== '=') {
      if (values.length === limit) break;
      // A word with no "=" behind it starts the next challenge: a scheme.
      current = { scheme: word.toLowerCase(), parameters: new Map() };
      values.push(current);
      at = after;
      continue;
    }
    current ??= open(values);
    at = word === '' ? spoil(current, text, at) : readParameter(current, word.toLowerCase(), text, after + 1);
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
  const quoted = text.charAt(at) === '"';
  const { value, end } = quoted ? quotedAt(text, at) : unquotedAt(text, at);
  if (end < 0) {
    current.problem ??= `the quotes of ${name} are not closed`;
    return text.length;
  }
  const next = skipSpace(text, end);
  if (next < text.length && text.charAt(next) !== ',') {
    // §2.1 wants a comma here. Without it nobody can say where the value ends.
    current.problem ??= `no comma after ${name}`;
    return nextComma(text, next);
  }
  if (current.parameters.size === MAX_AUTH_PARAMETERS) current.problem ??= 'too many parameters';
  else if (!current.parameters.has(name)) current.parameters.set(name, value);
  return next;
}

/** A token, or whatever stands there up to a comma or a space: `nc=00000001`, `uri=sip:…` by sloppy clients. */
function unquotedAt(text: string, from: number): { value: string; end: number } {
  let end = from;
  while (end < text.length && text.charAt(end) !== ',' && !isSpace(text, end)) end += 1;
  return { value: text.slice(from, end), end };
}

/** `"a \"b\""`: quotes and escapes put around a value (RFC 3261 §25.1, quoted-string). */
export function quote(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}
