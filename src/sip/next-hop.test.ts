import { expect, test } from 'bun:test';
import { nextHop } from './next-hop.ts';

test('a URI says where its request goes: host, port, transport (§8.1.2, §19.1.2)', () => {
  expect(nextHop('sip:101@lab.local', 'udp')).toEqual({
    transport: 'udp',
    host: 'lab.local',
    port: 5060,
    open: 'transport',
  });
  expect(nextHop('sip:192.0.2.1:5070', 'tcp')).toEqual({ transport: 'tcp', host: '192.0.2.1', port: 5070 });
  expect(nextHop('sip:[2001:db8::1]', 'udp')).toEqual({ transport: 'udp', host: '2001:db8::1', port: 5060 });
});

test('the transport it names goes before ours, in any case; one that we do not speak does not', () => {
  expect(nextHop('sip:lab.local;transport=TCP', 'udp')?.transport).toBe('tcp');
  expect(nextHop('sip:lab.local;transport=udp', 'tcp')?.transport).toBe('udp');
  expect(nextHop('sip:lab.local;transport=sctp', 'tcp')?.transport).toBe('tcp');
});

test('TLS has its own port, and sips is TLS whatever else it says (§19.1.2, §26.2.2)', () => {
  expect(nextHop('sip:lab.local;transport=tls', 'udp')).toEqual({
    transport: 'tls',
    host: 'lab.local',
    port: 5061,
    open: 'port',
  });
  expect(nextHop('sips:lab.local;transport=tcp', 'udp')).toEqual({
    transport: 'tls',
    host: 'lab.local',
    port: 5061,
    open: 'port',
  });
  expect(nextHop('sips:lab.local:5071', 'udp')?.port).toBe(5071);
});

test('maddr is where it goes instead of the host (§19.1.1), IPv6 without brackets', () => {
  expect(nextHop('sip:lab.local;maddr=192.0.2.7', 'udp')?.host).toBe('192.0.2.7');
  expect(nextHop('sip:lab.local;maddr=[2001:db8::7]', 'udp')?.host).toBe('2001:db8::7');
});

test('DNS may say what the URI does not: transport and port, or the port alone (RFC 3263 §4.1, §4.2)', () => {
  const open = (uri: string) => nextHop(uri, 'udp')?.open;
  expect(open('sip:lab.local')).toBe('transport');
  expect(open('sip:lab.local;transport=sctp')).toBe('transport');
  expect(open('sip:lab.local;transport=udp')).toBe('port');
  expect(open('sip:192.0.2.1;maddr=pbx.local')).toBe('transport');
  for (const closed of [
    'sip:lab.local:5060',
    'sip:192.0.2.1',
    'sip:[::1]',
    'sip:lab.local;maddr=192.0.2.7',
  ]) {
    expect(open(closed)).toBeUndefined();
  }
});

test('what is no SIP URI leads nowhere', () => {
  for (const uri of ['tel:+15551234', 'http://lab.local', 'lab.local', 'sip:', '']) {
    expect(nextHop(uri, 'udp')).toBeUndefined();
  }
});
