import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { parseAuthorization } from './authorization.ts';

const FULL =
  'Digest username="bob", realm="biloxi.com", nonce="dcd98b71", uri="sip:bob@biloxi.com", qop=auth, ' +
  'nc=0000000a, cnonce="0a4f113b", response="6629FAE49393A05397450978507C4EF1", opaque="5ccc"';

function reason(text: string): string {
  const read = parseAuthorization(text);
  return read.ok ? 'it was accepted' : read.reason;
}

test('full credentials are read, the response in lower case, the count as a number (RFC 3261 §22.4)', () => {
  expect(parseAuthorization(FULL)).toEqual({
    ok: true,
    value: {
      username: 'bob',
      realm: 'biloxi.com',
      nonce: 'dcd98b71',
      uri: 'sip:bob@biloxi.com',
      response: '6629fae49393a05397450978507c4ef1',
      algorithm: 'MD5',
      opaque: '5ccc',
      cnonce: '0a4f113b',
      qop: 'auth',
      nc: 10,
      userhash: false,
    },
  });
});

test('the old form without qop has neither count nor cnonce (RFC 2617 §3.2.2)', () => {
  const read = parseAuthorization('Digest username="a", realm="r", nonce="n", uri="sip:r", response="0"');
  expect(read.ok && read.value.nc).toBeUndefined();
});

test('a quoted qop and an unquoted uri are understood: phones send both', () => {
  const read = parseAuthorization(
    'Digest username="a", realm="r", nonce="n", uri=sip:r, response=0, qop="auth", nc=00000001, cnonce=x',
  );
  expect(read.ok && read.value).toMatchObject({ uri: 'sip:r', qop: 'auth', cnonce: 'x' });
});

test('what is missing or malformed is named', () => {
  expect(reason('')).toBe('the field is empty');
  expect(reason('Basic Zm9v')).toBe('the scheme basic is not supported');
  expect(reason(FULL.replace('username', 'user'))).toBe('it has no username');
  expect(reason(FULL.replace('cnonce', 'x'))).toBe('it has no cnonce');
  expect(reason(FULL.replace('0000000a', '00000000'))).toContain('nc is not');
  expect(reason(FULL.replace('0000000a', '10'))).toContain('nc is not');
  expect(reason(FULL.replace('qop=auth', 'qop=auth-conf'))).toBe('the qop auth-conf is not supported');
  expect(reason(FULL.replace('qop=auth', 'algorithm=MD6'))).toBe('the algorithm MD6 is not supported');
  expect(reason(FULL.replace('opaque="5ccc"', 'opaque="5ccc'))).toBe('the quotes of opaque are not closed');
});

test('no value throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), fc.nat(FULL.length), (noise, at) => {
      parseAuthorization(noise);
      parseAuthorization(FULL.slice(0, at) + noise + FULL.slice(at));
    }),
    fuzz(),
  );
});
