import { describe, expect, test } from 'bun:test';
import { parseAuthorization } from './authorization.ts';
import { type Attempt, DigestClient, FIRST_ATTEMPT, type Verdict } from './credentials.ts';
import { digestResponse } from './digest.ts';
import { toWire } from './wire-text.ts';

const REGISTER = { method: 'REGISTER', uri: 'sip:lab.local', body: '' };

function challenge(nonce: string, more = '', realm = 'lab.local'): string {
  return `Digest realm="${realm}", nonce="${nonce}", qop="auth"${more}`;
}

/** The credentials a request would carry, read as a server reads them. */
function carried(client: DigestClient, attempt: Attempt = FIRST_ATTEMPT, request = REGISTER) {
  const { fields, attempt: next } = client.authorize(request, attempt);
  const values = fields.map(({ name, value }) => {
    const read = parseAuthorization(value);
    if (!read.ok) throw new Error(read.reason);
    return { name, ...read.value };
  });
  return { values, attempt: next };
}

function challenged(client: DigestClient, attempt: Attempt, ...challenges: string[]): Verdict {
  return client.challenged({ status: 401, challenges, cnonce: 'c0ffee' }, attempt);
}

function attemptOf(verdict: Verdict): Attempt {
  if (verdict.type !== 'retry') throw new Error(`${verdict.code}: ${verdict.reason}`);
  return verdict.attempt;
}

/** A client that has been challenged once and let through. */
function registered(): DigestClient {
  const client = new DigestClient('100', 'secret');
  const retry = attemptOf(challenged(client, carried(client).attempt, challenge('n1')));
  client.accepted(carried(client, retry).attempt);
  return client;
}

describe('answering', () => {
  test('nothing is sent before a challenge, the right digest after it (RFC 3261 §22.2)', () => {
    const client = new DigestClient('100', 'secret');
    const first = carried(client);
    expect(first.values).toEqual([]);
    const verdict = challenged(client, first.attempt, challenge('n1', ', opaque="o", algorithm=MD5'));
    const [only, ...more] = carried(client, attemptOf(verdict)).values;
    expect(more).toEqual([]);
    expect(only).toEqual({
      name: 'Authorization',
      username: '100',
      realm: 'lab.local',
      nonce: 'n1',
      uri: 'sip:lab.local',
      algorithm: 'MD5',
      opaque: 'o',
      cnonce: 'c0ffee',
      qop: 'auth',
      nc: 1,
      userhash: false,
      response: digestResponse({
        algorithm: 'MD5',
        username: '100',
        realm: 'lab.local',
        password: 'secret',
        method: 'REGISTER',
        uri: 'sip:lab.local',
        nonce: 'n1',
        nc: 1,
        cnonce: 'c0ffee',
        qop: 'auth',
      }),
    });
  });

  test('a 407 is answered with Proxy-Authorization (RFC 3261 §22.3)', () => {
    const client = new DigestClient('100', 'secret');
    const verdict = client.challenged(
      { status: 407, challenges: [challenge('n')], cnonce: 'c' },
      FIRST_ATTEMPT,
    );
    expect(carried(client, attemptOf(verdict)).values.map(({ name }) => name)).toEqual([
      'Proxy-Authorization',
    ]);
  });

  test('of several challenges for one realm the strongest is answered, alone (RFC 8760 §2.4)', () => {
    const client = new DigestClient('100', 'secret');
    const verdict = challenged(
      client,
      FIRST_ATTEMPT,
      challenge('md5', ', algorithm=MD5'),
      challenge('sha', ', algorithm=SHA-512-256'),
      challenge('mid', ', algorithm=SHA-256'),
    );
    const { values } = carried(client, attemptOf(verdict));
    expect(values.map(({ nonce, algorithm }) => [nonce, algorithm])).toEqual([['sha', 'SHA-512-256']]);
  });

  test('every realm of a response is answered (RFC 3261 §22.3)', () => {
    const client = new DigestClient('100', 'secret');
    const verdict = challenged(client, FIRST_ATTEMPT, challenge('a', '', 'one'), challenge('b', '', 'two'));
    expect(carried(client, attemptOf(verdict)).values.map(({ realm }) => realm)).toEqual(['one', 'two']);
  });

  test('without qop there is neither count nor cnonce in the field (RFC 2617 §3.2.2)', () => {
    const client = new DigestClient('100', 'secret');
    challenged(client, FIRST_ATTEMPT, 'Digest realm="r", nonce="n"');
    const [field] = client.authorize(REGISTER).fields;
    expect(field?.value).not.toMatch(/qop|nc=|cnonce|algorithm/);
  });

  test('auth is preferred to auth-int, and auth-int covers the body when it stands alone (RFC 7616 §3.4)', () => {
    const client = new DigestClient('100', 'secret');
    challenged(client, FIRST_ATTEMPT, 'Digest realm="r", nonce="n", qop="auth-int,auth"');
    expect(carried(client).values[0]?.qop).toBe('auth');
    challenged(client, FIRST_ATTEMPT, 'Digest realm="r", nonce="m", qop="auth-int"');
    const responses = ['v=0', 'v=1'].map((text) => {
      return carried(client, FIRST_ATTEMPT, { ...REGISTER, body: text }).values[0]?.response;
    });
    expect(responses[0]).not.toBe(responses[1]);
  });

  test('names and realms with quotes and umlauts go out escaped and as UTF-8 (RFC 7616 §4)', () => {
    const client = new DigestClient('J\u00fcrgen "J"', 'secret');
    challenged(client, FIRST_ATTEMPT, 'Digest realm="a \\"b\\"", nonce="n", qop="auth"');
    const [only] = carried(client).values;
    expect(only?.username).toBe(toWire('J\u00fcrgen "J"'));
    expect(only?.realm).toBe('a "b"');
  });

  test('a server that asks for it gets the user name hashed (RFC 7616 §3.4.4, erratum 4897)', () => {
    const client = new DigestClient('J\u00e4s\u00f8n Doe', 'Secret, or not?');
    const rejection = {
      status: 401,
      challenges: [
        'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, charset=UTF-8, userhash=true, ' +
          'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS"',
      ],
      cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v',
    } as const;
    client.challenged(rejection, FIRST_ATTEMPT);
    const [only] = carried(client, FIRST_ATTEMPT, { ...REGISTER, method: 'GET', uri: '/doe.json' }).values;
    expect(only).toMatchObject({
      username: '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b',
      response: '3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5',
      userhash: true,
    });
  });
});

