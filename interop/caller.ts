/**
 * Runs `ringback call --foreground --json` and reads its events: the engine that places calls, in one process. Every
 * line has to be an event of the vocabulary (src/events.ts), and the exit code is the one that a script would get.
 */
import { type Event, streamEvent } from '../src/events.ts';
import { check, Failed, type Lab, LOOPBACK, tail, until, within } from './lab.ts';
import type { EventOf } from './ringback.ts';
import type { SippTransport } from './sipp.ts';

/** A call under way. */
export interface Caller {
  readonly events: readonly Event[];
  all<T extends Event['type']>(type: T): EventOf<T>[];
  /** The first event of that type that fits. */
  wait<T extends Event['type']>(
    type: T,
    fits?: (event: EventOf<T>) => boolean,
    limitMs?: number,
  ): Promise<EventOf<T>>;
  kill(signal: NodeJS.Signals): void;
  /** It ends with that exit code; what it said otherwise. */
  ends(code: number, limitMs?: number): Promise<void>;
}

/** Calls a callee on loopback, and stays until the call is over. */
export function startCaller(
  lab: Lab,
  transport: SippTransport,
  /** Its port on loopback, or a host. */
  where: number | string,
  args: readonly string[] = [],
): Caller {
  const [first, last] = lab.rtpPorts;
  const to = `sip:callee@${typeof where === 'number' ? `${LOOPBACK}:${where}` : where};transport=${transport}`;
  const network = ['--bind', LOOPBACK, '--sip-port', '0', '--rtp-ports', `${first}-${last}`];
  return startCall(lab, 'caller', ['--to', to, '--transport', transport, ...network, ...args]);
}

/** Places a call, said in full, and stays until it is over; its events go to `<name>.log`. */
export function startCall(lab: Lab, name: string, args: readonly string[]): Caller {
  const words = ['call', '--foreground', '--json', ...args];
  const child = lab.spawn(name, [...lab.ringback, ...words], { XDG_RUNTIME_DIR: lab.dir });
  const events: Event[] = [];
  const wrong: string[] = [];
  let read = 0;
  /** What has been written since the last look: its stdout and stderr are one file. */
  const look = () => {
    const lines = child.output().split('\n').slice(0, -1);
    for (const line of lines.slice(read)) if (line.startsWith('{')) take(line);
    read = lines.length;
  };
  const take = (line: string) => {
    const parsed = streamEvent.safeParse(JSON.parse(line));
    if (parsed.success) events.push(parsed.data as Event);
    else wrong.push(`${line.slice(0, 200)} (${parsed.error.issues[0]?.message})`);
  };
  let ended: number | undefined;
  void child.exited.then((code) => (ended = code));
  const all = <T extends Event['type']>(type: T) => {
    look();
    return events.filter((event) => event.type === type) as EventOf<T>[];
  };
  return {
    events,
    all,
    async wait(type, fits = () => true, limitMs = 5_000) {
      let found: EventOf<typeof type> | undefined;
      await until(
        `the event ${type}${fits.length > 0 ? ` with ${fits}` : ''}`,
        () => {
          found = all(type).find(fits);
          if (found === undefined && ended !== undefined)
            throw new Failed(`the caller ended with ${ended} before ${type}: ${tail(child.output(), 4)}`);
          return found !== undefined;
        },
        limitMs,
      );
      return found as EventOf<typeof type>;
    },
    kill: (signal) => child.kill(signal),
    async ends(code, limitMs = 10_000) {
      const exited = await within('the caller to end', child.exited, limitMs);
      look();
      check(wrong.length === 0, `not an event of the vocabulary: ${wrong[0]}`);
      const said = tail(child.output(), 3).slice(0, 600);
      check(exited === code, `exit code ${exited}, ${code} is due; it said\n${said}`);
      const stopped = events.at(-1);
      check(stopped?.type === 'session.stopped', `the last event is ${stopped?.type}`);
      const over = all('call.changed').filter(({ to }) => to === 'terminated');
      check(over.length === 1, `${over.length} times call.changed to terminated, once is due`);
      // Of a session out of a file the audio is somebody else's.
      const ours = all('media.started').length > 0 && !args.includes('--sdp-file');
      check(!ours || all('media.stopped').length === 1, 'the audio was not closed');
    },
  };
}
