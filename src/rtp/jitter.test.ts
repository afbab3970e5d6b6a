import { expect, test } from 'bun:test';
import { jitterUnits, newJitter, rebaseJitter, receiveJitter } from './jitter.ts';

test('packets as even as their timestamps have no jitter (§6.4.1)', () => {
  const state = newJitter();
  for (let n = 0; n < 100; n++) receiveJitter(state, 1000 + n * 20, n * 160, 8000);
  expect(state.jitterMs).toBe(0);
});

test('each difference moves the estimate by a sixteenth (§A.8)', () => {
  const state = newJitter();
  receiveJitter(state, 0, 0, 8000);
  receiveJitter(state, 36, 160, 8000);
  expect(state.jitterMs).toBe(1);
  receiveJitter(state, 40, 320, 8000);
  expect(state.jitterMs).toBeCloseTo(1 + 15 / 16, 9);
  expect(jitterUnits(state, 8000)).toBe(16);
});

test('a timestamp that wraps is a step of 160', () => {
  const state = newJitter();
  receiveJitter(state, 0, 0xffff_ffff - 79, 8000);
  receiveJitter(state, 20, 80, 8000);
  expect(state.jitterMs).toBe(0);
});

test('another clock rate, and another source, only set the reference', () => {
  const state = newJitter();
  receiveJitter(state, 0, 0, 8000);
  receiveJitter(state, 20, 960, 48_000);
  expect(state.jitterMs).toBe(0);
  rebaseJitter(state);
  receiveJitter(state, 40, 3_000_000_000, 48_000);
  receiveJitter(state, 60, 3_000_000_960, 48_000);
  expect(state.jitterMs).toBe(0);
});
