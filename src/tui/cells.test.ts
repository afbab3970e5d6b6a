import { expect, test } from 'bun:test';
import { width, wrapped } from './cells.ts';

test('a text is broken at spaces, and a word that is too long anywhere', () => {
  expect(wrapped('see whether the caller sends', 12)).toEqual(['see whether', 'the caller', 'sends']);
  expect(wrapped('branch=z9hG4bK1234', 8)).toEqual(['branch=z', '9hG4bK12', '34']);
  expect(wrapped('', 8)).toEqual(['']);
});

test('two columns of a Chinese character are two', () => {
  const rows = wrapped('王小明王小明王小明', 7);
  expect(rows.join('')).toBe('王小明王小明王小明');
  for (const row of rows) expect(width(row)).toBeLessThanOrEqual(7);
});
