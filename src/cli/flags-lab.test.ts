/** What the flags of the lab commands take, and what they say to what they do not take. */
import { expect, test } from 'bun:test';
import type { FlagName } from './flags.ts';
import { readSetting } from './settings.ts';

const read = (name: FlagName, text: string) => readSetting(name, { text, source: { kind: 'flag' } }).value;
const refused = (name: FlagName, text: string) => {
  try {
    return `taken: ${JSON.stringify(read(name, text))}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

test('a target is an address, a URI or a user of the caller’s domain, and nothing that would break a request', () => {
  for (const target of [
    '101',
    '101@lab.local',
    'sip:192.0.2.1:5070;transport=tcp',
    '127.0.0.1:5060',
    'tel:+431',
  ]) {
    expect(read('to', target)).toBe(target);
  }
  for (const target of ['', 'a b', '<sip:a@b>', 'sip:', 'a\r\nVia: x']) {
    expect(refused('to', target)).toContain('expected whom to call');
  }
});

test('header fields come as lines, canonically spelt; those that make a request ours are not for others to set', () => {
  expect(read('header', 'x-test:1\nk: gruu\nSubject: ')).toEqual([
    ['x-test', '1'],
    ['Supported', 'gruu'],
    ['Subject', ''],
  ]);
  for (const field of ['Via: x', 'v: x', 'call-id: 1', 'Content-Length: 0', 'm: <sip:a@b>']) {
    expect(refused('header', field)).toContain('is made by ringback');
  }
  for (const field of ['no colon', ': x', 'a b: c', 'X: \u0000']) {
    expect(refused('header', field)).toContain("expected a header field like 'X-Test: 1'");
  }
});

test('keys, sounds, times and handles', () => {
  expect(read('play', 'tone')).toEqual({ type: 'tone' });
  expect(read('play', 'a.wav')).toEqual({ type: 'file', path: 'a.wav' });
  expect(read('dtmf', '1,2#*aD')).toBe('1,2#*aD');
  expect(refused('dtmf', '12x')).toContain('expected keys');
  expect(refused('duration', '0')).toContain('expected a number of seconds from 0.1');
  expect(refused('ring-timeout', '1e9')).toContain('expected a number of seconds from 1 to 600');
  expect(refused('call-id', '../x')).toContain('expected the handle of a call');
});
