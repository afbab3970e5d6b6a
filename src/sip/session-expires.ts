/**
 * Session-Expires and Min-SE: how long a session lasts without being refreshed, and who refreshes it
 * (RFC 4028 §4, §5).
 */
import { parseDeltaSeconds } from './delta-seconds.ts';
import { parseParams } from './params.ts';
import { fail, ok, type Result } from './result.ts';
import { skipSpace, tokenEnd } from './text.ts';

/** `1800;refresher=uac`. */
export interface SessionExpires {
  readonly seconds: number;
  /** The user agent client, or server, of the request that this belongs to. */
  readonly refresher?: 'uac' | 'uas';
}

/** Errors: `seconds-malformed`, `refresher-malformed` (400), those of `parseParams`. */
export function parseSessionExpires(text: string, offset = 0): Result<SessionExpires> {
  const start = skipSpace(text, 0);
  const end = tokenEnd(text, start);
  const seconds = parseDeltaSeconds(text.slice(start, end), offset + start, 'Session-Expires');
  if (!seconds.ok) return seconds;
  const params = parseParams(text, end, offset, 'Session-Expires');
  if (!params.ok) return params;
  const refresher = params.value.get('refresher')?.toLowerCase();
  if (refresher === undefined) return ok({ seconds: seconds.value });
  if (refresher !== 'uac' && refresher !== 'uas') {
    return fail('refresher-malformed', offset + end, 400, 'the refresher is uac or uas', 'Session-Expires');
  }
  return ok({ seconds: seconds.value, refresher });
}

/** Min-SE, in seconds. Errors: those of `parseSessionExpires` but for the refresher. */
export function parseMinSe(text: string, offset = 0): Result<number> {
  const start = skipSpace(text, 0);
  const end = tokenEnd(text, start);
  const seconds = parseDeltaSeconds(text.slice(start, end), offset + start, 'Min-SE');
  if (!seconds.ok) return seconds;
  const params = parseParams(text, end, offset, 'Min-SE');
  return params.ok ? seconds : params;
}
