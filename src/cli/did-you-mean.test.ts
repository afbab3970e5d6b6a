import { expect, test } from 'bun:test';
import { nearest } from './did-you-mean.ts';

const known = ['user', 'password', 'server', 'port', 'rtp-ports', 'sip-port', 'echo', 'help', 'hangup'];

test('a slip of one or two letters finds the word', () => {
  const pairs = [
    ['usr', 'user'],
    ['pasword', 'password'],
    ['sevrer', 'server'],
    ['ehco', 'echo'],
    ['rtp-port', 'rtp-ports'],
    ['passwd', 'password'],
  ];
  for (const [typed = '', meant] of pairs) expect([typed, nearest(typed, known)]).toEqual([typed, meant]);
});

test('another word finds nothing', () => {
  for (const typed of ['x', 'banana', 'zz', 'a'.repeat(100_000)])
    expect(nearest(typed, known)).toBeUndefined();
});
