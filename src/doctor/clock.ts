/**
 * Whether this machine's clock is right, as far as a server's Date tells (RFC 3261 §20.17).
 *
 * Why it matters: a certificate is valid from one time to another, and so is a nonce that holds a time. A server that
 * sends no Date tells nothing, and then nothing is said.
 */
import type { Finding } from './check.ts';

/** A Date that a server sent, and our time when it came; both in ms since 1970. */
export interface DateHeard {
  readonly server: string;
  readonly dateMs: number;
  readonly heardMs: number;
}

/** Date has whole seconds, and the message took a while: less than this is no difference. */
const TOLERANCE_MS = 3_000;
/** More than this, and certificates that were just made are not valid yet. */
const WRONG_MS = 60_000;

/** `Sat, 13 Nov 2010 23:29:00 GMT` (rfc1123-date, always GMT) as ms since 1970; undefined when it is none. */
export function readDate(text: string): number | undefined {
  const shape = /^[A-Z][a-z]{2}, (\d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2}) GMT$/.exec(text.trim());
  const ms = Date.parse(`${shape?.[1]} UTC`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `asked`: whether any server answered at all. */
export function judgeClock(heard: readonly DateHeard[], asked: boolean): Finding {
  const check = 'clock';
  const [first] = heard;
  if (first === undefined) {
    const why = asked ? 'the server sends no Date' : 'no server answered that could tell the time';
    return {
      check,
      verdict: 'unknown',
      evidence: `not known: ${why}`,
      next: 'compare date -u with another clock; certificates need the right time',
    };
  }
  // Of several the nearest to ours: one server's clock may be wrong as well.
  const best = heard.reduce(
    (near, one) => (Math.abs(skewOf(one)) < Math.abs(skewOf(near)) ? one : near),
    first,
  );
  const skewMs = skewOf(best);
  if (Math.abs(skewMs) <= TOLERANCE_MS) {
    return {
      check,
      verdict: 'ok',
      evidence: `within ${TOLERANCE_MS / 1_000} s of the Date of ${best.server}`,
    };
  }
  const evidence = `${inWords(Math.abs(skewMs))} ${skewMs < 0 ? 'ahead of' : 'behind'} the Date of ${best.server}`;
  return {
    check,
    verdict: Math.abs(skewMs) > WRONG_MS ? 'warning' : 'note',
    evidence,
    cause: 'this machine does not keep its time by NTP, or the server does not',
    next: 'compare both with a third clock (timedatectl); certificates need the right time',
  };
}

/** Positive: the server is later than we are. */
function skewOf({ dateMs, heardMs }: DateHeard): number {
  return dateMs - heardMs;
}

function inWords(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}
