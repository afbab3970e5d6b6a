/** Keys in the body of an INFO. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyCharacter, fuzz } from '../../fixtures/fuzz.ts';
import { parseDtmfRelay } from './dtmf-relay.ts';

const keyOf = (text: string) => {
  const read = parseDtmfRelay(text);
  return read.ok ? read.value : read.error.code;
};

describe('application/dtmf-relay and application/dtmf', () => {
  test('Signal and Duration stand in lines of any order and case, with blanks', () => {
    expect(keyOf('Signal=5\r\nDuration=160\r\n')).toEqual({ digit: '5', durationMs: 160 });
    expect(keyOf('duration = 90\nsignal = *')).toEqual({ digit: '*', durationMs: 90 });
    expect(keyOf('Signal= #\r\n')).toEqual({ digit: '#' });
  });

  test('the key alone is enough', () => {
    expect(keyOf('7')).toEqual({ digit: '7' });
    expect(keyOf(' d \r\n')).toEqual({ digit: 'D' });
  });

  test('keys that are no digits have numbers, as in RFC 4733 §3.2', () => {
    const digits = Array.from({ length: 17 }, (_, number) => keyOf(`Signal=${number}`));
    expect(digits.map((key) => (typeof key === 'string' ? key : key.digit)).join(' ')).toBe(
      '0 1 2 3 4 5 6 7 8 9 * # A B C D flash',
    );
  });

  test('a duration that nobody can have meant is not passed on', () => {
    for (const duration of ['0', '-1', 'long', '999999', '1e3', ''])
      expect(keyOf(`Signal=1\nDuration=${duration}`)).toEqual({ digit: '1' });
  });

  test('anything else names no key', () => {
    for (const text of ['', 'Signal=', 'Signal=17', 'Signal=E', '123', 'hello', 'Duration=100'])
      expect(keyOf(text)).toBe('dtmf-malformed');
  });

  test('no body throws', () => {
    const piece = fc.constantFrom('Signal', 'Duration', '=', '5', '*', '\r\n', '\n', ' ', '\0', '\xff', '16');
    const body = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
      fc.string({ unit: anyCharacter }),
    );
    fc.assert(
      fc.property(body, (text) => {
        const read = parseDtmfRelay(text);
        if (read.ok) expect(read.value.digit).toMatch(/^(?:[0-9*#A-D]|flash)$/);
      }),
      fuzz(),
    );
  });
});
