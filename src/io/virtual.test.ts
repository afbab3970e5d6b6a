/** The virtual network itself: what it promises to the tests that stand on it. */
import { expect, test } from 'bun:test';
import type { Input, Output } from '../sip/endpoint-io.ts';
import { bytesOf, latin1 } from '../sip/text.ts';
import { type Actor, type Step, VirtualNetwork } from './virtual.ts';
import { VirtualMedia } from './virtual-media.ts';
import { FAIR } from './virtual-weather.ts';

/** Keeps what it is told, with the time. */
class Listener implements Actor {
  readonly heard: { readonly atMs: number; readonly input: Input }[] = [];
  dueMs: number | undefined;

  handle(input: Input, nowMs: number): readonly Output[] {
    this.heard.push({ atMs: nowMs, input });
    if (input.type === 'time') this.dueMs = undefined;
    return [];
  }

  deadlineMs(): number | undefined {
    return this.dueMs;
  }

  text(): string {
    return this.heard.map(({ input }) => ('bytes' in input ? latin1(input.bytes) : '')).join('');
  }
}

const A = { address: '192.0.2.1', port: 5060 };
const B = { address: '192.0.2.2', port: 5060 };

function pair(network: VirtualNetwork, streams = true) {
  const [a, b] = [new Listener(), new Listener()];
  return { a, b, from: network.addActor('a', A, a), to: network.addActor('b', B, b, streams) };
}

const datagram = (text: string): Output => ({
  type: 'send',
  flow: { transport: 'udp', remote: B },
  bytes: bytesOf(text),
});

test('a datagram arrives after the latency, from where it was sent', () => {
  const network = new VirtualNetwork();
  const { b, from } = pair(network);
  network.carryOut(from, [datagram('x')]);
  expect(network.settle()).toBe(true);
  expect(b.heard).toMatchObject([{ atMs: 10, input: { type: 'datagram', remote: A } }]);
});

test('loss, duplication and overtaking happen about as often as they were asked for, and the same again', () => {
  const weather = { latencyMs: [10, 20], loss: 0.2, duplication: 0.1, reordering: 0.1 } as const;
  const texts = [1, 2].map(() => {
    const network = new VirtualNetwork([9, 9, 9, 9], weather);
    const { b, from } = pair(network);
    for (let index = 0; index < 1_000; index++) network.carryOut(from, [datagram(`${index},`)]);
    network.settle();
    return b.text();
  });
  expect(texts[0]).toBe(texts[1] as string);
  const numbers = (texts[0] ?? '').split(',').slice(0, -1).map(Number);
  // 1,100 copies, a fifth of them lost.
  expect(numbers.length).toBeWithin(820, 940);
  expect(1_000 - new Set(numbers).size).toBeWithin(130, 240);
  const overtaken = numbers.filter((number, index) => number < Math.max(...numbers.slice(0, index))).length;
  expect(overtaken).toBeGreaterThan(500);
});

test('a stream keeps every byte in order, however it is cut', () => {
  const network = new VirtualNetwork([5, 5, 5, 5], { ...FAIR, latencyMs: [1, 50], loss: 0.5 });
  const { a, b, from } = pair(network);
  network.carryOut(from, [{ type: 'connect', connection: 2, transport: 'tcp', remote: B }]);
  network.settle();
  expect(a.heard.map(({ input }) => input.type)).toEqual(['connected']);
  const sent = Array.from({ length: 50 }, (_, index) => `message ${index};`);
  for (const text of sent) {
    const flow = { transport: 'tcp', remote: B, connection: 2 } as const;
    network.carryOut(from, [{ type: 'send', flow, bytes: bytesOf(text) }]);
  }
  network.carryOut(from, [{ type: 'disconnect', connection: 2 }]);
  network.settle();
  expect(b.text()).toBe(sent.join(''));
  expect(b.heard.length).toBeGreaterThan(60);
  expect(b.heard.at(-1)?.input.type).toBe('disconnected');
});

test('where nobody listens a connection is refused and a datagram is unreachable; who is away says nothing', () => {
  const network = new VirtualNetwork();
  const { a, from, to } = pair(network, false);
  network.carryOut(from, [{ type: 'connect', connection: 2, transport: 'tcp', remote: B }]);
  network.settle();
  const nobody = { ...B, port: 9 };
  network.carryOut(from, [{ type: 'send', flow: { transport: 'udp', remote: nobody }, bytes: bytesOf('x') }]);
  network.settle();
  to.away = true;
  network.carryOut(from, [datagram('y')]);
  network.settle();
  expect(a.heard.map(({ input }) => input.type)).toEqual(['disconnected', 'unreachable']);
});

