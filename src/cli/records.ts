/**
 * What a session leaves behind in files: its trace (`--trace`), to be played again. The file is opened before anything
 * else happens, because a person who asked for it would rather not run without it.
 */
import { createWriteStream, openSync } from 'node:fs';
import type { Event } from '../events.ts';
import type { DriverTap } from '../io/driver.ts';
import type { TraceStyle } from '../io/trace.ts';
import { traceRecorder } from '../io/trace-recorder.ts';
import { lineWriter } from '../report/line-writer.ts';
import type { Options } from './options.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';

/** Files that are being written. */
export interface Records {
  /** For the driver; absent when nothing has to hear what goes in. */
  readonly tap?: DriverTap;
  /** Each event, as it is printed. */
  readonly event: (event: Event) => void;
  readonly close: () => Promise<void>;
}

/** A disk may be slow, and must not hold the end for ever. */
const CLOSE_LIMIT_MS = 5_000;

/** Whether somebody reads every event, with its message, whatever is printed. */
export function keepsRecords(options: Pick<Options, 'trace' | 'transcript'>): boolean {
  return options.trace !== undefined || options.transcript !== undefined;
}

/** Opens what was asked for. Throws a `UsageError` when a file cannot be written. */
export function openRecords(
  options: Pick<Options, 'trace' | 'transcript'>,
  style: TraceStyle,
  warn: (sentence: string) => void,
): Records {
  const { trace } = options;
  if (trace === undefined) return { event: () => {}, close: () => Promise.resolve() };
  const stream = createWriteStream(trace, { fd: openFile('trace', trace) });
  const writer = lineWriter(stream, (lost) => warn(`The trace ${trace} is not whole: ${lost.message}.`));
  const recorder = traceRecorder(writer.write, { version: VERSION, style });
  return {
    tap: recorder.tap,
    event: recorder.event,
    async close() {
      await writer.flush(CLOSE_LIMIT_MS);
      if (writer.dropped() > 0) warn(`The trace ${trace} is not whole: the disk is too slow.`);
    },
  };
}

/** For its owner alone: it holds whole messages. */
function openFile(flag: string, file: string): number {
  try {
    return openSync(file, 'w', 0o600);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--${flag}: ${file} cannot be written (${why}).`);
  }
}