describe('the nonce is used again', () => {
  test('following requests carry it with the count going up (RFC 7616 §3.4)', () => {
    const client = registered();
    expect([1, 2, 3].map(() => carried(client).values[0]?.nc)).toEqual([2, 3, 4]);
  });

  test('a new nonce starts at one (RFC 7616 §3.4)', () => {
    const client = registered();
    const verdict = challenged(client, carried(client).attempt, challenge('n2', ', stale=true'));
    expect(carried(client, attemptOf(verdict)).values[0]).toMatchObject({ nonce: 'n2', nc: 1 });
  });

  test('nextnonce of Authentication-Info is used for the next request (RFC 7616 §3.5)', () => {
    const client = registered();
    client.accepted(carried(client).attempt, ['qop=auth, nextnonce="n9", rspauth="x"']);
    expect(carried(client).values[0]).toMatchObject({ nonce: 'n9', nc: 1 });
  });

  test('with credentials for two realms nextnonce is left alone: it names no realm (RFC 7616 §3.5)', () => {
    const client = registered();
    challenged(client, FIRST_ATTEMPT, challenge('other', '', 'elsewhere'));
    client.accepted(carried(client).attempt, ['nextnonce="n9"']);
    expect(carried(client).values.map(({ nonce }) => nonce)).toEqual(['n1', 'other']);
  });

  test('one nonce given to two requests at once is counted through (RFC 7616 §3.4)', () => {
    const client = new DigestClient('100', 'secret');
    const [a, b] = [carried(client), carried(client)];
    const first = carried(client, attemptOf(challenged(client, a.attempt, challenge('n'))));
    const second = carried(client, attemptOf(challenged(client, b.attempt, challenge('n'))));
    expect([first.values[0]?.nc, second.values[0]?.nc]).toEqual([1, 2]);
  });

  test('with -sess the cnonce stays as long as the nonce, so that both readings of the RFC hold (§3.4.2)', () => {
    const client = new DigestClient('100', 'secret');
    challenged(client, FIRST_ATTEMPT, challenge('n', ', algorithm=SHA-256-sess'));
    expect(carried(client).values[0]?.cnonce).toBe(carried(client).values[0]?.cnonce ?? 'none');
  });
});

