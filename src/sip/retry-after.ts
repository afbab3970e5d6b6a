/**
 * Retry-After: when to come back, why, and for how long somebody will be there then (RFC 3261 §20.33).
 */
import { commentEnd, commentText } from './comment.ts';
import { parseDeltaSeconds } from './delta-seconds.ts';
import { type Params, parseParams } from './params.ts';
import { fail, ok, type Result } from './result.ts';
import { readDigits, skipSpace, tokenEnd } from './text.ts';

/** `18000;duration=3600`, `120 (I'm in a meeting)`. */
export interface RetryAfter {
  /** 0 to 2^32 − 1. */
  readonly seconds: number;
  /** Latin1, escapes resolved. */
  readonly comment?: string;
  /** `duration`; absent when it is malformed. */
  readonly durationS?: number;
  readonly params: Params;
}

/** Errors: `seconds-malformed`, `comment-malformed`, those of `parseParams`. */
export function parseRetryAfter(text: string, offset = 0): Result<RetryAfter> {
  const start = skipSpace(text, 0);
  const secondsEnd = tokenEnd(text, start);
  const seconds = parseDeltaSeconds(text.slice(start, secondsEnd), offset + start, 'Retry-After');
  if (!seconds.ok) return seconds;
  let rest = skipSpace(text, secondsEnd);
  let comment: string | undefined;
  if (text.charCodeAt(rest) === 0x28) {
    const end = commentEnd(text, rest);
    if (end === -1) {
      return fail('comment-malformed', offset + rest, 400, 'a comment that is never closed', 'Retry-After');
    }
    comment = commentText(text.slice(rest, end));
    rest = end;
  }
  const params = parseParams(text, rest, offset, 'Retry-After');
  if (!params.ok) return params;
  const durationS = readDigits(params.value.get('duration') ?? '');
  return ok({
    seconds: seconds.value,
    ...(comment === undefined ? {} : { comment }),
    ...(durationS < 0 ? {} : { durationS }),
    params: params.value,
  });
}
