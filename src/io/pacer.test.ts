import { expect, test } from 'bun:test';
import { due, MAX_CATCH_UP } from './pacer.ts';

test('beats keep their place: a late one is no reason for the next to be late', () => {
  expect(due(-0.4, 20)).toEqual({ beats: 0, missed: 0 });
  expect(due(0, 20)).toEqual({ beats: 1, missed: 0 });
  expect(due(19.9, 20)).toEqual({ beats: 1, missed: 0 });
  expect(due(41, 20)).toEqual({ beats: 3, missed: 0 });
});

test('a few missed beats are caught up, of many the rest is given up', () => {
  expect(due(20 * (MAX_CATCH_UP - 1), 20)).toEqual({ beats: MAX_CATCH_UP, missed: 0 });
  expect(due(60_000, 20)).toEqual({ beats: MAX_CATCH_UP, missed: 3_001 - MAX_CATCH_UP });
});
