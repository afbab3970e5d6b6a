/**
 * Writing to a terminal without waiting for it. Bun writes to a terminal at once and stands still when it does not
 * take more: a person who presses Ctrl-S, or a frozen window, would stop every call's signalling (tried on 1.4.5: as
 * long as the terminal did not read). Here a thread of the runtime waits in our place; one write is under way at a
 * time, so that lines keep their order.
 */
import { write } from 'node:fs';
import type { LineStream } from './line-writer.ts';

interface Waiting {
  readonly bytes: Uint8Array;
  readonly done: (error?: Error | null) => void;
}

/** A stream of lines to the terminal that stands behind a file descriptor. */
export function terminalStream(descriptor: number): LineStream {
  const queue: Waiting[] = [];
  let lost: (error: Error) => void = () => {};
  const next = (): void => {
    const head = queue[0];
    if (head === undefined) return;
    write(descriptor, head.bytes, (error, written) => {
      if (error === null && written < head.bytes.length) {
        queue[0] = { ...head, bytes: head.bytes.subarray(written) };
      } else {
        queue.shift();
        head.done(error);
        if (error !== null) lost(error);
      }
      next();
    });
  };
  return {
    write(text, done) {
      queue.push({ bytes: new TextEncoder().encode(text), done });
      if (queue.length === 1) next();
    },
    on(_, listener) {
      lost = listener;
    },
  };
}
