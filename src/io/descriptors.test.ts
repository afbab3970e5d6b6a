import { expect, test } from 'bun:test';
import { MAX_CONNECTIONS } from '../sip/limits.ts';
import { type DescriptorShares, MAX_RESERVE, shareDescriptors } from './descriptors.ts';

/** The most that can be open at once: calls, the ports that wait, both kinds of connections, handshakes. */
function most({ maxCalls = 0, reserve, share }: DescriptorShares): number {
  const connections = share?.connections ?? MAX_CONNECTIONS;
  const pairs = maxCalls === 0 ? 0 : maxCalls + reserve;
  return 2 * pairs + 2 * connections + Math.floor(connections / 4);
}

test('where the limit is as systems have it, or not known, nothing is less than it was', () => {
  for (const limit of [524_288, 20_000, undefined]) {
    expect(shareDescriptors(1_000, { limit, used: 20 })).toEqual({ maxCalls: 1_000, reserve: MAX_RESERVE });
  }
});

test('calls and connections together never need more descriptors than there are', () => {
  for (let limit = 128; limit < 9_000; limit += 37) {
    for (const calls of [0, 1, 10, 1_000, 2_000]) {
      const shares = shareDescriptors(calls, { limit, used: 20 });
      expect([limit, calls, most(shares) <= limit - 20]).toEqual([limit, calls, true]);
      expect(shares.maxCalls ?? 0).toBeLessThanOrEqual(calls);
    }
  }
});

test('calls come first, but connections keep a quarter; who gets fewer calls than were asked for is told so', () => {
  expect(shareDescriptors(100, { limit: 1_024, used: 20 })).toEqual({
    maxCalls: 100,
    reserve: 64,
    share: { openFiles: 1_024, connections: 272 },
  });
  const { maxCalls, share } = shareDescriptors(1_000, { limit: 1_024, used: 20 });
  expect([maxCalls, share]).toEqual([289, { openFiles: 1_024, connections: 104, fewerCalls: true }]);
});

test('a registrar without audio has all of them for connections', () => {
  expect(shareDescriptors(0, { limit: 1_024, used: 20 })).toEqual({
    reserve: MAX_RESERVE,
    share: { openFiles: 1_024, connections: 417 },
  });
});

test('with next to none it still starts, with one of each', () => {
  expect(shareDescriptors(10, { limit: 64, used: 20 })).toMatchObject({
    maxCalls: 1,
    share: { connections: 1 },
  });
});
