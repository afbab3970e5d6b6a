import { expect, test } from 'bun:test';
import { Nonces } from './nonces.ts';

test('no two nonces are alike, not even in the same millisecond', () => {
  const nonces = new Nonces('secret');
  expect(new Set(Array.from({ length: 100 }, () => nonces.issue(1000.25))).size).toBe(100);
});

test('a nonce is good from its time until it has run out, and stale after (RFC 7616 §3.3)', () => {
  const nonces = new Nonces('secret', 60_000);
  const nonce = nonces.issue(1000);
  expect(nonces.use(nonce, 1, 1000)).toBe('ok');
  expect(nonces.use(nonce, 2, 61_000)).toBe('ok');
  expect(nonces.use(nonce, 3, 61_001)).toBe('stale');
});

test('the count must rise, and may leap (RFC 7616 §3.4)', () => {
  const nonces = new Nonces('secret');
  const nonce = nonces.issue(0);
  expect([1, 1, 5, 4, 5, 6].map((nc) => nonces.use(nonce, nc, 0))).toEqual([
    'ok',
    'replayed',
    'ok',
    'replayed',
    'replayed',
    'ok',
  ]);
});

test('without a count a nonce is good for once, then stale', () => {
  const nonces = new Nonces('secret');
  const nonce = nonces.issue(0);
  expect([1, 2].map(() => nonces.use(nonce, undefined, 0))).toEqual(['ok', 'stale']);
  expect(nonces.use(nonce, 7, 0)).toBe('replayed');
});

test('what we did not sign is foreign: another secret, another time, noise', () => {
  const nonces = new Nonces('secret');
  const nonce = nonces.issue(0x1000);
  const foreign = [
    new Nonces('other').issue(0x1000),
    nonce.replace('1000', '9000'),
    nonce.slice(0, -1),
    `${nonce}0`,
    nonce.toUpperCase(),
    '..',
    '',
    'x',
  ];
  expect(foreign.map((one) => nonces.use(one, 1, 0x1000))).toEqual(foreign.map(() => 'foreign'));
});

test('a nonce that was forgotten for room is stale and never good again', () => {
  const nonces = new Nonces('secret', 60_000, 2);
  const [a, b, c, unused] = [nonces.issue(1), nonces.issue(2), nonces.issue(3), nonces.issue(1)];
  expect([a, b, c].map((one) => nonces.use(one, 1, 5))).toEqual(['ok', 'ok', 'ok']);
  expect(nonces.use(a, 1, 5)).toBe('stale');
  expect(nonces.use(a, 2, 5)).toBe('stale');
  expect(nonces.use(unused, 1, 5)).toBe('stale');
  expect(nonces.use(c, 1, 5)).toBe('replayed');
  expect(nonces.use(c, 2, 5)).toBe('ok');
});
