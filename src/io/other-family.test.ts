/** What is said of a server that is of the other family than our socket. */
import { expect, test } from 'bun:test';
import { otherFamily } from './other-family.ts';
import { listenUdp } from './udp-listener.ts';

const nothing = () => {};

test('a datagram from IPv4 to IPv6 has no way, and the address that we are bound to is named', async () => {
  const bytes = new Uint8Array([13, 10]);
  const four = await listenUdp('127.0.0.1', 0, nothing, nothing);
  expect(four.send(bytes, { address: '::1', port: 9 })).toBe(
    'no route to the host: it is IPv6, and we are bound to 127.0.0.1, which is IPv4',
  );
  expect(four.send(bytes, { address: '127.0.0.1', port: 9 })).toBeUndefined();
  four.close();
  const any = await listenUdp('0.0.0.0', 0, nothing, nothing);
  expect(any.send(bytes, { address: '::1', port: 9 })).toEndWith('this machine has no IPv6');
  any.close();
});

test('a socket on :: carries IPv4 as well (RFC 3493 §3.7): whatever fails there, it is not the family', () => {
  expect(otherFamily('::', '203.0.113.9')).toBeUndefined();
  expect(otherFamily('2001:db8::1', '203.0.113.9')).toEndWith('we are bound to 2001:db8::1, which is IPv6');
});
