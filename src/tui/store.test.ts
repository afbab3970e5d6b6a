/** How often the screen is drawn. */
import { expect, test } from 'bun:test';
import type { EventBody } from '../events.ts';
import { openStore } from './store.ts';

/** A store on a clock of its own: `pass` lets time go by. */
function open() {
  const timers: { readonly atMs: number; readonly what: () => void }[] = [];
  let nowMs = 0;
  let frames = 0;
  const store = openStore(
    () => {},
    (what, inMs) => timers.push({ atMs: nowMs + inMs, what }),
  );
  store.subscribe(() => {
    frames += 1;
  });
  const say = (body: EventBody) => store.event({ v: 1, seq: 1, atMs: nowMs, ...body });
  const pass = (forMs: number) => {
    for (const endMs = nowMs + forMs; nowMs < endMs; nowMs++) {
      for (const timer of timers.filter(({ atMs }) => atMs === nowMs)) timer.what();
    }
  };
  return { store, say, pass, frames: () => frames };
}

const fired: EventBody = { type: 'timer.fired', name: 'A' };
const timers: EventBody = { type: 'timers.changed', timers: [] };

test('a thousand events a second are at most fifteen frames', () => {
  const { say, pass, frames } = open();
  for (let ms = 0; ms < 1000; ms++) {
    say(fired);
    pass(1);
  }
  expect(frames()).toBeGreaterThan(10);
  expect(frames()).toBeLessThanOrEqual(15);
});

test('figures alone are two frames a second, and one that something else has drawn is not drawn again', () => {
  const { store, say, pass, frames } = open();
  for (let ms = 0; ms < 2000; ms++) {
    say(timers);
    store.tick(ms);
    pass(1);
  }
  expect(frames()).toBeLessThanOrEqual(4);
  expect(frames()).toBeGreaterThanOrEqual(3);
});

test('a key is answered at once, and a paused screen stands still', () => {
  const { store, say, pass, frames } = open();
  store.press('p', 5);
  expect(frames()).toBe(1);
  say(fired);
  pass(1000);
  expect(frames()).toBe(1);
});
