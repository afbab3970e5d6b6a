/** The way to the registrar is kept open, and a dead one is replaced (RFC 5626 §3.5.1, §4.4.1). */
import { afterEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { KeptRegistrar } from '../io/virtual-kept-registrar.ts';
import {
  accountOf,
  ECHO_ADDRESS,
  endpointConfig,
  leftovers,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

const MAPPED = { address: '203.0.113.5', port: 41_000 };
let network: VirtualNetwork;
let ours: VirtualEndpoint;
let registrar: KeptRegistrar;

function open(transport: 'udp' | 'tcp', about: Partial<EndpointConfig> = {}, users = ['100']): void {
  network = new VirtualNetwork();
  const server = { host: REGISTRAR_ADDRESS.address, port: REGISTRAR_ADDRESS.port, transport };
  const accounts = users.map((user) => accountOf(user, { server }));
  const config = endpointConfig(ECHO_ADDRESS, { accounts, keepaliveMs: 29_000, ...about });
  ours = network.addEndpoint('ua', ECHO_ADDRESS, config);
  registrar = new KeptRegistrar(network, 'registrar', REGISTRAR_ADDRESS);
  registrar.answering = (request) => ({
    status: 200,
    toTag: 'r',
    headers: [['Contact', `${value(request, 'Contact')};expires=${value(request, 'Expires')}`]],
  });
}

function start(): void {
  ours.act({ type: 'register' });
  network.run(100);
  registrar.forget();
}

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
});

const changes = () => network.eventsOf(ours, 'registration.changed');

test('a registration on a stream pings every 23 to 29 s, never at the same distance (§4.4.1)', () => {
  open('tcp');
  start();
  network.run(290_000);
  expect(registrar.pingsMs.length).toBeGreaterThanOrEqual(10);
  expect(registrar.pingsMs.length).toBeLessThanOrEqual(12);
  const distances = registrar.pingsMs.slice(1).map((atMs, index) => atMs - (registrar.pingsMs[index] ?? 0));
  for (const distance of distances) expect(distance).toBeWithin(23_000, 29_500);
  expect(new Set(distances).size).toBeGreaterThan(1);
  expect(changes().map(({ to }) => to)).toEqual(['registering', 'registered']);
});

test('a server that has answered and does not any more is given 10 s, then the connection is replaced (§4.4.1)', () => {
  open('tcp');
  start();
  network.run(60_000);
  const [before] = registrar.streams;
  registrar.pongs = false;
  network.run(40_000);
  const lost = changes().find(({ to }) => to === 'retrying');
  expect(lost).toMatchObject({ reason: 'the server does not answer keepalives any more', retryInMs: 0 });
  expect(changes().at(-1)?.to).toBe('registered');
  expect(registrar.streams).toHaveLength(1);
  expect(registrar.streams[0]).not.toBe(before as number);
});

test('a server that never answers a ping may not know it, and keeps its connection', () => {
  open('tcp');
  registrar.pongs = false;
  start();
  network.run(290_000);
  expect(registrar.pingsMs.length).toBeGreaterThanOrEqual(10);
  expect(changes().map(({ to }) => to)).toEqual(['registering', 'registered']);
});

test('two accounts on one connection are one flow: it is pinged once', () => {
  open('tcp', {}, ['100', '101']);
  start();
  network.run(30_000);
  expect(registrar.pingsMs).toHaveLength(1);
});

test('over UDP a way beyond our own network is kept open, by OPTIONS', () => {
  open('udp');
  start();
  network.run(290_000);
  expect(optionsHeard().length).toBeWithin(10, 13);
  expect(registrar.pingsMs).toEqual([]);
  expect(changes().map(({ to }) => to)).toEqual(['registering', 'registered']);
});

test('over UDP without being told how, a dead way is noticed within two intervals, and registered anew', () => {
  open('udp');
  start();
  network.run(60_000);
  const binds = registrar.answering;
  registrar.answering = (request) => (request.method === 'OPTIONS' ? undefined : binds(request));
  const beforeMs = network.nowMs;
  network.run(58_000);
  expect(changes().find(({ to }) => to === 'retrying')?.reason).toBe('the server does not answer OPTIONS');
  const again = registrar.requests('REGISTER').at(-1);
  expect((again?.atMs ?? 0) - beforeMs).toBeWithin(1, 58_000);
});

