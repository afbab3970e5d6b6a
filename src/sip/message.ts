/**
 * A SIP message (RFC 3261 §7), as it came or as it will go.
 *
 * Text is held as latin1: one character a byte, nothing lost, and an index in the text is an offset in bytes.
 * Text for people (a display name, a reason) goes through `utf8()` (text.ts) when it is shown. Header fields
 * are found when the message is parsed and understood only when somebody reads them (via.ts, cseq.ts, …).
 */

/** One header field line. A field that holds a list holds all of it; see `listValues` in list.ts. */
export interface HeaderField {
  /** Canonical: compact forms expanded and known names spelled as in the RFC, others as they came. */
  readonly name: string;
  /** Unfolded, without leading and trailing white space, latin1. */
  readonly value: string;
  /** Where the value starts, in bytes from the start of the message; 0 in a message of ours. */
  readonly offset: number;
}

interface MessageParts {
  /** In the order in which they came. */
  readonly headers: readonly HeaderField[];
  /** Latin1 too, cut out of the text of the message; empty when there is none. */
  readonly body: string;
}

/** RFC 3261 §7.1. */
export interface SipRequest extends MessageParts {
  readonly kind: 'request';
  /** Case-sensitive, any token. */
  readonly method: string;
  /** The Request-URI as it stands in the start line; see `parseUri`. */
  readonly uri: string;
}

/** RFC 3261 §7.2. */
export interface SipResponse extends MessageParts {
  readonly kind: 'response';
  /** 100 to 699. */
  readonly status: number;
  readonly reason: string;
}

export type SipMessage = SipRequest | SipResponse;

/** The first field of that canonical name. */
export function field(message: SipMessage, name: string): HeaderField | undefined {
  for (const header of message.headers) if (header.name === name) return header;
  return undefined;
}

/** All fields of that canonical name, in order. */
export function fields(message: SipMessage, name: string): HeaderField[] {
  return message.headers.filter((header) => header.name === name);
}

/** The values of all fields of that name, in order. */
export function values(message: SipMessage, name: string): string[] {
  return fields(message, name).map((header) => header.value);
}

/** The value of the first field of that canonical name. */
export function value(message: SipMessage, name: string): string | undefined {
  return field(message, name)?.value;
}

/** "INVITE sip:bob@example.org SIP/2.0" or "SIP/2.0 200 OK". */
export function startLine(message: SipMessage): string {
  return message.kind === 'request'
    ? `${message.method} ${message.uri} SIP/2.0`
    : `SIP/2.0 ${message.status} ${message.reason}`;
}

/** Of a message that has none. */
export const NO_BODY = '';
