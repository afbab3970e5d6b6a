import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { ALPHANUM, fuzz, textOf } from '../../fixtures/fuzz.ts';
import { MAX_PARAMETERS } from './limits.ts';
import { escapeUser, parseUri, type SipUri, serializeUri, unescapeUri } from './uri.ts';
import { uriEquals } from './uri-equals.ts';

function sip(text: string): SipUri {
  const parsed = parseUri(text);
  if (!parsed.ok || parsed.value.kind !== 'sip') throw new Error(`no SIP URI: ${text}`);
  return parsed.value;
}

function code(text: string): string {
  const parsed = parseUri(text);
  return parsed.ok ? 'ok' : parsed.error.code;
}

test('a SIP URI has user, password, host, port, parameters and headers (§19.1.1)', () => {
  const uri = sip('SIPS:alice:secret@atlanta.com:5061;transport=tcp;LR?subject=project%20x&priority=urgent');
  expect([uri.scheme, uri.user, uri.password, uri.host, uri.port]).toEqual([
    'sips',
    'alice',
    'secret',
    'atlanta.com',
    5061,
  ]);
  expect([...uri.params]).toEqual([
    ['transport', 'tcp'],
    ['lr', undefined],
  ]);
  expect(uri.headers).toEqual([
    ['subject', 'project%20x'],
    ['priority', 'urgent'],
  ]);
});

test('a user may hold ; ? & = / and parameters of its own (§19.1.2, §25.1)', () => {
  expect(sip('sip:+1-212-555;isub=1@gw.com;user=phone').user).toBe('+1-212-555;isub=1');
  expect(sip('sip:a?b=c/d&e@h').user).toBe('a?b=c/d&e');
  expect(sip('sip:a?b=c/d&e@h').host).toBe('h');
});

test('escapes stay as they came, and are resolved for people', () => {
  const uri = sip('sip:user%40home:%00@pbx;x=%41');
  expect([uri.user, uri.password, uri.params.get('x')]).toEqual(['user%40home', '%00', '%41']);
  expect(unescapeUri('user%40home%2f')).toBe('user@home/');
  expect(unescapeUri('50%')).toBe('50%');
});

test('an IPv6 reference is held without brackets and written with them', () => {
  const uri = sip('sip:[2001:db8::10]:5062');
  expect([uri.host, uri.port]).toEqual(['2001:db8::10', 5062]);
  expect(serializeUri(uri)).toBe('sip:[2001:db8::10]:5062');
});

test('other URIs are kept as they stand', () => {
  const uri = parseUri('TEL:+1-201;phone-context=x');
  expect(uri.ok && uri.value).toEqual({ kind: 'opaque', scheme: 'tel', rest: '+1-201;phone-context=x' });
  expect(uri.ok && serializeUri(uri.value)).toBe('tel:+1-201;phone-context=x');
});

test('malformed URIs are refused', () => {
  for (const bad of [
    '',
    'bob',
    ':x',
    '1a:b',
    'tel:',
    'sip:@a',
    'sip::p@a',
    'sip:a b@c',
    'sip:a@b;',
    'sip:a@b;;x',
  ]) {
    expect([bad, code(bad)]).toEqual([bad, 'uri-malformed']);
  }
  for (const bad of [
    'sip:a@b?',
    'sip:a@b?x',
    'sip:a@b?=x',
    'sip:a%4@b',
    'sip:a@b;x=%zz',
    'sip:a@b\r\nX: y',
    'sip:<a>',
  ]) {
    expect([bad, code(bad)]).toEqual([bad, 'uri-malformed']);
  }
  for (const bad of ['sip:', 'sip:a@', 'sip:a@b@c', 'sip:a@[::1', 'sip:a@ü']) {
    expect([bad, code(bad)]).toEqual([bad, 'host-malformed']);
  }
  expect(code('sip:a@b:70000')).toBe('port-malformed');
  expect(code('sip:a@b;x=1;X=2')).toBe('parameter-duplicated');
  expect(code(`sip:b${Array.from({ length: MAX_PARAMETERS + 1 }, (_, i) => `;p${i}`).join('')}`)).toBe(
    'too-many-parameters',
  );
});

test('an error of a URI inside a message has its offset there', () => {
  const parsed = parseUri('sip:a@b;x=1;x=2', 100);
  expect(parsed.ok ? 0 : parsed.error.offset).toBe(112);
});

test('escapeUser makes any text a user part (§25.1)', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }).map((text) => Buffer.from(text).toString('latin1')),
      (text) => {
        const uri = sip(`sip:${escapeUser(text)}@host`);
        expect(uri.password).toBeUndefined();
        expect(uri.host).toBe('host');
        expect(unescapeUri(uri.user ?? '')).toBe(text);
      },
    ),
    fuzz(),
  );
});

test('serialize and parse are inverse on any SIP URI', () => {
  const escapes = Array.from(
    { length: 256 },
    (_, code) => `%${code.toString(16).padStart(2, '0').toUpperCase()}`,
  );
  const plain = textOf(`${ALPHANUM}_.!~*'()-`, 1, 8);
  const word = fc.oneof(plain, textOf([...`${ALPHANUM}_.!~*'()-`, ...escapes], 1, 8));
  const uri = fc.record(
    {
      kind: fc.constant('sip' as const),
      scheme: fc.constantFrom('sip' as const, 'sips' as const),
      user: word,
      host: fc.constantFrom('example.org', '192.0.2.1', '2001:db8::1'),
      port: fc.integer({ min: 1, max: 65535 }),
      params: fc
        .uniqueArray(
          fc.tuple(
            word.map((name) => name.toLowerCase()),
            fc.option(word, { nil: undefined }),
          ),
          {
            selector: ([name]) => name,
            maxLength: 5,
          },
        )
        .map((pairs) => new Map(pairs)),
      headers: fc.array(fc.tuple(word, word), { maxLength: 3 }),
    },
    { requiredKeys: ['kind', 'scheme', 'host', 'params', 'headers'] },
  );
  fc.assert(
    fc.property(uri, (uri) => {
      const text = serializeUri(uri);
      expect(sip(text)).toEqual(uri);
      expect(uriEquals(sip(text), uri)).toBe(true);
    }),
    fuzz(),
  );
});
