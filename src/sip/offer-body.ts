/** The session description in the body of a message (RFC 3261 §13.2.1, RFC 5621 §3), or why there is none. */
import { contentDisposition } from './content-disposition.ts';
import { field, type SipMessage } from './message.ts';
import { isMultipart, partOfType } from './multipart.ts';
import { fail, ok, type Result } from './result.ts';
import { parseSdp, type SessionDescription } from './sdp.ts';

/**
 * The offer of a request; none when it has no body, or one of another kind that may be ignored (§20.11). Errors:
 * `content-type-unsupported`, `body-encoded`, `part-unsupported` (415), those of `partOfType` and of SDP.
 */
export function readOffer(message: SipMessage): Result<SessionDescription | undefined> {
  if (message.body.length === 0) return ok(undefined);
  const read = readDescription(message);
  const ignored = !read.ok && read.error.status === 415 && isOptional(message);
  return ignored ? ok(undefined) : read;
}

/** The type as nearly everybody writes it, which saves taking it apart. */
const SDP = 'application/sdp';

/** The description in a body that must be one, or have one among its parts. */
export function readDescription(message: SipMessage): Result<SessionDescription> {
  const type = field(message, 'Content-Type');
  const mime = type?.value === SDP ? SDP : type?.value.split(';', 1)[0]?.trim().toLowerCase();
  const multipart = mime !== SDP && isMultipart(message);
  if (mime !== SDP && !multipart) {
    const detail = mime === undefined ? 'a body without a Content-Type' : 'the body is not application/sdp';
    return fail('content-type-unsupported', type?.offset ?? 0, 415, detail, 'Content-Type');
  }
  const encoding = field(message, 'Content-Encoding');
  if (encoding !== undefined && encoding.value.toLowerCase() !== 'identity') {
    return fail('body-encoded', encoding.offset, 415, 'the body is encoded', 'Content-Encoding');
  }
  if (!multipart) return parseSdp(message.body);
  const part = partOfType(message, SDP);
  if (!part.ok) return part;
  if (part.value !== undefined) return parseSdp(part.value.body);
  const detail = 'no part of the body is application/sdp that can be read as it stands';
  return fail('content-type-unsupported', type?.offset ?? 0, 415, detail, 'Content-Type');
}

function isOptional({ headers }: SipMessage): boolean {
  return contentDisposition(headers)?.handling === 'optional';
}
