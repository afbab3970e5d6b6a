/** The session description in the body of a message (RFC 3261 §13.2.1), or why there is none. */
import { field, type SipMessage } from './message.ts';
import { fail, ok, type Result } from './result.ts';
import { parseSdp, type SessionDescription } from './sdp.ts';
import { latin1 } from './text.ts';

/** The offer of a request; none when it has no body. Errors: `content-type-unsupported`, `body-encoded` (415), SDP's. */
export function readOffer(message: SipMessage): Result<SessionDescription | undefined> {
  return message.body.length === 0 ? ok(undefined) : readDescription(message);
}

/** The description in a body that must be one. */
export function readDescription(message: SipMessage): Result<SessionDescription> {
  const type = field(message, 'Content-Type');
  const mime = type?.value.split(';', 1)[0]?.trim().toLowerCase();
  if (mime !== 'application/sdp') {
    const detail = mime === undefined ? 'a body without a Content-Type' : 'the body is not application/sdp';
    return fail('content-type-unsupported', type?.offset ?? 0, 415, detail, 'Content-Type');
  }
  const encoding = field(message, 'Content-Encoding');
  if (encoding !== undefined && encoding.value.toLowerCase() !== 'identity') {
    return fail('body-encoded', encoding.offset, 415, 'the body is encoded', 'Content-Encoding');
  }
  return parseSdp(latin1(message.body));
}
