/**
 * Runs `ringback echo --json` and reads its events. Every line has to be an event of the vocabulary
 * (src/events.ts): a stream that a reader cannot trust fails the scenario, whatever the peer said.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Event, streamEvent } from '../src/events.ts';
import { check, Failed, type Lab, tail, until, within } from './lab.ts';

type EventType = Event['type'];
export type EventOf<T extends EventType> = Extract<Event, { type: T }>;

/** A running echo. */
export interface Ringback {
  readonly pid: number;
  /** The SIP port it listens on, UDP and TCP. */
  readonly port: number;
  readonly events: readonly Event[];
  /** All events of a type so far. */
  all<T extends EventType>(type: T): EventOf<T>[];
  /** When an event happened, in ms since 1970: a busy machine reads it late. */
  timeOf(event: Event): number;
  /** The first event of that type that fits, from the beginning or yet to come. */
  wait<T extends EventType>(
    type: T,
    fits?: (event: EventOf<T>) => boolean,
    limitMs?: number,
  ): Promise<EventOf<T>>;
  /** A line on its standard input: `hangup <call>`, `stop`. */
  say(line: string): void;
  /** Ends its standard input. */
  endInput(): void;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number>;
  /** SIGTERM, then `ends`. */
  stop(): Promise<void>;
  /** It ends by itself within 5 s of now, with exit code 0, and nothing was wrong in its stream. */
  ends(): Promise<void>;
  stderr(): string;
}

/** How it is started. */
export interface RingbackOptions {
  /** Do not add `--bind 127.0.0.1`, or the scenario's RTP ports, and so on: only what is given. */
  readonly bare?: boolean;
  /** Do not wait for listeners (it is expected to end by itself). */
  readonly ends?: boolean;
  readonly name?: string;
  /** Another service than the echo. */
  readonly command?: 'registrar';
  readonly env?: Record<string, string>;
  /** How many files it may have open, hard and soft (RLIMIT_NOFILE). */
  readonly openFiles?: number;
}

/** Starts the echo in the lab and waits until it listens on UDP and TCP. */
export async function startRingback(
  lab: Lab,
  args: readonly string[] = [],
  options: RingbackOptions = {},
): Promise<Ringback> {
  const name = options.name ?? 'ringback';
  const [first, last] = lab.rtpPorts;
  const given = [...args];
  if (!options.bare) {
    if (!given.includes('--bind')) given.push('--bind', '127.0.0.1');
    if (!given.includes('--sip-port')) given.push('--sip-port', '0');
    if (!given.includes('--rtp-ports') && options.command === undefined)
      given.push('--rtp-ports', `${first}-${last}`);
  }
  const { openFiles } = options;
  const limit = openFiles === undefined ? [] : ['prlimit', `--nofile=${openFiles}`];
  const child = Bun.spawn([...limit, ...lab.ringback, options.command ?? 'echo', '--json', ...given], {
    cwd: lab.dir,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, ...options.env },
  });
  const events: Event[] = [];
  const wrong: string[] = [];
  let errors = '';
  // Written at once: a scenario may read the file as soon as the process has ended.
  const log = openSync(join(lab.dir, `${name}.jsonl`), 'w');
  const errorLog = openSync(join(lab.dir, `${name}.stderr.log`), 'w');
  const streams = Promise.all([
    readLines(child.stdout, (line) => {
      writeSync(log, `${line}\n`);
      readEvent(line, events, wrong);
    }),
    readLines(child.stderr, (line) => {
      writeSync(errorLog, `${line}\n`);
      errors += `${line}\n`;
    }),
  ]);
  lab.defer(async () => {
    child.kill('SIGKILL');
    await child.exited;
    await streams;
    closeSync(log);
    closeSync(errorLog);
  });

  const all = <T extends EventType>(type: T) => events.filter((event) => event.type === type) as EventOf<T>[];
  const wait = async <T extends EventType>(
    type: T,
    fits: (event: EventOf<T>) => boolean = () => true,
    limitMs = 5_000,
  ): Promise<EventOf<T>> => {
    let found: EventOf<T> | undefined;
    await until(
      `the event ${type}${fits.length > 0 ? ` with ${fits}` : ''}`,
      () => {
        found = all(type).find(fits);
        if (found === undefined && child.exitCode !== null)
          throw new Failed(
            `ringback ended with ${child.exitCode} before the event ${type}: ${tail(errors, 4)}`,
          );
        return found !== undefined;
      },
      limitMs,
    );
    check(found !== undefined, 'found');
    return found;
  };
  const running: Ringback = {
    pid: child.pid,
    get port() {
      return all('listener.opened')[0]?.port ?? 0;
    },
    events,
    all,
    timeOf(event) {
      const [started] = all('session.started');
      return started === undefined ? Number.NaN : Date.parse(started.wallTime) + event.atMs - started.atMs;
    },
    wait,
    say: (line) => {
      child.stdin.write(`${line}\n`);
      child.stdin.flush();
    },
    endInput: () => void child.stdin.end(),
    kill: (signal) => child.kill(signal),
    exited: child.exited.then(async (code) => {
      await streams;
      return code;
    }),
    stop() {
      if (child.exitCode === null) child.kill('SIGTERM');
      return running.ends();
    },
    async ends() {
      const ended = await within('ringback to end after SIGTERM', running.exited, 6_500);
      check(ended === 0, `ringback exited with ${ended}, not 0: ${tail(errors, 4)}`);
      check(wrong.length === 0, `not an event of the vocabulary: ${wrong[0]}`);
      checkStream(events);
    },
    stderr: () => errors,
  };
  if (!options.ends) {
    await wait('listener.opened', (event) => event.transport === 'udp', 15_000);
    await wait('listener.opened', (event) => event.transport === 'tcp', 15_000);
  }
  return running;
}

function readEvent(line: string, events: Event[], wrong: string[]): void {
  try {
    const parsed = streamEvent.safeParse(JSON.parse(line));
    if (parsed.success) events.push(parsed.data as Event);
    else wrong.push(`${line.slice(0, 200)} (${parsed.error.issues[0]?.message})`);
  } catch {
    wrong.push(`${line.slice(0, 200)} (not JSON)`);
  }
}

/** What holds for every run: numbers in a row, time that does not run back, calls and media that end. */
function checkStream(events: readonly Event[]): void {
  const open = new Map<string, string>();
  const media = new Set<string>();
  let last = -1;
  for (const [index, event] of events.entries()) {
    const first = events[0]?.seq ?? 0;
    check(event.seq === first + index, `seq ${event.seq} stands where ${first + index} is due`);
    check(event.atMs >= last, `atMs runs back at seq ${event.seq}`);
    last = event.atMs;
    if (event.type === 'call.changed') {
      if (event.to === 'terminated') open.delete(event.call);
      else open.set(event.call, event.to);
    }
    if (event.type === 'media.started') media.add(event.call);
    if (event.type === 'media.stopped') media.delete(event.call);
  }
  check(open.size === 0, `left when it stopped: ${[...open].join(' ')}`);
  check(media.size === 0, `media of ${[...media].join(' ')} never stopped`);
  check(events[0]?.type === 'session.started', `the first event is ${events[0]?.type}`);
  check(events.at(-1)?.type === 'session.stopped', `the last event is ${events.at(-1)?.type}`);
}

async function readLines(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  }
  if (rest !== '') onLine(rest);
}
