/** Where a REGISTER goes, the back-off, and the connection that carries a registration (RFC 3261 §10.2, RFC 3263 §4.3, RFC 5626 §4.4). */
import { expect, test } from 'bun:test';
import { registrationTests } from '../io/scene-tests.ts';
import type { Answering } from '../io/virtual-peer.ts';
import { asking, bound, tcpAccount } from '../io/virtual-registration.ts';
import { accountOf, ECHO_ADDRESS, REGISTRAR_ADDRESS } from '../io/virtual-scene.ts';

const open = registrationTests();

test('the back-off doubles from a second with jitter, and is a minute at most', () => {
  const { network, register, changes } = open(() => ({ status: 500, toTag: 'r' }));
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
  const { network, registrar, register, states } = open(bound);
  registrar.node.away = true;
  register();
  network.run(100_000);
  expect(states()).toContain('retrying');
  registrar.node.away = false;
  network.run(100_000);
  expect(states().at(-1)).toBe('registered');
});

test('nobody on the registrar’s port is heard of at once, and asked again after a back-off', () => {
  const { network, register, changes } = open(bound, {
    accounts: [accountOf('100', { server: { host: '192.0.2.99', port: 5060, transport: 'udp' } })],
  });
  register();
  network.run(200);
  expect(changes().at(-1)).toMatchObject({ to: 'retrying', reason: 'port unreachable' });
});

test('when the TCP connection falls it is registered again at once, on a new one (RFC 5626 §4.4)', () => {
  const { network, registrar, register, changes, states, registers } = open(asking, {
    accounts: [tcpAccount('100')],
  });
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
  const { network, registrar, register, registers } = open(bound, { accounts: [tcpAccount('100')] });
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
  const { network, registrar, register, registers } = open((request) => bound(request, 7_000), {
    accounts: [tcpAccount('100', { expiresS: 7_000 })],
  });
  register();
  network.run(6_000_000);
  expect(registrar.streams).toHaveLength(1);
  expect(registers()).toHaveLength(1);
});

const named = (transport: 'udp' | 'tcp' = 'udp') => ({
  accounts: [accountOf('100', { server: { host: 'reg.lab.local', port: 5060, transport } })],
});

test('a name that has no address is said so and looked up again after a back-off', () => {
  const { network, ours, register, changes, states } = open(bound, named());
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
    const { network, register, states } = open(bound, named(transport));
    network.names.set('reg.lab.local', ['192.0.2.98', REGISTRAR_ADDRESS.address]);
    register();
    network.run(500);
    expect(states()).toEqual(['registering', 'registered']);
  });
}

test('two accounts at one name are both registered by one answer of DNS', () => {
  const server = { host: 'reg.lab.local', port: 5060, transport: 'udp' } as const;
  const { network, register, states, registers } = open(bound, {
    accounts: [accountOf('100', { server }), accountOf('101', { server })],
  });
  network.names.set('reg.lab.local', [REGISTRAR_ADDRESS.address]);
  register();
  network.run(200);
  expect(states().filter((state) => state === 'registered')).toHaveLength(2);
  expect(registers()).toHaveLength(2);
});

test('with a proxy set REGISTER goes there, by its transport, and the name is not looked up (§8.1.2)', () => {
  const { network, register, states, registers } = open(bound, {
    ...named(),
    proxy: { host: REGISTRAR_ADDRESS.address, port: REGISTRAR_ADDRESS.port, transport: 'tcp' },
  });
  register();
  network.run(200);
  expect(states()).toEqual(['registering', 'registered']);
  expect(registers()[0]?.flow.transport).toBe('tcp');
  expect(registers()[0]?.message.uri).toBe('sip:lab.local');
});

test('REGISTER is sent again at T1, 2·T1 and so on up to T2 until F, over UDP (§17.1.2.2)', () => {
  const { network, register, changes, registers } = open(() => undefined);
  register();
  network.run(32_100);
  const [first] = registers();
  const times = registers().map(({ atMs }) => atMs - (first?.atMs ?? 0));
  expect(times.slice(0, 6)).toEqual([0, 500, 1_500, 3_500, 7_500, 11_500]);
  expect(changes().at(-1)).toMatchObject({ to: 'retrying', reason: 'no answer in time' });
});

test('a registration that stood until its refresh begins the back-off anew', () => {
  let answer: Answering = () => ({ status: 500, toTag: 'r' });
  const { network, register, changes, states } = open((request) => answer(request));
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
  const { network, registrar, register, changes, states } = open((request) => answer(request), {
    accounts: [tcpAccount('100')],
  });
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
  const { network, registrar, register, states, registers } = open(bound, { accounts: [tcpAccount('100')] });
  register();
  network.run(60_000);
  const [{ flow } = { flow: undefined }] = registers();
  if (flow === undefined) throw new Error('no REGISTER');
  registrar.sendText(flow, 'NOTIFY sip:100@192.0.2.10 SIP/2.0\n\n');
  network.run(200);
  expect(states()).toEqual(['registering', 'registered', 'retrying', 'registering', 'registered']);
  expect(registers()).toHaveLength(2);
});