test('a server that has never answered OPTIONS is sent line breaks then, and keeps its registration', () => {
  open('udp');
  const binds = registrar.answering;
  registrar.answering = (request) => (request.method === 'OPTIONS' ? undefined : binds(request));
  start();
  network.run(290_000);
  expect(new Set(optionsHeard().map(({ message }) => value(message, 'CSeq')))).toEqual(
    new Set(['1 OPTIONS']),
  );
  expect(registrar.pingsMs.length).toBeGreaterThanOrEqual(8);
  expect(changes().map(({ to }) => to)).toEqual(['registering', 'registered']);
});

test('over UDP within our own network nothing is sent, unless it was asked for or a NAT was seen', () => {
  const interfaces = [{ address: ECHO_ADDRESS.address, prefixLength: 24 }];
  open('udp', { interfaces });
  start();
  network.run(290_000);
  expect([optionsHeard().length, registrar.pingsMs.length]).toEqual([0, 0]);
  ours.act({ type: 'stop', reason: 'the other one' });
  network.run(100);
  open('udp', { interfaces, keepaliveBy: 'crlf' });
  start();
  network.run(290_000);
  expect(registrar.pingsMs.length).toBeGreaterThanOrEqual(10);
  ours.act({ type: 'stop', reason: 'the other one' });
  network.run(100);
  open('udp', { interfaces });
  registrar.sees = MAPPED;
  start();
  network.run(290_000);
  expect(optionsHeard().length).toBeGreaterThanOrEqual(10);
});

test('--keepalive 0: no pings', () => {
  open('tcp', { keepaliveMs: 0 });
  start();
  network.run(290_000);
  expect(registrar.pingsMs).toEqual([]);
});

test('what is not registered any more is not kept open', () => {
  open('udp');
  registrar.sees = MAPPED;
  start();
  ours.act({ type: 'remove-account', account: 'sip:100@lab.local' });
  network.run(290_000);
  expect(registrar.pingsMs).toEqual([]);
  expect(optionsHeard()).toEqual([]);
});

const never = (): never => {
  throw new Error('no REGISTER came');
};
const optionsHeard = () => registrar.requests('OPTIONS').map(({ message, atMs }) => ({ message, atMs }));

test('--keepalive-by options: any final response is a sign of life, also a 401, over UDP without a NAT too', () => {
  open('udp', { keepaliveBy: 'options' });
  start();
  registrar.answering = () => ({ status: 401, toTag: 'r' });
  network.run(290_000);
  const heard = optionsHeard();
  expect(heard.length).toBeWithin(10, 13);
  expect(heard[0]?.message.uri).toBe('sip:lab.local');
  expect(new Set(heard.map(({ message }) => value(message, 'Call-ID'))).size).toBe(1);
  expect(heard.map(({ message }) => value(message, 'CSeq')).slice(0, 2)).toEqual(['1 OPTIONS', '2 OPTIONS']);
  expect(registrar.pingsMs).toEqual([]);
  expect(changes().map(({ to }) => to)).toEqual(['registering', 'registered']);
});

test('a NAT that maps us anew shows in the response to OPTIONS, and the new address is bound at once (RFC 3581 §4)', () => {
  open('udp', { keepaliveBy: 'options' });
  registrar.sees = MAPPED;
  start();
  network.run(60_000);
  const bound = () => value(registrar.requests('REGISTER').at(-1)?.message ?? never(), 'Contact');
  expect(bound()).toContain('203.0.113.5:41000');
  registrar.sees = { ...MAPPED, port: 42_000 };
  network.run(30_000);
  expect(bound()).toContain('203.0.113.5:42000');
  expect(changes().at(-1)?.to).toBe('registered');
});

