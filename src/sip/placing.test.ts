/** What a call may be asked for, and where its first INVITE goes (RFC 3261 §8.1.1, §8.1.2). */
import { afterEach, expect, test } from 'bun:test';
import { ANSWER, type CallingScene, callingScene, withAccount } from '../io/virtual-calling.ts';
import { accountOf, leftovers } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { value } from './message.ts';

let scene: CallingScene;

const open = (about: Partial<EndpointConfig> = {}) => {
  scene = callingScene(about);
};

afterEach(() => {
  scene.ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(scene.network, scene.ours)).toEqual([]);
});

const PROXY = { host: '192.0.2.20', port: 5060, transport: 'udp' } as const;
const reasonOf = (method: string) =>
  scene.phone.requests(method).map(({ message }) => value(message, 'Reason'));

test('header fields of a person stand in every try, and cannot write fields of their own', () => {
  open();
  const headers = [
    ['X-Test', 'one\r\nX-Smuggled: two'],
    ['Subject', 'Grüße'],
  ] as const;
  scene.call('sip:bob@192.0.2.20', { headers });
  scene.respond(302, { toTag: 'p', headers: [['Contact', '<sip:carol@192.0.2.20>']] });
  for (const index of [0, 1]) {
    const { message } = scene.invite(index);
    expect(value(message, 'X-Test')).toBe('one X-Smuggled: two');
    expect(value(message, 'X-Smuggled')).toBeUndefined();
    expect(Buffer.from(value(message, 'Subject') ?? '', 'latin1').toString('utf8')).toBe('Grüße');
  }
});

test('the ring timeout counts from the start, and ends with CANCEL once one may go (§9.1)', () => {
  open();
  scene.call('sip:bob@192.0.2.20', { ringTimeoutMs: 10_000 });
  scene.respond(180, { toTag: 'bob' });
  scene.network.run(9_800);
  expect(scene.phone.requests('CANCEL')).toEqual([]);
  scene.network.run(200);
  expect(reasonOf('CANCEL')).toEqual(['Q.850;cause=19;text="nobody answered"']);
  scene.respond(487, { toTag: 'bob' });
  const reason = 'nobody answered';
  expect(scene.last()).toMatchObject({ to: 'terminated', status: 487, reason, outcome: 'no-answer' });
});

test('it also ends a name that nobody looks up, and a server that says nothing at all', () => {
  open();
  scene.network.weather = { latencyMs: [10, 10], loss: 1, duplication: 0, reordering: 0 };
  scene.call('sip:bob@192.0.2.20', { ringTimeoutMs: 5_000 });
  scene.network.run(31_000);
  // No provisional response, no CANCEL: the INVITE has to time out by itself.
  expect(scene.last()).toMatchObject({ to: 'calling' });
  scene.network.run(1_500);
  expect(scene.last()).toMatchObject({ to: 'terminated', reason: 'nobody answered', outcome: 'no-answer' });
});

test('a 200 that comes after the ring timeout is acknowledged and ended with BYE (§9.1)', () => {
  open();
  scene.call('sip:bob@192.0.2.20', { ringTimeoutMs: 10_000 });
  scene.respond(180, { toTag: 'bob' });
  scene.network.run(10_000);
  scene.respond(200, ANSWER);
  expect(scene.phone.requests('ACK')).toHaveLength(1);
  expect(reasonOf('BYE')).toEqual(['Q.850;cause=19;text="nobody answered"']);
  expect(scene.last()).toMatchObject({ to: 'terminated', outcome: 'no-answer' });
});

test('the duration counts from the answer, and ends with BYE', () => {
  open();
  scene.call('sip:bob@192.0.2.20', { durationMs: 3_000 });
  scene.network.run(20_000);
  scene.respond(200, ANSWER);
  scene.network.run(2_900);
  expect(scene.last()).toMatchObject({ to: 'established' });
  scene.network.run(200);
  expect(reasonOf('BYE')).toEqual(['Q.850;cause=16;text="the time is over"']);
  expect(scene.last()).toMatchObject({ to: 'terminated', reason: 'the time is over', outcome: 'completed' });
});

test('the Call-ID is the handle and a random suffix; repeatable, it is the handle', () => {
  open();
  scene.call();
  expect(value(scene.invite().message, 'Call-ID')).toMatch(/^call-anonymous-bob-001-[0-9a-f]{24}$/);
  scene.call('sip:bob@192.0.2.20', { repeatable: true });
  expect(value(scene.invite(1).message, 'Call-ID')).toBe('call-anonymous-bob-002');
});

