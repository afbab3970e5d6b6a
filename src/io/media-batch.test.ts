import { expect, test } from 'bun:test';
import { openBatch } from './media-batch.ts';

test('the first one goes at once, what follows soon goes together and in order', () => {
  const sent: (readonly number[])[] = [];
  const batch = openBatch<number>((items) => sent.push(items));
  batch.add(1);
  expect(sent).toEqual([[1]]);
  batch.add(2);
  batch.add(3, 4);
  expect(sent).toHaveLength(1);
  batch.flush();
  expect(sent).toEqual([[1], [2, 3, 4]]);
  batch.flush();
  expect(sent).toHaveLength(2);
});

test('a batch that is long does not wait for its time', () => {
  const sent: (readonly number[])[] = [];
  const batch = openBatch<number>((items) => sent.push(items));
  for (let number = 0; number < 33; number++) batch.add(number);
  expect(sent.map((items) => items.length)).toEqual([1, 32]);
});
