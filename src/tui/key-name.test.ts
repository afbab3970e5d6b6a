/** Keys as Ink reports them, by our names. */
import { expect, test } from 'bun:test';
import type { Key } from 'ink';
import { keyNames } from './key-name.ts';

const none = {} as Key;

test('two keys in one input are two keys', () => {
  expect(keyNames('hy', none)).toEqual(['h', 'y']);
});

test('a paste is its characters, its line end is Enter, and control characters are nothing', () => {
  expect(keyNames('a@b\u0007\r', none)).toEqual(['a', '@', 'b', 'enter']);
});

test('a named key has its name alone', () => {
  expect(keyNames('', { ...none, upArrow: true })).toEqual(['up']);
  expect(keyNames('\t', { ...none, tab: true, shift: true })).toEqual(['shift-tab']);
  expect(keyNames('c', { ...none, ctrl: true })).toEqual(['ctrl-c']);
  expect(keyNames('x', { ...none, meta: true })).toEqual([]);
});
