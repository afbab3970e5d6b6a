import { expect, test } from 'bun:test';
import {
  isDialString,
  type KeyPacket,
  MAX_WAITING_KEYS,
  newKeypad,
  nextKeyPacket,
  pressKeys,
} from './keypad.ts';

/** What each interval of 20 ms carries; undefined for audio. */
function intervals(digits: string, count: number): (KeyPacket | undefined)[] {
  const keypad = newKeypad();
  expect(pressKeys(keypad, digits)).toBe(true);
  return Array.from({ length: count }, (_, index) => nextKeyPacket(keypad, 1_000 + index * 160));
}

test('a key is one timestamp, a duration that grows, a marker first, and the end three times (RFC 4733 §2.5.1)', () => {
  const packets = intervals('5', 9);
  expect(packets.map((packet) => packet?.durationMs)).toEqual([
    20,
    40,
    60,
    80,
    100,
    100,
    100,
    undefined,
    undefined,
  ]);
  const key = packets.slice(0, 7) as KeyPacket[];
  expect(new Set(key.map(({ timestamp }) => timestamp))).toEqual(new Set([1_000]));
  expect(new Set(key.map(({ event }) => event))).toEqual(new Set([5]));
  expect(key.map(({ first }) => first)).toEqual([true, false, false, false, false, false, false]);
  expect(key.map(({ end }) => end)).toEqual([false, false, false, false, true, true, true]);
  expect(key.map(({ over }) => over)).toEqual([false, false, false, false, true, false, false]);
});

test('between the end of a key and the next one are 100 ms', () => {
  const starts = intervals('1*#', 40).flatMap((packet) => (packet?.first ? [packet] : []));
  expect(starts.map(({ event }) => event)).toEqual([1, 10, 11]);
  expect(starts.map(({ timestamp }) => (timestamp - 1_000) / 8)).toEqual([0, 200, 400]);
});

test('a comma or a w waits half a second', () => {
  for (const digits of [',7', 'w7', 'W7']) {
    const packets = intervals(digits, 60);
    expect(packets.findIndex((packet) => packet !== undefined)).toBe(25);
  }
});

test('A to D are 12 to 15 in either case (RFC 4733 §3.2), anything else is no key', () => {
  const events = intervals('aBcD', 60).flatMap((packet) => (packet?.over ? [packet.event] : []));
  expect(events).toEqual([12, 13, 14, 15]);
  for (const digits of ['', '12 3', 'E', '1-2', '😀']) expect(isDialString(digits)).toBe(false);
});

test('a bounded number of keys waits', () => {
  const keypad = newKeypad();
  expect(pressKeys(keypad, '1'.repeat(MAX_WAITING_KEYS))).toBe(true);
  expect(pressKeys(keypad, '1')).toBe(false);
  nextKeyPacket(keypad, 0);
  expect(pressKeys(keypad, '1')).toBe(true);
});
