/**
 * A SIP message from its bytes (RFC 3261 §7, §18.3): the start line is read, header fields are found, and none
 * of them but Content-Length is understood here.
 *
 * It runs once for every message that comes in, so it decodes once and walks the text once. What it forgives is
 * listed in leniency.ts.
 */
import { canonicalName, canonicalNameAt } from './header-names.ts';
import { MAX_BODY_BYTES, MAX_HEADER_BYTES, MAX_HEADER_FIELDS, MAX_MESSAGE_BYTES } from './limits.ts';
import { type HeaderField, NO_BODY, type SipMessage, type SipRequest } from './message.ts';
import type { SipError } from './result.ts';
import { parseStartLine } from './start-line.ts';
import { latin1, readDigits, skipSpace, tokenEnd, trimEnd } from './text.ts';

/**
 * A message, or what was wrong with it. `text` is the message as latin1, in which each value stands at its offset;
 * absent when a field was folded, as values are unfolded. `partial` stands beside an error when the bytes were a request of which
 * the method and a Via could be read: enough to send the error's status back. It has no body.
 */
export type ParsedMessage =
  | { readonly ok: true; readonly value: SipMessage; readonly text?: string | undefined }
  | { readonly ok: false; readonly error: SipError; readonly partial?: SipRequest };

/** What is known of the head while it is walked. */
interface Head {
  readonly text: string;
  readonly headers: HeaderField[];
  /** A field went over more than one line. */
  folded: boolean;
  /** Where the body starts. */
  bodyStart: number;
  /** -1 until a Content-Length was read. */
  contentLength: number;
  contentLengthOffset: number;
  /** The first carriage return at or after the field being read; `text.length` when there is no more. */
  carriageReturn: number;
  /** The first error; later ones are not kept. */
  error: SipError | undefined;
}

const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const HT = 0x09;
const COLON = 0x3a;

/**
 * One message of one datagram, or of one frame of a stream. Bytes after the body that Content-Length gives are
 * ignored (§18.3). Bounds and their statuses: limits.ts.
 */
export function parseMessage(bytes: Uint8Array): ParsedMessage {
  if (bytes.length > MAX_MESSAGE_BYTES) {
    return failed(problem('message-too-large', 0, 513, `more than ${MAX_MESSAGE_BYTES} bytes`));
  }
  const text = latin1(bytes);
  const start = skipLineBreaks(text);
  if (start === text.length) return failed(problem('message-empty', 0, 400, 'nothing but line breaks'));
  const lineFeed = text.indexOf('\n', start);
  const startLine = parseStartLine(text, start, lineEnd(text, start, lineFeed));
  if (startLine.kind === 'unreadable') return failed(startLine.error);

  const head = readHead(text, lineFeed === -1 ? text.length : lineFeed + 1);
  const body = readBody(head);
  const headers = head.headers;
  const inPlace = head.folded ? undefined : text;
  if (startLine.kind === 'response') {
    if (head.error) return failed(head.error);
    const { status, reason } = startLine;
    return { ok: true, value: { kind: 'response', status, reason, headers, body }, text: inPlace };
  }
  const { method, uri } = startLine;
  const error = startLine.error ?? head.error;
  if (!error) return { ok: true, value: { kind: 'request', method, uri, headers, body }, text: inPlace };
  const answerable = headers.some((header) => header.name === 'Via');
  if (!answerable) return failed(error);
  return { ok: false, error, partial: { kind: 'request', method, uri, headers, body: NO_BODY } };
}

/** §7.5: line breaks before the start line are ignored. */
function skipLineBreaks(text: string): number {
  let index = 0;
  while (index < text.length && (text.charCodeAt(index) === CR || text.charCodeAt(index) === LF)) index++;
  return index;
}

/** Leniency `line-feed-alone`: where the line that ends with the line feed at `lineFeed` (-1: with the text) has its last character. */
function lineEnd(text: string, start: number, lineFeed: number): number {
  const end = lineFeed === -1 ? text.length : lineFeed;
  return end > start && text.charCodeAt(end - 1) === CR ? end - 1 : end;
}

/**
 * §7.3. A malformed field does not end the walk, as a later Via may be needed for the answer; the first error is
 * the one that counts.
 */
function readHead(text: string, start: number): Head {
  const head: Head = {
    text,
    headers: [],
    folded: false,
    bodyStart: text.length,
    contentLength: -1,
    contentLengthOffset: 0,
    carriageReturn: -1,
    error: undefined,
  };
  let position = start;
  while (position < text.length) {
    const first = text.charCodeAt(position);
    if (first === LF || (first === CR && text.charCodeAt(position + 1) === LF)) {
      head.bodyStart = position + (first === LF ? 1 : 2);
      return head;
    }
    const firstLineFeed = text.indexOf('\n', position);
    const lineFeed = fieldEnd(text, firstLineFeed);
    if (lineFeed === -1) break;
    if (head.headers.length === MAX_HEADER_FIELDS) {
      note(head, 'too-many-header-fields', position, `more than ${MAX_HEADER_FIELDS}`);
      return head;
    }
    readField(head, position, lineFeed, lineFeed !== firstLineFeed);
    position = lineFeed + 1;
  }
  // Leniency `empty-line-missing`: what says that it has no body, and ends with a whole line, lost nothing.
  if (position === text.length && head.contentLength === 0) return head;
  note(head, 'headers-unterminated', text.length, 'no empty line after the header fields');
  return head;
}

