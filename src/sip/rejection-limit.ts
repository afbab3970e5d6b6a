/**
 * How many rejections are said one by one. A refused message is a line in every log, even with -q, because it tells a
 * person what is wrong; a flood of them would fill the disk of whoever does not look. So after a burst only some a
 * second are said, and once a second how many were not.
 */
import type { EventOf } from '../events.ts';
import { MAX_REJECTIONS_AT_ONCE, REJECTIONS_PER_SECOND } from './limits.ts';

type Rejection = EventOf<'sip.rejected'>;

/** How long what is left out is counted before it is said, in ms. */
const COUNTED_MS = 1_000;

/** Holds `MAX_REJECTIONS_AT_ONCE`, refilled by `REJECTIONS_PER_SECOND`. */
export class RejectionLimit {
  /** Rejections that may be said now; a bucket that fills with time. */
  private left = MAX_REJECTIONS_AT_ONCE;
  private filledMs = 0;
  private leftOut = 0;
  private last: Rejection | undefined;
  private sayAtMs: number | undefined;

  /** When the count is due; undefined while nothing was left out. */
  nextMs(): number | undefined {
    return this.sayAtMs;
  }

  /** Whether this one is said; it is counted when it is not. */
  takes(rejection: Rejection, nowMs: number): boolean {
    const gained = ((nowMs - this.filledMs) * REJECTIONS_PER_SECOND) / 1_000;
    this.left = Math.min(MAX_REJECTIONS_AT_ONCE, this.left + Math.max(0, gained));
    this.filledMs = nowMs;
    if (this.left >= 1) {
      this.left -= 1;
      return true;
    }
    this.leftOut += 1;
    this.last = rejection;
    this.sayAtMs ??= nowMs + COUNTED_MS;
    return false;
  }

  /** What was left out, once that is due. */
  count(nowMs: number): Rejection | undefined {
    const { last, leftOut, sayAtMs } = this;
    if (last === undefined || sayAtMs === undefined || nowMs < sayAtMs) return undefined;
    this.leftOut = 0;
    this.last = undefined;
    this.sayAtMs = undefined;
    return {
      type: 'sip.rejected',
      transport: last.transport,
      remote: last.remote,
      code: 'rejections-left-out',
      offset: 0,
      detail: `${leftOut} more were rejected within a second, the last one from there: ${last.code}`,
      hint: 'look who sends that much; a firewall can limit it',
    };
  }
}
