import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { addressBytes } from '../address-bytes.ts';
import { addressFamily, isLoopback, isMulticast, isUnspecified, unmapped } from './ip-address.ts';

test('the family of an address is told by its bytes, and a name has none', () => {
  expect(['192.0.2.1', '::1', '::ffff:192.0.2.1', 'lab.local', '1.2.3.256'].map(addressFamily)).toEqual([
    'ipv4',
    'ipv6',
    'ipv6',
    undefined,
    undefined,
  ]);
});

test('no text throws', () => {
  const alphabet = fc.constantFrom(...'0123456789abcdefg.:%[]');
  const text = fc.oneof(
    fc.string(),
    fc.array(alphabet, { maxLength: 50 }).map((letters) => letters.join('')),
  );
  fc.assert(
    fc.property(text, (address) => {
      const bytes = addressBytes(address);
      expect(bytes === undefined || bytes.length === 4 || bytes.length === 16).toBe(true);
      for (const asks of [isLoopback, isMulticast, isUnspecified]) {
        if (bytes === undefined) expect(asks(address)).toBe(false);
      }
      unmapped(address);
    }),
    { numRuns: 2_000 },
  );
});

test('loopback, multicast and unspecified of both families', () => {
  expect(['127.0.0.1', '127.255.0.9', '::1', '0:0:0:0:0:0:0:1'].map(isLoopback)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['128.0.0.1', '::2', '1::1', 'localhost'].map(isLoopback)).toEqual([false, false, false, false]);
  expect(['::ffff:127.0.0.1', '::FFFF:7f00:1'].map(isLoopback)).toEqual([true, true]);
  expect(['::ffff:128.0.0.1', '::127.0.0.1', '1::ffff:127.0.0.1'].map(isLoopback)).toEqual([
    false,
    false,
    false,
  ]);
  expect(['224.0.1.75', '239.255.255.255', 'ff02::1'].map(isMulticast)).toEqual([true, true, true]);
  expect(['223.0.0.1', '240.0.0.1', 'fe80::1'].map(isMulticast)).toEqual([false, false, false]);
  expect(['0.0.0.0', '::', '0::0'].map(isUnspecified)).toEqual([true, true, true]);
  expect(['0.0.0.1', '::1', ''].map(isUnspecified)).toEqual([false, false, false]);
});

test('an IPv4 address from an IPv6 socket is IPv4 again (RFC 4291 §2.5.5.2), all others stay', () => {
  expect(unmapped('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(unmapped('2001:db8::1')).toBe('2001:db8::1');
  expect(unmapped('192.0.2.1')).toBe('192.0.2.1');
  expect(unmapped('::ffff:1:2')).toBe('::ffff:1:2');
});
