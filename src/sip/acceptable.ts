/**
 * Whether the sender of an INVITE takes what our answer to it is: a session description, not encoded (RFC 3261
 * §20.1, §20.2, §21.4.7). Judged before anything rings, because a 200 that cannot be read is a call that fails.
 */
import { allValues } from './list.ts';
import { accepts } from './media-type.ts';
import { field, type SipRequest } from './message.ts';
import { parseParams } from './params.ts';
import { isZero } from './qvalue.ts';
import { type SipError, sipError } from './result.ts';
import { tokenEnd } from './text.ts';

/** Why our answer would not be taken: 406. Leniency accept-unreadable: a field that cannot be read asks for nothing. */
export function notAcceptable(request: SipRequest): SipError | undefined {
  const accept = field(request, 'Accept');
  if (accept !== undefined) {
    const taken = accepts(request, 'application', 'sdp');
    if (taken.ok && !taken.value) {
      const detail = 'Accept leaves out application/sdp, which our answer is';
      return { ...sipError('answer-unacceptable', 406, detail), offset: accept.offset, header: 'Accept' };
    }
  }
  const encoding = field(request, 'Accept-Encoding');
  if (encoding === undefined || takesIdentity(request)) return undefined;
  const detail = 'Accept-Encoding leaves out identity, and we encode nothing';
  return {
    ...sipError('answer-unacceptable', 406, detail),
    offset: encoding.offset,
    header: 'Accept-Encoding',
  };
}

/** §20.2: identity is always taken, unless it, or all that is not named, has q=0. */
function takesIdentity(request: SipRequest): boolean {
  const codings = allValues(request, 'Accept-Encoding');
  if (!codings.ok) return true;
  let taken = true;
  for (const { text } of codings.value) {
    const end = tokenEnd(text, 0);
    const coding = text.slice(0, end).toLowerCase();
    if (coding !== 'identity' && coding !== '*') continue;
    const params = parseParams(text, end);
    const refused = params.ok && isZero(params.value.get('q'));
    if (coding === 'identity') return !refused;
    taken = !refused;
  }
  return taken;
}
