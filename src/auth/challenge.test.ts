import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { parseAuthValues, quote } from './auth-param.ts';
import { type Challenge, parseChallenges, strongest } from './challenge.ts';

function only(value: string): Challenge {
  const { challenges, skipped } = parseChallenges([value]);
  if (challenges[0] === undefined || challenges.length !== 1) throw new Error(skipped[0]?.reason ?? 'none');
  return challenges[0];
}

describe('one challenge', () => {
  test('a full one is read, unknown parameters ignored (RFC 7616 §3.3)', () => {
    expect(
      only(
        'Digest realm="lab.local", nonce="84f1c1ae", opaque="", algorithm=SHA-256, qop="auth,auth-int", ' +
          'stale=TRUE, domain="sip:a sip:b", charset=UTF-8, userhash=true, x-new="y, z=1"',
      ),
    ).toEqual({
      scheme: 'Digest',
      realm: 'lab.local',
      nonce: '84f1c1ae',
      opaque: '',
      algorithm: 'SHA-256',
      algorithmNamed: true,
      qop: ['auth', 'auth-int'],
      stale: true,
      domain: 'sip:a sip:b',
      userhash: true,
    });
  });

  test('MD5, no qop and not stale are the defaults (RFC 7616 §3.3)', () => {
    expect(only('Digest realm="r",nonce="n"')).toEqual({
      scheme: 'Digest',
      realm: 'r',
      nonce: 'n',
      algorithm: 'MD5',
      algorithmNamed: false,
      qop: [],
      stale: false,
      userhash: false,
    });
  });

  test('escapes in quoted strings are undone (RFC 3261 §25.1)', () => {
    expect(only('Digest realm="a \\"b\\" \\\\ c", nonce="n"').realm).toBe('a "b" \\ c');
  });

  test('spaces and folds around commas and equals signs, any case of names, an empty element (RFC 7235 §2.1)', () => {
    expect(only('  DIGEST\trealm = "r" ,, NONCE= "n" , \r\n Qop=auth ')).toMatchObject({
      realm: 'r',
      nonce: 'n',
      qop: ['auth'],
    });
  });

  test('an unknown word in qop is ignored beside a known one', () => {
    expect(only('Digest realm="r",nonce="n",qop="auth-conf, auth-int"').qop).toEqual(['auth-int']);
  });
});

describe('several challenges', () => {
  const two =
    'Digest realm="a, Digest realm=\\"x\\"", nonce="1", Digest realm="b", nonce="2", algorithm=SHA-256';

  test('a change of scheme inside one value starts the next (RFC 7235 §4.1)', () => {
    expect(parseChallenges([two]).challenges.map(({ realm, nonce }) => [realm, nonce])).toEqual([
      ['a, Digest realm="x"', '1'],
      ['b', '2'],
    ]);
  });

  test('several fields are read in order (RFC 8760 §2.3)', () => {
    const list = parseChallenges([two, 'Digest realm="c", nonce="3"']);
    expect(list.challenges.map(({ nonce }) => nonce)).toEqual(['1', '2', '3']);
  });

  test('other schemes are put aside with a reason, what follows is still read', () => {
    const list = parseChallenges([
      'Negotiate YII=, Basic realm="x", Bearer, Digest realm="r", nonce="n", NTLM TlRMTVNTUAAB==',
    ]);
    expect(list.challenges.map(({ realm }) => realm)).toEqual(['r']);
    expect(list.skipped.map(({ scheme }) => scheme)).toContain('basic');
    expect(list.skipped.map(({ scheme }) => scheme)).toContain('bearer');
  });

  test('a malformed one is put aside with its reason', () => {
    const reasons = [
      'Digest nonce="n"',
      'Digest realm="r"',
      'Digest realm="r", nonce="n", algorithm=SHA3-512',
      'Digest realm="r", nonce="n", qop="auth-conf"',
      'Digest realm="r", nonce="n',
      'Digest realm="r" nonce="n"',
    ].map((value) => parseChallenges([value]).skipped[0]?.reason);
    expect(reasons).toEqual([
      'it has no realm',
      'it has no nonce',
      'the algorithm SHA3-512 is not supported',
      'the qop auth-conf is not supported',
      'the quotes of nonce are not closed',
      'no comma after realm',
    ]);
  });

  test('no more than eight are read', () => {
    const one = 'Digest realm="r", nonce="n"';
    expect(parseChallenges(Array.from({ length: 20 }, () => one)).challenges).toHaveLength(8);
    expect(parseChallenges([Array.from({ length: 20 }, () => one).join(', ')]).challenges).toHaveLength(8);
  });
});

describe('the strongest', () => {
  const of = (...algorithms: string[]) =>
    parseChallenges(algorithms.map((name, at) => `Digest realm="r", nonce="${at}", algorithm=${name}`))
      .challenges;

  test('SHA-512-256 over SHA-256 over MD5, -sess over its plain one, wherever they stand (RFC 8760 §2.4)', () => {
    const ranks = ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess', 'SHA-512-256', 'SHA-512-256-sess'];
    for (let best = 1; best <= ranks.length; best += 1) {
      const some = ranks.slice(0, best);
      expect(strongest(of(...some))?.algorithm).toBe(some.at(-1) as Challenge['algorithm']);
      expect(strongest(of(...some.toReversed()))?.algorithm).toBe(some.at(-1) as Challenge['algorithm']);
    }
  });

  test('the first listed wins among equals (RFC 8760 §2.4)', () => {
    expect(strongest(of('MD5', 'SHA-256', 'SHA-256'))?.nonce).toBe('1');
  });

  test('of nothing there is none', () => {
    expect(strongest([])).toBeUndefined();
  });
});

describe('properties', () => {
  test('no value throws', () => {
    const text = fc.string({ unit: fc.constantFrom(...'Dig est="\\,\t/:nonce=realm'), maxLength: 60 });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(text, fc.string({ unit: 'binary-ascii' })), { maxLength: 4 }),
        (values) => {
          const { challenges, skipped } = parseChallenges(values);
          expect(challenges.length + skipped.length).toBeLessThanOrEqual(8);
        },
      ),
      fuzz(),
    );
  });

  test('what is quoted is read back (RFC 3261 §25.1)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (value) => {
        const [read] = parseAuthValues(`Digest x=${quote(value)}, y=1`, 8);
        expect(read?.parameters.get('x')).toBe(value);
        expect(read?.parameters.get('y')).toBe('1');
      }),
      fuzz(),
    );
  });
});