describe('never a loop', () => {
  test('a fresh nonce refused is a wrong password (RFC 3261 §22.2)', () => {
    const client = new DigestClient('100', 'wrong');
    const retry = carried(client, attemptOf(challenged(client, FIRST_ATTEMPT, challenge('n1'))));
    const verdict = challenged(client, retry.attempt, challenge('n2'));
    expect(verdict).toMatchObject({ type: 'refused', code: 'credentials-refused' });
  });

  test('stale=true gets one more try with the new nonce, a second one in a row is refused (RFC 7616 §3.3)', () => {
    const client = new DigestClient('100', 'secret');
    const one = carried(client, attemptOf(challenged(client, FIRST_ATTEMPT, challenge('n1'))));
    const two = carried(client, attemptOf(challenged(client, one.attempt, challenge('n2', ', stale=true'))));
    expect(two.values[0]?.nonce).toBe('n2');
    expect(challenged(client, two.attempt, challenge('n3', ', stale=true'))).toMatchObject({
      type: 'refused',
      code: 'nonce-always-stale',
    });
  });

  test('a nonce from before that is refused without stale gets one try: many servers forget stale', () => {
    const client = registered();
    const again = carried(client, attemptOf(challenged(client, carried(client).attempt, challenge('n2'))));
    expect(again.values[0]).toMatchObject({ nonce: 'n2', nc: 1 });
    expect(challenged(client, again.attempt, challenge('n3'))).toMatchObject({ code: 'credentials-refused' });
  });

  test('two requests on one-time nonces do not spoil each other', () => {
    const client = new DigestClient('100', 'secret');
    const retry = attemptOf(challenged(client, FIRST_ATTEMPT, challenge('n1')));
    const [a, b] = [carried(client, retry), carried(client)];
    client.accepted(a.attempt);
    const verdict = challenged(client, b.attempt, challenge('n2'));
    expect(verdict.type).toBe('retry');
  });

  test('a call on the nonce of another call gets its try, let through or not: nonces may be for one use', () => {
    const client = new DigestClient('100', 'secret');
    carried(client, attemptOf(challenged(client, FIRST_ATTEMPT, challenge('n1'))));
    const second = carried(client);
    expect(second.values[0]).toMatchObject({ nonce: 'n1', nc: 2 });
    const again = carried(client, attemptOf(challenged(client, second.attempt, challenge('n2'))));
    expect(again.values[0]).toMatchObject({ nonce: 'n2', nc: 1 });
  });

  test('a server that gives the same nonce again gets the next count of it (RFC 7616 §3.4)', () => {
    const client = registered();
    const more = ', algorithm=SHA-256';
    const again = attemptOf(challenged(client, carried(client).attempt, challenge('n1', more)));
    expect(carried(client, again).values[0]).toMatchObject({ nonce: 'n1', nc: 3, algorithm: 'SHA-256' });
  });

  test('after a refusal the next request starts without credentials, with a fresh try of its own', () => {
    const client = new DigestClient('100', 'wrong');
    const retry = carried(client, attemptOf(challenged(client, FIRST_ATTEMPT, challenge('n1'))));
    challenged(client, retry.attempt, challenge('n2'));
    const later = carried(client);
    expect(later.values).toEqual([]);
    expect(challenged(client, later.attempt, challenge('n3')).type).toBe('retry');
  });

  test('a second realm on the way is answered, not taken for a refusal (RFC 3261 §22.3)', () => {
    const client = new DigestClient('100', 'secret');
    const one = carried(client, attemptOf(challenged(client, FIRST_ATTEMPT, challenge('a', '', 'one'))));
    const two = carried(client, attemptOf(challenged(client, one.attempt, challenge('b', '', 'two'))));
    expect(two.values.map(({ realm, nc }) => [realm, nc])).toEqual([
      ['one', 2],
      ['two', 1],
    ]);
  });

  test('a server that invents a realm for every try is left after six, and not remembered without end', () => {
    const client = new DigestClient('100', 'secret');
    let attempt = FIRST_ATTEMPT;
    let tries = 0;
    for (;;) {
      const verdict = challenged(
        client,
        carried(client, attempt).attempt,
        challenge('n', '', `realm ${tries}`),
      );
      if (verdict.type === 'refused') {
        expect(verdict.code).toBe('challenges-endless');
        break;
      }
      attempt = verdict.attempt;
      tries += 1;
    }
    expect(tries).toBe(6);
    for (let more = 0; more < 20; more += 1)
      challenged(client, FIRST_ATTEMPT, challenge('n', '', `other ${more}`));
    expect(client.authorize(REGISTER).fields).toHaveLength(8);
  });

  test('against a server that always challenges, whatever it says about stale, the fourth request is the last', () => {
    const policies = [
      () => '',
      () => ', stale=true',
      (at: number) => (at % 2 ? ', stale=true' : ''),
      (at: number) => (at % 3 ? '' : ', stale=true'),
    ];
    for (const policy of policies)
      for (const client of [new DigestClient('100', 'x'), registered()]) {
        let attempt = FIRST_ATTEMPT;
        let sent = 0;
        for (; sent < 20; sent += 1) {
          const now = carried(client, attempt);
          const verdict = challenged(client, now.attempt, challenge(`z${sent}`, policy(sent)));
          if (verdict.type === 'refused') break;
          attempt = verdict.attempt;
        }
        expect(sent).toBeLessThanOrEqual(3);
      }
  });

  test('a 401 without a challenge, and one that cannot be answered, are told apart', () => {
    const client = new DigestClient('100', 'secret');
    expect(challenged(client, FIRST_ATTEMPT)).toMatchObject({ code: 'challenge-missing' });
    const verdict = challenged(client, FIRST_ATTEMPT, 'NTLM realm="r"');
    expect(verdict).toMatchObject({ code: 'challenge-unsupported' });
    expect(verdict.type === 'refused' && verdict.reason).toContain('ntlm');
  });
});
