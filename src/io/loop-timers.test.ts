import { expect, test } from 'bun:test';
import { openLoopTimers } from './loop-timers.ts';

function timers() {
  const clock = { nowMs: 1_000 };
  const armed: (number | undefined)[] = [];
  const called: string[] = [];
  const { after, run } = openLoopTimers(
    () => clock.nowMs,
    (inMs) => armed.push(inMs),
  );
  const call = (name: string, ms: number) => after(ms, () => called.push(name));
  return { clock, armed, called, after, run, call };
}

test('the system is told of the earliest alone, and only when that changes', () => {
  const { clock, armed, call } = timers();
  call('later', 100);
  clock.nowMs += 10;
  call('latest', 100);
  const cancel = call('first', 20);
  expect(armed).toEqual([100, 20]);
  cancel();
  cancel();
  expect(armed).toEqual([100, 20, 90]);
});

test('what is due is called in the order of its time, and each once', () => {
  const { clock, called, call, run, armed } = timers();
  call('b', 30);
  call('a', 20);
  call('c', 50);
  clock.nowMs += 30;
  run();
  expect(called).toEqual(['a', 'b']);
  expect(armed.at(-1)).toBe(20);
  clock.nowMs += 20;
  run();
  run();
  expect(called).toEqual(['a', 'b', 'c']);
  expect(armed.at(-1)).toBeUndefined();
});

test('a run that came too early arms the same time anew: the system’s timer has fired', () => {
  const { clock, armed, call, run, called } = timers();
  call('a', 20);
  clock.nowMs += 19;
  run();
  expect(called).toEqual([]);
  expect(armed).toEqual([20, 1]);
});

test('a callback may start and call off others; one that is called off in the same run is not called', () => {
  const { clock, after, call, run, called, armed } = timers();
  const cancel = call('never', 10);
  after(5, () => {
    cancel();
    call('again', 5);
  });
  clock.nowMs += 10;
  run();
  expect(called).toEqual([]);
  expect(armed.at(-1)).toBe(5);
  clock.nowMs += 5;
  run();
  expect(called).toEqual(['again']);
});
