/** The machine's addresses, as the kernel says them. */
import { expect, test } from 'bun:test';
import { addressesOf, findLocalAddresses, sourceTowards } from './local-addresses.ts';

const FOUND = {
  defaultAddresses: { ipv4: '192.0.2.7', ipv6: '2001:db8::7' },
  interfaces: [
    { address: '192.0.2.7', prefixLength: 24 },
    { address: '2001:db8::7', prefixLength: 64 },
  ],
};

test('bound to one address, that is ours; to 0.0.0.0, those of IPv4; to nothing or ::, all', () => {
  expect(addressesOf(undefined, FOUND)).toBe(FOUND);
  expect(addressesOf('::', FOUND)).toBe(FOUND);
  expect(addressesOf('0.0.0.0', FOUND)).toEqual({
    defaultAddresses: { ipv4: '192.0.2.7' },
    interfaces: [{ address: '192.0.2.7', prefixLength: 24 }],
  });
  expect(addressesOf('127.0.0.5', FOUND)).toEqual({
    defaultAddresses: { ipv4: '127.0.0.5' },
    interfaces: [],
  });
  expect(addressesOf('2001:db8::9', FOUND)).toEqual({
    defaultAddresses: { ipv6: '2001:db8::9' },
    interfaces: [],
  });
});

test('a zone stays on this machine (RFC 4007 §11.2)', () => {
  expect(addressesOf('fe80::7%eth0', FOUND).defaultAddresses).toEqual({ ipv6: 'fe80::7' });
});

test('the kernel says at once which address leads to a peer, in either family', () => {
  expect(sourceTowards('127.0.0.1')).toBe('127.0.0.1');
  expect(sourceTowards('127.9.9.9')).toBe('127.0.0.1');
  const { interfaces } = findLocalAddresses();
  if (interfaces.some(({ address }) => address === '::1')) expect(sourceTowards('::1')).toBe('::1');
  expect(sourceTowards('fe80::1')).toBeUndefined();
});