test('OPTIONS without an answer for 10 s is a dead flow: noticed within two intervals, and registered anew', () => {
  open('udp', { keepaliveBy: 'options' });
  start();
  const binds = registrar.answering;
  registrar.answering = (request) => (request.method === 'OPTIONS' ? undefined : binds(request));
  const beforeMs = network.nowMs;
  network.run(40_000);
  const lost = changes().find(({ to }) => to === 'retrying');
  expect(lost).toMatchObject({ reason: 'the server does not answer OPTIONS', retryInMs: 0 });
  expect(changes().at(-1)?.to).toBe('registered');
  const again = registrar.requests('REGISTER').at(-1);
  expect((again?.atMs ?? 0) - beforeMs).toBeLessThan(58_000);
  // Nobody waits for its answer any more.
  const sent = optionsHeard().length;
  network.run(12_000);
  expect(optionsHeard().length).toBe(sent);
});

test('OPTIONS on a stream: a server that falls silent loses its connection', () => {
  open('tcp', { keepaliveBy: 'options' });
  start();
  network.run(60_000);
  expect(optionsHeard().length).toBeGreaterThanOrEqual(2);
  expect(registrar.pingsMs).toEqual([]);
  const [before] = registrar.streams;
  const binds = registrar.answering;
  registrar.answering = (request) => (request.method === 'OPTIONS' ? undefined : binds(request));
  network.run(40_000);
  expect(changes().at(-1)?.to).toBe('registered');
  expect(registrar.streams[0]).not.toBe(before as number);
});

/** The registrar speaks RFC 5626, and says so. */
function speaksOutbound(more: readonly HeaderLine[] = []): void {
  const binds = registrar.answering;
  registrar.answering = (request) => {
    const answer = binds(request);
    return answer && { ...answer, headers: [...(answer.headers ?? []), ['Require', 'outbound'], ...more] };
  };
}

test('Flow-Timer: pings are so close that the server does not give the flow up (§4.4, §10)', () => {
  open('tcp', { outbound: { instance: 'x' } });
  speaksOutbound([['Flow-Timer', '10']]);
  start();
  network.run(100_000);
  const distances = registrar.pingsMs.slice(1).map((atMs, index) => atMs - (registrar.pingsMs[index] ?? 0));
  expect(distances.length).toBeGreaterThanOrEqual(9);
  for (const distance of distances) expect(distance).toBeWithin(7_900, 10_500);
});

test('a server that speaks RFC 5626 owes its first pong already; one that breaks it is not asked twice (§3.5.1)', () => {
  open('tcp', { outbound: { instance: 'x' } });
  speaksOutbound();
  registrar.pongs = false;
  start();
  network.run(290_000);
  const reasons = changes().filter(({ to }) => to === 'retrying');
  expect(reasons).toHaveLength(1);
  expect(reasons[0]).toMatchObject({ reason: 'the server does not answer keepalives any more' });
  expect(changes().at(-1)?.to).toBe('registered');
});

test('over UDP a registrar that speaks RFC 5626 is asked by STUN, also where no NAT is (§3.5.2, §4.4.2)', () => {
  open('udp', { outbound: { instance: 'x' } });
  speaksOutbound();
  registrar.stun = ECHO_ADDRESS;
  start();
  network.run(290_000);
  expect(registrar.stunMs.length).toBeWithin(10, 13);
  expect(registrar.pingsMs).toEqual([]);
  expect(changes().map(({ to }) => to)).toEqual(['registering', 'registered']);
});

test('another mapping in its answer is a flow that failed: it is registered again at once (§4.4.2)', () => {
  open('udp', { outbound: { instance: 'x' } });
  speaksOutbound();
  registrar.stun = MAPPED;
  start();
  network.run(60_000);
  expect(registrar.requests('REGISTER')).toHaveLength(1);
  registrar.stun = { ...MAPPED, port: 42_000 };
  network.run(30_000);
  expect(changes().find(({ to }) => to === 'retrying')).toMatchObject({
    reason: 'the NAT shows us as 203.0.113.5:42000 now, and 203.0.113.5:41000 before',
    retryInMs: 0,
  });
  expect(registrar.requests('REGISTER')).toHaveLength(2);
  network.run(290_000);
  expect(registrar.requests('REGISTER')).toHaveLength(2);
});

