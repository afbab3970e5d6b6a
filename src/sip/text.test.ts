import { expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  bytesOf,
  displayText,
  fieldText,
  isToken,
  latin1,
  quote,
  quotedStringEnd,
  readDigits,
  tokenEnd,
  trimEnd,
  unquote,
  utf8,
  wire,
} from './text.ts';

test('latin1 keeps every byte, and an index in the text is an offset in bytes', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  const text = latin1(bytes);
  expect(text.length).toBe(256);
  expect(text.charCodeAt(0xe4)).toBe(0xe4);
  expect(Array.from(bytesOf(text))).toEqual(Array.from(bytes));
  expect(latin1(bytes.subarray(65, 68))).toBe('ABC');
  expect(latin1(bytes, 65, 67)).toBe('AB');
});

test('text of people goes out as UTF-8 and comes back (§25.1 TEXT-UTF8char)', () => {
  expect(utf8(wire('Jürgen 日本 €'))).toBe('Jürgen 日本 €');
  expect(wire('Jürgen')).toBe('J\u00c3\u00bcrgen');
  expect(utf8('\xff\xfe')).toBe('\ufffd\ufffd');
});

test('a line break in a value of ours becomes a space, also as the lower byte of another character', () => {
  expect(wire('a\r\nVia: x')).toBe('a Via: x');
  expect(fieldText('a\r\nVia: x')).toBe('a Via: x');
  expect(fieldText('J\u00c3\u00bcrgen')).toBe('J\u00c3\u00bcrgen');
  expect(bytesOf(fieldText('\u010a'))).toEqual(new Uint8Array(Buffer.from('\u010a', 'utf8')));
});

test('what is shown on a terminal has no control characters and turns no text around', () => {
  expect(displayText('\x1b[2Jbob\x07\x00\x7f')).toBe('\ufffd[2Jbob\ufffd\ufffd\ufffd');
  expect(displayText(wire('a\u202eb\u2066c\u009b'))).toBe('a\ufffdb\ufffdc\ufffd');
  expect(displayText(wire('bank\u200b\u2060'))).toBe('bank\ufffd\ufffd');
  expect(displayText(wire('bank\u{e0041}\u206f\u180e'))).toBe('bank\ufffd\ufffd\ufffd');
  expect(displayText(wire('Jürgen 日本'))).toBe('Jürgen 日本');
});

test("a token has letters, digits and -.!%*_+`'~ (§25.1)", () => {
  expect(isToken("aZ09-.!%*_+`'~")).toBe(true);
  for (const character of ' \t"()<>@,;:\\/[]?={}\x00\x7f\xfc') {
    expect([character, isToken(`a${character}b`)]).toEqual([character, false]);
  }
  expect(isToken('')).toBe(false);
  expect(tokenEnd('abc;def', 0)).toBe(3);
});

test('a quoted string ends at the first quote that is not escaped (§25.1 quoted-pair)', () => {
  expect(quotedStringEnd('"a\\"b" c', 0)).toBe(6);
  expect(quotedStringEnd('"a\\\\" c"', 0)).toBe(5);
  expect(quotedStringEnd('"never', 0)).toBe(-1);
  expect(quotedStringEnd('"ends in \\', 0)).toBe(-1);
});

test('unquote resolves escapes and leaves what is not quoted', () => {
  expect(unquote('"a\\"b\\\\c"')).toBe('a"b\\c');
  expect(unquote('plain')).toBe('plain');
  expect(unquote('"')).toBe('"');
});

test('quote and unquote are inverse, and the quoted text is one quoted string', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const quoted = quote(text);
      expect(unquote(quoted)).toBe(text);
      expect(quotedStringEnd(quoted, 0)).toBe(quoted.length);
    }),
    { numRuns: 2_000 },
  );
});

test('digits are read whole or not at all', () => {
  expect(readDigits('0068')).toBe(68);
  expect(readDigits('x12y', 1, 3)).toBe(12);
  expect(readDigits('99999999999999999999999')).toBe(Number.POSITIVE_INFINITY);
  for (const bad of ['', '-1', '+1', '1.0', '1e3', ' 1', '0x1', '\u00b2']) expect(readDigits(bad)).toBe(-1);
});

test('white space is spaces and tabs, not the 0xA0 that ends many UTF-8 characters', () => {
  expect(trimEnd('a \t', 0, 3)).toBe(1);
  expect(trimEnd('\xc3\xa0', 0, 2)).toBe(2);
});
