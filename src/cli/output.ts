/**
 * Where events go: lines for a program or for a person on stdout, sentences on stderr. The report itself is in
 * report/; here it meets the terminal.
 */
import { EVENT_VERSION, type Event } from '../events.ts';
import type { DriverTap } from '../io/driver.ts';
import { jsonLine } from '../report/json.ts';
import { type LineStream, lineWriter } from '../report/line-writer.ts';
import { plainReporter } from '../report/plain-reporter.ts';
import { terminalStream } from '../report/terminal-stream.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Options } from './options.ts';
import { keepsRecords, openRecords } from './records.ts';
import { beforeLeaving } from './signals.ts';

/** An open output. */
export interface Output {
  readonly event: (event: Event) => void;
  /** For the driver, when its inputs are written down (`--trace`). */
  readonly tap?: DriverTap;
  /** A sentence for the person among the plain lines; nothing with --json or -q. */
  readonly say: (sentence: string) => void;
  /** A sentence for the person, on stderr. */
  readonly warn: (sentence: string) => void;
  /** The last event, unless there was one, where the endpoint does not come to say it; no other one follows. */
  readonly leave?: (reason: string, exitCode: ExitCode) => Promise<void>;
  /** Writes what waits, for at most 2 s. */
  readonly close: () => Promise<void>;
}

/** How long the end waits for a reader that does not read. */
const CLOSE_LIMIT_MS = 2000;

/** Whether colours are wanted (no-color.org). */
export function wantsColor(
  isTerminal: boolean,
  variables: Readonly<Record<string, string | undefined>>,
): boolean {
  const { NO_COLOR: none, TERM: terminal } = variables;
  return isTerminal && (none === undefined || none === '') && terminal !== 'dumb';
}

/** A standard stream that does not make us wait: Bun's own do not where they are pipes, and do where a terminal is. */
function standard(stream: LineStream & { readonly isTTY: boolean; readonly fd: number }): LineStream {
  return stream.isTTY ? terminalStream(stream.fd) : stream;
}

/** Lines on stdout, and whether they may have colours. */
export interface Lines {
  readonly write: (line: string) => void;
  readonly color: boolean;
  /** Writes what waits, for at most 2 s. */
  readonly close: () => Promise<void>;
}

/** Opens stdout for lines. `onGone` is called when its reader has left. */
export function openLines(onGone: () => void): Lines {
  const out = lineWriter(standard(process.stdout), onGone);
  return {
    write: (line) => out.write(line),
    color: wantsColor(process.stdout.isTTY === true, process.env),
    close: () => out.flush(CLOSE_LIMIT_MS),
  };
}

/** Whether a stream failed because its reader has left, which is no fault: `ringback echo | head`. */
function hasLeft(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE';
}

/**
 * Opens it. `onGone` is called when stdout takes no more: undefined when its reader has left, else what is wrong. What
 * ends by itself goes on to its end, and has the exit code of what it came to; a service has nobody to be there for.
 */
export function openOutput(
  options: Pick<Options, 'output' | 'verbosity' | 'rawMessages' | 'trace' | 'transcript'>,
  onGone: (fault: string | undefined) => void,
  style: 'service' | 'transcript' = 'service',
): Output {
  const isTerminal = process.stdout.isTTY === true;
  const out = lineWriter(standard(process.stdout), (lost) =>
    onGone(hasLeft(lost) ? undefined : lost.message),
  );
  const error = lineWriter(standard(process.stderr), () => {});
  const plain = plainReporter({
    level: options.verbosity,
    style,
    color: wantsColor(isTerminal, process.env),
    // A transcript is the same everywhere.
    showTime: isTerminal && style === 'service',
    ...(isTerminal && process.stdout.columns > 0 ? { width: process.stdout.columns } : {}),
  });
  const report = options.output === 'json' ? jsonLine : plain;
  let said = false;
  // On a terminal both streams are one page: a sentence stands where it was said, not after a later line of stdout.
  const warn = (sentence: string) => {
    void out.flush(0);
    error.write(sentence);
    void error.flush(0);
  };
  const records = openRecords(options, style, warn);
  // The records have every message; stdout only when it was asked for.
  const hideRaw = keepsRecords(options) && !options.rawMessages;
  const end = endOf();
  const leave = (reason: string, exitCode: ExitCode) => {
    const event = end.stopped(reason, exitCode);
    const line = event === undefined ? undefined : report(event);
    if (line !== undefined) out.write(line);
    return out.flush(CLOSE_LIMIT_MS);
  };
  beforeLeaving(leave);
  return {
    ...(records.tap === undefined ? {} : { tap: records.tap }),
    leave,
    event(event) {
      records.event(event);
      if (!end.passes(event)) return;
      const line = report(hideRaw ? withoutRaw(event) : event);
      if (line !== undefined) out.write(line);
      if (said || out.dropped() === 0) return;
      said = true;
      warn('The reader of stdout is too slow: lines are dropped (the events count them in seq).');
    },
    say(sentence) {
      if (options.output === 'plain' && options.verbosity >= 0) out.write(sentence);
    },
    warn,
    async close() {
      await records.close();
      await Promise.all([out.flush(CLOSE_LIMIT_MS), error.flush(CLOSE_LIMIT_MS)]);
    },
  };
}

/** Sees that a stream has one end, and what its event is when nobody else says it. */
export function endOf(nowMs: () => number = () => performance.now()): {
  readonly passes: (event: Event) => boolean;
  readonly stopped: (reason: string, exitCode: ExitCode) => Event | undefined;
} {
  let [seq, atMs, seenMs, ended] = [0, 0, nowMs(), false];
  return {
    passes(event) {
      if (ended) return false;
      ended = event.type === 'session.stopped';
      [seq, atMs, seenMs] = [event.seq, event.atMs, nowMs()];
      return true;
    },
    stopped(reason, exitCode) {
      if (ended) return undefined;
      ended = true;
      const endMs = Math.round((atMs + nowMs() - seenMs) * 10) / 10;
      return { v: EVENT_VERSION, seq: seq + 1, atMs: endMs, type: 'session.stopped', reason, exitCode };
    },
  };
}

/** The event without the message in it. */
export function withoutRaw(event: Event): Event {
  if (event.type !== 'sip.received' && event.type !== 'sip.sent') return event;
  const { raw: _raw, ...rest } = event;
  return rest;
}
