/**
 * Max-Forwards: how many hops a request may still take (RFC 3261 §20.22, §8.1.1.6).
 */
import { fail, ok, type Result } from './result.ts';
import { readDigits } from './text.ts';

/** What every request of ours starts with (§8.1.1.6). */
export const INITIAL_MAX_FORWARDS = 70;

/** 0 to 255. Error: `max-forwards-malformed`. */
export function parseMaxForwards(text: string, offset = 0): Result<number> {
  const hops = readDigits(text);
  if (hops >= 0 && hops <= 255) return ok(hops);
  return fail('max-forwards-malformed', offset, 400, 'expected a number from 0 to 255', 'Max-Forwards');
}
