import { expect, test } from 'bun:test';
import { MAX_LIST_VALUES } from './limits.ts';
import { allValues, firstValueEnd, listValues } from './list.ts';
import type { SipRequest } from './message.ts';

function texts(text: string): string[] | string {
  const values = listValues(text);
  return values.ok ? values.value.map((value) => value.text) : values.error.code;
}

test('commas separate values, and white space around them is nothing (§7.3.1)', () => {
  expect(texts('a, b ,c')).toEqual(['a', 'b', 'c']);
  expect(texts('one')).toEqual(['one']);
});

test('a comma in a quoted string or in <> separates nothing (§7.3.1, §20.10)', () => {
  expect(texts('"Bell, A" <sip:a,b@x>, "q\\",\\"" <sip:c>')).toEqual([
    '"Bell, A" <sip:a,b@x>',
    '"q\\",\\"" <sip:c>',
  ]);
});

test('a quote or bracket that is never closed runs to the end', () => {
  expect(texts('"a, b')).toEqual(['"a, b']);
  expect(texts('<a, b')).toEqual(['<a, b']);
});

test('an empty field is an empty list, an empty value between commas is wrong', () => {
  expect(texts('')).toEqual([]);
  expect(texts(' \t ')).toEqual([]);
  for (const bad of [',', 'a,', ',a', 'a,,b', 'a, ,b']) expect(texts(bad)).toBe('list-value-empty');
});

test('a value knows its offset in the message', () => {
  const values = listValues('a,  b', 100);
  expect(values.ok && values.value.map((value) => value.offset)).toEqual([100, 104]);
});

test('a list is bounded', () => {
  expect(texts(Array(MAX_LIST_VALUES).fill('a').join())).toHaveLength(MAX_LIST_VALUES);
  expect(
    texts(
      Array(MAX_LIST_VALUES + 1)
        .fill('a')
        .join(),
    ),
  ).toBe('list-too-long');
});

test('fields of one name are one list, in order, and bounded together (§7.3.1)', () => {
  const headers = [
    { name: 'Route', value: '<sip:a>, <sip:b>', offset: 10 },
    { name: 'Via', value: 'x', offset: 40 },
    { name: 'Route', value: '<sip:c>', offset: 50 },
  ];
  const message: SipRequest = {
    kind: 'request',
    method: 'A',
    uri: 'sip:a',
    headers,
    body: '',
  };
  const values = allValues(message, 'Route');
  expect(values.ok && values.value).toEqual([
    { text: '<sip:a>', offset: 10 },
    { text: '<sip:b>', offset: 19 },
    { text: '<sip:c>', offset: 50 },
  ]);
  const many = { ...message, headers: Array(MAX_LIST_VALUES + 1).fill(headers[2]) };
  const result = allValues(many, 'Route');
  expect(result.ok ? 'ok' : result.error.code).toBe('list-too-long');
});

test('the first value ends at the first comma that separates', () => {
  expect(firstValueEnd('a;b="x,y",c')).toBe(9);
  expect(firstValueEnd('alone')).toBe(5);
});
