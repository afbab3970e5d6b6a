/** A call keeps its own way through a NAT open, where no registration does (RFC 5626 §3.5). */
import { afterEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { offerText } from '../io/virtual-caller.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import { accountOf, endpointConfig, leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import type { Input, Output } from './endpoint-io.ts';
import { type SipRequest, value } from './message.ts';
import { latin1 } from './text.ts';

const MAPPED = { address: '203.0.113.5', port: 41_000 };
const CALLER_ADDRESS = { address: '192.0.2.30', port: 5060 };

const ANSWER = {
  toTag: 'bob',
  headers: [
    ['Contact', '<sip:bob@192.0.2.20>'],
    ['Content-Type', 'application/sdp'],
  ] as const,
  body: offerText({ port: 31_000 }),
};

/** A server that notes when line breaks come to it. */
class Server extends VirtualPeer {
  readonly breaksMs: number[] = [];

  override handle(input: Input, nowMs: number): readonly Output[] {
    if (input.type !== 'datagram' || latin1(input.bytes) !== '\r\n\r\n') return super.handle(input, nowMs);
    this.breaksMs.push(nowMs);
    return [];
  }
}

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let server: Server;

function callFor(
  ms: number,
  about: Partial<EndpointConfig>,
  answers: (request: SipRequest) => boolean = () => true,
): void {
  network = new VirtualNetwork();
  const config = endpointConfig(CALLER_ADDRESS, { keepaliveMs: 29_000, ...about });
  ours = network.addEndpoint('caller', CALLER_ADDRESS, config);
  server = new Server(network, 'server', PHONE_ADDRESS);
  server.sees = MAPPED;
  server.answering = (request) =>
    answers(request)
      ? {
          status: request.method === 'INVITE' ? 180 : 200,
          toTag: 'bob',
          headers: [['Contact', value(request, 'Contact') ?? '']],
        }
      : undefined;
  ours.act({ type: 'register' });
  network.run(50);
  ours.act({ type: 'call', to: 'sip:bob@192.0.2.20', audio: { address: '192.0.2.30', port: 40_000 } });
  network.run(100_000);
  const [invite] = server.requests('INVITE');
  if (invite === undefined) throw new Error('no INVITE came');
  server.respond(invite, 200, ANSWER);
  network.run(ms);
}

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(50);
  expect(leftovers(network, ours)).toEqual([]);
});

const ended = () => {
  ours.act({ type: 'hangup-all' });
  network.run(50);
  const { length } = server.breaksMs;
  network.run(100_000);
  return server.breaksMs.length === length;
};

const optionsHeard = () => server.requests('OPTIONS').map(({ atMs }) => atMs);

test('over UDP: OPTIONS while it rings and while it stands, more often than a NAT forgets, and none after it', () => {
  callFor(100_000, {});
  const atMs = optionsHeard();
  const distances = atMs.slice(1).map((ms, index) => ms - (atMs[index] ?? 0));
  expect(distances.length).toBeGreaterThanOrEqual(7);
  expect(Math.max(...distances)).toBeLessThanOrEqual(29_000);
  expect(server.breaksMs).toEqual([]);
  expect(ended()).toBe(true);
  expect(optionsHeard()).toHaveLength(atMs.length);
});

test('a NAT that maps us anew in mid-call is told of in a re-INVITE, once; one that stays is not (RFC 3581 §4)', () => {
  callFor(100_000, {});
  expect(server.requests('INVITE')).toHaveLength(1);
  server.answering = () => ({ status: 200, ...ANSWER });
  server.sees = { ...MAPPED, port: 42_000 };
  network.run(100_000);
  expect(server.requests('INVITE')).toHaveLength(2);
  expect(ended()).toBe(true);
});

test('a server that does not answer OPTIONS gets line breaks', () => {
  callFor(100_000, {}, ({ method }) => method !== 'OPTIONS');
  const distances = server.breaksMs.slice(1).map((atMs, index) => atMs - (server.breaksMs[index] ?? 0));
  expect(distances.length).toBeGreaterThanOrEqual(6);
  expect(Math.max(...distances)).toBeLessThanOrEqual(29_000);
  expect(server.requests('OPTIONS').length).toBeLessThan(12);
  expect(ended()).toBe(true);
});

test('none where a registration keeps the same way, none within our own network, and none with --keepalive 0', () => {
  const { address, port } = PHONE_ADDRESS;
  const accounts = [accountOf('100', { server: { host: address, port, transport: 'udp' } })];
  const interfaces = [{ address: CALLER_ADDRESS.address, prefixLength: 24 }];
  for (const about of [{ accounts }, { interfaces }, { keepaliveMs: 0 }]) {
    callFor(100_000, about);
    expect(server.breaksMs).toEqual([]);
    if (!('accounts' in about)) expect(optionsHeard()).toEqual([]);
    expect(ended()).toBe(true);
    ours.act({ type: 'stop', reason: 'the next one' });
    network.run(50);
  }
});

test('a server that asks for credentials, which a caller without an account has not, is asked once', () => {
  callFor(0, {});
  server.answering = ({ method }) =>
    method === 'OPTIONS'
      ? { status: 401, toTag: 'bob', headers: [['WWW-Authenticate', 'Digest realm="lab.local", nonce="n"']] }
      : { status: 200, ...ANSWER };
  const before = server.requests('OPTIONS').length;
  network.run(100_000);
  expect(server.requests('OPTIONS').length - before).toBe(1);
  expect(server.breaksMs.length).toBeGreaterThanOrEqual(3);
  expect(ended()).toBe(true);
});
