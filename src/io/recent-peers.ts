/**
 * Whose an ICMP error is (RFC 3261 §17.1.4, §18.4). The socket tells that one came, and not what for. When everything
 * that was sent of late went to one peer it can be told all the same, and a call to nobody ends at once instead of
 * after 32 s; where there are several, the transactions' timers find out.
 */
import type { SocketAddress } from '../sip/flow.ts';

/** An ICMP error comes within a round trip, and most of those are shorter than this, in ms. */
const LATE_MS = 1_000;

/** Remembers the last peer alone, and when there was another. */
export interface RecentPeers {
  /** A datagram went there. */
  sent(remote: SocketAddress, nowMs: number): void;
  /** The one peer that anything was sent to of late; undefined when there was none, or more than one. */
  only(nowMs: number): SocketAddress | undefined;
}

/** Nothing was sent yet. */
export function recentPeers(): RecentPeers {
  let last: SocketAddress | undefined;
  let lastMs = 0;
  /** When something was sent to any other than the last one. */
  let otherMs = Number.NEGATIVE_INFINITY;
  return {
    sent(remote, nowMs) {
      if (last !== undefined && (last.port !== remote.port || last.address !== remote.address))
        otherMs = lastMs;
      last = remote;
      lastMs = nowMs;
    },
    only(nowMs) {
      return nowMs - lastMs > LATE_MS || nowMs - otherMs <= LATE_MS ? undefined : last;
    },
  };
}
