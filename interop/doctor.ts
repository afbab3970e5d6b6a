/** Runs `ringback doctor --json` and holds what it found, how it ended and how long it took to what is due. */
import { type Event, type EventOf, streamEvent } from '../src/events.ts';
import { check, type Lab, LOOPBACK, tail, within } from './lab.ts';

/** The bound that is promised. */
const LIMIT_MS = 10_000;

let runs = 0;

/** What one run found. */
export interface Examined {
  readonly code: number;
  readonly tookMs: number;
  readonly checks: ReadonlyMap<string, EventOf<'check.finished'>>;
  readonly finished: EventOf<'doctor.finished'>;
  readonly text: string;
}

/** Runs it to its end, with the clock. */
export async function examine(lab: Lab, args: readonly string[], password?: string): Promise<Examined> {
  const startedMs = performance.now();
  const argv = [...lab.ringback, 'doctor', ...args, '--json'];
  const env = password === undefined ? {} : { SIP_PASSWORD: password };
  const peer = lab.spawn(`ringback-doctor-${++runs}`, argv, env);
  const code = await within('ringback doctor to end', peer.exited, 20_000);
  const tookMs = performance.now() - startedMs;
  const text = peer.output();
  const events = text
    .trimEnd()
    .split('\n')
    .filter((row) => row.startsWith('{'))
    .map((row) => {
      const parsed = streamEvent.safeParse(JSON.parse(row));
      check(parsed.success, `not an event: ${row}`);
      return parsed.data as Event;
    });
  check(tookMs < LIMIT_MS, `it took ${Math.round(tookMs)} ms`);
  check(
    events.every(({ seq }, index) => seq === index + 1),
    'seq has gaps',
  );
  const checks = events.filter((event) => event.type === 'check.finished');
  const finished = events.find((event) => event.type === 'doctor.finished');
  check(finished !== undefined, `there is no conclusion:\n${tail(text)}`);
  return { code, tookMs, checks: new Map(checks.map((one) => [one.check, one])), finished, text };
}

/** Holds one check to its verdict and its evidence. */
export function claim(found: Examined, name: string, verdict: string, ...says: RegExp[]): void {
  const one = found.checks.get(name);
  check(one !== undefined, `${name} was not looked at:\n${found.text}`);
  check(one.verdict === verdict, `${name} is ${one.verdict}, not ${verdict}: ${one.evidence}`);
  const words = `${one.evidence}\n${(one.details ?? []).join('\n')}\n${one.cause ?? ''}\n${one.next ?? ''}`;
  for (const expected of says) check(expected.test(words), `${name}: ${expected} is not in\n${words}`);
}

/** Holds the end to its exit code and its verdict. */
export function ends(found: Examined, code: number, verdict: string): void {
  const { summary } = found.finished;
  check(found.code === code, `exit code ${found.code}, not ${code}: ${summary}\n${tail(found.text, 30)}`);
  check(found.finished.verdict === verdict, `it ${found.finished.verdict}, not ${verdict}: ${summary}`);
}

/** The flags of user 100 at that server. */
export const account = (port: number, domain: string, host = LOOPBACK) => [
  ...['--user', '100', '--server', host, '--port', `${port}`, '--domain', domain],
];
