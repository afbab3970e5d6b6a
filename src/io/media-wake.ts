/**
 * How the engine wakes a media thread that waits in a loop of its own (libc-udp-sockets.ts), where no message arrives
 * by itself: it counts what it sent in shared memory, and raises an event.
 *
 * Why both: the event ends the wait, and the count says whether Bun has handed over everything that was sent before.
 */
import { type Libc, openLibc } from './libc.ts';

/** What the thread is told of it. */
export interface ThreadWake {
  /** An event of libc.ts; the engine closes it. */
  readonly fd: number;
  /** One 32-bit count of the messages that were sent to the thread, which may wrap. */
  readonly sent: SharedArrayBuffer;
}

/** The engine's end. */
export interface Waker {
  readonly wake: ThreadWake;
  /** Before a message is sent. */
  announce(): void;
  /** After it. */
  raise(): void;
  /** Once the thread waits no more. */
  close(): void;
}

/** Undefined where libc cannot be called. */
export function openWaker(libc: Libc | undefined = openLibc()): Waker | undefined {
  const fd = libc?.openEvent() ?? -1;
  if (libc === undefined || fd < 0) return undefined;
  const sent = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const count = new Int32Array(sent);
  return {
    wake: { fd, sent },
    announce: () => void Atomics.add(count, 0, 1),
    raise: () => libc.raise(fd),
    close: () => void libc.close(fd),
  };
}
