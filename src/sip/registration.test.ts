/** Registrations, as a registrar on the wire sees them (RFC 3261 §10.2, §22.2; RFC 8760; RFC 5626 §4.4). */
import { afterEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { VirtualCaller } from '../io/virtual-caller.ts';
import { type Answering, VirtualPeer } from '../io/virtual-peer.ts';
import {
  accountOf,
  ECHO_ADDRESS,
  endpointConfig,
  leftovers,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import type { Account, EndpointConfig } from './endpoint-config.ts';
import { fields, type SipRequest, value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let registrar: VirtualPeer;

function open(answering: Answering, about: Partial<EndpointConfig> = {}): void {
  network = new VirtualNetwork();
  const accounts = [accountOf('100')];
  const config = endpointConfig(ECHO_ADDRESS, { accounts, ...about });
  ours = network.addEndpoint('ua', ECHO_ADDRESS, config, [10_000]);
  registrar = new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
  registrar.answering = answering;
}

function register(): void {
  ours.act({ type: 'register' });
}

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
  expect(ours.stopped).toBe('the test is over');
});

const changes = () => network.eventsOf(ours, 'registration.changed');
const states = () => changes().map(({ to }) => to);
const registers = () => registrar.requests('REGISTER');
const cseqs = () => registers().map(({ message }) => value(message, 'CSeq'));
const credentialsOf = (request: SipRequest | undefined) => (request && value(request, 'Authorization')) ?? '';
const parameterOf = (request: SipRequest | undefined, name: string) =>
  new RegExp(`[ ,]${name}="?([^",]*)`).exec(credentialsOf(request))?.[1];

/** A 200 that binds what was asked for, for so long. */
function bound(request: SipRequest, expiresS?: number): ReturnType<Answering> {
  const asked = Number(value(request, 'Expires'));
  const expires = asked === 0 ? 0 : (expiresS ?? asked);
  const contact = `${value(request, 'Contact')};expires=${expires}`;
  return { status: 200, toTag: 'r', headers: expires === 0 ? [] : [['Contact', contact]] };
}

const CHALLENGE: HeaderLine = [
  'WWW-Authenticate',
  'Digest realm="lab.local", nonce="n1", algorithm=MD5, qop="auth"',
];

/** Asks for credentials, and takes any. */
const asking: Answering = (request) =>
  credentialsOf(request) === '' ? { status: 401, toTag: 'r', headers: [CHALLENGE] } : bound(request);

test('a REGISTER is challenged, goes again with credentials, and the account is registered (§10.2, §22.2)', () => {
  open(asking);
  register();
  network.run(100);
  expect(states()).toEqual(['registering', 'registered']);
  expect(changes().at(-1)).toMatchObject({ account: 'sip:100@lab.local', status: 200, expiresS: 3_600 });
  const [first, second] = registers().map(({ message }) => message);
  expect(first?.uri).toBe('sip:lab.local');
  expect(first && value(first, 'Contact')).toBe('<sip:100@192.0.2.10:5060>');
  expect(cseqs()).toEqual(['1 REGISTER', '2 REGISTER']);
  for (const name of ['Call-ID', 'From', 'To']) {
    expect(second && value(second, name)).toBe((first && value(first, name)) as string);
  }
  expect(parameterOf(second, 'nc')).toBe('00000001');
  expect(network.eventsOf(ours, 'auth.challenged')).toMatchObject([{ realm: 'lab.local', status: 401 }]);
});

test('a wrong password ends in failed with a diagnosis, and no REGISTER more for an hour (§22.2)', () => {
  open(() => ({ status: 401, toTag: 'r', headers: [CHALLENGE] }));
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
  open(() => ({ status: 401, toTag: 'r', headers }));
  register();
  network.run(100_000);
  expect(registers()).toHaveLength(1);
  const [diagnosis] = network.eventsOf(ours, 'diagnosis.raised');
  expect(diagnosis).toMatchObject({ code: 'challenge-unsupported' });
  expect(diagnosis?.cause).not.toContain('password');
});

for (const status of [403, 404]) {
  test(`${status} ends in failed with a diagnosis, and no REGISTER more for an hour (§10.2.7)`, () => {
    open(() => ({ status, toTag: 'r' }));
    register();
    network.run(3_600_000);
    expect(registers()).toHaveLength(1);
    expect(changes().at(-1)).toMatchObject({ to: 'failed', status });
    expect(network.eventsOf(ours, 'diagnosis.raised')).toMatchObject([{ code: 'registration-refused' }]);
  });
}

test('a stale nonce is taken anew, once a request (RFC 7616 §3.3)', () => {
  let nonces = 1;
  open((request) => {
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
  open((request) => {
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
  open(asking);
  register();
  network.run(7_000_000);
  expect(registers().map(({ message }) => parameterOf(message, 'nc'))).toEqual([
    undefined,
    '00000001',
    '00000002',
    '00000003',
  ]);
});

for (const [grantedS, refreshS] of [
  [3_600, 3_000],
  [600, 300],
  [60, 30],
  [1, 1],
] as const) {
  test(`a registration for ${grantedS} s is refreshed after ${refreshS} s (§10.2.4)`, () => {
    open((request) => bound(request, grantedS));
    register();
    network.run(refreshS * 1_000 + 500);
    const [first, second] = registers();
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeWithin(refreshS * 1_000, refreshS * 1_000 + 100);
    expect(changes()[1]).toMatchObject({ expiresS: grantedS });
  });
}

test('a binding that is granted for no time is no storm of REGISTERs', () => {
  open((request) => ({
    status: 200,
    toTag: 'r',
    headers: [['Contact', `${value(request, 'Contact')};expires=0`]],
  }));
  register();
  network.run(10_000);
  expect(registers().length).toBeLessThanOrEqual(11);
});

test('a binding for a hundred years is refreshed within a day', () => {
  open((request) => bound(request, 4_000_000_000));
  register();
  network.run(86_400_000 + 1_000);
  expect(registers().length).toBeGreaterThanOrEqual(2);
});

test('our Contact is found among others, however its parameters were changed (§10.2.4)', () => {
  open((request) => ({
    status: 200,
    toTag: 'r',
    headers: [
      ['Contact', '<sip:100@192.0.2.77:5060>;expires=17'],
      ['Contact', `${(value(request, 'Contact') ?? '').replace('>', ';ob;line=x>')};expires=500`],
    ],
  }));
  register();
  network.run(100);
  expect(changes().at(-1)).toMatchObject({ to: 'registered', expiresS: 500 });
});

test('423 is asked again with Min-Expires, and never in a circle (§10.2.8)', () => {
  open((request) =>
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
  open((request) => {
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
  open(() => ({ status: 503, toTag: 'r', headers: [['Retry-After', '120 (maintenance);duration=60']] }));
  register();
  network.run(119_000);
  expect(registers()).toHaveLength(1);
  expect(changes().at(-1)).toMatchObject({ to: 'retrying', status: 503, retryInMs: 120_000 });
  network.run(2_000);
  expect(registers()).toHaveLength(2);
});

test('a Retry-After beyond all bounds is a day', () => {
  open(() => ({ status: 503, toTag: 'r', headers: [['Retry-After', '4294967295']] }));
  register();
  network.run(100);
  expect(changes().at(-1)).toMatchObject({ retryInMs: 86_400_000 });
});

test('the back-off doubles from a second with jitter, and is a minute at most', () => {
  open(() => ({ status: 500, toTag: 'r' }));
  register();
  network.run(600_000);
  const waits = changes().flatMap(({ retryInMs }) => (retryInMs === undefined ? [] : [retryInMs]));
  waits.forEach((waitMs, index) => {
    const longestMs = Math.min(1_000 * 2 ** index, 60_000);
    expect(waitMs).toBeWithin(longestMs / 2, longestMs + 1);
  });
  expect(waits.length).toBeGreaterThan(10);
  expect(new Set(waits.slice(7)).size).toBeGreaterThan(3);
});

test('a registrar that is away is asked until it is there again (§10.2.7)', () => {
  open(bound);
  registrar.node.away = true;
  register();
  network.run(100_000);
  expect(states()).toContain('retrying');
  registrar.node.away = false;
  network.run(100_000);
  expect(states().at(-1)).toBe('registered');
});

test('nobody on the registrar’s port is heard of at once, and asked again after a back-off', () => {
  open(bound, {
    accounts: [accountOf('100', { server: { host: '192.0.2.99', port: 5060, transport: 'udp' } })],
  });
  register();
  network.run(200);
  expect(changes().at(-1)).toMatchObject({ to: 'retrying', reason: 'port unreachable' });
});

const tcpAccount = (user: string, about: Partial<Account> = {}) =>
  accountOf(user, {
    server: { host: REGISTRAR_ADDRESS.address, port: 5060, transport: 'tcp' },
    ...about,
  });

test('when the TCP connection falls it is registered again at once, on a new one (RFC 5626 §4.4)', () => {
  open(asking, { accounts: [tcpAccount('100')] });
  register();
  network.run(60_000);
  expect(registers()).toHaveLength(2);
  network.breakStreams(registrar.node);
  network.run(200);
  expect(states()).toEqual(['registering', 'registered', 'retrying', 'registering', 'registered']);
  expect(changes()[2]).toMatchObject({ reason: 'connection reset', retryInMs: 0 });
  expect(new Set(registers().map(({ flow }) => flow.connection)).size).toBe(2);
});

test('a registrar that closes after each response is met by a back-off and not by a storm', () => {
  open(bound, { accounts: [tcpAccount('100')] });
  registrar.answering = (request) => {
    closing.push(...registrar.streams);
    return bound(request);
  };
  const closing: number[] = [];
  register();
  for (let second = 0; second < 600; second++) {
    network.run(1_000);
    for (const connection of closing.splice(0)) {
      registrar.disconnect({ transport: 'tcp', remote: ECHO_ADDRESS, connection });
    }
  }
  expect(registers().length).toBeLessThan(25);
});

test('a connection that carries a registration is kept, however silent', () => {
  open((request) => bound(request, 7_000), { accounts: [tcpAccount('100', { expiresS: 7_000 })] });
  register();
  network.run(6_000_000);
  expect(registrar.streams).toHaveLength(1);
  expect(registers()).toHaveLength(1);
});

test('requests for us that come down the registration’s connection are served on it (RFC 5626 §5.3)', () => {
  open(bound, { accounts: [tcpAccount('100')] });
  register();
  network.run(200);
  const [{ flow } = { flow: undefined }] = registers();
  if (flow === undefined) throw new Error('no REGISTER');
  registrar.request(flow, 'OPTIONS', 'sip:100@192.0.2.10:5060;transport=tcp', [
    ['Via', 'SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKdown'],
    ['From', '<sip:ping@lab.local>;tag=p'],
    ['To', '<sip:100@lab.local>'],
    ['Call-ID', 'ping'],
    ['CSeq', '1 OPTIONS'],
  ]);
  network.run(200);
  expect(registrar.responses('OPTIONS').map(({ message }) => message.status)).toEqual([200]);
});

test('several accounts are registered side by side, with Call-IDs, tags and nonces of their own', () => {
  open(asking, { accounts: [accountOf('100'), accountOf('101'), tcpAccount('102')] });
  register();
  network.run(500);
  for (const user of ['100', '101', '102']) {
    const own = changes().filter(({ account }) => account === `sip:${user}@lab.local`);
    expect(own.map(({ to }) => to)).toEqual(['registering', 'registered']);
  }
  const callIds = new Set(registers().map(({ message }) => value(message, 'Call-ID')));
  const tags = new Set(registers().map(({ message }) => value(message, 'From')));
  expect([callIds.size, tags.size]).toEqual([3, 3]);
});

test('of several accounts at one registrar, a call has the credentials of the one that was called (§22.1)', () => {
  open(asking, { echo: true, accounts: [accountOf('100'), accountOf('101')] });
  register();
  network.run(500);
  const caller = new VirtualCaller(registrar, ECHO_ADDRESS, 'sip:101@lab.local');
  caller.invite();
  network.run(500);
  caller.ack();
  ours.act({ type: 'hangup-all' });
  network.run(500);
  const bye = registrar.requests('BYE').at(-1)?.message;
  expect(parameterOf(bye, 'username')).toBe('101');
});

test('stopping unregisters: Expires 0, with credentials at the first go (§10.2.2)', () => {
  open(asking);
  register();
  network.run(100);
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(100);
  expect(states()).toEqual(['registering', 'registered', 'unregistered']);
  const last = registers().at(-1)?.message;
  expect(last && value(last, 'Expires')).toBe('0');
  expect(parameterOf(last, 'nc')).toBe('00000002');
  expect(registers()).toHaveLength(3);
  expect(ours.stopped).toBe('the test is over');
});

test('stopping while a REGISTER is out waits for it and unregisters (§10.2.2)', () => {
  open(asking);
  register();
  network.run(15);
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(200);
  expect(states().at(-1)).toBe('unregistered');
  expect(registers().map(({ message }) => value(message, 'Expires'))).toContain('0');
});

test('stopping does not wait longer than 5 s for a registrar that is away', () => {
  open(bound);
  register();
  network.run(100);
  registrar.node.away = true;
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(4_900);
  expect(ours.stopped).toBeUndefined();
  network.run(200);
  expect(ours.stopped).toBe('the test is over');
});

const named = (transport: 'udp' | 'tcp' = 'udp') => ({
  accounts: [accountOf('100', { server: { host: 'reg.lab.local', port: 5060, transport } })],
});

test('a name that has no address is said so and looked up again after a back-off', () => {
  open(bound, named());
  register();
  network.run(100);
  expect(changes().at(-1)).toMatchObject({ to: 'retrying' });
  expect(changes().at(-1)?.reason).toContain('reg.lab.local has no address in DNS');
  const [told] = network.eventsOf(ours, 'diagnosis.raised');
  expect(told).toMatchObject({ code: 'registrar-unreachable', cause: expect.stringContaining('misspelt') });
  network.names.set('reg.lab.local', [REGISTRAR_ADDRESS.address]);
  network.run(5_000);
  expect(states().at(-1)).toBe('registered');
});

for (const transport of ['udp', 'tcp'] as const) {
  test(`when the first address of a name is dead the next one is taken, over ${transport} (RFC 3263 §4.3)`, () => {
    open(bound, named(transport));
    network.names.set('reg.lab.local', ['192.0.2.98', REGISTRAR_ADDRESS.address]);
    register();
    network.run(500);
    expect(states()).toEqual(['registering', 'registered']);
  });
}

test('two accounts at one name are both registered by one answer of DNS', () => {
  const server = { host: 'reg.lab.local', port: 5060, transport: 'udp' } as const;
  open(bound, { accounts: [accountOf('100', { server }), accountOf('101', { server })] });
  network.names.set('reg.lab.local', [REGISTRAR_ADDRESS.address]);
  register();
  network.run(200);
  expect(states().filter((state) => state === 'registered')).toHaveLength(2);
  expect(registers()).toHaveLength(2);
});

test('with a proxy set REGISTER goes there, by its transport, and the name is not looked up (§8.1.2)', () => {
  open(bound, {
    ...named(),
    proxy: { host: REGISTRAR_ADDRESS.address, port: REGISTRAR_ADDRESS.port, transport: 'tcp' },
  });
  register();
  network.run(200);
  expect(states()).toEqual(['registering', 'registered']);
  expect(registers()[0]?.flow.transport).toBe('tcp');
  expect(registers()[0]?.message.uri).toBe('sip:lab.local');
});

test('407 from a proxy is answered with Proxy-Authorization (§22.3)', () => {
  open((request) =>
    fields(request, 'Proxy-Authorization').length === 0
      ? { status: 407, toTag: 'r', headers: [['Proxy-Authenticate', CHALLENGE[1]]] }
      : bound(request),
  );
  register();
  network.run(100);
  expect(states()).toEqual(['registering', 'registered']);
});

test('REGISTER is sent again at T1, 2·T1 and so on up to T2 until F, over UDP (§17.1.2.2)', () => {
  open(() => undefined);
  register();
  network.run(32_100);
  const [first] = registers();
  const times = registers().map(({ atMs }) => atMs - (first?.atMs ?? 0));
  expect(times.slice(0, 6)).toEqual([0, 500, 1_500, 3_500, 7_500, 11_500]);
  expect(changes().at(-1)).toMatchObject({ to: 'retrying', reason: 'no answer in time' });
});

test('a new nonce without stale at a refresh is no wrong password (RFC 7616 §3.3)', () => {
  let nonce = 'n1';
  open((request) =>
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

test('stopping while the 200 is on its way unregisters after it (§10.2.2)', () => {
  open(bound);
  register();
  network.run(15);
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(100);
  expect(registers().map(({ message }) => value(message, 'Expires'))).toEqual(['3600', '0']);
  expect(states()).toEqual(['registering', 'registered', 'unregistered']);
});

test('a registration that stood until its refresh begins the back-off anew', () => {
  let answer: Answering = () => ({ status: 500, toTag: 'r' });
  open((request) => answer(request));
  register();
  network.run(60_000);
  answer = bound;
  network.run(60_000);
  expect(states().at(-1)).toBe('registered');
  answer = () => ({ status: 500, toTag: 'r' });
  network.runUntil(() => states().at(-1) === 'retrying', 3_600_000);
  expect(changes().at(-1)?.retryInMs).toBeWithin(500, 1_001);
});

test('so does one whose connection fell after a while', () => {
  let answer: Answering = () => ({ status: 500, toTag: 'r' });
  open((request) => answer(request), { accounts: [tcpAccount('100')] });
  register();
  network.run(60_000);
  answer = bound;
  network.run(120_000);
  expect(states().at(-1)).toBe('registered');
  registrar.node.away = true;
  network.breakStreams(registrar.node);
  network.run(100);
  expect(changes().at(-1)?.reason).toBe('connection refused');
  expect(changes().at(-1)?.retryInMs).toBeWithin(500, 1_001);
});

test('a registrar that breaks the framing loses its connection, and is registered with again (§18.3)', () => {
  open(bound, { accounts: [tcpAccount('100')] });
  register();
  network.run(60_000);
  const [{ flow } = { flow: undefined }] = registers();
  if (flow === undefined) throw new Error('no REGISTER');
  registrar.sendText(flow, 'NOTIFY sip:100@192.0.2.10 SIP/2.0\n\n');
  network.run(200);
  expect(states()).toEqual(['registering', 'registered', 'retrying', 'registering', 'registered']);
  expect(registers()).toHaveLength(2);
});

test('a 200 that lists no Contact of ours is taken at its Expires (§10.2.4)', () => {
  open(() => ({ status: 200, toTag: 'r', headers: [['Expires', '120']] }));
  register();
  network.run(100);
  expect(changes().at(-1)).toMatchObject({ to: 'registered', expiresS: 120 });
});

test('a challenge without a password to answer it is not called a wrong password', () => {
  open(asking, { accounts: [{ ...accountOf('100'), password: '' }] });
  register();
  network.run(1_000);
  expect(states()).toEqual(['registering', 'failed']);
  expect(registers()).toHaveLength(1);
  expect(network.eventsOf(ours, 'diagnosis.raised')).toMatchObject([{ code: 'password-missing' }]);
});

test('a registrar that nobody answers for is told of once, with the other transport as the next thing to try', () => {
  open(() => undefined);
  register();
  network.run(120_000);
  const told = network.eventsOf(ours, 'diagnosis.raised');
  expect(told).toMatchObject([{ code: 'registrar-unreachable', severity: 'warning' }]);
  expect(told[0]?.evidence).toStartWith(
    `REGISTER to ${REGISTRAR_ADDRESS.address}:${REGISTRAR_ADDRESS.port} over UDP: `,
  );
  expect(told[0]?.next).toContain('--transport tcp');
});

test('a registrar whose name leads nowhere is not called a port where nobody listens', () => {
  const server = { host: 'nowhere.test', port: 5060, transport: 'udp', open: 'transport' } as const;
  open(() => undefined, { accounts: [accountOf('100', { server })] });
  register();
  network.run(1_000);
  const [told] = network.eventsOf(ours, 'diagnosis.raised');
  expect(told).toMatchObject({ code: 'registrar-unreachable', cause: expect.stringContaining('misspelt') });
  expect(told?.evidence).toStartWith('REGISTER to nowhere.test: ');
});

test('nor is its name called misspelt, or its name server down, where no way leads to that', () => {
  const server = { host: 'pbx.test', port: 5060, transport: 'udp' } as const;
  open(() => undefined, { accounts: [accountOf('100', { server })] });
  register();
  const error = 'pbx.test could not be looked up in DNS (ENETUNREACH)';
  network.feed(ours, { type: 'resolved', host: 'pbx.test', transport: 'udp', addresses: [], error });
  const [told] = network.eventsOf(ours, 'diagnosis.raised');
  expect(told?.cause).toStartWith('this machine has no way to its name server');
});

test('a REGISTER that never left this machine is not blamed on the registrar', () => {
  open(() => undefined);
  register();
  const error = 'ENETUNREACH: network is unreachable, send';
  network.feed(ours, { type: 'unreachable', remote: REGISTRAR_ADDRESS, error });
  network.run(100);
  const [told] = network.eventsOf(ours, 'diagnosis.raised');
  expect(told?.cause).toStartWith('this machine has no way there');
  expect(told?.next).toContain('--bind');
});

test('a registrar that was there before is not said to be the wrong one when it goes away', () => {
  open(bound);
  register();
  network.run(60_000);
  registrar.answering = () => undefined;
  network.run(3_600_000);
  const [told] = network.eventsOf(ours, 'diagnosis.raised');
  expect(told?.code).toBe('registrar-unreachable');
  expect(told?.cause).toStartWith('the server answered before');
  expect(told?.next).not.toContain('--transport');
});
