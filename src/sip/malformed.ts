/**
 * A malformed message shown to a person: the code, the byte, the line it stands in with the place in it, and what to
 * do about it (RFC 3261 §7). The live engine answers such a message with the same code; here is room for all of it.
 */
import type { EventOf } from '../events.ts';
import { parseContacts } from './contact.ts';
import { formatAddress } from './flow.ts';
import type { ObservedMessage, ReadMessage } from './observed-message.ts';
import type { SipError } from './result.ts';
import { displayText, latin1 } from './text.ts';
import { validateRequest } from './validation.ts';

/** What the sender has to do. A code that is not here is explained by its detail. */
const HINTS: Readonly<Record<string, string>> = {
  'message-empty': 'send a message, or leave line breaks to keep-alives (RFC 5626 §3.5.1)',
  'headers-unterminated': 'end the header fields with an empty line (CRLF CRLF); was the message cut off?',
  'header-without-colon': 'write every header field as "Name: value"; a folded line starts with white space',
  'header-name-malformed': 'the name before the colon is one token, without spaces or quotes',
  'carriage-return-alone': 'end lines with CR LF; a CR inside a line may end it for somebody else',
  'content-length-malformed': 'Content-Length is digits alone',
  'content-length-duplicated': 'send Content-Length once',
  'content-length-missing': 'on a stream every message needs a Content-Length (§18.3)',
  'content-length-too-large': 'count the bytes after the empty line; was the message cut off?',
  'start-line-malformed': 'write "METHOD uri SIP/2.0" or "SIP/2.0 200 OK"',
  'request-line-malformed': 'write "METHOD uri SIP/2.0", with single spaces',
  'status-line-malformed': 'write "SIP/2.0 200 OK": version, three digits, a reason',
  'status-malformed': 'the status is three digits from 100 to 699',
  'version-unsupported': 'the version is SIP/2.0',
  'via-missing': 'every message has a Via; a response repeats those of its request (§8.2.6.2)',
  'via-malformed': 'write "Via: SIP/2.0/UDP host:port;branch=z9hG4bK…"',
  'from-missing': 'every message has a From with a tag (§8.1.1.3)',
  'to-missing': 'every message has a To (§8.1.1.2)',
  'call-id-missing': 'every message has a Call-ID (§8.1.1.4)',
  'call-id-malformed': 'the Call-ID is one word',
  'cseq-missing': 'every message has a CSeq (§8.1.1.5)',
  'cseq-malformed': 'write "CSeq: 1 INVITE": a number and a method',
  'cseq-too-large': 'the number in CSeq is below 2^31 (§8.1.1.5)',
  'cseq-method-mismatch': 'the method in CSeq is that of the request (§8.1.1.5)',
  'address-malformed': 'write "Name" <sip:user@host>;tag=…; a URI with ; ? or , stands in <> (§20)',
  'uri-malformed': 'write sip:user@host:port; escape other characters as %hh (§19.1.2)',
  'host-malformed': 'a host is a name, an IPv4 address, or an IPv6 address in brackets',
  'port-malformed': 'a port is digits from 1 to 65535',
  'tag-malformed': 'a tag has a value: ;tag=1928301774',
  'parameter-malformed': 'parameters are ;name=value; quote what is no token',
  'parameter-duplicated': 'each parameter stands once',
  'date-malformed': 'write "Date: Sat, 13 Nov 2010 23:29:00 GMT" (§20.17)',
  'request-uri-headers':
    'what stands after ? in a URI becomes header fields; it has no place in a Request-URI (§19.1.1)',
  'sdp-version-missing': 'a session description starts with v=0 (RFC 8866 §5.1)',
  'sdp-origin-missing': 'a session description needs o= (RFC 8866 §5.2)',
  'sdp-connection-missing': 'give c= for the session or for each media line (RFC 8866 §5.7)',
  'sdp-line-malformed': 'every line of a session description is one letter, "=", and a value (RFC 8866 §5)',
};

/** Characters of a line that are shown on both sides of the place. */
const SHOWN_EACH_SIDE = 80;

/** The line that the byte stands in, and how many of its characters stand before it. Bounded on both sides. */
export function lineAround(
  bytes: Uint8Array,
  offset: number,
): { readonly line: string; readonly column: number } {
  const text = latin1(bytes);
  const at = Math.min(Math.max(offset, 0), text.length);
  const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;
  const lineFeed = text.indexOf('\n', at);
  const end = lineFeed === -1 ? text.length : lineFeed;
  const from = Math.max(start, at - SHOWN_EACH_SIDE);
  const to = Math.min(end, at + SHOWN_EACH_SIDE);
  const line = text.slice(from, to).replace(/\r$/, '');
  return { line: displayText(line), column: displayText(text.slice(from, at)).length };
}

/** What a live run would say of it, and the line. */
export function rejectedEvent(
  observed: ObservedMessage,
  error: SipError,
  call?: string,
): EventOf<'sip.rejected'> {
  const { transport, source, bytes } = observed;
  const hint = HINTS[error.code];
  return {
    type: 'sip.rejected',
    ...(call === undefined ? undefined : { call }),
    transport,
    remote: source === undefined ? 'unknown' : formatAddress(source),
    code: error.code,
    offset: error.offset,
    ...(error.header === undefined ? undefined : { header: error.header }),
    detail: displayText(error.detail),
    ...(hint === undefined ? undefined : { hint }),
    // What is missing stands nowhere; then the start line tells which message it is.
    ...lineAround(bytes, error.offset),
  };
}

/** What a server would refuse as malformed in a request that can be followed all the same (§8.2, §10.3). */
export function refusedFor({ message }: ReadMessage): SipError | undefined {
  if (message.kind === 'response') return undefined;
  const wrong = validateRequest(message);
  if (wrong?.status === 400) return wrong;
  if (message.method !== 'INVITE' && message.method !== 'REGISTER') return undefined;
  const contacts = parseContacts(message);
  return contacts.ok ? undefined : contacts.error;
}
