import { expect, test } from 'bun:test';
import type { Libc } from './libc.ts';
import { openWaker, openWoken } from './media-wake.ts';

/** An event that is only counted. */
function scene() {
  let raised = 0;
  const libc = { openEvent: () => 5, raise: () => ++raised, close: () => 0 } as unknown as Libc;
  const waker = openWaker(libc);
  if (waker === undefined) throw new Error('no waker');
  const woken = openWoken(waker.wake);
  return { waker, woken, raised: () => raised };
}

test('what is put into the box wakes the thread and is read once', () => {
  const { waker, woken, raised } = scene();
  expect(waker.box('one, ü and 日本')).toBe(true);
  expect(raised()).toBe(1);
  expect(woken.unbox()).toBe('one, ü and 日本');
  expect(woken.unbox()).toBeUndefined();
});

test('a box that is not empty takes no more, and one that is too small takes nothing', () => {
  const { waker, woken } = scene();
  waker.box('1');
  expect(waker.box('2')).toBe(false);
  expect(woken.unbox()).toBe('1');
  expect(waker.box('ü'.repeat(30_000))).toBe(false);
  expect(waker.box('3')).toBe(true);
});

test('while a message is on its way nothing gets into the box, or it would be read first', () => {
  const { waker, woken } = scene();
  waker.announce();
  expect(woken.pending()).toBe(true);
  expect(waker.box('2')).toBe(false);
  expect(woken.unbox()).toBeUndefined();
  woken.took();
  expect(woken.pending()).toBe(false);
  expect(waker.box('2')).toBe(true);
});
