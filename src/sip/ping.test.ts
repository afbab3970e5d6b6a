/** OPTIONS of ours, as whoever is asked sees them (RFC 3261 §11). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import {
  accountOf,
  endpointConfig,
  leftovers,
  PHONE_ADDRESS,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import type { Action } from './endpoint-io.ts';
import { MAX_PINGS } from './limits.ts';
import { value } from './message.ts';

const OUR_ADDRESS = { address: '192.0.2.30', port: 5060 };

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let phone: VirtualPeer;

beforeEach(() => {
  network = new VirtualNetwork();
  ours = network.addEndpoint('asking', OUR_ADDRESS, endpointConfig(OUR_ADDRESS));
  phone = new VirtualPeer(network, 'phone', PHONE_ADDRESS);
  phone.answering = () => ({ status: 200, toTag: 'p' });
});

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
});

const ping = (to: string, about: Partial<Extract<Action, { type: 'ping' }>> = {}) =>
  ours.act({ type: 'ping', to, ...about });
const answers = () =>
  network
    .eventsOf(ours, 'ping.answered')
    .map(({ v: _v, seq: _seq, atMs: _atMs, endpoint: _e, ...rest }) => rest);

test('an OPTIONS goes out of any dialog, and its answer says how fast and what is supported (§11.1, §11.2)', () => {
  phone.answering = () => ({
    status: 200,
    toTag: 'p',
    headers: [
      ['Server', 'phone/1.0 (test)'],
      ['Allow', 'INVITE, ACK'],
      ['Allow', 'BYE'],
      ['Supported', 'timer'],
      ['Accept', 'application/sdp, text/plain'],
    ],
  });
  ping('sip:bob@192.0.2.20');
  network.run(100);
  const [request] = phone.requests('OPTIONS');
  expect(request?.message.uri).toBe('sip:bob@192.0.2.20');
  expect(value(request?.message as never, 'To')).toBe('<sip:bob@192.0.2.20>');
  expect(value(request?.message as never, 'Accept')).toBe('application/sdp');
  expect(value(request?.message as never, 'From')).toMatch(/^<sip:anonymous@anonymous\.invalid>;tag=/);
  expect(answers()).toEqual([
    {
      type: 'ping.answered',
      to: 'sip:bob@192.0.2.20',
      transport: 'udp',
      remote: '192.0.2.20:5060',
      status: 200,
      reason: 'OK',
      rttMs: 20,
      server: 'phone/1.0 (test)',
      allow: ['INVITE', 'ACK', 'BYE'],
      supported: ['timer'],
      accept: ['application/sdp', 'text/plain'],
    },
  ]);
});

test('any final status is an answer; a provisional one is none', () => {
  for (const status of [404, 405, 480, 503, 603]) {
    phone.answering = () => ({ status, toTag: 'p' });
    ping('192.0.2.20');
    network.run(100);
    expect(answers().at(-1)).toMatchObject({ to: 'sip:192.0.2.20', status });
    expect(answers().at(-1)).not.toHaveProperty('failure');
  }
  phone.answering = () => ({ status: 180 });
  ping('192.0.2.20');
  network.run(6_000);
  expect(answers().at(-1)).toMatchObject({ failure: 'no-answer' });
});

test('the transport is that of the URI, and one connection serves many', () => {
  ping('sip:bob@192.0.2.20;transport=tcp');
  network.run(100);
  ping('sip:bob@192.0.2.20;transport=tcp');
  network.run(100);
  expect(answers()).toMatchObject([
    { transport: 'tcp', status: 200 },
    { transport: 'tcp', status: 200 },
  ]);
  expect(phone.streams).toHaveLength(1);
  // The first one's time has the connection in it.
  expect(answers().map(({ rttMs }) => rttMs)).toEqual([40, 20]);
});

test('who says nothing is given up after 5 s, or as long as was asked for, and heard no more', () => {
  phone.answering = () => undefined;
  ping('192.0.2.20');
  network.run(4_990);
  expect(answers()).toEqual([]);
  network.run(20);
  expect(answers()).toMatchObject([{ failure: 'no-answer', detail: 'nothing came in time' }]);
  const [first] = phone.requests('OPTIONS');
  if (first !== undefined) phone.respond(first, 200, { toTag: 'late' });
  ping('192.0.2.20', { timeoutMs: 300 });
  network.run(310);
  expect(answers()).toHaveLength(2);
});

test('a lost request is sent again, and the time counts from the first (§17.1.2.2)', () => {
  let asked = 0;
  phone.answering = () => (++asked === 1 ? undefined : { status: 200, toTag: 'p' });
  ping('192.0.2.20');
  network.run(1_000);
  expect(answers()).toMatchObject([{ status: 200, rttMs: 520 }]);
});

test('a name is looked up; the next address is tried where the first cannot be reached', () => {
  network.names.set('pbx.lab', ['192.0.2.99', '192.0.2.20']);
  ping('sip:pbx.lab;transport=tcp');
  network.run(200);
  expect(answers()).toMatchObject([
    { to: 'sip:pbx.lab;transport=tcp', remote: '192.0.2.20:5060', status: 200 },
  ]);
  ping('sip:nowhere.lab');
  network.run(200);
  expect(answers().at(-1)).toMatchObject({
    failure: 'network',
    detail: expect.stringContaining('nowhere.lab'),
  });
  expect(answers().at(-1)).not.toHaveProperty('remote');
});

test('a port on which nobody listens is told at once (§17.1.4)', () => {
  ping('192.0.2.20:5099');
  network.feed(ours, {
    type: 'unreachable',
    remote: { address: '192.0.2.20', port: 5_099 },
    error: 'ECONNREFUSED',
  });
  expect(answers()).toMatchObject([
    { remote: '192.0.2.20:5099', failure: 'network', detail: 'ECONNREFUSED' },
  ]);
});

test('a challenge of the own server is answered; of anybody else it is not (§22.1)', () => {
  const registrar = new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
  const challenge = 'Digest realm="lab.local", nonce="n1", algorithm=MD5, qop="auth"';
  const asking: typeof registrar.answering = (request) =>
    value(request, 'Authorization') === undefined
      ? { status: 401, toTag: 'r', headers: [['WWW-Authenticate', challenge]] }
      : { status: 200, toTag: 'r' };
  registrar.answering = asking;
  phone.answering = asking;
  ours.act({ type: 'add-account', account: accountOf('100'), register: false });
  ping('sip:192.0.2.1');
  network.run(200);
  expect(answers()).toMatchObject([{ status: 200 }]);
  const requests = registrar.requests('OPTIONS').map(({ message }) => message);
  expect(requests.map((message) => value(message, 'CSeq'))).toEqual(['1 OPTIONS', '2 OPTIONS']);
  expect(value(requests[1] as never, 'From')).toMatch(/^<sip:100@lab\.local>/);
  ping('sip:192.0.2.20');
  network.run(200);
  expect(answers().at(-1)).toMatchObject({ status: 401, failure: 'authentication' });
  expect(
    phone.requests('OPTIONS').every(({ message }) => value(message, 'Authorization') === undefined),
  ).toBe(true);
  registrar.answering = () => ({ status: 401, toTag: 'r', headers: [['WWW-Authenticate', challenge]] });
  ping('sip:192.0.2.1');
  network.run(200);
  expect(answers().at(-1)).toMatchObject({ status: 401, failure: 'authentication' });
});

test('what cannot be asked is said at once', () => {
  ping('sip:');
  ping('tel:+4930123');
  ping('sip:192.0.2.20', { from: 'nobody' });
  expect(answers().map(({ detail }) => detail)).toEqual([
    'it is no SIP URI',
    'it is no SIP URI',
    'there is no account nobody',
  ]);
  phone.answering = () => undefined;
  for (let count = 0; count <= MAX_PINGS; count++) ping('192.0.2.20');
  expect(answers().at(-1)).toMatchObject({ failure: 'network', detail: `${MAX_PINGS} pings are out` });
  network.run(6_000);
  expect(answers()).toHaveLength(3 + MAX_PINGS + 1);
});
