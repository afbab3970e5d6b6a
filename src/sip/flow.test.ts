import { expect, test } from 'bun:test';
import { defaultPort, formatAddress, formatHost, isReliable } from './flow.ts';

test('IPv6 stands in brackets beside a port and in a URI (§25.1)', () => {
  expect(formatAddress({ address: '192.0.2.1', port: 5060 })).toBe('192.0.2.1:5060');
  expect(formatAddress({ address: '2001:db8::1', port: 5060 })).toBe('[2001:db8::1]:5060');
  expect(['::1', '[::1]', 'lab.local'].map(formatHost)).toEqual(['[::1]', '[::1]', 'lab.local']);
});

test('TLS has port 5061, the others 5060 (§19.1.2); datagrams alone are unreliable (§17)', () => {
  expect((['udp', 'tcp', 'tls'] as const).map(defaultPort)).toEqual([5060, 5060, 5061]);
  expect((['udp', 'tcp', 'tls'] as const).map(isReliable)).toEqual([false, true, true]);
});
