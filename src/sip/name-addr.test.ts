import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import type { SipResponse } from './message.ts';
import { NO_BODY } from './message.ts';
import { type NameAddr, parseNameAddr, parseNameAddrList, serializeNameAddr } from './name-addr.ts';

function read(text: string): NameAddr {
  const parsed = parseNameAddr(text);
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

function code(text: string): string {
  const parsed = parseNameAddr(text);
  return parsed.ok ? 'ok' : parsed.error.code;
}

test('a name-addr has a display name, a URI and parameters (§20.10)', () => {
  const address = read(
    '"Mr. Watson" <sip:watson@worcester.bell-telephone.com;transport=tcp>;q=0.7; expires=3600',
  );
  expect(address.displayName).toBe('Mr. Watson');
  expect(address.uri).toBe('sip:watson@worcester.bell-telephone.com;transport=tcp');
  expect([...address.params]).toEqual([
    ['q', '0.7'],
    ['expires', '3600'],
  ]);
});

test('a quoted display name has its escapes resolved, and may hold < and ;', () => {
  expect(read('"a \\"<b>\\\\;c" <sip:x@y>;tag=1').displayName).toBe('a "<b>\\;c');
});

test('an unquoted display name is words, and may be missing', () => {
  expect(read('A. G. Bell <sip:agb@bell.com>').displayName).toBe('A. G. Bell');
  expect(read('<sip:agb@bell.com>').displayName).toBeUndefined();
  expect(read('"" <sip:agb@bell.com>').displayName).toBeUndefined();
});

test('without <> every parameter belongs to the header field (§20.10)', () => {
  const address = read('sip:+12125551212@phone2net.com ;tag=887s;transport=udp');
  expect(address.uri).toBe('sip:+12125551212@phone2net.com');
  expect([...address.params.keys()]).toEqual(['tag', 'transport']);
});

test('without <> a URI may not have a comma or headers (§20.10)', () => {
  expect(code('sip:user@example.com?Route=%3Csip:sip.example.com%3E')).toBe('address-malformed');
  expect(code('sip:a,b@example.com')).toBe('address-malformed');
  expect(read('<sip:user@example.com?Route=%3Csip:x%3E>').uri).toBe('sip:user@example.com?Route=%3Csip:x%3E');
});

test('any scheme is an address', () => {
  expect(read('<tel:+1-201-555-0123>;tag=1').uri).toBe('tel:+1-201-555-0123');
  expect(read('urn:service:sos').uri).toBe('urn:service:sos');
});

test('malformed addresses are refused', () => {
  const bad = [
    '',
    '<>',
    '< sip:a@b >',
    'bob',
    '"bob"',
    '"bob" sip:a@b',
    '"bob <sip:a@b>',
    '<sip:a@b',
    'sip:a@b>',
    '<sip:>',
    '<:a>',
    '<1sip:a>',
    'Bell, Alexander <sip:a@b>',
    'a"b <sip:a@b>',
    '<sip:a b@c>',
    '"x" y <sip:a@b>',
  ];
  for (const text of bad) expect([text, code(text)]).toEqual([text, 'address-malformed']);
  expect(code('<sip:a@b> tag=1')).toBe('parameter-malformed');
  expect(code('"Joe" <sip:joe@example.org>;;;;')).toBe('parameter-malformed');
  expect(code('<sip:a@b>;tag=1;tag=2')).toBe('parameter-duplicated');
});

test('all addresses of all fields of a name are one list', () => {
  const headers = [
    { name: 'Record-Route', value: '<sip:a;lr>, "b, c" <sip:b;lr>', offset: 10 },
    { name: 'Record-Route', value: '<sip:c>', offset: 80 },
  ];
  const response: SipResponse = { kind: 'response', status: 200, reason: '', headers, body: NO_BODY };
  const list = parseNameAddrList(response, 'Record-Route');
  expect(list.ok && list.value.map(({ uri }) => uri)).toEqual(['sip:a;lr', 'sip:b;lr', 'sip:c']);
});

test('an address is written in <>, its display name quoted', () => {
  expect(serializeNameAddr(read('Bob "x" <sip:a@b>'.replace('"x" ', '')))).toBe('"Bob" <sip:a@b>');
  expect(serializeNameAddr(read('sip:a@b;tag=1'))).toBe('<sip:a@b>;tag=1');
});

test('parse and serialize are inverse for any display name, URI and tag', () => {
  const name = fc.string({ minLength: 1, unit: 'binary-ascii' }).filter((text) => !/[\r\n]/.test(text));
  const uri = fc.stringMatching(/^sip:[a-z0-9;=?&%@.,+-]{1,20}$/);
  const tag = fc.stringMatching(/^[A-Za-z0-9.-]{1,20}$/);
  fc.assert(
    fc.property(name, uri, tag, (displayName, uri, tag) => {
      const address: NameAddr = { displayName, uri, params: new Map([['tag', tag]]) };
      const { params, ...back } = read(serializeNameAddr(address));
      expect({ ...back, params: [...params] }).toEqual({ ...address, params: [['tag', tag]] });
    }),
    fuzz(),
  );
});
