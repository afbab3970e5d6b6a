/**
 * When the next report is due (RFC 3550 §6.2 and §6.3.1).
 *
 * Why the fixed minimum and no computed interval: a call has two members, for which the computed one is always
 * below the minimum. Half to one and a half of it, so that a thousand calls do not report in step.
 */

/** The minimum interval, in ms (§6.2). */
const RTCP_MINIMUM_INTERVAL_MS = 5_000;

/** The next interval, in ms, 2500 to 7500; `random` is 0 to 1. */
export function rtcpIntervalMs(random: number): number {
  return RTCP_MINIMUM_INTERVAL_MS * (0.5 + random);
}
