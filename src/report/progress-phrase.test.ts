import { expect, test } from 'bun:test';
import { withOwnPhrase } from './progress-phrase.ts';

test('what carries nothing has the words of the RFC, a refusal keeps the words of the peer (RFC 3261 §7.2)', () => {
  const said = [
    '100 trying -- your call is important to us',
    '200 Answering',
    '180',
    '486 Out to lunch',
    '299 Fine',
  ];
  expect(said.map(withOwnPhrase)).toEqual([
    '100 Trying',
    '200 OK',
    '180 Ringing',
    '486 Out to lunch',
    '299 Fine',
  ]);
});
