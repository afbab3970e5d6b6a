import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyCharacter } from '../../fixtures/fuzz.ts';
import { displayText, wire } from '../sip/text.ts';
import { printable } from './printable.ts';

test('what a terminal obeys is shown as its number', () => {
  expect(printable('\u001b]0;owned\u0007Bob\r\n\u009b2J')).toBe('\\x1b]0;owned\\x07Bob\\x0d\\x0a\\x9b2J');
  expect(printable('a\u202egnp.exe\u2066')).toBe('a\\u{202e}gnp.exe\\u{2066}');
  expect(printable('bank\u200b\u2060\u00ad')).toBe('bank\\u{200b}\\u{2060}\\xad');
  expect(printable('a\u{206a}b\u180e\ufff9')).toBe('a\\u{206a}b\\u{180e}\\u{fff9}');
  expect(printable('Zoë 日本 👋')).toBe('Zoë 日本 👋');
});

test('what sip/text.ts hides from a terminal is shown as a number here: one list in two places', () => {
  const astral = Array.from({ length: 0x100 }, (_, index) => 0xe0000 + index);
  const all = [
    ...Array(0xd800).keys(),
    ...Array.from({ length: 0x2000 }, (_, index) => 0xe000 + index),
    ...astral,
  ];
  const differ = all.filter((code) => {
    const character = String.fromCodePoint(code);
    return (displayText(wire(character)) === character) !== (printable(character) === character);
  });
  expect(differ).toEqual([]);
});

test('a long text is cut', () => {
  expect(printable('x'.repeat(500))).toHaveLength(200);
});

test('whatever comes in, nothing a terminal obeys goes out', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    }),
    { numRuns: 2000 },
  );
});
