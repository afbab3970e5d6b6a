import { expect, test } from 'bun:test';
import { parseHostPort, serializeHostPort } from './host-port.ts';

function read(text: string): string {
  const parsed = parseHostPort(text, 0, text.length);
  return parsed.ok ? `${parsed.value.host} ${parsed.value.port ?? '-'}` : parsed.error.code;
}

test('a host is a name, an IPv4 address or an IPv6 reference, the latter held without brackets (§25.1)', () => {
  expect(read('pbx.example.org')).toBe('pbx.example.org -');
  expect(read('192.0.2.1:5060')).toBe('192.0.2.1 5060');
  expect(read('[2001:db8::9:255]')).toBe('2001:db8::9:255 -');
  expect(read('[::ffff:192.0.2.1]:5061')).toBe('::ffff:192.0.2.1 5061');
  expect(read('my_pbx')).toBe('my_pbx -');
  expect(read(' host : 5060 ')).toBe('host 5060');
});

test('a port is 1 to 65535', () => {
  expect(read('a:1')).toBe('a 1');
  expect(read('a:65535')).toBe('a 65535');
  for (const bad of ['a:0', 'a:65536', 'a:', 'a:x', 'a:-1', '[::1]5060', '[::1]:']) {
    expect([bad, read(bad)]).toEqual([bad, 'port-malformed']);
  }
});

test('what is no host is refused', () => {
  const bad = [
    '',
    ' ',
    ':5060',
    'a b',
    'a/b',
    'ä',
    '::1',
    '[::1',
    '[]',
    '[1.2.3.4]',
    '[:: 1]',
    '[fe80::1%eth0]',
  ];
  for (const text of bad) expect([text, read(text)]).toEqual([text, 'host-malformed']);
});

test('an IPv6 address is written in brackets', () => {
  expect(serializeHostPort({ host: '::1', port: 5060 })).toBe('[::1]:5060');
  expect(serializeHostPort({ host: '::1' })).toBe('[::1]');
  expect(serializeHostPort({ host: 'a.example', port: 5060 })).toBe('a.example:5060');
});