/** The first line feed that no white space follows (§7.3.1), from the one given on; -1 when there is none. */
function fieldEnd(text: string, firstLineFeed: number): number {
  let lineFeed = firstLineFeed;
  while (lineFeed !== -1 && isSpace(text.charCodeAt(lineFeed + 1)))
    lineFeed = text.indexOf('\n', lineFeed + 1);
  return lineFeed;
}

/** One field from `start` up to the line feed at `lineFeed`. */
function readField(head: Head, start: number, lineFeed: number, folded: boolean): void {
  const known = canonicalNameAt(head.text, start);
  if (lineFeed - start > MAX_HEADER_BYTES) {
    note(head, 'header-too-long', start, `more than ${MAX_HEADER_BYTES} bytes`);
  } else if (known !== undefined) {
    readValue(head, known, start + known.length + 1, lineFeed, folded);
  } else {
    readAnyField(head, start, lineFeed, folded);
  }
}

/** One field with a name that is compact, unknown, in another case, followed by white space, or wrong. */
function readAnyField(head: Head, start: number, lineFeed: number, folded: boolean): void {
  const text = head.text;
  const nameEnd = tokenEnd(text, start);
  const colon = skipSpace(text, nameEnd);
  if (nameEnd > start && text.charCodeAt(colon) === COLON) {
    readValue(head, canonicalName(text.slice(start, nameEnd)), colon + 1, lineFeed, folded);
  } else if (text.slice(start, lineFeed).includes(':')) {
    note(head, 'header-name-malformed', start, 'the name of a header field is one token');
  } else {
    note(head, 'header-without-colon', start, 'a line without a colon');
  }
}

/** The value of the field `name`, from `start` (after the colon) up to the line feed. */
function readValue(head: Head, name: string, start: number, lineFeed: number, folded: boolean): void {
  if (folded) return readFolded(head, name, start, lineFeed);
  const text = head.text;
  const end = trimEnd(text, start, lineEnd(text, start, lineFeed));
  const offset = skipSpace(text, start, end);
  if (head.carriageReturn < offset) {
    const next = text.indexOf('\r', offset);
    head.carriageReturn = next === -1 ? text.length : next;
  }
  if (head.carriageReturn < end) return noteCarriageReturn(head, name, offset);
  head.headers.push({ name, value: text.slice(offset, end), offset });
  if (name === 'Content-Length') keepContentLength(head, readDigits(text, offset, end), offset);
}

/** A value that goes over several lines, as `readValue`. */
function readFolded(head: Head, name: string, start: number, lineFeed: number): void {
  const text = head.text;
  let end = lineFeed;
  let offset = start;
  while (offset < end && isBlank(text.charCodeAt(offset))) offset++;
  while (end > offset && isBlank(text.charCodeAt(end - 1))) end--;
  head.folded = true;
  const value = unfold(text.slice(offset, end));
  if (value.includes('\r')) return noteCarriageReturn(head, name, offset);
  head.headers.push({ name, value, offset });
  if (name === 'Content-Length') keepContentLength(head, readDigits(value), offset);
}

/** A carriage return that ends no line here may end one for the next element that reads it. */
function noteCarriageReturn(head: Head, name: string, offset: number): void {
  note(head, 'carriage-return-alone', offset, 'a carriage return without a line feed', name);
}

/** §7.3.1: a line break and the white space around it are one space. */
function unfold(value: string): string {
  if (!value.includes('\n')) return value;
  return value
    .split('\n')
    .map((line) => line.slice(skipSpace(line, 0), trimEnd(line, 0, lineEnd(line, 0, -1))))
    .filter((line) => line !== '')
    .join(' ');
}

/** §20.14; -1 is no number. Two that differ leave the end of the message open; two that agree are one too many still. */
function keepContentLength(head: Head, length: number, offset: number): void {
  if (length < 0) {
    note(head, 'content-length-malformed', offset, 'expected digits', 'Content-Length');
  } else if (head.contentLength >= 0) {
    note(head, 'content-length-duplicated', offset, 'it stands twice', 'Content-Length');
  } else {
    head.contentLength = length;
    head.contentLengthOffset = offset;
  }
}

/** §18.3: surplus bytes are ignored; leniency `body-without-content-length`. */
function readBody(head: Head): string {
  const rest = head.text.length - head.bodyStart;
  const length = head.contentLength < 0 ? rest : head.contentLength;
  if (length > rest) {
    const detail = `${length} bytes announced, ${rest} there`;
    note(head, 'content-length-too-large', head.contentLengthOffset, detail, 'Content-Length');
  } else if (length > MAX_BODY_BYTES) {
    head.error ??= problem('body-too-large', head.bodyStart, 413, `more than ${MAX_BODY_BYTES} bytes`);
  }
  if (head.error || length === 0) return NO_BODY;
  return head.text.slice(head.bodyStart, head.bodyStart + length);
}

function isSpace(code: number): boolean {
  return code === SP || code === HT;
}

function isBlank(code: number): boolean {
  return code === SP || code === HT || code === CR || code === LF;
}

/** Keeps the first error only. */
function note(head: Head, code: string, offset: number, detail: string, header?: string): void {
  head.error ??= problem(code, offset, 400, detail, header);
}

function failed(error: SipError): ParsedMessage {
  return { ok: false, error };
}

function problem(code: string, offset: number, status: number, detail: string, header?: string): SipError {
  return header === undefined ? { code, offset, status, detail } : { code, offset, status, detail, header };
}
