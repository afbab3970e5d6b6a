import { describe, expect, test } from 'bun:test';
import { type Authorization, parseAuthorization } from './authorization.ts';
import { DigestClient, FIRST_ATTEMPT } from './credentials.ts';
import type { DigestAlgorithm } from './digest.ts';
import { Nonces } from './nonces.ts';
import { formatChallenges, type VerifyContext, verifyCredentials } from './verify.ts';

const ALL: readonly DigestAlgorithm[] = [
  'MD5',
  'MD5-sess',
  'SHA-256',
  'SHA-256-sess',
  'SHA-512-256',
  'SHA-512-256-sess',
];
const REQUEST = { method: 'REGISTER', uri: 'sip:lab.local', body: 'hello' };
const USERS = new Map([
  ['100', 'secret'],
  ['J\u00fcrgen', 'gr\u00fcn'],
]);

function context(nonces: Nonces, more: Partial<VerifyContext> = {}): VerifyContext {
  const lookupPassword = (username: string) => USERS.get(username);
  return { ...REQUEST, realm: 'lab.local', lookupPassword, nonces, nowMs: 1000, algorithms: ALL, ...more };
}

/** Credentials as our own client makes them for a challenge of ours. */
function credentials(
  nonces: Nonces,
  {
    user = '100',
    password = 'secret',
    uri = REQUEST.uri,
    realm = 'lab.local',
    algorithm = 'SHA-256',
    more = '',
  } = {},
): Authorization {
  const client = new DigestClient(user, password);
  const nonce = nonces.issue(1000);
  const value = `Digest realm="${realm}", nonce="${nonce}", algorithm=${algorithm}${more || ', qop="auth"'}`;
  client.challenged({ status: 401, challenges: [value], cnonce: 'c' }, FIRST_ATTEMPT);
  const read = parseAuthorization(client.authorize({ ...REQUEST, uri }).fields[0]?.value ?? '');
  if (!read.ok) throw new Error(read.reason);
  return read.value;
}

describe('right credentials', () => {
  for (const algorithm of ALL)
    test(`${algorithm} is right with auth, with auth-int and without qop (RFC 7616 §3.4)`, () => {
      const nonces = new Nonces('s');
      for (const more of [', qop="auth"', ', qop="auth-int"', ', opaque="x"'])
        expect(verifyCredentials(credentials(nonces, { algorithm, more }), context(nonces))).toEqual({
          type: 'ok',
          username: '100',
        });
    });

  test('names and passwords in UTF-8 are right (RFC 7616 §4)', () => {
    const nonces = new Nonces('s');
    const authorization = credentials(nonces, { user: 'J\u00fcrgen', password: 'gr\u00fcn' });
    expect(verifyCredentials(authorization, context(nonces))).toEqual({
      type: 'ok',
      username: 'J\u00fcrgen',
    });
  });

  test('a Request-URI changed on the way in its parameters, port or case is the same target (RFC 3261 §22.4)', () => {
    const nonces = new Nonces('s');
    for (const uri of [
      'sip:LAB.local',
      'sip:lab.local:5060',
      'sip:lab.local;transport=tcp',
      'sip:lab.local?x=y',
    ])
      expect(verifyCredentials(credentials(nonces, { uri }), context(nonces)).type).toBe('ok');
  });
});

describe('wrong credentials', () => {
  const cases: [string, object, Partial<VerifyContext>, string][] = [
    ['a wrong password', { password: 'Secret' }, {}, 'response-wrong'],
    ['an unknown user', { user: '999' }, {}, 'user-unknown'],
    ['another realm', { realm: 'elsewhere' }, {}, 'realm-mismatch'],
    ['another host in the uri', { uri: 'sip:evil.example' }, {}, 'uri-mismatch'],
    ['another user in the uri', { uri: 'sip:100@lab.local' }, {}, 'uri-mismatch'],
    ['another method', {}, { method: 'INVITE' }, 'response-wrong'],
    ['a body changed under auth-int', { more: ', qop="auth-int"' }, { body: '\0' }, 'response-wrong'],
    [
      'an algorithm that was not offered',
      { algorithm: 'MD5' },
      { algorithms: ['SHA-256'] },
      'algorithm-not-offered',
    ],
  ];
  for (const [what, made, judged, code] of cases)
    test(`${what} is refused as ${code} (RFC 3261 §22.4)`, () => {
      const nonces = new Nonces('s');
      expect(verifyCredentials(credentials(nonces, made), context(nonces, judged))).toMatchObject({
        type: 'refused',
        code,
      });
    });

  test('a body changed under auth is not seen: auth covers method and uri alone (RFC 7616 §3.4.3)', () => {
    const nonces = new Nonces('s');
    const judged = context(nonces, { body: '\0' });
    expect(verifyCredentials(credentials(nonces), judged).type).toBe('ok');
  });

  test('a hashed user name is nobody: we never ask for it (RFC 7616 §3.4.4)', () => {
    const nonces = new Nonces('s');
    const authorization = credentials(nonces, { more: ', qop="auth", userhash=true' });
    expect(verifyCredentials(authorization, context(nonces))).toMatchObject({ code: 'user-unknown' });
  });

  test('a response of another length or with other letters is wrong and throws nothing', () => {
    const nonces = new Nonces('s');
    const right = credentials(nonces);
    for (const response of [
      '',
      '0',
      `${right.response}0`,
      '\u00ff'.repeat(64),
      right.response.replace(/^./, 'g'),
    ])
      expect(verifyCredentials({ ...right, response }, context(nonces))).toMatchObject({
        code: 'response-wrong',
      });
  });
});

