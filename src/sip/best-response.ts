/**
 * The best of the final responses that a forked request got (RFC 3261 §16.7 steps 6 and 7).
 */
import { fields, type HeaderField, type SipResponse } from './message.ts';
import { reasonPhrase } from './reason-phrases.ts';

/** 4xx that say how the request can be sent again with more success (§16.7 step 6). */
const HELPFUL: ReadonlySet<number> = new Set([401, 407, 415, 420, 484]);
/** 4xx that say nothing of the person called: nobody answered in time, or we took the request back. */
const UNTELLING: ReadonlySet<number> = new Set([408, 487]);

/** A 6xx before all, else the lowest class; in it what helps the caller most, else the first that came. */
export function bestResponse(finals: readonly SipResponse[]): SipResponse | undefined {
  let best: SipResponse | undefined;
  for (const response of finals) if (best === undefined || rank(response) < rank(best)) best = response;
  if (best === undefined) return undefined;
  if (best.status === 401 || best.status === 407) return withAllChallenges(best, finals);
  // RFC 5626 §11.5: a 430 is between proxies; a caller is told that nobody is there now.
  if (best.status === 430) return { ...best, status: 480, reason: reasonPhrase(480) };
  // A 503 is about a server behind us; sent on, it would take us out of service (§16.7 step 6).
  return best.status === 503 ? { ...best, status: 500, reason: reasonPhrase(500) } : best;
}

/** The lower, the better. */
function rank({ status }: SipResponse): number {
  const group = Math.floor(status / 100);
  const within = HELPFUL.has(status) ? 0 : UNTELLING.has(status) ? 2 : 1;
  return (group === 6 ? 0 : group) * 10 + within;
}

/** §16.7 step 7: the caller must see the challenges of all of them, or it could never satisfy two at once. */
function withAllChallenges(best: SipResponse, finals: readonly SipResponse[]): SipResponse {
  const others: HeaderField[] = [];
  for (const response of finals) {
    if (response === best || (response.status !== 401 && response.status !== 407)) continue;
    others.push(...fields(response, 'WWW-Authenticate'), ...fields(response, 'Proxy-Authenticate'));
  }
  return others.length === 0 ? best : { ...best, headers: [...best.headers, ...others] };
}
