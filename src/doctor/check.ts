/**
 * What a check of `ringback doctor` comes to. Looking and judging stand apart: io/ finds facts out, the files here
 * make findings of them, and the same facts always make the same finding.
 */

/** What is looked at, in the order in which a person would. */
export const CHECKS = [
  'addresses',
  'default-route',
  'sip-port',
  'rtp-ports',
  'dns',
  'local-address',
  'udp',
  'tcp',
  'tls',
  'certificate',
  'public-address',
  'sip-alg',
  'clock',
  'credentials',
] as const;

/** The name of a check. */
export type CheckName = (typeof CHECKS)[number];

/** `note`: not as it might be, and not needed here. `unknown`: it could not be found out. */
export type Verdict = 'ok' | 'note' | 'warning' | 'failed' | 'unknown';

/** What was found, in sentences for a person. */
export interface Finding {
  readonly check: CheckName;
  readonly verdict: Verdict;
  /** What was seen. */
  readonly evidence: string;
  /** More of it, a line each. */
  readonly details?: readonly string[];
  /** The likely cause, and the one thing to do; of what is not good. */
  readonly cause?: string;
  readonly next?: string;
}

/** "a, b and c"; more than `most` are counted. */
export function listed(items: readonly string[], most = 6): string {
  const shown = items.slice(0, most);
  const more = items.length - shown.length;
  const last = more > 0 ? `${more} more` : shown.pop();
  return shown.length === 0 ? (last ?? '') : `${shown.join(', ')} and ${last}`;
}

/** A check that was not done when the time was over. */
export function unfinished(check: CheckName, tookMs: number): Finding {
  return {
    check,
    verdict: 'unknown',
    evidence: `not done within ${Math.round(tookMs / 100) / 10} s`,
    cause: 'something on the way answers too slowly',
    next: 'run it again; if it stays so, ask DNS and the server by hand',
  };
}
