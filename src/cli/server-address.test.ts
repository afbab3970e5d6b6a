import { expect, test } from 'bun:test';
import type { ServerAddress } from '../sip/next-hop.ts';
import { readDnsServer, readServerAddress } from './server-address.ts';

const silent = () => {};

test('a server is a host, host:port, or a sip: URI with a transport (RFC 3261 §19.1.1)', () => {
  const cases: Record<string, ServerAddress> = {
    'pbx.example.org': { host: 'pbx.example.org' },
    'pbx.example.org:5080': { host: 'pbx.example.org', port: 5080 },
    '192.0.2.1:5080': { host: '192.0.2.1', port: 5080 },
    '::1': { host: '::1' },
    '[::1]': { host: '::1' },
    '[2001:db8::1]:5070': { host: '2001:db8::1', port: 5070 },
    'sip:pbx.example.org': { host: 'pbx.example.org' },
    'SIP:pbx.example.org:5070;Transport=TCP': { host: 'pbx.example.org', port: 5070, transport: 'tcp' },
    'sip:[::1]:5070;lr;transport=udp': { host: '::1', port: 5070, transport: 'udp' },
  };
  for (const [text, expected] of Object.entries(cases)) {
    expect([text, readServerAddress(text, silent)]).toEqual([text, expected]);
  }
});

test('what is no server is refused', () => {
  const wrong = [
    '',
    ':5060',
    'host:',
    'host:0',
    'host:65536',
    'host:1:2',
    'a b',
    '[::1',
    '[1.2.3.4]',
    '1.2.3',
    '1.2.3.256',
    '-a',
    'sip:',
    'sip:h;foo=1',
    'http://h',
    'h\n',
    'fe80::1%eth0',
  ];
  for (const text of wrong) expect([text, readServerAddress(text, silent)]).toEqual([text, undefined]);
});

test('the known mistakes get a sentence of their own: a user part, sips:, another transport', () => {
  const said: string[] = [];
  for (const text of ['sip:100@pbx', 'sips:pbx;transport=udp', 'sip:pbx;transport=sctp']) {
    expect(readServerAddress(text, (what) => said.push(what))).toBeUndefined();
  }
  expect(said).toHaveLength(3);
  expect(said[0]).toContain('--user');
  expect(said[1]).toContain('TLS');
  expect(said[2]).toContain('sctp');
});

test('a DNS server is an address, with or without a port', () => {
  expect(readDnsServer('192.0.2.53')).toBe('192.0.2.53');
  expect(readDnsServer('192.0.2.53:5353')).toBe('192.0.2.53:5353');
  expect(readDnsServer('[2001:db8::53]:5353')).toBe('[2001:db8::53]:5353');
  expect(readDnsServer('2001:db8::53')).toBe('2001:db8::53');
  for (const wrong of ['dns.example', '192.0.2.53:0', '192.0.2.300', ''])
    expect(readDnsServer(wrong)).toBeUndefined();
});
