/**
 * Bytes to text and back, and the smallest words of the SIP grammar: tokens, quoted strings, white space
 * (RFC 3261 §25.1).
 *
 * Text is latin1 while it is worked on: one character a byte, so that nothing is lost and an index is an
 * offset. Only what a person reads goes through `utf8()`.
 */
import { Buffer } from 'node:buffer';

/** The bytes from `start` to `end` as latin1: never fails, loses nothing. */
export function latin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const buffer =
    bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1', start, end);
}

/** The bytes of a latin1 text. Text of people goes through `wire()` first. */
export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** Latin1 text as the UTF-8 that it carries, for people; malformed sequences become U+FFFD. */
export function utf8(text: string): string {
  return ASCII_ONLY.test(text) ? text : Buffer.from(text, 'latin1').toString('utf8');
}

/**
 * Text of people as it goes into a header field: UTF-8 held as latin1, line breaks as spaces. A line break in
 * a display name would otherwise write header fields of its own.
 */
export function wire(text: string): string {
  if (!UNFIT_FOR_WIRE.test(text)) return text;
  return Buffer.from(text.replace(LINE_BREAKS, ' '), 'utf8').toString('latin1');
}

/**
 * A header field value of ours, latin1 already: line breaks become spaces, and characters that are none of
 * latin1 become UTF-8, as their lower byte alone could be a line break.
 */
export function fieldText(text: string): string {
  if (!UNFIT_FOR_FIELD.test(text)) return text;
  const line = text.replace(LINE_BREAKS, ' ');
  return NOT_LATIN1.test(line) ? Buffer.from(line, 'utf8').toString('latin1') : line;
}

/**
 * Latin1 text as UTF-8 that is safe on a terminal: control characters, what has no width, and the marks
 * that turn the direction of writing, are shown as U+FFFD. A stranger's display name must not move the cursor.
 */
export function displayText(text: string): string {
  if (ASCII_ONLY.test(text)) return text;
  return utf8(text).replace(UNSAFE_TO_SHOW, '\ufffd');
}

const ASCII_ONLY = /^[\x20-\x7e]*$/;
const UNFIT_FOR_WIRE = /[^\x20-\x7e]/;
const UNFIT_FOR_FIELD = /[\r\n]|[^\0-\xff]/;
const NOT_LATIN1 = /[^\0-\xff]/;
const LINE_BREAKS = /[\r\n]+/g;
const UNSAFE_TO_SHOW =
  /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** A table over latin1: 1 for the characters given and, when asked, for letters and digits. */
export function characterTable(characters: string, alphanumeric = true): Uint8Array {
  const table = new Uint8Array(256);
  const all = alphanumeric
    ? `${characters}abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789`
    : characters;
  for (let index = 0; index < all.length; index++) table[all.charCodeAt(index)] = 1;
  return table;
}

/** `token` of §25.1. */
const TOKEN = characterTable("-.!%*_+`'~");

/** Whether all of `text` from `start` to `end` is one token, of one character at least. */
export function isToken(text: string, start = 0, end = text.length): boolean {
  if (start >= end) return false;
  for (let index = start; index < end; index++) if (TOKEN[text.charCodeAt(index)] !== 1) return false;
  return true;
}

/** Where the token that starts at `start` ends, at most `end`; `start` itself when there is none. */
export function tokenEnd(text: string, start: number, end = text.length): number {
  let index = start;
  while (index < end && TOKEN[text.charCodeAt(index)] === 1) index++;
  return index;
}

/** The word of `known` that stands from `start` to `end`, if one of them does: it is compared in place and not cut out. */
export function knownWordAt(
  text: string,
  start: number,
  end: number,
  known: readonly string[],
): string | undefined {
  const length = end - start;
  for (const word of known) if (word.length === length && text.startsWith(word, start)) return word;
  return undefined;
}

/** The same, or else what stands there, cut out. */
export function wordAt(text: string, start: number, end: number, common: readonly string[]): string {
  return knownWordAt(text, start, end, common) ?? text.slice(start, end);
}

/**
 * The token from `start` to `end`, taken from `common` when it is one of those: a word cut out of a message costs
 * each time it is compared, one of ours does not. Undefined when it is no token.
 */
export function tokenAt(
  text: string,
  start: number,
  end: number,
  common: readonly string[],
): string | undefined {
  const known = knownWordAt(text, start, end, common);
  return known !== undefined || !isToken(text, start, end) ? known : text.slice(start, end);
}

/** The first index from `start` on that is no space and no tab; at most `end`. */
export function skipSpace(text: string, start: number, end = text.length): number {
  let index = start;
  while (index < end && isSpace(text.charCodeAt(index))) index++;
  return index;
}

/** The index after the last character before `end` that is no space and no tab; at least `start`. */
export function trimEnd(text: string, start: number, end: number): number {
  let index = end;
  while (index > start && isSpace(text.charCodeAt(index - 1))) index--;
  return index;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * The index after the closing quote of the quoted string that opens at `start`; -1 when it is not closed before `end`.
 * A backslash takes the next character with it (§25.1 quoted-pair).
 */
export function quotedStringEnd(text: string, start: number, end = text.length): number {
  for (let index = start + 1; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x5c) index++;
    else if (code === 0x22) return index + 1;
  }
  return -1;
}

/** The content of a quoted string, escapes resolved; text that is not quoted comes back as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  return resolveEscapes(text.slice(1, -1));
}

/** Each backslash goes, the character after it stays (§25.1 quoted-pair). */
export function resolveEscapes(text: string): string {
  return text.includes('\\') ? text.replace(/\\([\s\S])/g, '$1') : text;
}

/** A quoted string of that content; backslashes and quotes are escaped (§25.1). */
export function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/**
 * The number that stands in `text` from `start` to `end`, digits and nothing else; -1 when it is none.
 * A number beyond 2^53 comes back as `Infinity`, as no field has any use for it.
 */
export function readDigits(text: string, start = 0, end = text.length): number {
  if (start >= end) return -1;
  let number = 0;
  for (let index = start; index < end; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    number = number * 10 + digit;
  }
  return number <= Number.MAX_SAFE_INTEGER ? number : Number.POSITIVE_INFINITY;
}
