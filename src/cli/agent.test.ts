/** When the agent leaves: after a time with nothing to keep, whoever asks in between. */
import { afterEach, beforeEach, expect, jest, test } from 'bun:test';
import { watchIdle } from './agent.ts';

let idle: boolean;
let alone: boolean;
let left: number;
let look: () => void;

beforeEach(() => {
  jest.useFakeTimers();
  idle = true;
  alone = true;
  left = 0;
  const leave = () => void left++;
  look = watchIdle(
    10,
    () => idle,
    () => alone,
    leave,
  ).look;
});

afterEach(() => void jest.useRealTimers());

test('who connects and leaves again, as status does, does not make it stay longer', () => {
  look();
  for (const here of [false, true, false]) {
    alone = here;
    look();
  }
  jest.advanceTimersByTime(15);
  // Somebody is there, who may begin something.
  expect(left).toBe(0);
  alone = true;
  look();
  look();
  expect(left).toBe(1);
});

test('what is begun in between starts the time anew', () => {
  look();
  idle = false;
  look();
  jest.advanceTimersByTime(15);
  expect(left).toBe(0);
  idle = true;
  look();
  expect(left).toBe(0);
  jest.advanceTimersByTime(15);
  expect(left).toBe(1);
});
