import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { ALPHANUM, fuzz, textOf } from '../../fixtures/fuzz.ts';
import { MAX_PARAMETERS } from './limits.ts';
import { parameterText, parseParams, serializeParams, withParameter, withParams } from './params.ts';
import { quote } from './text.ts';

function read(text: string): [string, string | undefined][] | string {
  const params = parseParams(text, 0);
  return params.ok ? [...params.value] : params.error.code;
}

test('parameters are read in order, names in lower case, white space around ; and = ignored (§25.1)', () => {
  expect(read(';Tag=aB ; LR;q = 0.5;x="a;b"')).toEqual([
    ['tag', 'aB'],
    ['lr', undefined],
    ['q', '0.5'],
    ['x', '"a;b"'],
  ]);
  expect(read('')).toEqual([]);
  expect(read('  ')).toEqual([]);
});

test('a value keeps its quotes, and parameterText gives its content', () => {
  const params = parseParams(';x="a\\"b;c";flag;y=z', 0);
  if (!params.ok) throw new Error(params.error.code);
  expect(params.value.get('x')).toBe('"a\\"b;c"');
  expect(parameterText(params.value, 'x')).toBe('a"b;c');
  expect(parameterText(params.value, 'y')).toBe('z');
  expect(parameterText(params.value, 'flag')).toBeUndefined();
  expect(params.value.has('flag')).toBe(true);
  expect(serializeParams(params.value)).toBe(';x="a\\"b;c";flag;y=z');
});

test('a name that stands twice is an error, also in another case (§7.3.1)', () => {
  expect(read(';tag=1;TAG=2')).toBe('parameter-duplicated');
});

test('malformed parameters are refused with their offset', () => {
  for (const bad of [
    ';;',
    ';a;;',
    ';a;,',
    ';=b',
    ';a=',
    ';a="',
    ';a="x"y',
    'a',
    ';a b',
    ';a=b c',
    ';a=b,c',
    ';ä=1',
  ]) {
    expect([bad, read(bad)]).toEqual([bad, 'parameter-malformed']);
  }
  const failed = parseParams('x;a=1;=2', 1, 50);
  expect(failed.ok ? 'ok' : failed.error.offset).toBe(56);
});

test('one separator may stand at the end (leniency separator-last)', () => {
  expect(read(';a=1;')).toEqual([['a', '1']]);
  expect(read(';a ; ')).toEqual([['a', undefined]]);
  expect(read(';')).toEqual([]);
});

test('a value may have characters that no token has (leniency parameter-value-characters)', () => {
  expect(read(';tag=a=b@[::1]:5/?')).toEqual([['tag', 'a=b@[::1]:5/?']]);
});

test('parameters are bounded', () => {
  const some = (count: number) => Array.from({ length: count }, (_, index) => `;p${index}`).join('');
  expect(read(some(MAX_PARAMETERS))).toHaveLength(MAX_PARAMETERS);
  expect(read(some(MAX_PARAMETERS + 1))).toBe('too-many-parameters');
});

test('withParams sets and takes out, and leaves the original', () => {
  const params = new Map([
    ['a', '1'],
    ['b', '2'],
  ]);
  expect(serializeParams(withParams(params, { a: null, c: '3', b: '4' }))).toBe(';b=4;c=3');
  expect(serializeParams(params)).toBe(';a=1;b=2');
});

test('parse and serialize are inverse on any parameters', () => {
  const name = textOf(`${ALPHANUM.toLowerCase()}.!%*_+\`'~-`, 1, 12);
  const value = fc.oneof(
    fc.constant(undefined),
    textOf(`${ALPHANUM}.!%*_+\`'~-[]:@/?&=`, 1, 20),
    fc.string({ unit: 'binary-ascii' }).map(quote),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 8 }),
      (pairs) => {
        const params = parseParams(serializeParams(new Map(pairs)), 0);
        expect(params.ok && [...params.value]).toEqual(pairs);
      },
    ),
    fuzz(),
  );
});

test('a parameter more has one separator, also after a value that ends with its own', () => {
  expect(withParameter('<sip:a@b>', 'tag', 'x')).toBe('<sip:a@b>;tag=x');
  expect(withParameter('sip:a@b; ', 'tag', 'x')).toBe('sip:a@b;tag=x');
  expect(withParameter('', 'tag', 'x')).toBe(';tag=x');
});
