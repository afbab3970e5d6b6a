/**
 * Plays a trace (trace.ts): the same inputs at the same times into a new endpoint, and the events that come out
 * compared with those that were written down. Nothing waits, no socket is opened.
 *
 * Events that are not the endpoint's (the session's start and end) are taken from the trace as they stand.
 */
import { isDeepStrictEqual } from 'node:util';
import { EVENT_VERSION, type Event, type EventBody } from '../events.ts';
import { type MediaCounters, NOTHING_COUNTED } from '../rtp/session.ts';
import { Endpoint } from '../sip/endpoint.ts';
import { readTraceLine, type TraceLine, type TraceStyle } from './trace.ts';
import { maskedEvent } from './trace-secrets.ts';

/** How a replay ended. */
export type TraceVerdict =
  /** Every event was the same. `cut`: why the trace is not whole, if it is not. */
  | { readonly type: 'same'; readonly events: number; readonly cut?: string }
  /** The first event that was another; one side is absent when nothing stood there. */
  | {
      readonly type: 'different';
      readonly line: number;
      readonly seq: number;
      readonly atMs: number;
      readonly expected?: EventBody;
      readonly got?: EventBody;
    }
  /** The file is no trace, or not one that this version can play. */
  | { readonly type: 'unreadable'; readonly line: number; readonly why: string };

/** Told what kind of session it was and which version of the program wrote it, then of each event that came out as it was written down. */
export interface TraceAudience {
  readonly begins: (style: TraceStyle, version: string) => void;
  readonly event: (event: Event) => void;
}

/** One input and all that was written under it. */
interface Step {
  readonly line: number;
  readonly input: Extract<TraceLine, { type: 'input' }> | undefined;
  readonly counters: { readonly slot: number; readonly counters: MediaCounters }[];
  readonly routes: { readonly peer: string; readonly local: string | undefined }[];
  readonly events: { readonly line: number; readonly event: Event }[];
}

/** Plays the text of a trace up to its end, or to the first event that is another. */
export function replayTrace(text: string, audience: TraceAudience): TraceVerdict {
  const lines = new TraceLines(text);
  const first = lines.next();
  if (first?.read === undefined) return { type: 'unreadable', line: 1, why: 'it is empty' };
  if (typeof first.read === 'string') return { type: 'unreadable', line: 1, why: first.read };
  if (first.read.type !== 'header')
    return { type: 'unreadable', line: 1, why: 'it does not begin as a trace does' };
  const { config, style, version } = first.read;
  let counters: Step['counters'] = [];
  // What the machine said last: an engine that asks earlier or later than the one before gets an answer all the same.
  const routes = new Map<string, string | undefined>();
  let endpoint: Endpoint;
  try {
    endpoint = new Endpoint(
      config,
      (slot) => {
        const at = counters.findIndex((one) => one.slot === slot);
        return counters.splice(at, at === -1 ? 0 : 1)[0]?.counters ?? NOTHING_COUNTED;
      },
      (peer) => routes.get(peer),
    );
  } catch (error) {
    return { type: 'unreadable', line: 1, why: `its configuration cannot be used (${said(error)})` };
  }
  audience.begins(style, version);
  let played = 0;
  let ended = false;
  for (let step = lines.step(); step !== undefined; step = lines.step()) {
    counters = step.counters;
    for (const { peer, local } of step.routes) routes.set(peer, local);
    // Where the trace breaks off, the events of its last input may be missing.
    const last = lines.done && !step.events.some(({ event }) => event.type === 'session.stopped');
    const outcome = playStep(endpoint, step, last);
    if (outcome.verdict?.type === 'unreadable') return outcome.verdict;
    for (const event of outcome.same) {
      audience.event(event);
      played += 1;
      ended ||= event.type === 'session.stopped';
    }
    if (outcome.verdict !== undefined) return outcome.verdict;
  }
  if (lines.fault !== undefined) return lines.fault;
  const cut = lines.cut ?? (ended ? undefined : 'the session has no end in it: it was killed, or still runs');
  return cut === undefined ? { type: 'same', events: played } : { type: 'same', events: played, cut };
}

