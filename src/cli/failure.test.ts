import { expect, test } from 'bun:test';
import { describeFailure } from './failure.ts';
import { UsageError } from './usage-error.ts';

test('a wrong usage is its own sentence, also under -v', () => {
  expect(describeFailure(new UsageError('No.'), true)).toEqual({ text: 'No.', code: 2 });
  expect(describeFailure(new UsageError('No port.', 6), false)).toEqual({ text: 'No port.', code: 6 });
});

test('a bug is one sentence with code 1, and its stack is for who asked', () => {
  const bug = new TypeError('undefined is not a call');
  const quiet = describeFailure(bug, false);
  expect(quiet.code).toBe(1);
  expect(quiet.text).toContain('undefined is not a call');
  expect(quiet.text).toContain('report');
  expect(quiet.text.split('\n')).toHaveLength(1);
  expect(describeFailure(bug, true).text).toContain('failure.test.ts:');
  expect(describeFailure('a text', true)).toMatchObject({ code: 1 });
});
