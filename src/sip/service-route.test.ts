/** Service-Route, and the routes that our requests begin with (RFC 3608, RFC 3261 §8.1.2). */
import { afterEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { type Answering, VirtualPeer } from '../io/virtual-peer.ts';
import {
  accountOf,
  ECHO_ADDRESS,
  endpointConfig,
  leftovers,
  PHONE_ADDRESS,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { type SipRequest, value, values } from './message.ts';

const EDGE = { address: '192.0.2.50', port: 5070 };
const OWN_PROXY = { host: '192.0.2.60', port: 5080, transport: 'udp' } as const;
const ROUTE = ['<sip:192.0.2.50:5070;lr>', '<sip:orig@core.invalid;lr>'];

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let registrar: VirtualPeer;
let edge: VirtualPeer;

function open(route: readonly string[], about: Partial<EndpointConfig> = {}): void {
  network = new VirtualNetwork();
  const config = endpointConfig(ECHO_ADDRESS, { accounts: [accountOf('100')], ...about });
  ours = network.addEndpoint('ua', ECHO_ADDRESS, config, [10_000, 10_002, 10_004]);
  registrar = new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
  edge = new VirtualPeer(network, 'edge', EDGE);
  gives(route);
  register();
}

/** What the next REGISTER is told. */
function gives(route: readonly string[]): void {
  registrar.answering = (request) => ({
    status: 200,
    toTag: 'r',
    headers: [
      ...(value(request, 'Expires') === '0' ? [] : contactOf(request)),
      ...route.map((text) => ['Service-Route', text] as const),
    ],
  });
}

const contactOf = (request: SipRequest) =>
  [['Contact', `${value(request, 'Contact')};expires=3600`]] as const;

function register(): void {
  ours.act({ type: 'register' });
  network.run(100);
}

function call(): void {
  ours.act({ type: 'call', to: '101@lab.local' });
  network.run(100);
}

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
});

const routesAt = (peer: VirtualPeer, method: string) =>
  peer.requests(method).map(({ message }) => values(message, 'Route'));

/** Answers an INVITE, and everything else, with 200. */
const answers: Answering = (request) => ({
  status: 200,
  toTag: 'callee',
  headers: request.method === 'INVITE' ? [['Contact', `<sip:101@${PHONE_ADDRESS.address}>`]] : [],
});

test('a call goes to the first of the Service-Route, and carries all of it (RFC 3608 §6.1)', () => {
  open(ROUTE);
  call();
  expect(routesAt(edge, 'INVITE')[0]).toEqual(ROUTE);
  expect(edge.requests('INVITE')[0]?.message.uri).toBe('sip:101@lab.local');
});

test('a REGISTER does not: it goes to the registrar (§6.1)', () => {
  open(ROUTE);
  register();
  expect(routesAt(registrar, 'REGISTER')).toEqual([[], []]);
});

test('a ping goes that way as well', () => {
  open(ROUTE);
  ours.act({ type: 'ping', to: 'sip:101@lab.local', from: '100' });
  network.run(100);
  expect(routesAt(edge, 'OPTIONS')[0]).toEqual(ROUTE);
});

test('an echoed MESSAGE carries it, on the way that the MESSAGE came', () => {
  open(ROUTE, { echo: true, echoMessages: true });
  registrar.request(
    ECHO_ADDRESS,
    'MESSAGE',
    'sip:100@192.0.2.10',
    [
      ['Via', 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKm1'],
      ['From', '<sip:101@lab.local>;tag=1'],
      ['To', '<sip:100@lab.local>'],
      ['Call-ID', 'm1'],
      ['CSeq', '1 MESSAGE'],
      ['Max-Forwards', '70'],
      ['Content-Type', 'text/plain'],
    ],
    'hello',
  );
  network.run(100);
  expect(routesAt(registrar, 'MESSAGE')[0]).toEqual(ROUTE);
});

test('each 200 to a REGISTER replaces it, also by saying nothing (§6.1)', () => {
  open(ROUTE);
  gives(['<sip:192.0.2.50:5070;lr>']);
  register();
  call();
  expect(routesAt(edge, 'INVITE')[0]).toEqual(['<sip:192.0.2.50:5070;lr>']);
  gives([]);
  register();
  call();
  expect(routesAt(registrar, 'INVITE')[0]).toEqual([]);
});

test('requests in a dialog go by its route set, not by the Service-Route (§6.1, RFC 3261 §12.2.1.1)', () => {
  open(ROUTE);
  edge.answering = answers;
  const phone = new VirtualPeer(network, 'phone', PHONE_ADDRESS);
  phone.answering = answers;
  call();
  ours.act({ type: 'hangup-all' });
  network.run(1_000);
  expect(routesAt(phone, 'ACK')[0]).toEqual([]);
  expect(routesAt(phone, 'BYE')[0]).toEqual([]);
});

test('a proxy of our own goes first, and the Service-Route behind it; one that is both is written once', () => {
  open(ROUTE, { proxy: OWN_PROXY });
  const proxy = new VirtualPeer(network, 'proxy', { address: OWN_PROXY.host, port: OWN_PROXY.port });
  proxy.answering = registrar.answering;
  register();
  call();
  expect(routesAt(proxy, 'INVITE')[0]).toEqual(['<sip:192.0.2.60:5080;lr>', ...ROUTE]);
  proxy.answering = (request) => ({
    status: 200,
    headers: [...contactOf(request), ['Service-Route', '<sip:edge@192.0.2.60:5080;lr>']],
  });
  register();
  call();
  expect(routesAt(proxy, 'INVITE').at(-1)).toEqual(['<sip:edge@192.0.2.60:5080;lr>']);
});

test('credentials of the account go where its registrar sends its calls (RFC 3608 §6.1)', () => {
  open(ROUTE);
  edge.answering = (request) =>
    value(request, 'Proxy-Authorization') === undefined
      ? {
          status: 407,
          toTag: 'e',
          headers: [['Proxy-Authenticate', 'Digest realm="lab.local", nonce="n", algorithm=MD5, qop="auth"']],
        }
      : answers(request);
  call();
  const [, second] = edge.requests('INVITE').map(({ message }) => message);
  expect(second && value(second, 'Proxy-Authorization')).toContain('username="100"');
});

test('a redirection is followed by way of it', () => {
  open(ROUTE);
  edge.answering = (request) =>
    request.uri === 'sip:101@lab.local'
      ? { status: 302, toTag: 'e', headers: [['Contact', '<sip:102@elsewhere.invalid>']] }
      : answers(request);
  call();
  const last = edge.requests('INVITE').at(-1)?.message;
  expect(last?.uri).toBe('sip:102@elsewhere.invalid');
  expect(last && values(last, 'Route')).toEqual(ROUTE);
});

test('a Service-Route that cannot be read, or has a strict router, is none, and is told of (§5)', () => {
  for (const wrong of ['<sip:192.0.2.50:5070>', '<sip:[;lr>', '<tel:1;lr>']) {
    open([wrong]);
    call();
    expect(routesAt(registrar, 'INVITE')[0]).toEqual([]);
    const told = network.eventsOf(ours, 'diagnosis.raised').map(({ code }) => code);
    expect(told).toContain('service-route-unusable');
  }
  open(new Array(9).fill('<sip:192.0.2.50:5070;lr>'));
  expect(network.eventsOf(ours, 'diagnosis.raised').map(({ code }) => code)).toContain(
    'service-route-unusable',
  );
});