describe('nonces', () => {
  test('the same credentials a second time are a replay and not let through (RFC 7616 §5.5)', () => {
    const nonces = new Nonces('s');
    const authorization = credentials(nonces);
    expect(verifyCredentials(authorization, context(nonces)).type).toBe('ok');
    expect(verifyCredentials(authorization, context(nonces))).toEqual({ type: 'stale', cause: 'replayed' });
  });

  test('a nonce that has run out is stale, for who knows the password alone (RFC 7616 §3.3)', () => {
    const nonces = new Nonces('s', 60_000);
    const later = context(nonces, { nowMs: 100_000 });
    expect(verifyCredentials(credentials(nonces), later)).toEqual({ type: 'stale', cause: 'expired' });
    expect(verifyCredentials(credentials(nonces, { password: 'x' }), later)).toMatchObject({
      code: 'response-wrong',
    });
  });

  test('a nonce from before a restart is stale with the right password, refused with a wrong one (RFC 7616 §3.3)', () => {
    const before = new Nonces('before');
    expect(verifyCredentials(credentials(before), context(new Nonces('after')))).toEqual({
      type: 'stale',
      cause: 'foreign',
    });
    const guess = credentials(before, { password: 'x' });
    expect(verifyCredentials(guess, context(new Nonces('after')))).toMatchObject({ code: 'response-wrong' });
  });

  test('a wrong password uses up no nonce', () => {
    const nonces = new Nonces('s');
    const right = credentials(nonces);
    verifyCredentials({ ...right, response: '0'.repeat(64) }, context(nonces));
    expect(verifyCredentials(right, context(nonces)).type).toBe('ok');
  });
});

describe('our challenges', () => {
  test('one an algorithm, the strongest first, stale when it is (RFC 8760 §2.3)', () => {
    expect(formatChallenges('the "lab"', 'n')).toEqual([
      'Digest realm="the \\"lab\\"", nonce="n", algorithm=SHA-256, qop="auth,auth-int"',
      'Digest realm="the \\"lab\\"", nonce="n", algorithm=MD5, qop="auth,auth-int"',
    ]);
    expect(formatChallenges('r', 'n', true, ['MD5'])).toEqual([
      'Digest realm="r", nonce="n", algorithm=MD5, qop="auth,auth-int", stale=true',
    ]);
  });

  test('our client registers with our server, refreshes, and survives the end of its nonce', () => {
    const nonces = new Nonces('s', 60_000);
    const client = new DigestClient('100', 'secret');
    const judge = (attempt = FIRST_ATTEMPT, nowMs = 0) => {
      const { fields, attempt: sent } = client.authorize(REQUEST, attempt);
      const read = parseAuthorization(fields[0]?.value ?? '');
      const verdict = read.ok ? verifyCredentials(read.value, context(nonces, { nowMs })).type : 'none';
      if (verdict === 'ok') client.accepted(sent);
      return { verdict, sent };
    };
    const challenge = (sent: ReturnType<typeof judge>['sent'], nowMs: number, stale: boolean) => {
      const challenges = formatChallenges('lab.local', nonces.issue(nowMs), stale, ALL);
      const verdict = client.challenged({ status: 401, challenges, cnonce: `c${nowMs}` }, sent);
      if (verdict.type !== 'retry') throw new Error(verdict.reason);
      return verdict.attempt;
    };
    const first = judge();
    expect(first.verdict).toBe('none');
    expect(judge(challenge(first.sent, 0, false)).verdict).toBe('ok');
    expect(judge(FIRST_ATTEMPT, 30_000).verdict).toBe('ok');
    const late = judge(FIRST_ATTEMPT, 90_000);
    expect(late.verdict).toBe('stale');
    expect(judge(challenge(late.sent, 90_000, true), 90_000).verdict).toBe('ok');
  });
});
