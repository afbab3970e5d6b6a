import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { MAX_ROUTES } from './limits.ts';
import { localAddressTowards, Routes } from './local-address.ts';

const MACHINE = {
  defaultAddresses: { ipv4: '192.168.1.10', ipv6: '2001:db8:1::10' },
  interfaces: [
    { address: '127.0.0.1', prefixLength: 8 },
    { address: '::1', prefixLength: 128 },
    { address: '192.168.1.10', prefixLength: 24 },
    { address: '10.0.0.5', prefixLength: 8 },
    { address: '10.20.0.5', prefixLength: 14 },
    { address: '10.20.30.5', prefixLength: 25 },
    { address: '2001:db8:1::10', prefixLength: 64 },
    { address: '2001:db8:1:0:1::10', prefixLength: 80 },
    { address: 'fe80::10', prefixLength: 64 },
  ],
};

const towards = (peer: string) => localAddressTowards(peer, MACHINE);

test('a peer in a network of ours sees the address in that network', () => {
  expect(towards('192.168.1.77')).toBe('192.168.1.10');
  expect(towards('10.99.0.1')).toBe('10.0.0.5');
  expect(towards('2001:db8:1::77')).toBe('2001:db8:1::10');
});

test('the longest prefix wins, to the bit', () => {
  expect(towards('10.20.30.127')).toBe('10.20.30.5');
  expect(towards('10.20.30.128')).toBe('10.20.0.5');
  expect(towards('10.23.255.255')).toBe('10.20.0.5');
  expect(towards('10.24.0.0')).toBe('10.0.0.5');
  expect(towards('2001:db8:1:0:1::77')).toBe('2001:db8:1:0:1::10');
});

test('the order of the interfaces does not matter', () => {
  const reversed = { ...MACHINE, interfaces: [...MACHINE.interfaces].reverse() };
  for (const peer of [
    '10.20.30.1',
    '10.20.31.1',
    '10.1.1.1',
    '2001:db8:1:0:1::7',
    '127.0.0.1',
    '198.51.100.1',
  ]) {
    expect(localAddressTowards(peer, reversed)).toBe(towards(peer) as string);
  }
});

test('any other peer sees the address of the default route of its family', () => {
  expect(towards('198.51.100.1')).toBe('192.168.1.10');
  expect(towards('2001:db8:ffff::1')).toBe('2001:db8:1::10');
  expect(
    localAddressTowards('198.51.100.1', { interfaces: [], defaultAddresses: { ipv6: '::7' } }),
  ).toBeUndefined();
});

test('a loopback peer sees the loopback address, the one that every machine has', () => {
  expect(towards('127.0.0.1')).toBe('127.0.0.1');
  expect(towards('127.0.0.2')).toBe('127.0.0.1');
  expect(towards('::1')).toBe('::1');
  const bare = { interfaces: [], defaultAddresses: {} };
  expect(localAddressTowards('127.0.0.9', bare)).toBe('127.0.0.1');
  expect(localAddressTowards('::1', bare)).toBe('::1');
});

test('bound to one address, that one is told to all, loopback or not: nothing listens anywhere else', () => {
  const bound = { interfaces: [], defaultAddresses: { ipv4: '127.0.0.5' } };
  expect(localAddressTowards('127.0.0.1', bound)).toBe('127.0.0.5');
  expect(localAddressTowards('192.0.2.1', bound)).toBe('127.0.0.5');
});

test('an IPv4 peer heard through an IPv6 socket counts as IPv4 (RFC 4291 §2.5.5.2)', () => {
  expect(towards('::ffff:10.20.30.1')).toBe('10.20.30.5');
});

test('the zone of a link-local peer is no part of its address (RFC 4007 §11)', () => {
  expect(towards('fe80::99%eth0')).toBe('fe80::10');
});

test('for a name IPv4 is preferred', () => {
  expect(towards('lab.local')).toBe('192.168.1.10');
  expect(localAddressTowards('lab.local', { interfaces: [], defaultAddresses: { ipv6: '::7' } })).toBe('::7');
});

test('no peer and no prefix length throws, and the answer is one of ours', () => {
  const peer = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string());
  const own = fc.record({
    address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()),
    prefixLength: fc.integer({ min: 0, max: 128 }),
  });
  fc.assert(
    fc.property(peer, fc.array(own, { maxLength: 5 }), (address, interfaces) => {
      const defaultAddresses = { ipv4: '192.0.2.1' };
      const found = localAddressTowards(address, { interfaces, defaultAddresses });
      const ours = [...interfaces.map((one) => one.address), '192.0.2.1', '::1', undefined];
      expect(ours).toContain(found);
    }),
    { numRuns: 2_000 },
  );
});

test('a link-local peer is faced by the interface of its zone (RFC 4007 §11)', () => {
  const interfaces = ['eth0', 'wlan0'].map((zone, at) => ({
    address: `fe80::${at + 1}`,
    prefixLength: 64,
    zone,
  }));
  const all = { interfaces, defaultAddresses: {} };
  expect(localAddressTowards('fe80::9%wlan0', all)).toBe('fe80::2');
  expect(localAddressTowards('fe80::9%eth0', all)).toBe('fe80::1');
});

test('as many ways are kept as the bound says, the oldest goes first', () => {
  let asked = 0;
  const routes = new Routes({ interfaces: [], defaultAddresses: {} }, () => `10.0.0.${++asked % 250}`);
  const peer = (at: number) => `198.51.${at >> 8}.${at & 255}`;
  for (let at = 0; at <= MAX_ROUTES; at++) routes.towards(peer(at));
  expect(asked).toBe(MAX_ROUTES + 1);
  routes.towards(peer(MAX_ROUTES));
  routes.towards(peer(1));
  expect(asked).toBe(MAX_ROUTES + 1);
  routes.towards(peer(0));
  expect(asked).toBe(MAX_ROUTES + 2);
});
