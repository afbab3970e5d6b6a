import { expect, test } from 'bun:test';
import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { addressBytes, addressText } from './address-bytes.ts';

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

test('IPv6 is written as RFC 5952 §4 says, and read back as what it was', () => {
  const written = (text: string) => addressText(addressBytes(text) ?? new Uint8Array());
  expect(written('2001:DB8:0:0:0:0:0:1')).toBe('2001:db8::1');
  expect(written('0:1:0:0:0:1:0:0')).toBe('0:1::1:0:0');
  expect(written('1:0:0:2:0:0:3:4')).toBe('1::2:0:0:3:4');
  expect(written('1:0:3:4:5:6:7:8')).toBe('1:0:3:4:5:6:7:8');
  expect(['::', '1::', '::1'].map(written)).toEqual(['::', '1::', '::1']);
  const half = fc.uint8Array({ minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(half, fc.constantFrom(0, 1, 2, 3, 4, 5, 6), (bytes, zeros) => {
      const address = Uint8Array.from([
        ...bytes.slice(zeros),
        ...new Uint8Array(8),
        ...bytes.slice(0, zeros),
      ]);
      expect(addressBytes(addressText(address))).toEqual(address);
    }),
    { numRuns: 500 },
  );
});
