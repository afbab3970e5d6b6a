/** What a screen that is opened late hears first. */
import { expect, test } from 'bun:test';
import type { Event, EventBody } from '../events.ts';
import { Past } from './past.ts';

function pastOf(bodies: readonly EventBody[], toldChars?: number): readonly Event[] {
  const past = new Past();
  bodies.forEach((body, index) => {
    past.note({ v: 1, seq: index + 1, atMs: index, ...body });
  });
  return past.events(toldChars);
}

const call = {
  type: 'call.changed',
  call: 'c',
  callId: 'a',
  direction: 'incoming',
  peer: 'sip:1@x',
} as const;
const line = {
  type: 'sip.sent',
  call: 'c',
  transport: 'udp',
  remote: 'x',
  startLine: 'OPTIONS',
  bytes: 1,
} as const;

test('the last word on a registration, and the story of a call that stands, in order', () => {
  const registration = { type: 'registration.changed', account: 'sip:1@x' } as const;
  const events = pastOf([
    { ...registration, from: 'idle', to: 'registering' },
    { ...call, from: 'idle', to: 'ringing' },
    { ...registration, from: 'registering', to: 'registered' },
    { ...call, from: 'ringing', to: 'established' },
  ]);
  expect(events.map(({ seq }) => seq)).toEqual([2, 3, 4]);
});

test('a call that ended is nobody’s past', () => {
  expect(
    pastOf([
      { ...call, from: 'idle', to: 'ringing' },
      { ...call, from: 'ringing', to: 'terminated' },
    ]),
  ).toEqual([]);
});

test('a call of ten thousand messages keeps how it began and its last ones', () => {
  const events = pastOf([
    { ...call, from: 'idle', to: 'ringing' },
    ...Array.from({ length: 10_000 }, (): EventBody => line),
  ]);
  expect(events).toHaveLength(64);
  expect(events[0]?.seq).toBe(1);
  expect(events.at(-1)?.seq).toBe(10_001);
});

test('what belongs to no call that began leaves nothing', () => {
  expect(pastOf([line, { ...line, call: 'd' }])).toEqual([]);
});

test('of too many calls the newest keep their story, the others how they stand, the oldest nothing', () => {
  const bodies = Array.from({ length: 100 }, (_, index): EventBody[] => [
    { ...call, call: `c${index}`, from: 'idle', to: 'ringing' },
    { ...line, call: `c${index}`, startLine: 'x'.repeat(1_000) },
  ]).flat();
  const told = pastOf(bodies, 20_000);
  expect(JSON.stringify(told).length).toBeLessThan(21_000);
  const stories = told.filter(({ type }) => type === 'sip.sent').map(({ seq }) => seq);
  const states = told.filter(({ type }) => type === 'call.changed').map(({ seq }) => seq);
  expect(stories.length).toBeGreaterThan(5);
  expect(stories.at(-1)).toBe(200);
  expect(states.length).toBeGreaterThan(2 * stories.length);
  expect(states.at(-1)).toBe(199);
  expect(states.length).toBeLessThan(100);
});
