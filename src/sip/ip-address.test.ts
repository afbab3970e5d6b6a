import { expect, test } from 'bun:test';
import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import {
  addressBytes,
  addressFamily,
  isLoopback,
  isMulticast,
  isUnspecified,
  unmapped,
} from './ip-address.ts';

/** The bytes in hexadecimal, or undefined. */
function hex(text: string): string | undefined {
  const bytes = addressBytes(text);
  return bytes === undefined
    ? undefined
    : [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

test('a dotted quad is four bytes', () => {
  expect(hex('192.0.2.1')).toBe('c0000201');
  expect(hex('255.255.255.255')).toBe('ffffffff');
  expect(addressFamily('192.0.2.1')).toBe('ipv4');
});

test('what only looks like a dotted quad is a name', () => {
  const names = [
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
    '1.2.3.4 ',
    '1.2.3.0004',
    '1.2.3.a',
  ];
  for (const name of [...names, '', 'lab.local', '[192.0.2.1]']) expect(hex(name)).toBeUndefined();
});

test('IPv6 in every form of RFC 4291 §2.2', () => {
  expect(hex('2001:db8:0:0:8:800:200c:417a')).toBe('20010db80000000000080800200c417a');
  expect(hex('2001:DB8::8:800:200C:417A')).toBe('20010db80000000000080800200c417a');
  expect(hex('::1')).toBe(`${'0'.repeat(31)}1`);
  expect(hex('::')).toBe('0'.repeat(32));
  expect(hex('ff01::')).toBe(`ff01${'0'.repeat(28)}`);
  expect(hex('::ffff:129.144.52.38')).toBe(`${'0'.repeat(20)}ffff81903426`);
  expect(hex('1:2:3:4:5:6:7::')).toBe('00010002000300040005000600070000');
  expect(hex('::2:3:4:5:6:7:8')).toBe('00000002000300040005000600070008');
  expect(addressFamily('::1')).toBe('ipv6');
});

test('IPv6 that is malformed is no address', () => {
  const malformed = [
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    '::g',
    '1.2.3.4::',
    '::1.2.3',
    '1:2:3:4:5:6:7:1.2.3.4',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    'fe80::1%eth0',
    '[::1]',
    '::1 ',
    '1:',
    ':1',
    '::1.2.3.4:5',
  ];
  for (const text of malformed) expect([text, hex(text)]).toEqual([text, undefined]);
});

test('the platform agrees, on addresses and on near misses', () => {
  const group = fc.stringMatching(/^[0-9a-fA-F]{0,5}$/);
  const mixed = fc.array(fc.oneof(group, fc.constantFrom('', '1.2.3.4', '255.1.300.7')), { maxLength: 9 });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.ipV6(),
        mixed.map((parts) => parts.join(':')),
      ),
      (text) => {
        expect([text, addressBytes(text)?.length === 16]).toEqual([text, isIPv6(text)]);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('every IPv4 address is read as its four numbers', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
      expect([...(addressBytes(bytes.join('.')) ?? [])]).toEqual([...bytes]);
    }),
    { numRuns: 2_000 },
  );
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
