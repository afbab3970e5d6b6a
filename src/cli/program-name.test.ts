import { expect, test } from 'bun:test';
import { wordsOfName } from './program-name.ts';

test('linked as sip-echo it is ringback echo, under any other name it is ringback', () => {
  expect(['/usr/bin/sip-echo', 'sip_echo', 'sip-echo.exe'].map(wordsOfName)).toEqual([
    ['echo'],
    ['echo'],
    ['echo'],
  ]);
  const others = ['ringback', './sip_lab', 'sip-lab', 'bun', '/opt/sip-echo/ringback', 'sip-echoes'];
  expect(others.flatMap(wordsOfName)).toEqual([]);
});
