/**
 * A SIP message to its bytes, and the requests and responses that we make (RFC 3261 §7, §8.2.6, §18.3).
 *
 * Content-Length is written here and nowhere else, last and always, because a stream cannot do without it and
 * nobody else knows the length of the body for certain.
 */
import {
  type HeaderField,
  NO_BODY,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  startLine,
} from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { withParameter } from './params.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { remembering } from './remembered.ts';
import { bytesOf, fieldText } from './text.ts';

/** The message as it goes on the wire, any Content-Length in it replaced. Names are canonical, never compact. */
export function serialize(message: SipMessage): Uint8Array {
  let head = startLine(message);
  for (const { name, value } of message.headers) {
    if (name !== 'Content-Length') head = `${head}\r\n${name}: ${value}`;
  }
  return closed(head, message.body);
}

/**
 * A head that lacks Content-Length alone and the end of its last line, and its body, as bytes. Lines are put together
 * with their line break in front, in one step each: every piece of a text costs once more when it becomes bytes.
 */
function closed(open: string, body: string): Uint8Array {
  return bytesOf(`${open}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

/** How many bytes `serialize` makes of it; a character is a byte (text.ts). */
export function messageLength(message: SipMessage): number {
  let length = startLine(message).length + 2 + `Content-Length: ${message.body.length}\r\n\r\n`.length;
  for (const { name, value } of message.headers) {
    if (name !== 'Content-Length') length += name.length + value.length + 4;
  }
  return length + message.body.length;
}

/** A header field that we write: canonical name and value, latin1 (`wire` for text of people). */
export type HeaderLine = readonly [name: string, value: string];

/** What a request of ours is made of. Header fields go out in that order. */
export interface RequestParts {
  readonly method: string;
  readonly uri: string;
  readonly headers: readonly HeaderLine[];
  readonly body?: string;
}

/** A request of ours. Line breaks in values become spaces, so that no value can write a field of its own. */
export function buildRequest({ method, uri, headers, body = NO_BODY }: RequestParts): SipRequest {
  return { kind: 'request', method, uri: fieldText(uri), headers: headers.map(headerField), body };
}

const NO_LINES: readonly HeaderLine[] = [];

/** What a response has beyond that which it takes from its request. */
export interface ResponseParts {
  /** The registered phrase when absent. */
  readonly reason?: string;
  /** Added to To when that has no tag yet (§8.2.6.2); not for 100. */
  readonly toTag?: string | undefined;
  readonly headers?: readonly HeaderLine[];
  readonly body?: string | undefined;
}

/** Methods whose 1xx and 2xx may make a dialog, and so carry Record-Route back (§12.1.1; RFC 6665, RFC 3515). */
const DIALOG_FORMING = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'NOTIFY']);

/**
 * The response to a request (§8.2.6.2): Via (all, in order), From, To, Call-ID and CSeq as they came, Timestamp
 * in a 100 (§8.2.6.1), Record-Route where a dialog may come of it. What a broken request lacks is left out.
 * `server` is our name for Server (§20.35), before the header fields of `parts`.
 */
export function buildResponse(
  request: SipRequest,
  status: number,
  parts: ResponseParts = {},
  server?: string,
): SipResponse {
  const { reason = reasonPhrase(status), headers = [], body = NO_BODY } = parts;
  const copied: HeaderField[] = [];
  for (const header of request.headers) {
    const value = valueInResponse(request, header, status, parts.toTag);
    if (value !== undefined) copied.push(value === header.value ? header : { ...header, value });
  }
  if (server !== undefined) copied.push(headerField(['Server', server]));
  for (const line of headers) copied.push(headerField(line));
  return { kind: 'response', status, reason: fieldText(reason), headers: copied, body };
}

/** The bytes of that response, without it: most are for nobody but their receiver. */
export function responseBytes(
  request: SipRequest,
  status: number,
  parts: ResponseParts = {},
  server?: string,
): Uint8Array {
  const { reason, headers = NO_LINES, body = NO_BODY } = parts;
  const phrase = reason === undefined ? reasonPhrase(status) : fieldText(reason);
  let head = `SIP/2.0 ${status} ${phrase}${copiedLines(request, status, parts.toTag)}`;
  if (server !== undefined) head = `${head}\r\nServer: ${fieldText(server)}`;
  for (const [name, value] of headers) {
    if (name !== 'Content-Length') head = `${head}\r\n${name}: ${fieldText(value)}`;
  }
  return closed(head, body);
}

/** The fields that a response takes from its request, as text. A 180 and the 200 after it take the same. */
function copiedLines(request: SipRequest, status: number, toTag: string | undefined): string {
  const forming = status > 100 && status < 300;
  if (forming && copied.request === request && copied.toTag === toTag) return copied.lines;
  let lines = '';
  for (const header of request.headers) {
    const value = valueInResponse(request, header, status, toTag);
    if (value !== undefined) lines = `${lines}\r\n${header.name}: ${value}`;
  }
  if (forming) copied = { request, toTag, lines };
  return lines;
}

/** Those of the last response that may make a dialog. */
let copied: {
  readonly request: SipRequest | undefined;
  readonly toTag: string | undefined;
  readonly lines: string;
} = { request: undefined, toTag: undefined, lines: '' };

/** What a header field of the request is in its response; undefined where it has no place in it. */
function valueInResponse(
  { method }: SipRequest,
  { name, value }: HeaderField,
  status: number,
  toTag: string | undefined,
): string | undefined {
  switch (name) {
    case 'Via':
    case 'From':
    case 'Call-ID':
    case 'CSeq':
      return value;
    case 'To':
      return toTag === undefined ? value : tagged(value, toTag);
    case 'Record-Route':
      return status > 100 && status < 300 && DIALOG_FORMING.has(method) ? value : undefined;
    case 'Timestamp':
      return status === 100 ? value : undefined;
    default:
      return undefined;
  }
}

/** A To with our tag, unless it has one already. */
function tagged(to: string, tag: string): string {
  return takesTag(to) ? withParameter(to, 'tag', tag) : to;
}

/** Whether a To has no tag yet. One that cannot be read is copied as it came: there is no right place for a tag in it. */
const takesTag = remembering((to) => {
  const address = parseNameAddr(to);
  return address.ok && !address.value.params.has('tag');
});

function headerField([name, value]: HeaderLine): HeaderField {
  return { name, value: fieldText(value), offset: 0 };
}
