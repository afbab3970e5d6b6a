/**
 * What a lab command prints of what it began: at the normal level the messages and the state, word for word as in
 * the README, and nothing else. The events come from an agent that has a life of its own, so they are numbered and
 * timed anew: the stream of one command starts at 1, and at 0 ms.
 */
import { EVENT_VERSION, type Event } from '../events.ts';
import { keepaliveFilter } from '../report/plain-reporter.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Options } from './options.ts';
import { type Output, openOutput, withoutRaw } from './output.ts';
import { openRecords, type Records } from './records.ts';
import { VERSION } from './version.ts';

/** An open transcript. */
export interface Transcript {
  readonly event: (event: Event) => void;
  /** `--trace`: for the endpoint of this process, all that goes into it and all its events. */
  readonly records: Records;
  /** A sentence for the person, on stderr. */
  readonly warn: (sentence: string) => void;
  /** A line for the person on stdout, in plain output. */
  readonly say: (sentence: string) => void;
  /** The last line, and everything written. */
  readonly close: (code: ExitCode, reason: string) => Promise<void>;
}

/** What has a line without -v; and what is wrong, always. */
const SHOWN: ReadonlySet<Event['type']> = new Set([
  'sip.sent',
  'sip.received',
  'sip.rejected',
  'registration.changed',
  'call.changed',
]);

/** Whether an event has its lines at that verbosity. */
export function isShown(event: Event, verbosity: number): boolean {
  if (verbosity > 0 || SHOWN.has(event.type)) return true;
  return event.type === 'diagnosis.raised' && event.severity !== 'info';
}

/** The same for all events of an endpoint, where those of keepalives are among them. */
export function shownFilter(verbosity: number): (event: Event) => boolean {
  const isKeepalive = keepaliveFilter();
  return (event) => (verbosity > 0 || !isKeepalive(event)) && isShown(event, verbosity);
}

/** Numbers and times what passes anew: the first event stands where this command is by then, `nowMs` after its start. */
export function fromTheStart(nowMs: () => number): (event: Event) => Event {
  let seq = 1;
  let startMs: number | undefined;
  let lastMs = 0;
  return (event) => {
    startMs ??= event.atMs - nowMs();
    seq += 1;
    // Of several processes each told it when it happened, and they are heard one after the other.
    lastMs = Math.max(lastMs, Math.round((event.atMs - startMs) * 10) / 10);
    return { ...event, seq, atMs: lastMs };
  };
}

/** What was asked for, without secrets. */
function startOf({ accounts, seed: _seed, warnings: _warnings, ...rest }: Options, wallTime: string): Event {
  const configuration = { ...rest, accounts: accounts.map((account) => ({ ...account, password: '***' })) };
  return {
    v: EVENT_VERSION,
    seq: 1,
    atMs: 0,
    type: 'session.started',
    version: VERSION,
    wallTime,
    configuration,
  };
}

/** Opens it on stdout. A reader that leaves ends nothing: what was asked for is not the text. */
export function openTranscript(options: Options): Transcript {
  const { trace, transcript, ...rest } = options;
  const output: Output = openOutput(rest, () => {}, 'transcript');
  // The trace has what the endpoint saw; the file of --transcript has all of what was begun, shown or not.
  const records = openRecords(trace === undefined ? {} : { trace }, 'transcript', output.warn);
  const told = openRecords(transcript === undefined ? {} : { transcript }, 'transcript', output.warn);
  const openedMs = performance.now();
  const ownMs = () => performance.now() - openedMs;
  const renumber = fromTheStart(ownMs);
  const started = startOf(options, new Date().toISOString());
  told.event(started);
  // In lines a person reads what was begun, and knows what was asked for.
  if (options.output === 'json') output.event(started);
  let stopped: Event | undefined;
  return {
    records: {
      ...records,
      event(event) {
        // The endpoint does not know how the command ends.
        if (event.type === 'session.stopped') stopped = event;
        else records.event(event);
      },
    },
    event(event) {
      told.event(event);
      if (options.output === 'plain' && !isShown(event, options.verbosity)) return;
      const numbered = renumber(event);
      output.event(options.rawMessages ? numbered : withoutRaw(numbered));
    },
    warn: output.warn,
    say: output.say,
    async close(exitCode, reason) {
      await output.leave?.(reason, exitCode);
      const end = { v: EVENT_VERSION, type: 'session.stopped', reason, exitCode } as const;
      if (stopped !== undefined) records.event({ ...stopped, ...end });
      await records.close();
      await told.close();
      await output.close();
    },
  };
}
