/**
 * What is checked of every request before anybody serves it (RFC 3261 §8.2): the Request-URI, the fields that may
 * stand once only, and the form of those that decide about the request or about where it came from.
 *
 * It is one walk over the fields with one look-up each, because it runs for every request. What is right here may
 * still be refused by whoever serves the request; what nobody reads is not looked at (RFC 4475 §3.3: a parser that
 * breaks on what it does not need helps nobody).
 */
import { parseContacts } from './contact.ts';
import { listValues } from './list.ts';
import { parseMaxForwards } from './max-forwards.ts';
import type { HeaderField, SipRequest } from './message.ts';
import { fail, type Result, type SipError } from './result.ts';
import { isToken } from './text.ts';
import { parseUri } from './uri.ts';

/** Fields of one value (§20, RFC 4028, RFC 6665): each has a bit, to see that it came before. */
const SINGLE: ReadonlyMap<string, number> = new Map(
  [
    'Max-Forwards',
    'Content-Type',
    'Content-Disposition',
    'Date',
    'Event',
    'Expires',
    'Min-SE',
    'RAck',
    'Refer-To',
    'Session-Expires',
    'Timestamp',
  ].map((name, index) => [name, 1 << index]),
);

/**
 * What is wrong with a request whose core headers are right; undefined when nothing is. Errors:
 * `scheme-unsupported` (416), `request-uri-headers`, `max-forwards-duplicated`, …, `date-malformed`,
 * `token-malformed`, those of `parseUri`, `parseMaxForwards` and `parseContacts`; all others 400.
 */
export function validateRequest(request: SipRequest): SipError | undefined {
  const wrong = validateRequestUri(request);
  if (wrong !== undefined) return wrong;
  let seen = 0;
  let contact = false;
  for (const header of request.headers) {
    const bit = SINGLE.get(header.name);
    if (bit !== undefined) {
      if ((seen & bit) !== 0) return duplicated(header);
      seen |= bit;
      const malformed = validateSingle(header);
      if (malformed !== undefined) return malformed;
    } else if (header.name === 'Require') {
      const malformed = validateRequire(header);
      if (malformed !== undefined) return malformed;
    } else if (header.name === 'Contact') contact = true;
  }
  // An INVITE's is read with its dialog (dialog.ts), and a BYE's by nobody.
  if (!contact || request.method === 'INVITE' || request.method === 'BYE') return undefined;
  return errorOf(parseContacts(request));
}

/** §8.2.2.1: a scheme that we serve; §19.1.1, Table 1: no header fields in a Request-URI. A number is as good as a user. */
function validateRequestUri({ method, uri: text }: SipRequest): SipError | undefined {
  const offset = method.length + 1;
  const uri = parseUri(text, offset);
  if (!uri.ok) return uri.error;
  if (uri.value.kind === 'opaque') {
    if (uri.value.scheme === 'tel') return undefined;
    const detail = `nobody is reached by ${uri.value.scheme}: here`;
    return errorOf(fail('scheme-unsupported', offset, 416, detail));
  }
  if (uri.value.headers.length === 0) return undefined;
  return errorOf(fail('request-uri-headers', offset, 400, 'a Request-URI has no header fields'));
}

/** Leniencies `max-forwards-missing` and `date-unread`: what is there has to be right, as far as it is read. */
function validateSingle({ name, value, offset }: HeaderField): SipError | undefined {
  if (name === 'Max-Forwards') return errorOf(parseMaxForwards(value, offset));
  // §20.17: GMT and nothing else. Three letters or an offset at the end name another zone.
  if (name === 'Date' && /\d\s+(?!(?:GMT|UTC?)$)(?:[A-Z]{1,5}|[+-]\d{4})$/i.test(value)) {
    return errorOf(fail('date-malformed', offset, 400, 'the time zone of a Date is GMT', 'Date'));
  }
  return undefined;
}

/** §20.32. A Require that cannot be read cannot be met either. */
function validateRequire({ name, value, offset }: HeaderField): SipError | undefined {
  const tags = listValues(value, offset, name);
  if (!tags.ok) return tags.error;
  const wrong = tags.value.find(({ text }) => !isToken(text));
  if (wrong === undefined) return undefined;
  return errorOf(fail('token-malformed', wrong.offset, 400, 'expected option tags', name));
}

function duplicated({ name, offset }: HeaderField): SipError | undefined {
  return errorOf(fail(`${name.toLowerCase()}-duplicated`, offset, 400, `${name} stands twice`, name));
}

function errorOf(result: Result<unknown>): SipError | undefined {
  return result.ok ? undefined : result.error;
}
