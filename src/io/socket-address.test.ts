import { expect, test } from 'bun:test';
import {
  AF_INET,
  AF_INET6,
  MAX_SOCKADDR_BYTES,
  readSocketAddress,
  readSocketPort,
  type SocketFamily,
  writeSocketAddress,
} from './socket-address.ts';

const zones = {
  indexOf: (name: string) => (name === 'eth7' ? 0x0102 : 0),
  nameOf: (index: number) => (index === 0x0102 ? 'eth7' : ''),
};

function written(family: SocketFamily, port: number, address: string): Uint8Array | undefined {
  // What stood there before must not shine through.
  const bytes = new Uint8Array(MAX_SOCKADDR_BYTES).fill(0xaa);
  return writeSocketAddress(bytes, family, port, address, zones) ? bytes : undefined;
}

function back(family: SocketFamily, address: string): string | undefined {
  const bytes = written(family, 5004, address);
  return bytes && `${readSocketAddress(bytes, family, zones)} ${readSocketPort(bytes)}`;
}

test('sockaddr_in: family, port and address in network order, zeros behind (ip(7))', () => {
  expect(written(AF_INET, 0x1234, '192.0.2.1')?.subarray(0, 16).toHex()).toBe(
    '02001234c00002010000000000000000',
  );
});

test('sockaddr_in6: the address stands after the flow label, the scope at its end (ipv6(7))', () => {
  expect(written(AF_INET6, 0x1234, 'fe80::1%eth7')?.subarray(0, 28).toHex()).toBe(
    '0a00123400000000fe80000000000000000000000000000102010000',
  );
});

test('IPv4 is reached through an IPv6 socket by its mapped address (RFC 4291 §2.5.5.2), and mapped IPv4 through one of IPv4', () => {
  expect(back(AF_INET6, '192.0.2.1')).toBe('::ffff:192.0.2.1 5004');
  expect(back(AF_INET6, '::ffff:192.0.2.1')).toBe('::ffff:192.0.2.1 5004');
  expect(back(AF_INET, '::ffff:192.0.2.1')).toBe('192.0.2.1 5004');
});

test('the text is that of RFC 5952, with the zone of a link-local address', () => {
  expect(back(AF_INET6, '2001:DB8:0:0:0:0:0:1')).toBe('2001:db8::1 5004');
  expect(back(AF_INET6, 'fe80::1%eth7')).toBe('fe80::1%eth7 5004');
  expect(back(AF_INET6, '::')).toBe(':: 5004');
});

test('what is no address of the family is refused', () => {
  const refused: [SocketFamily, number, string][] = [
    [AF_INET, 5004, '2001:db8::1'],
    [AF_INET, 5004, 'example.com'],
    [AF_INET6, 5004, 'not:an:address'],
    [AF_INET6, 5004, 'fe80::1%nowhere'],
    [AF_INET6, 65_536, '::1'],
    [AF_INET, -1, '192.0.2.1'],
  ];
  for (const [family, port, address] of refused) expect(written(family, port, address)).toBeUndefined();
});
