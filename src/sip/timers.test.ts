import { expect, test } from 'bun:test';
import { doubledMs, RFC_TIMERS, type TimerName, timerMs } from './timers.ts';

const NAMES: readonly TimerName[] = ['A', 'B', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M'];

function all(reliable: boolean): Partial<Record<TimerName, number | undefined>> {
  return Object.fromEntries(NAMES.map((name) => [name, timerMs(name, reliable, RFC_TIMERS)]));
}

test('the timers on UDP (RFC 3261 Table 4, RFC 6026 §8.11)', () => {
  expect(all(false)).toEqual({
    A: 500,
    B: 32_000,
    D: 32_000,
    E: 500,
    F: 32_000,
    G: 500,
    H: 32_000,
    I: 5_000,
    J: 32_000,
    K: 5_000,
    L: 32_000,
    M: 32_000,
  });
});

test('on a stream nothing is repeated and nothing waits for repetitions: D, I, J and K are zero (Table 4)', () => {
  expect(all(true)).toEqual({
    A: undefined,
    B: 32_000,
    D: 0,
    E: undefined,
    F: 32_000,
    G: undefined,
    H: 32_000,
    I: 0,
    J: 0,
    K: 0,
    L: 32_000,
    M: 32_000,
  });
});

test('Timer A doubles without an end (§17.1.1.2), E and G up to T2 (§17.1.2.2, §17.2.1)', () => {
  expect(doubledMs('A', 16_000, RFC_TIMERS)).toBe(32_000);
  expect(doubledMs('E', 1_000, RFC_TIMERS)).toBe(2_000);
  expect(doubledMs('E', 4_000, RFC_TIMERS)).toBe(4_000);
  expect(doubledMs('G', 2_500, RFC_TIMERS)).toBe(4_000);
});