test('who is off the net loses datagrams both ways, and no byte of a stream', () => {
  const network = new VirtualNetwork();
  const { a, b, from, to } = pair(network);
  network.carryOut(from, [{ type: 'connect', connection: 2, transport: 'tcp', remote: B }]);
  network.settle();
  const flow = { transport: 'tcp', remote: B, connection: 2 } as const;
  const write = (text: string): Output => ({ type: 'send', flow, bytes: bytesOf(text) });
  network.takeOff(to, 'unplugged');
  network.carryOut(from, [datagram('lost'), write('one '), write('two')]);
  const back: Output = { type: 'send', flow: { transport: 'udp', remote: A }, bytes: bytesOf('lost') };
  network.carryOut(to, [back]);
  network.run(1_000);
  expect([a.text(), b.text()]).toEqual(['', '']);
  network.bringBack(to);
  network.settle();
  expect([a.text(), b.text()]).toEqual(['', 'one two']);
});

test('who sleeps does nothing, and finds that time has jumped', () => {
  const network = new VirtualNetwork();
  const { a, from } = pair(network);
  a.dueMs = 100;
  network.takeOff(from, 'asleep');
  network.run(5_000);
  expect(a.heard).toEqual([]);
  network.bringBack(from);
  expect(a.heard).toEqual([{ atMs: 5_000, input: { type: 'time' } }]);
});

test('one that starts where another stood takes its place, and its streams are broken', () => {
  const network = new VirtualNetwork();
  const { a, b, from } = pair(network);
  network.carryOut(from, [{ type: 'connect', connection: 2, transport: 'tcp', remote: B }]);
  network.settle();
  const anew = new Listener();
  network.addActor('b', B, anew, true);
  network.carryOut(from, [datagram('x')]);
  network.settle();
  expect(a.heard.at(-1)?.input).toMatchObject({ type: 'disconnected', error: 'connection reset' });
  expect([b.text(), anew.text()]).toEqual(['', 'x']);
});

test('a long run keeps nothing, and is watched step by step', () => {
  const watched: string[] = [];
  const watch = ({ node, input }: Step, nowMs: number) => {
    watched.push(`${node.name} ${input.type} ${nowMs}`);
  };
  const network = new VirtualNetwork([1, 2, 3, 4], FAIR, { keep: false, watch });
  const { from } = pair(network);
  network.carryOut(from, [datagram('x')]);
  network.settle();
  expect(watched).toEqual(['b datagram 10']);
  expect(network.sent).toEqual([]);
});

test('time jumps to the next deadline, and a deadline that is not settled is a fault', () => {
  const network = new VirtualNetwork();
  const { a } = pair(network);
  a.dueMs = 86_400_000;
  network.run(100_000_000);
  expect(a.heard).toEqual([{ atMs: 86_400_000, input: { type: 'time' } }]);
  const stuck: Actor = { handle: () => [], deadlineMs: () => 200_000_000 };
  network.addActor('stuck', { address: '192.0.2.3', port: 1 }, stuck);
  expect(() => network.settle(1e9)).toThrow('stuck has a deadline');
});

test('a port that is opened twice, never handed out, or closed and not open is a fault of the engine', () => {
  const media = new VirtualMedia([10_000, 10_002]);
  const session = {
    slot: 0,
    port: 10_000,
    rtcpMux: false,
    send: true,
    receive: true,
    payloads: [],
    ssrc: 1,
    cname: 'c',
  };
  expect(media.command({ type: 'open', session })).toEqual([]);
  expect(() => media.command({ type: 'open', session })).toThrow('twice');
  expect(() => media.command({ type: 'open', session: { ...session, slot: 1 } })).toThrow('twice');
  expect(() => media.command({ type: 'open', session: { ...session, slot: 1, port: 9 } })).toThrow('never');
  expect(media.command({ type: 'close', slot: 0 })).toEqual([{ type: 'ports', ports: [10_000] }]);
  expect(() => media.command({ type: 'close', slot: 0 })).toThrow('not open');
});
