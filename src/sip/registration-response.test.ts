/** What a registrar answers: challenges, refusals, other terms, later (RFC 3261 §10.2.7, §10.2.8, §22.2; RFC 8760). */
import { expect, test } from 'bun:test';
import { registrationTests } from '../io/scene-tests.ts';
import { asking, bound, CHALLENGE, credentialsOf, parameterOf } from '../io/virtual-registration.ts';
import { accountOf } from '../io/virtual-scene.ts';
import { fields, value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

const open = registrationTests();

test('a wrong password ends in failed with a diagnosis, and no REGISTER more for an hour (§22.2)', () => {
  const { network, ours, register, states, registers } = open(() => ({
    status: 401,
    toTag: 'r',
    headers: [CHALLENGE],
  }));
  register();
  network.run(3_600_000);
  expect(registers()).toHaveLength(2);
  expect(states()).toEqual(['registering', 'failed']);
  const diagnoses = network.eventsOf(ours, 'diagnosis.raised');
  expect(diagnoses).toMatchObject([{ code: 'credentials-refused', severity: 'error' }]);
  expect(diagnoses[0]?.next).toContain('--password');
  // Asked again, it tries again.
  register();
  network.run(1_000);
  expect(registers()).toHaveLength(4);
});

test('a challenge that we do not speak is not blamed on the password', () => {
  const headers: HeaderLine[] = [['WWW-Authenticate', 'NTLM realm="lab.local"']];
  const { network, ours, register, registers } = open(() => ({ status: 401, toTag: 'r', headers }));
  register();
  network.run(100_000);
  expect(registers()).toHaveLength(1);
  const [diagnosis] = network.eventsOf(ours, 'diagnosis.raised');
  expect(diagnosis).toMatchObject({ code: 'challenge-unsupported' });
  expect(diagnosis?.cause).not.toContain('password');
});

for (const status of [403, 404]) {
  test(`${status} ends in failed with a diagnosis, and no REGISTER more for an hour (§10.2.7)`, () => {
    const { network, ours, register, changes, registers } = open(() => ({ status, toTag: 'r' }));
    register();
    network.run(3_600_000);
    expect(registers()).toHaveLength(1);
    expect(changes().at(-1)).toMatchObject({ to: 'failed', status });
    expect(network.eventsOf(ours, 'diagnosis.raised')).toMatchObject([{ code: 'registration-refused' }]);
  });
}

test('a stale nonce is taken anew, once a request (RFC 7616 §3.3)', () => {
  let nonces = 1;
  const { network, register, states, registers } = open((request) => {
    if (parameterOf(request, 'nonce') === `n${nonces}`) return bound(request);
    const stale = credentialsOf(request) === '' ? '' : ', stale=true';
    const text = `Digest realm="lab.local", nonce="n${nonces}", qop="auth"${stale}`;
    return { status: 401, toTag: 'r', headers: [['WWW-Authenticate', text]] };
  });
  register();
  network.run(100);
  nonces = 2;
  register();
  network.run(100);
  expect(states()).toEqual(['registering', 'registered', 'registered']);
  expect(registers().map(({ message }) => parameterOf(message, 'nonce'))).toEqual([
    undefined,
    'n1',
    'n1',
    'n2',
  ]);
});

test('of two algorithms the strongest is taken, whatever the order (RFC 8760 §2.4)', () => {
  const { network, register, states, registers } = open((request) => {
    if (credentialsOf(request) !== '') return bound(request);
    const texts = ['MD5', 'SHA-256'].map(
      (algorithm): HeaderLine => [
        'WWW-Authenticate',
        `Digest realm="lab.local", nonce="n1", algorithm=${algorithm}, qop="auth"`,
      ],
    );
    return { status: 401, toTag: 'r', headers: texts };
  });
  register();
  network.run(100);
  expect(parameterOf(registers()[1]?.message, 'algorithm')).toBe('SHA-256');
  expect(states()).toEqual(['registering', 'registered']);
});

test('a refresh uses the nonce again, with nc one higher and without a 401 (RFC 7616 §3.4)', () => {
  const { network, register, registers } = open(asking);
  register();
  network.run(7_000_000);
  expect(registers().map(({ message }) => parameterOf(message, 'nc'))).toEqual([
    undefined,
    '00000001',
    '00000002',
    '00000003',
  ]);
});

test('423 is asked again with Min-Expires, and never in a circle (§10.2.8)', () => {
  const { network, ours, registrar, register, states, registers } = open((request) =>
    Number(value(request, 'Expires')) < 7_200
      ? { status: 423, toTag: 'r', headers: [['Min-Expires', '7200']] }
      : bound(request),
  );
  register();
  network.run(100);
  expect(registers().map(({ message }) => value(message, 'Expires'))).toEqual(['3600', '7200']);
  expect(states().at(-1)).toBe('registered');
  registrar.answering = () => ({ status: 423, toTag: 'r', headers: [['Min-Expires', '7200']] });
  register();
  network.run(100_000);
  expect(registers()).toHaveLength(3);
  expect(states().at(-1)).toBe('failed');
  const [refused] = network.eventsOf(ours, 'diagnosis.raised');
  expect(refused).toMatchObject({ code: 'registration-refused', severity: 'error' });
  expect(refused?.evidence).toBe('423 Interval Too Brief with Min-Expires 7200 to REGISTER cseq=3');
  expect(refused?.next).toContain('--expires');
});

test('a registrar that raises Min-Expires with every 423 is asked twice, not for ever (§10.2.8)', () => {
  const { network, register, changes, states, registers } = open((request) => {
    const least = Number(value(request, 'Expires')) + 1;
    return { status: 423, toTag: 'r', headers: [['Min-Expires', String(least)]] };
  });
  register();
  network.run(10_000);
  expect(registers()).toHaveLength(2);
  expect(states().at(-1)).toBe('failed');
  expect(changes().at(-1)?.reason).toBe('Interval Too Brief with Min-Expires 3602');
});

test('503 with Retry-After is not asked again before it (§20.33)', () => {
  const { network, register, changes, registers } = open(() => ({
    status: 503,
    toTag: 'r',
    headers: [['Retry-After', '120 (maintenance);duration=60']],
  }));
  register();
  network.run(119_000);
  expect(registers()).toHaveLength(1);
  expect(changes().at(-1)).toMatchObject({ to: 'retrying', status: 503, retryInMs: 120_000 });
  network.run(2_000);
  expect(registers()).toHaveLength(2);
});

test('a Retry-After beyond all bounds is a day', () => {
  const { network, register, changes } = open(() => ({
    status: 503,
    toTag: 'r',
    headers: [['Retry-After', '4294967295']],
  }));
  register();
  network.run(100);
  expect(changes().at(-1)).toMatchObject({ retryInMs: 86_400_000 });
});

test('407 from a proxy is answered with Proxy-Authorization (§22.3)', () => {
  const { network, register, states } = open((request) =>
    fields(request, 'Proxy-Authorization').length === 0
      ? { status: 407, toTag: 'r', headers: [['Proxy-Authenticate', CHALLENGE[1]]] }
      : bound(request),
  );
  register();
  network.run(100);
  expect(states()).toEqual(['registering', 'registered']);
});

test('a new nonce without stale at a refresh is no wrong password (RFC 7616 §3.3)', () => {
  let nonce = 'n1';
  const { network, register, states } = open((request) =>
    parameterOf(request, 'nonce') === nonce
      ? bound(request)
      : {
          status: 401,
          toTag: 'r',
          headers: [['WWW-Authenticate', `Digest realm="lab.local", nonce="${nonce}", qop="auth"`]],
        },
  );
  register();
  network.run(100);
  for (nonce of ['n2', 'n3']) {
    register();
    network.run(100);
  }
  expect(states()).toEqual(['registering', 'registered', 'registered', 'registered']);
});

test('a challenge without a password to answer it is not called a wrong password', () => {
  const { network, ours, register, states, registers } = open(asking, {
    accounts: [{ ...accountOf('100'), password: '' }],
  });
  register();
  network.run(1_000);
  expect(states()).toEqual(['registering', 'failed']);
  expect(registers()).toHaveLength(1);
  expect(network.eventsOf(ours, 'diagnosis.raised')).toMatchObject([{ code: 'password-missing' }]);
});
