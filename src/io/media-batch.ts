/**
 * Commands and reports of the media threads travel in batches: waking a thread costs tens of microseconds on both
 * sides, more than carrying out what it is woken for.
 *
 * The first one after a pause goes at once, so that a service with few calls waits for nothing; while many come, a
 * batch goes every BATCH_MS.
 */

import { type After, afterTimeout } from './udp-sockets.ts';

/** The least time between two batches, in ms; a packet that is quicker than its command is held (early-packets.ts). */
export const BATCH_MS = 20;
/** A batch that is so long goes before its time: the reserve of ports must not wait in it. */
const MOST = 32;

/** What waits to travel. */
export interface Batch<Item> {
  /** Sends them with what waits, or lets them wait. */
  add(...items: readonly Item[]): void;
  /** Sends what waits. */
  flush(): void;
}

/** `send` is handed one item at least, in the order in which they were added. */
export function openBatch<Item>(
  send: (items: readonly Item[]) => void,
  after: After = afterTimeout,
): Batch<Item> {
  let waiting: Item[] = [];
  let nextMs = Number.NEGATIVE_INFINITY;
  let cancel: (() => void) | undefined;

  function flush(): void {
    cancel?.();
    cancel = undefined;
    if (waiting.length === 0) return;
    const items = waiting;
    waiting = [];
    nextMs = performance.now() + BATCH_MS;
    send(items);
  }

  return {
    add(...items) {
      waiting.push(...items);
      if (waiting.length >= MOST) return flush();
      if (cancel !== undefined) return;
      const waitMs = nextMs - performance.now();
      if (waitMs <= 0) flush();
      else cancel = after(waitMs, flush);
    },
    flush,
  };
}
