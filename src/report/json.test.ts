import { expect, test } from 'bun:test';
import type { Event } from '../events.ts';
import { jsonLine } from './json.ts';

test('an event is one line of JSON that a terminal does not obey, and it reads back the same', () => {
  const event: Event = {
    v: 1,
    seq: 3,
    atMs: 1.5,
    type: 'sip.rejected',
    transport: 'udp',
    remote: '127.0.0.1:5060',
    code: 'x',
    offset: 0,
    detail: 'a\r\nb\u001b[2J\u009b\u007f\u2028 é',
  };
  const line = jsonLine(event);
  expect(line).not.toMatch(/[\p{Cc}\u2028]/u);
  expect(JSON.parse(line)).toEqual(event);
});
