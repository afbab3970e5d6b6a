/**
 * How the engine reaches a media thread that waits in a loop of its own (libc-udp-sockets.ts), where no message arrives
 * by itself: it counts what it sent in shared memory, and raises an event. Batches of commands go through a box in that
 * memory, because a message costs both threads more than what is in it.
 *
 * Why both: the event ends the wait, and the count says whether Bun has handed over everything that was sent before.
 *
 * Why order holds: the box is filled only when it is empty and every message was taken. So whatever is in it is older
 * than any message on the way, and the thread empties it first. What finds it full goes as a message.
 */
import { type Libc, openLibc } from './libc.ts';

/** 32-bit words of the shared memory: messages that were sent, and taken (both may wrap), and bytes in the box. */
const SENT = 0;
const TAKEN = 1;
const BOXED = 2;
const BOX_AT = 16;
/** Some two hundred commands; a larger batch is a message. */
const BOX_BYTES = 64 * 1024;
/** UTF-8 takes no more for one unit of a text. */
const MOST_BYTES_A_UNIT = 3;

/** What the thread is told of it. */
export interface ThreadWake {
  /** An event of libc.ts; the engine closes it. */
  readonly fd: number;
  /** The words and the box. */
  readonly shared: SharedArrayBuffer;
}

/** The engine's end. */
export interface Waker {
  readonly wake: ThreadWake;
  /** Before a message is sent. */
  announce(): void;
  /** After it. */
  raise(): void;
  /** Puts a text into the box and wakes the thread; false: it is not empty, or not sure to be read in its order. */
  box(text: string): boolean;
  /** Once the thread waits no more. */
  close(): void;
}

/** Undefined where libc cannot be called. */
export function openWaker(libc: Libc | undefined = openLibc()): Waker | undefined {
  const fd = libc?.openEvent() ?? -1;
  if (libc === undefined || fd < 0) return undefined;
  const shared = new SharedArrayBuffer(BOX_AT + BOX_BYTES);
  const words = new Int32Array(shared, 0, BOX_AT / Int32Array.BYTES_PER_ELEMENT);
  const box = Buffer.from(shared, BOX_AT);
  const raise = () => libc.raise(fd);
  return {
    wake: { fd, shared },
    announce: () => void Atomics.add(words, SENT, 1),
    raise,
    box(text) {
      if (text.length > BOX_BYTES / MOST_BYTES_A_UNIT || Atomics.load(words, BOXED) !== 0) return false;
      if (Atomics.load(words, TAKEN) !== Atomics.load(words, SENT)) return false;
      Atomics.store(words, BOXED, box.write(text));
      raise();
      return true;
    },
    close: () => void libc.close(fd),
  };
}

/** The thread's end. */
export interface Woken {
  /** A message is on its way that Bun has not handed over. */
  pending(): boolean;
  /** A message was handed over; what gets into the box from now on is newer. */
  took(): void;
  /** What is in the box, which is empty then; undefined: nothing. */
  unbox(): string | undefined;
}

/** Nothing was taken yet. */
export function openWoken({ shared }: ThreadWake): Woken {
  const words = new Int32Array(shared, 0, BOX_AT / Int32Array.BYTES_PER_ELEMENT);
  const box = Buffer.from(shared, BOX_AT);
  return {
    pending: () => Atomics.load(words, SENT) !== Atomics.load(words, TAKEN),
    took: () => void Atomics.add(words, TAKEN, 1),
    unbox() {
      const length = Atomics.load(words, BOXED);
      if (length === 0) return undefined;
      const text = box.toString('utf8', 0, length);
      Atomics.store(words, BOXED, 0);
      return text;
    },
  };
}