/** One input. `last`: the trace breaks off here, and the events that are missing are no difference. */
function playStep(
  endpoint: Endpoint,
  step: Step,
  last: boolean,
): { readonly same: readonly Event[]; readonly verdict?: TraceVerdict } {
  const { input, events } = step;
  // Before the first input speaks the driver alone.
  if (input === undefined) return { same: events.map(({ event }) => event) };
  let produced: EventBody[];
  try {
    const outputs = endpoint.handle(input.input, input.atMs);
    produced = outputs.flatMap((output) => (output.type === 'event' ? [maskedEvent(output.event)] : []));
  } catch (error) {
    const why = `its ${input.input.type} cannot be played (${said(error)})`;
    return { same: [], verdict: { type: 'unreadable', line: step.line, why } };
  }
  const same: Event[] = [];
  const start = events.some(({ event }) => event.type === 'session.started');
  for (const { line, event } of events) {
    if (isDrivers(event, start)) {
      same.push(event);
      continue;
    }
    const { v: _v, seq, atMs, endpoint: _name, ...expected } = event;
    const got = produced.shift();
    const rightTime = atMs === Math.round(input.atMs * 10) / 10;
    if (got === undefined || !rightTime || !isDeepStrictEqual(got, expected)) {
      const difference = { type: 'different', line, seq, atMs, expected: expected as EventBody } as const;
      return { same, verdict: got === undefined ? difference : { ...difference, got } };
    }
    same.push({ ...event, v: EVENT_VERSION });
  }
  const [got] = produced;
  if (got === undefined || last) return { same };
  const seq = (same.at(-1)?.seq ?? 0) + 1;
  return { same, verdict: { type: 'different', line: step.line, seq, atMs: input.atMs, got } };
}

const OUTSIDE: ReadonlySet<Event['type']> = new Set(['session.started', 'session.stopped', 'ping.finished']);

/**
 * Whether the driver says it (io/driver.ts) or the command (ping.finished), and not the endpoint. `start`: the session
 * begins here, and the driver names the addresses that it begins with.
 */
function isDrivers(event: Event, start: boolean): boolean {
  if (event.type === 'address.discovered') {
    return event.learnedBy === 'advertised' || (event.learnedBy === 'route' && start);
  }
  return OUTSIDE.has(event.type);
}

/** Walks the lines, and gathers what belongs to one input. */
class TraceLines {
  /** Why the trace is not whole. */
  cut: string | undefined;
  /** A line in the middle that cannot be read. */
  fault: Extract<TraceVerdict, { type: 'unreadable' }> | undefined;
  /** There is no further step. */
  done = false;
  private position = 0;
  private number = 0;
  private ahead: { readonly line: number; readonly read: TraceLine } | undefined;

  constructor(private readonly text: string) {}

  /** The next line that is not empty; `read` is undefined when the last one is cut off. */
  next(): { readonly line: number; readonly read: TraceLine | string | undefined } | undefined {
    while (this.position < this.text.length) {
      const end = this.text.indexOf('\n', this.position);
      const line = this.text.slice(this.position, end === -1 ? this.text.length : end);
      this.position = end === -1 ? this.text.length : end + 1;
      this.number += 1;
      if (line.trim() === '') continue;
      const read = readTraceLine(line);
      const broken = typeof read === 'string' && end === -1;
      return { line: this.number, read: broken && this.number > 1 ? undefined : read };
    }
    return undefined;
  }

  /** The next input with its counters and events; the first has no input when the driver spoke before any. */
  step(): Step | undefined {
    const input = this.ahead;
    this.ahead = undefined;
    if (input === undefined && this.done) return undefined;
    const step: Step = {
      line: input?.line ?? this.number,
      input: input?.read.type === 'input' ? input.read : undefined,
      counters: [],
      routes: [],
      events: [],
    };
    for (let one = this.next(); one !== undefined; one = this.next()) {
      const { line, read } = one;
      if (read === undefined) {
        this.cut = `line ${line} breaks off`;
        break;
      }
      if (typeof read === 'string') {
        this.fault = { type: 'unreadable', line, why: read };
        break;
      }
      if (read.type === 'input') {
        this.ahead = { line, read };
        return step;
      }
      if (read.type === 'counters') step.counters.push(read);
      else if (read.type === 'route') step.routes.push(read);
      else if (read.type === 'event') step.events.push({ line, event: read.event });
    }
    this.done = true;
    return step;
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
