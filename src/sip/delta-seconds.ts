/**
 * Spans of time in whole seconds: Expires, Min-Expires, and the first part of Retry-After (RFC 3261 §20.19,
 * §20.23, §25.1 delta-seconds).
 */
import { fail, ok, type Result } from './result.ts';
import { readDigits } from './text.ts';

/** What delta-seconds can say at most (§20.19). */
const MAX_DELTA_SECONDS = 2 ** 32 - 1;

/** Seconds, 0 to 2^32 − 1. Error: `seconds-malformed`. */
export function parseDeltaSeconds(text: string, offset = 0, header?: string): Result<number> {
  const seconds = readDigits(text);
  if (seconds >= 0 && seconds <= MAX_DELTA_SECONDS) return ok(seconds);
  return fail('seconds-malformed', offset, 400, 'expected whole seconds below 2^32', header);
}
