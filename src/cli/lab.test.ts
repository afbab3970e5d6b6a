/** One step of a lab command, on a carrier that a test plays: every wait ends, and says what it waited for. */
import { beforeEach, expect, test } from 'bun:test';
import type { Task } from '../agent/control-message.ts';
import { EVENT_VERSION, type Event, type EventBody } from '../events.ts';
import type { Carrier } from './carrier.ts';
import { follower, type Step } from './lab.ts';
import { judgeCall } from './outcome.ts';

let begun: { readonly task: Task; readonly seeded: boolean }[];
let said: string[];
let say: (body: EventBody) => void;
let ended: number;
let interrupt: () => void;
let close: () => void;
let carrier: Carrier;
let follow: ReturnType<typeof follower>;

const call = (
  to: 'calling' | 'established' | 'terminated',
  outcome?: 'cancelled' | 'refused',
): EventBody => ({
  type: 'call.changed',
  call: 'call-1',
  callId: 'c',
  direction: 'outgoing',
  peer: 'sip:101@lab.local',
  from: to === 'calling' ? 'idle' : 'calling',
  to,
  ...(outcome === undefined ? {} : { outcome }),
});

function step(about: Partial<Step> = {}): Step {
  return {
    task: { type: 'call', to: '101' },
    judge: judgeCall(false),
    awaited: 'an answer of 101',
    undo: (seen) => (seen.length === 0 ? undefined : { type: 'hangup', call: 'call-1' }),
    ...about,
  };
}

beforeEach(() => {
  begun = [];
  said = [];
  ended = 0;
  const interrupted = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  interrupt = interrupted.resolve;
  close = closed.resolve;
  carrier = {
    async begin(task, seed, onEvent) {
      begun.push({ task, seeded: seed !== undefined });
      if (task.type === 'call') {
        say = (body) => onEvent({ v: EVENT_VERSION, seq: 1, atMs: 1, ...body });
        say(call('calling'));
      }
      // The CANCEL is answered.
      else say(call('terminated', 'cancelled'));
      return { end: () => void ended++ };
    },
    closed: closed.promise,
    close: async () => {},
  };
  const transcript = {
    event: (event: Event) => void said.push('to' in event ? event.to : event.type),
    warn: (sentence: string) => void said.push(sentence),
  };
  follow = follower(carrier, transcript, [1, 2, 3, 4], interrupted.promise);
});

test('the outcome is that of the judge, and nothing is printed after it', async () => {
  const outcome = follow(step());
  await Promise.resolve();
  say(call('established'));
  say(call('terminated'));
  expect((await outcome).code).toBe(0);
  expect(said).toEqual(['calling', 'established']);
  expect(ended).toBe(1);
});

test('of a failure, the diagnosis that comes with it is printed as well', async () => {
  const outcome = follow(step());
  await Promise.resolve();
  say(call('terminated', 'refused'));
  say({ type: 'diagnosis.raised', code: 'x', severity: 'error', evidence: 'e', cause: 'c', next: 'n' });
  say(call('calling'));
  expect((await outcome).code).toBe(4);
  expect(said).toEqual(['calling', 'terminated', 'diagnosis.raised']);
});

test('a wait that is over says what it waited for, with code 5', async () => {
  expect((await follow(step({ limitMs: 5 }))).code).toBe(5);
  expect(said.at(-1)).toBe('Waited 0.005 s for an answer of 101, and nothing came.');
  expect(ended).toBe(1);
});

test('Ctrl-C undoes what was begun, shows it happen, and ends with 130', async () => {
  const outcome = follow(step());
  await Promise.resolve();
  interrupt();
  expect((await outcome).code).toBe(130);
  expect(begun.map(({ task }) => task.type)).toEqual(['call', 'hangup']);
  expect(said).toEqual(['calling', 'terminated']);
});

test('Ctrl-C on a call that stood is its end, not an interruption', async () => {
  const outcome = follow(step({ judge: judgeCall(true) }));
  await Promise.resolve();
  say(call('established'));
  interrupt();
  expect((await outcome).code).toBe(0);
});

test('Ctrl-C with a peer that says nothing: the endpoint of this process is told to end, and its last word is shown', async () => {
  const silent: Carrier = {
    ...carrier,
    own: true,
    begin: async (task, seed, onEvent) =>
      task.type === 'call' ? carrier.begin(task, seed, onEvent) : { end: () => {} },
    async close() {
      say(call('terminated', 'cancelled'));
      close();
    },
  };
  const transcript = {
    event: (event: Event) => void said.push('to' in event ? event.to : event.type),
    warn: () => {},
  };
  const outcome = follower(silent, transcript, undefined, Promise.resolve(), 1)(step());
  expect((await outcome).code).toBe(130);
  expect(said).toEqual(['calling', 'terminated']);
});

test('a carrier that is gone is an error that says what was awaited', async () => {
  const outcome = follow(step());
  close();
  expect(await outcome.catch((error: Error) => error.message)).toBe(
    'The agent ended in the middle of it, while an answer of 101 was awaited.',
  );
});

test('the seed goes with the first step alone', async () => {
  for (let round = 0; round < 2; round++) await follow(step({ limitMs: 1 }));
  expect(begun.map(({ seeded }) => seeded)).toEqual([true, false]);
});
