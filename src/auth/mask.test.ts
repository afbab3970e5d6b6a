import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { maskCredentials, maskKeepingLength } from './mask.ts';

const DIGEST =
  'Digest username="bob", realm="r", nonce="n", uri="sip:r", response="6629fae4", cnonce="0a4f", qop=auth, nc=00000001';

describe('credentials', () => {
  test('response and cnonce are hidden, what explains a failure stays (RFC 7616 §5.11)', () => {
    for (const name of ['Authorization', 'Proxy-Authorization', 'AUTHORIZATION', 'authorization ']) {
      expect(maskCredentials(`REGISTER sip:r SIP/2.0\r\n${name}: ${DIGEST}\r\nTo: <sip:bob@r>\r\n\r\n`)).toBe(
        `REGISTER sip:r SIP/2.0\r\n${name}: Digest username="bob", realm="r", nonce="n", uri="sip:r", ` +
          'response="***", cnonce="***", qop=auth, nc=00000001\r\nTo: <sip:bob@r>\r\n\r\n',
      );
    }
  });

  test('folded fields, odd spacing, missing and unclosed quotes hide nothing from it (RFC 3261 §7.3.1)', () => {
    for (const value of [
      'Digest\r\n response="SECRET"',
      'Digest realm="r",\r\n\tresponse\r\n =\r\n "SECRET"',
      'Digest response = SECRET, nc=1',
      'digest RESPONSE="SECRET',
      'Digest response="a\\"SECRET"',
      'Digest x="y",cnonce="SECRET",\n response="SECRET"',
    ])
      expect(maskCredentials(`Via: x\r\nAuthorization: ${value}\r\nTo: y\r\n`)).not.toContain('SECRET');
  });

  test('the field after a masked one is untouched', () => {
    const text = `Authorization: ${DIGEST}\r\nContact: <sip:bob@192.0.2.1>;response="kept"\r\n`;
    expect(maskCredentials(text)).toContain('\r\nContact: <sip:bob@192.0.2.1>;response="kept"\r\n');
  });

  test('any other scheme is hidden whole', () => {
    expect(maskCredentials('Authorization: Basic Ym9iOnNlY3JldA==\r\nTo: x\r\n')).toBe(
      'Authorization: Basic ***\r\nTo: x\r\n',
    );
    expect(maskCredentials('Proxy-Authorization: Bearer a.b.c\nTo: x\n')).toBe(
      'Proxy-Authorization: Bearer ***\nTo: x\n',
    );
    expect(maskCredentials('Authorization: SECRET\r\n')).toBe('Authorization: ***\r\n');
  });

  test('Authentication-Info loses rspauth and cnonce and keeps nextnonce (RFC 7616 §3.5)', () => {
    expect(maskCredentials('Authentication-Info: nextnonce="n2", rspauth="ab", cnonce="cd"\r\n')).toBe(
      'Authentication-Info: nextnonce="n2", rspauth="***", cnonce="***"\r\n',
    );
  });

  test('a challenge has no secret and stays as it is', () => {
    const text = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n';
    expect(maskCredentials(text)).toBe(text);
  });
});

describe('keeping the length', () => {
  test('a digest becomes the one that is given, or zeros; keys and words become stars', () => {
    const text =
      `Authorization: ${DIGEST}\r\nProxy-Authorization: Basic Ym9i\r\nAuthentication-Info: rspauth="ab"\r\n` +
      'Contact: <sip:bob:pw@h>\r\n\r\nk=clear:x\r\n';
    const masked = maskKeepingLength(text, () => 'abcdef01');
    expect(masked).toHaveLength(text.length);
    expect(masked).toContain('response="abcdef01", cnonce="0a4f"');
    expect(masked).toContain('Basic ****\r\n');
    expect(masked).toContain('rspauth="00"');
    expect(masked).toContain('<sip:bob:**@h>');
    expect(masked).toContain('k=*******\r\n');
    expect(maskKeepingLength(text, () => 'too short')).toContain('response="00000000"');
    expect(maskKeepingLength(masked, () => 'abcdef01')).toBe(masked);
  });

  test('no text changes its length', () => {
    const words = [
      'Authorization: ',
      'Digest ',
      'response=',
      '"',
      '\\',
      'a@',
      'sip:',
      ':',
      '\r\n',
      ' ',
      'k=',
      'x',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 30 }), (parts) => {
        const text = parts.join('');
        expect(maskKeepingLength(text, () => undefined)).toHaveLength(text.length);
      }),
      fuzz(4),
    );
  });
});

describe('URIs and session descriptions', () => {
  test('the password of a URI is hidden, host and port are no password (RFC 3261 §19.1.1)', () => {
    expect(maskCredentials('Contact: "Bob" <sip:bob:SECRET@192.0.2.1:5060>;q=1, <SIPS:al:S:2@h>')).toBe(
      'Contact: "Bob" <sip:bob:***@192.0.2.1:5060>;q=1, <SIPS:al:***@h>',
    );
    for (const text of [
      'REGISTER sip:lab.local:5060 SIP/2.0',
      'To: <sip:bob@192.0.2.1:5060;transport=tcp>',
      'Route: <sip:proxy:5060;lr>,<sip:bob@h>',
      'e=jane:doe@example.org',
    ])
      expect(maskCredentials(text)).toBe(text);
  });

  test('SDES keys, ICE passwords and k= are hidden (RFC 4568, RFC 8839)', () => {
    expect(
      maskCredentials(
        'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRET|2^20\r\na=ice-pwd:SECRET\r\nk=clear:SECRET\r\na=ptime:20\r\n',
      ),
    ).toBe('a=crypto:1 AES_CM_128_HMAC_SHA1_80 ***\r\na=ice-pwd:***\r\nk=***\r\na=ptime:20\r\n');
  });
});

describe('properties', () => {
  test('wherever a digest stands among fields, its response is gone and the line ends are the same', () => {
    const other = fc.constantFrom(
      'To: <sip:a@b>',
      'X: "',
      'Via: y\r\n folded',
      'Authorization: Basic zz',
      '',
    );
    const eol = fc.constantFrom('\r\n', '\n');
    fc.assert(
      fc.property(fc.array(other), fc.array(other), eol, (before, after, end) => {
        const text = [...before, `Authorization: ${DIGEST}`, ...after].join(end);
        const masked = maskCredentials(text);
        expect(masked).not.toContain('6629fae4');
        expect(masked.split('\n')).toHaveLength(text.split('\n').length);
      }),
      fuzz(),
    );
  });

  test('masking twice is masking once, and nothing throws', () => {
    const piece = fc.constantFrom(
      ...['Authorization:', 'Digest ', 'response=', '"', '\\', 'sip:', ':', '@', '\r\n', ' ', ',', 'k=', 'a'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
        const once = maskCredentials(pieces.join(''));
        expect(maskCredentials(once)).toBe(once);
      }),
      fuzz(),
    );
  });
});
