/**
 * `ringback replay FILE`: plays a trace through the same engine and prints the same transcript, or observes the
 * messages of others in a text file or a capture. It ends with 0 when every event was the same and every message well-formed, with
 * 1 and the first thing that was not, and with 2 for a file that cannot be read.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { Event } from '../events.ts';
import { capturedMessages } from '../io/pcap/captured-messages.ts';
import { readRawMessages, showsMessages } from '../io/raw-messages.ts';
import type { TraceStyle } from '../io/trace.ts';
import { replayTrace, type TraceVerdict } from '../io/trace-replay.ts';
import { describeFileError } from '../io/wav-file.ts';
import { jsonLine } from '../report/json.ts';
import { plainReporter } from '../report/plain-reporter.ts';
import { printable } from '../report/printable.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { type Options, readOptions } from './options.ts';
import { wantsColor, withoutRaw } from './output.ts';
import { shownOfPings } from './ping-shown.ts';
import { openRecords } from './records.ts';
import { tellMessages } from './replay-messages.ts';
import { shownFilter } from './transcript.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';

/** A file that is larger is not read into memory. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;

/** Reads the file and plays it. */
export async function run(invocation: Invocation): Promise<number> {
  const options = readOptions(invocation.flags, invocation, 'udp');
  const [file, ...more] = invocation.rest;
  if (file === undefined)
    throw new UsageError('ringback replay needs a file: a trace, raw messages, or a capture.');
  if (more.length > 0) throw new UsageError(`ringback replay takes one file; "${more[0]}" is one too many.`);
  const bytes = readFile(file);
  const warn = (sentence: string) => process.stderr.write(`${sentence}\n`);
  const records = openRecords(options, 'transcript', warn);
  const lines: string[] = [];
  const printer = {
    color: wantsColor(process.stdout.isTTY === true, process.env),
    write: (line: string) => void lines.push(line),
  };
  const exitCode = play(file, bytes, options, printer, records.event);
  await records.close();
  await writeAll(lines);
  return exitCode;
}

/** Where lines go. */
interface Printer {
  readonly write: (line: string) => void;
  readonly color: boolean;
}

/** Characters that are given to stdout at once. */
const CHUNK = 262_144;

/** Writes as fast as somebody reads, and stops when nobody does: a file has an end, so nothing has to be dropped. */
async function writeAll(lines: readonly string[]): Promise<void> {
  for (let from = 0; from < lines.length; ) {
    let text = '';
    for (; from < lines.length && text.length < CHUNK; from++) text += `${lines[from]}\n`;
    const gone = await new Promise<boolean>((resolve) => {
      process.stdout.write(text, (error) => resolve(error instanceof Error));
    });
    if (gone) return;
  }
}

/** Whatever kind of file it is, its first bytes tell. */
function play(
  file: string,
  bytes: Buffer,
  options: Options,
  lines: Printer,
  record: (event: Event) => void,
): ExitCode {
  if (bytes[0] === 0x7b) return playTrace(file, bytes.toString('utf8'), options, lines, record);
  const captured = capturedMessages(bytes);
  if (captured === undefined && bytes.length > 0 && !showsMessages(bytes)) {
    throw new UsageError(
      `${file} is none of what can be replayed: expected a trace (--trace), SIP messages as text, or a capture (pcap, pcapng).`,
    );
  }
  const messages = captured?.messages ?? readRawMessages(bytes);
  if (messages.length === 0) {
    const what =
      captured === undefined ? '' : `, in ${captured.packets} packets (what is encrypted cannot be read)`;
    throw new UsageError(`${file} has no SIP message in it${what}.`);
  }
  const { exitCode, events } = tellMessages(messages, captured?.endMs, options, lines.color, lines.write);
  for (const event of events) record(event);
  for (const fault of captured?.faults ?? []) process.stderr.write(`${file}: ${fault}.\n`);
  return exitCode;
}

function playTrace(
  file: string,
  text: string,
  options: Options,
  lines: Printer,
  record: (event: Event) => void,
): ExitCode {
  let report: (event: Event) => string | undefined = jsonLine;
  let writtenBy: string = VERSION;
  const { verbosity: level } = options;
  const verdict = replayTrace(text, {
    begins(style, version) {
      writtenBy = version;
      if (options.output === 'json') return;
      const own = style === 'service' ? 'service' : 'transcript';
      const plain = plainReporter({ level, style: own, color: lines.color, showTime: false });
      const shown = shownIn(style, options);
      report = (event) => {
        const told = shown(event);
        return told === undefined ? undefined : plain(told);
      };
    },
    event(event) {
      record(event);
      const line = report(options.rawMessages ? event : withoutRaw(event));
      if (line !== undefined) lines.write(line);
    },
  });
  return concluded(file, verdict, writtenBy);
}

/** A lab command, and a ping, show less than a service at the normal level. */
function shownIn(style: TraceStyle, options: Options): (event: Event) => Event | undefined {
  if (style === 'service') return (event) => event;
  if (style === 'ping') return shownOfPings(options);
  const isShown = shownFilter(options.verbosity);
  return (event) => (event.type === 'session.stopped' || isShown(event) ? event : undefined);
}

/** Of an event that is another one now, in characters. */
const LONGEST_SHOWN = 100_000;

/** Says on stderr what was found, where that is more than "the same". */
function concluded(file: string, verdict: TraceVerdict, writtenBy: string): ExitCode {
  if (verdict.type === 'unreadable') {
    const { line, why } = verdict;
    const hope = line === 1 ? '; a trace is what --trace writes, one JSON object a line' : '';
    throw new UsageError(`${file} line ${line} cannot be played: ${printable(why)}${hope}.`);
  }
  if (verdict.type === 'same') {
    if (verdict.cut !== undefined) process.stderr.write(`${file} is not whole: ${verdict.cut}.\n`);
    return EXIT.done;
  }
  const { line, seq, atMs, expected, got } = verdict;
  const other =
    writtenBy === VERSION ? '' : ` (ringback ${printable(writtenBy)} wrote it, this is ${VERSION})`;
  const shown = (event: unknown) =>
    event === undefined ? 'nothing' : printable(JSON.stringify(event), LONGEST_SHOWN);
  process.stderr.write(
    `${file} line ${line}: event ${seq} at ${atMs} ms is another one now${other}${fieldsOf(expected, got)}.\n` +
      `expected ${shown(expected)}\ngot      ${shown(got)}\n`,
  );
  return EXIT.internal;
}

/** The fields in which two events differ, when both are of one type. */
function fieldsOf(expected: object | undefined, got: object | undefined): string {
  if (expected === undefined || got === undefined) return '';
  const [left, right] = [new Map(Object.entries(expected)), new Map(Object.entries(got))];
  const names = [...new Set([...left.keys(), ...right.keys()])];
  const other = names.filter((name) => JSON.stringify(left.get(name)) !== JSON.stringify(right.get(name)));
  return other.includes('type') || other.length === 0 ? '' : `, in ${printable(other.join(', '))}`;
}

/** The bytes of a file. Throws a `UsageError` that says what is wrong with it. */
function readFile(file: string): Buffer {
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_FILE_BYTES}`);
    const descriptor = openSync(file, 'r');
    try {
      const buffer = Buffer.alloc(size);
      let filled = 0;
      for (let read = -1; read !== 0 && filled < size; filled += read) {
        read = readSync(descriptor, buffer, filled, size - filled, null);
      }
      return buffer.subarray(0, filled);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new UsageError(`There is no file ${file}.`);
    }
    throw new UsageError(`${file} cannot be read: ${describeFileError(error)}.`);
  }
}
