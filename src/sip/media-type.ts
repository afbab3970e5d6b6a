/**
 * What a body is and what may come back: Content-Type and Accept (RFC 3261 §20.15, §20.1).
 */
import { allValues } from './list.ts';
import { field, type SipMessage } from './message.ts';
import { type Params, parseParams } from './params.ts';
import { isZero } from './qvalue.ts';
import { fail, ok, type Result } from './result.ts';
import { skipSpace, tokenEnd } from './text.ts';

/** `application/sdp`, `multipart/mixed;boundary="b"`; in Accept either part may be `*`. */
export interface MediaType {
  /** In lower case. */
  readonly type: string;
  /** In lower case. */
  readonly subtype: string;
  readonly params: Params;
}

/** Errors: `media-type-malformed`, those of `parseParams`. */
export function parseMediaType(text: string, offset = 0, header?: string): Result<MediaType> {
  const start = skipSpace(text, 0);
  const typeEnd = tokenEnd(text, start);
  const slash = skipSpace(text, typeEnd);
  const subtypeStart = skipSpace(text, slash + 1);
  const subtypeEnd = tokenEnd(text, subtypeStart);
  if (typeEnd === start || text.charCodeAt(slash) !== 0x2f || subtypeEnd === subtypeStart) {
    return fail('media-type-malformed', offset + start, 400, 'expected type/subtype', header);
  }
  const params = parseParams(text, subtypeEnd, offset, header);
  if (!params.ok) return params;
  const type = text.slice(start, typeEnd).toLowerCase();
  return ok({ type, subtype: text.slice(subtypeStart, subtypeEnd).toLowerCase(), params: params.value });
}

/** The Content-Type of a message; undefined when it has none. */
export function contentType(message: SipMessage): Result<MediaType | undefined> {
  const header = field(message, 'Content-Type');
  return header ? parseMediaType(header.value, header.offset, 'Content-Type') : ok(undefined);
}

/**
 * Whether the sender takes a body of that type. Without Accept only `application/sdp` is taken (§20.1); an empty
 * Accept takes nothing.
 */
export function accepts(message: SipMessage, type: string, subtype: string): Result<boolean> {
  if (!field(message, 'Accept')) return ok(type === 'application' && subtype === 'sdp');
  const values = allValues(message, 'Accept');
  if (!values.ok) return values;
  // The range that names the type most closely decides: `application/sdp;q=0, */*` leaves it out.
  let closest = -1;
  let taken = false;
  for (const { text, offset } of values.value) {
    const range = parseMediaType(text, offset, 'Accept');
    if (!range.ok) return range;
    const sameType = range.value.type === '*' || range.value.type === type;
    const sameSubtype = range.value.subtype === '*' || range.value.subtype === subtype;
    const close = (range.value.type === type ? 1 : 0) + (range.value.subtype === subtype ? 1 : 0);
    if (!sameType || !sameSubtype || close <= closest) continue;
    closest = close;
    taken = !isZero(range.value.params.get('q'));
  }
  return ok(taken);
}