test('STUN that was answered and is not any more: the flow is dead within two intervals', () => {
  open('udp', { outbound: { instance: 'x' } });
  speaksOutbound();
  registrar.stun = ECHO_ADDRESS;
  start();
  network.run(60_000);
  registrar.stun = undefined;
  const beforeMs = network.nowMs;
  network.run(58_000);
  expect(changes().find(({ to }) => to === 'retrying')).toMatchObject({
    reason: 'the server does not answer STUN any more',
  });
  expect(registrar.requests('REGISTER').length).toBeGreaterThan(1);
  expect((registrar.requests('REGISTER')[1]?.atMs ?? 0) - beforeMs).toBeLessThan(58_000);
});

test('a registrar that promised STUN and does not speak it is kept open by OPTIONS then', () => {
  open('udp', { outbound: { instance: 'x' } });
  speaksOutbound();
  start();
  network.run(290_000);
  expect(registrar.requests('REGISTER')).toHaveLength(2);
  expect(optionsHeard().length).toBeGreaterThanOrEqual(8);
  expect(network.eventsOf(ours, 'diagnosis.raised')).toEqual([]);
});

test('--keepalive-by stun: a server that does not speak it is told of once, and the NAT kept open all the same', () => {
  open('udp', { keepaliveBy: 'stun' });
  start();
  network.run(290_000);
  expect(registrar.stunMs.length).toBeGreaterThanOrEqual(10);
  const told = network.eventsOf(ours, 'diagnosis.raised');
  expect(told.map(({ code }) => code)).toEqual(['keepalive-unanswered']);
  expect(changes().map(({ to }) => to)).toEqual(['registering', 'registered']);
});

test('--keepalive-by stun on a stream is line breaks (§3.5.1)', () => {
  open('tcp', { keepaliveBy: 'stun' });
  start();
  network.run(60_000);
  expect(registrar.pingsMs.length).toBeGreaterThanOrEqual(2);
});

test('an ICMP error tells a dead flow over UDP, whatever keeps it open', () => {
  open('udp', { keepaliveBy: 'options' });
  start();
  network.run(12_000);
  network.feed(ours, { type: 'unreachable', remote: REGISTRAR_ADDRESS, error: 'connection refused' });
  network.run(100);
  expect(changes().find(({ to }) => to === 'retrying')).toMatchObject({ reason: 'connection refused' });
  expect(changes().at(-1)?.to).toBe('registered');
});

const CHALLENGE: HeaderLine = ['WWW-Authenticate', 'Digest realm="lab.local", nonce="n1", qop="auth"'];

/** A registrar beyond a NAT that asks every OPTIONS for credentials, and takes them, or none. */
function asking(taking: boolean, password = 'secret'): void {
  const server = { ...REGISTRAR_ADDRESS, host: REGISTRAR_ADDRESS.address, transport: 'udp' } as const;
  open('udp', { accounts: [accountOf('100', { server, password })] });
  const { answering } = registrar;
  registrar.answering = (request) => {
    const known = taking && value(request, 'Authorization') !== undefined;
    if (request.method !== 'OPTIONS' || known) return answering?.(request);
    return { status: 401, toTag: 'r', headers: [CHALLENGE] };
  };
  start();
}

const asked = () => registrar.requests('OPTIONS').map(({ message }) => value(message, 'Authorization'));

test('OPTIONS that are challenged are answered once, and carry credentials from then on (§22.2)', () => {
  asking(true);
  network.run(130_000);
  const [first, ...others] = asked();
  expect(first).toBeUndefined();
  expect(others.length).toBeGreaterThanOrEqual(4);
  expect(others.map((text) => /nc=(\d+)/.exec(text ?? '')?.[1])).toEqual(
    others.map((_, at) => String(at + 1).padStart(8, '0')),
  );
  expect(registrar.pingsMs).toEqual([]);
  expect(changes().map(({ to }) => to)).toEqual(['registering', 'registered']);
});

test.each([
  { taking: false, password: 'secret', tries: 2, what: 'refused' },
  { taking: true, password: '', tries: 1, what: 'not given' },
])('where the password is $what no OPTIONS follow, and line breaks do', ({ taking, password, tries }) => {
  asking(taking, password);
  network.run(130_000);
  expect(asked()).toHaveLength(tries);
  expect(registrar.pingsMs.length).toBeGreaterThanOrEqual(3);
  expect(changes().map(({ to }) => to)).toEqual(['registering', 'registered']);
});