test('a proxy of our own is the first Route, of the ACK to a refusal and of the CANCEL too (§8.1.2, §9.1)', () => {
  open({ proxy: PROXY });
  scene.call('sip:bob@192.0.2.99');
  scene.respond(180, { toTag: 'bob' });
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(50);
  scene.respond(487, { toTag: 'bob' });
  for (const method of ['INVITE', 'CANCEL', 'ACK']) {
    const [request] = scene.phone.requests(method);
    expect(request?.message.uri).toBe('sip:bob@192.0.2.99');
    expect(request && value(request.message, 'Route')).toBe('<sip:192.0.2.20:5060;lr>');
  }
});

test("an account's own proxy goes before the one of all, and its server is no Route", () => {
  const account = accountOf('100', { proxy: { ...PROXY, transport: 'tcp' } });
  open({ proxy: { host: '192.0.2.98', port: 5060, transport: 'udp' }, accounts: [account] });
  scene.call('sip:bob@lab.local');
  expect(value(scene.invite().message, 'Route')).toBe('<sip:192.0.2.20:5060;transport=tcp;lr>');
  scene.respond(486, { toTag: 'bob' });
  scene.network.run(50);
  open(withAccount());
  scene.call('sip:bob@lab.local');
  expect(value(scene.invite().message, 'Route')).toBeUndefined();
});

test('a proxy by its name is found as a server is, and its Route leaves to DNS what DNS said (RFC 3263 §4)', () => {
  open({ proxy: { host: 'proxy.lab', port: 5060, transport: 'udp', open: 'transport' } });
  const { dns } = scene.network;
  dns.srv.set('_sip._udp.proxy.lab', [
    { priority: 1, weight: 0, port: 5060, target: 'dead.lab' },
    { priority: 2, weight: 0, port: 5060, target: 'live.lab' },
  ]);
  dns.names.set('dead.lab', ['192.0.2.96']);
  dns.names.set('live.lab', ['192.0.2.20']);
  scene.call('sip:bob@192.0.2.99');
  scene.network.run(100);
  const { message } = scene.invite();
  expect([message.uri, value(message, 'Route')]).toEqual(['sip:bob@192.0.2.99', '<sip:proxy.lab;lr>']);
  expect(scene.network.sent.flatMap(({ to, text }) => (text.startsWith('INVITE') ? [to] : []))).toEqual([
    '192.0.2.96:5060',
    '192.0.2.20:5060',
  ]);
});

test('through a proxy a redirection goes as well', () => {
  open({ proxy: PROXY });
  scene.call('sip:bob@192.0.2.99');
  scene.respond(302, { toTag: 'p', headers: [['Contact', '<sip:carol@192.0.2.97>']] });
  expect(scene.invite(1).message.uri).toBe('sip:carol@192.0.2.97');
});

test('a link is called without its headers, and To has nothing of the way there (§19.1.1)', () => {
  open();
  scene.call('sip:bob@192.0.2.20:5060;transport=udp?Subject=x');
  const { message } = scene.invite();
  expect([message.uri, value(message, 'To')]).toEqual([
    'sip:bob@192.0.2.20:5060;transport=udp',
    '<sip:bob@192.0.2.20>',
  ]);
});

test('what wants TLS is not called in the clear', () => {
  open();
  scene.call('sips:bob@192.0.2.20');
  scene.call('sip:bob@192.0.2.20;transport=tls');
  expect(scene.network.sent).toEqual([]);
});

test('a sips: URI does not go by way of a server that is reached in the clear (§26.2.2)', () => {
  open(withAccount());
  scene.call('sips:bob@example.org');
  expect(scene.network.sent).toEqual([]);
  expect(scene.last()?.reason).toContain('sips:bob@example.org wants TLS all the way, and');
});

test('what a callee says of its refusal is told: Warning and Reason (§20.43, RFC 3326)', () => {
  open();
  scene.call();
  const headers = [
    ['Warning', '304 192.0.2.20 "Media type not available"'],
    ['Reason', 'Q.850;cause=88'],
  ] as const;
  scene.respond(488, { toTag: 'bob', headers });
  const reason = 'Not Acceptable Here, Warning 304 "Media type not available", Q.850 88';
  expect(scene.last()).toMatchObject({ status: 488, reason });
});

test('loose and strict routes of the 200 lead the ACK and the BYE (§12.2.1.1, §16.12.1.2)', () => {
  open();
  scene.call();
  const strict = ['Record-Route', '<sip:192.0.2.20>'] as const;
  const loose = ['Record-Route', '<sip:192.0.2.50;lr>'] as const;
  scene.respond(200, { ...ANSWER, headers: [...(ANSWER.headers ?? []), loose, strict] });
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(50);
  for (const method of ['ACK', 'BYE']) {
    const [request] = scene.phone.requests(method);
    const routes = request?.message.headers.filter(({ name }) => name === 'Route').map((one) => one.value);
    // The strict router takes itself off the Request-URI and finds the target at the end.
    expect(request?.message.uri).toBe('sip:192.0.2.20');
    expect(routes).toEqual(['<sip:192.0.2.50;lr>', '<sip:bob@192.0.2.20>']);
  }
});
