/**
 * What a session leaves behind in files: its trace (`--trace`), to be played again, and its transcript (`--transcript`),
 * to be read. The files are opened before anything else happens, because a person who asked for them would rather not
 * run without them.
 */
import { closeSync, createWriteStream, openSync, writeFileSync } from 'node:fs';
import type { Event } from '../events.ts';
import type { DriverTap } from '../io/driver.ts';
import type { TraceStyle } from '../io/trace.ts';
import { traceRecorder } from '../io/trace-recorder.ts';
import { describeFileError } from '../io/wav-file.ts';
import { lineWriter } from '../report/line-writer.ts';
import { storyTeller } from '../report/story.ts';
import { transcriptForm } from '../report/transcript.ts';
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
  const { trace, transcript } = options;
  const opened: Records[] = [];
  if (trace !== undefined) opened.push(openTrace(trace, style, warn));
  if (transcript !== undefined) opened.push(openTranscript(transcript, warn));
  const tap = opened.find((one) => one.tap !== undefined)?.tap;
  return {
    ...(tap === undefined ? {} : { tap }),
    event(event) {
      for (const one of opened) one.event(event);
    },
    async close() {
      for (const one of opened) await one.close();
    },
  };
}

function openTrace(trace: string, style: TraceStyle, warn: (sentence: string) => void): Records {
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

/** Told event by event, written at the end. */
function openTranscript(file: string, warn: (sentence: string) => void): Records {
  const form = transcriptForm(file);
  if (form === undefined) {
    throw new UsageError(`--transcript ${file}: the name must end in .md (markdown) or .txt (a ladder).`);
  }
  closeSync(openFile('transcript', file));
  const story = storyTeller();
  return {
    event: story.event,
    close() {
      try {
        writeFileSync(file, form(story.tell()));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        warn(`The transcript ${file} could not be written: ${why}.`);
      }
      return Promise.resolve();
    },
  };
}

/** For its owner alone: it holds whole messages. */
function openFile(flag: string, file: string): number {
  try {
    return openSync(file, 'w', 0o600);
  } catch (error) {
    throw new UsageError(`--${flag} ${JSON.stringify(file)} cannot be written: ${describeFileError(error)}.`);
  }
}
