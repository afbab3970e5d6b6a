/** Digest headers of real servers and clients, changed: each side answers or refuses, neither throws (RFC 7616 §3.3, §3.4). */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { parseAuthorization } from './authorization.ts';
import { DigestClient, FIRST_ATTEMPT } from './credentials.ts';

const CHALLENGES = [
  'Digest realm="lab.local", nonce="c.1.24990e25", algorithm=SHA-256, qop="auth", stale=true',
  'Digest realm="a \\"b\\"", nonce="n", opaque="5ccc", algorithm=MD5-sess, qop="auth,auth-int"',
  'Digest realm=asterisk,nonce="1700000000/7f",algorithm=md5, Basic realm="x"',
];
const piece = fc.oneof(
  fc.constantFrom(
    '"',
    '\\',
    ',',
    '=',
    ' ',
    '\t',
    'Digest ',
    'realm=',
    'nonce="',
    'qop=auth',
    'MD5',
    '\0',
    '\xff',
  ),
  // A field value has no line breaks: the parser of messages unfolds them.
  fc.string({ unit: 'binary-ascii', maxLength: 5 }).map((text) => text.replace(/[\r\n]/g, ' ')),
);
const edits = fc.array(fc.tuple(fc.nat(120), fc.nat(8), piece), { maxLength: 4 });

function changed(text: string, changes: readonly (readonly [number, number, string])[]): string {
  return changes.reduce((all, [at, removed, put]) => all.slice(0, at) + put + all.slice(at + removed), text);
}

test('a mutated challenge is refused, or answered with credentials that a server can read', () => {
  let answered = 0;
  fc.assert(
    fc.property(fc.constantFrom(...CHALLENGES), edits, (challenge, changes) => {
      const client = new DigestClient('100', 'secret');
      const challenges = [changed(challenge, changes)];
      const verdict = client.challenged({ status: 401, challenges, cnonce: 'c0ffee' }, FIRST_ATTEMPT);
      if (verdict.type === 'refused') return;
      const request = { method: 'REGISTER', uri: 'sip:lab.local', body: '' };
      for (const { value } of client.authorize(request, verdict.attempt).fields) {
        answered += 1;
        expect(parseAuthorization(value)).toMatchObject({ ok: true });
      }
    }),
    fuzz(),
  );
  expect(answered).toBeGreaterThan(0);
});
