import { describe, expect, test } from 'bun:test';
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import {
  type DigestInput,
  digestAlgorithm,
  digestResponse,
  formatNonceCount,
  hashUsername,
} from './digest.ts';
import { toWire } from './wire-text.ts';

/** RFC 7616 §3.9.1. */
const MUFASA: DigestInput = {
  algorithm: 'MD5',
  username: 'Mufasa',
  realm: 'http-auth@example.org',
  password: 'Circle of Life',
  method: 'GET',
  uri: '/dir/index.html',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  nc: 1,
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  qop: 'auth',
};

/** RFC 7616 §3.9.2. */
const JASON: DigestInput = {
  algorithm: 'SHA-512-256',
  username: toWire('J\u00e4s\u00f8n Doe'),
  realm: 'api@example.org',
  password: 'Secret, or not?',
  method: 'GET',
  uri: '/doe.json',
  nonce: '5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK',
  nc: 1,
  cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v',
  qop: 'auth',
};

describe('published examples', () => {
  test('RFC 2617 §3.5: MD5 with qop auth', () => {
    const response = digestResponse({
      ...MUFASA,
      realm: 'testrealm@host.com',
      password: 'Circle Of Life',
      nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
      cnonce: '0a4f113b',
    });
    expect(response).toBe('6629fae49393a05397450978507c4ef1');
  });

  test('RFC 7616 §3.9.1: MD5', () => {
    expect(digestResponse(MUFASA)).toBe('8ca523f5e9506fed4657c9700eebdbec');
  });

  test('RFC 7616 §3.9.1: SHA-256', () => {
    expect(digestResponse({ ...MUFASA, algorithm: 'SHA-256' })).toBe(
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
    );
  });

  test('RFC 7616 §3.9.2 as its erratum 4897 corrects it: SHA-512/256, a UTF-8 name and its hash', () => {
    expect(digestResponse(JASON)).toBe('3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5');
    expect(hashUsername('SHA-512-256', JASON.username, JASON.realm)).toBe(
      '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b',
    );
  });

  test('the value printed in RFC 7616 §3.9.2 is SHA-512 cut short, and not ours', () => {
    const short = (text: string) => createHash('sha512').update(text, 'latin1').digest('hex').slice(0, 64);
    expect(short(`${JASON.username}:${JASON.realm}`)).toBe(
      '488869477bf257147b804c45308cd62ac4e25eb717b12b298c79e62dcea254ec',
    );
  });
});

describe('the formula (RFC 7616 §3.4)', () => {
  /** Written out here from the RFC, with nothing of digest.ts in it. */
  const md5 = (text: string) => createHash('md5').update(text, 'latin1').digest('hex');
  const { username, realm, password, nonce, cnonce, method, uri } = MUFASA;

  test('without qop neither count nor cnonce go in (RFC 2617 §3.2.2.1)', () => {
    const { qop: _qop, ...old } = MUFASA;
    expect(digestResponse(old)).toBe(
      md5(`${md5(`${username}:${realm}:${password}`)}:${nonce}:${md5(`${method}:${uri}`)}`),
    );
    expect(digestResponse({ ...old, nc: 7, cnonce: 'other' })).toBe(digestResponse(old));
  });

  test('-sess hashes nonce and cnonce into the key (§3.4.2)', () => {
    const key = md5(`${md5(`${username}:${realm}:${password}`)}:${nonce}:${cnonce}`);
    expect(digestResponse({ ...MUFASA, algorithm: 'MD5-sess' })).toBe(
      md5(`${key}:${nonce}:00000001:${cnonce}:auth:${md5(`${method}:${uri}`)}`),
    );
  });

  test('auth-int hashes the bytes of the body (§3.4.3)', () => {
    const body = Uint8Array.of(0, 255, 13, 10, 128);
    const bodyHash = createHash('md5').update(body).digest('hex');
    expect(digestResponse({ ...MUFASA, qop: 'auth-int', body: Buffer.from(body).toString('latin1') })).toBe(
      md5(
        `${md5(`${username}:${realm}:${password}`)}:${nonce}:00000001:${cnonce}:auth-int:${md5(`${method}:${uri}:${bodyHash}`)}`,
      ),
    );
  });

  test('a missing body is hashed as an empty one (§3.4.3)', () => {
    const empty = digestResponse({ ...MUFASA, qop: 'auth-int', body: '' });
    expect(digestResponse({ ...MUFASA, qop: 'auth-int' })).toBe(empty);
  });

  test('every algorithm gives its own response, of its own length', () => {
    const names = ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess', 'SHA-512-256', 'SHA-512-256-sess'] as const;
    const responses = names.map((algorithm) => digestResponse({ ...MUFASA, algorithm }));
    expect(new Set(responses).size).toBe(6);
    expect(responses.map(({ length }) => length)).toEqual([32, 32, 64, 64, 64, 64]);
  });

  test('the count is eight hex digits in lower case (§3.4)', () => {
    expect([1, 255, 0xffffffff].map(formatNonceCount)).toEqual(['00000001', '000000ff', 'ffffffff']);
  });

  test('algorithm names are known in any case, others are not', () => {
    expect(digestAlgorithm('sha-256-SESS')).toBe('SHA-256-sess');
    expect(digestAlgorithm('SHA-512')).toBeUndefined();
  });

  test('texts are hashed as their bytes: a UTF-8 password gives the digest of its UTF-8', () => {
    const hashed = createHash('md5')
      .update(Buffer.from(`${username}:${realm}:gr\u00fcn`, 'utf8'))
      .digest('hex');
    const { qop: _qop, ...old } = { ...MUFASA, password: toWire('gr\u00fcn') };
    expect(digestResponse(old)).toBe(md5(`${hashed}:${nonce}:${md5(`${method}:${uri}`)}`));
  });
});
