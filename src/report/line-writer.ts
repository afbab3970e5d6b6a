/**
 * Lines to a stream that somebody else reads, perhaps slowly, perhaps no longer.
 *
 * The lines of one turn of the event loop go out in one write. Bun's standard streams do not block, they keep what
 * the reader has not taken; so what waits is counted here, and over a bound new lines are dropped and counted rather
 * than growing for ever. A hole shows in the events' `seq`.
 */

/** What is needed of a stream: `process.stdout` and a test's own. */
export interface LineStream {
  write(text: string, done: (error?: Error | null) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** See `lineWriter`. */
export interface LineWriter {
  readonly write: (line: string) => void;
  /** Writes what waits; resolves when the stream has taken it, is gone, or `limitMs` are over. */
  readonly flush: (limitMs: number) => Promise<void>;
  /** Lines that were dropped since the start. */
  readonly dropped: () => number;
}

/** Characters that may wait for a slow reader: some minutes of a busy service. */
export const MAX_WAITING = 16 * 1024 * 1024;

/** Starts a writer. `onGone` is called once when the stream takes no more: its reader has left (EPIPE), its disk is full. */
export function lineWriter(
  stream: LineStream,
  onGone: (error: Error) => void,
  maxWaiting = MAX_WAITING,
): LineWriter {
  let batch = '';
  let scheduled = false;
  let waiting = 0;
  let dropped = 0;
  let gone = false;
  let drained: (() => void)[] = [];

  const settle = () => {
    if (waiting > 0 && !gone) return;
    for (const resolve of drained) resolve();
    drained = [];
  };
  const lose = (error: Error) => {
    if (gone) return;
    gone = true;
    batch = '';
    settle();
    onGone(error);
  };
  stream.on('error', lose);

  const send = () => {
    scheduled = false;
    if (batch === '' || gone) return;
    const text = batch;
    batch = '';
    stream.write(text, (error) => {
      waiting -= text.length;
      if (error) lose(error);
      else settle();
    });
  };

  return {
    write(line) {
      if (gone) return;
      if (waiting + line.length + 1 > maxWaiting) {
        dropped++;
        return;
      }
      batch += `${line}\n`;
      waiting += line.length + 1;
      if (scheduled) return;
      scheduled = true;
      setImmediate(send);
    },
    flush(limitMs) {
      send();
      if (waiting === 0 || gone) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, limitMs);
        drained.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
    dropped: () => dropped,
  };
}
