/** A ping that came to nothing says what is likely and what to do next (RFC 3261 §11, §21). */
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

const OUR_ADDRESS = { address: '192.0.2.30', port: 5060 };
const CHALLENGE = 'Digest realm="lab.local", nonce="n1", algorithm=MD5, qop="auth"';

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let phone: VirtualPeer;

beforeEach(() => {
  network = new VirtualNetwork();
  ours = network.addEndpoint('asking', OUR_ADDRESS, endpointConfig(OUR_ADDRESS));
  phone = new VirtualPeer(network, 'phone', PHONE_ADDRESS);
});

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
});

function ping(to: string) {
  ours.act({ type: 'ping', to });
  network.run(5_100);
  return network.eventsOf(ours, 'diagnosis.raised').at(-1);
}
const told = () => network.eventsOf(ours, 'diagnosis.raised').length;

test('silence leads to the address and the transport, a name that is nowhere to the name', () => {
  phone.answering = () => undefined;
  expect(ping('sip:bob@192.0.2.20')).toMatchObject({
    code: 'ping-unanswered',
    severity: 'error',
    evidence: 'OPTIONS to 192.0.2.20:5060 over UDP: nothing came in time',
    cause: 'nothing that speaks SIP over UDP answers there, or a firewall is in the way',
    next: expect.stringContaining('check the address that is asked; '),
  });
  expect(ping('sip:nowhere.lab')).toMatchObject({
    code: 'ping-unreachable',
    evidence: expect.stringContaining('OPTIONS to nowhere.lab: '),
    next: expect.stringContaining('doctor'),
  });
});

test('who refuses is alive: a warning, with what the status means to an OPTIONS (§11.2)', () => {
  const about = (status: number, to: string, headers: [string, string][] = []) => {
    phone.answering = () => ({ status, toTag: 'p', headers });
    return ping(to);
  };
  expect(about(404, 'sip:bob@192.0.2.20')).toMatchObject({
    code: 'ping-refused',
    severity: 'warning',
    cause: 'the server is there, and knows nobody of that name',
  });
  expect(about(404, 'sip:192.0.2.20')?.cause).toContain('does not serve that host or domain');
  expect(about(405, 'sip:192.0.2.20')?.cause).toContain('does not serve OPTIONS');
  expect(about(486, 'sip:bob@192.0.2.20')?.cause).toContain('busy');
  expect(about(302, 'sip:bob@192.0.2.20', [['Contact', '<sip:bob@192.0.2.21>']])?.evidence).toBe(
    '302 Moved Temporarily to OPTIONS, Contact: <sip:bob@192.0.2.21>',
  );
  expect(about(503, 'sip:192.0.2.20', [['Retry-After', '30']])).toMatchObject({
    evidence: '503 Service Unavailable to OPTIONS, Retry-After: 30',
    next: 'ask again in a while, or when Retry-After says',
  });
  expect(about(499, 'sip:192.0.2.20')?.next).toContain('-vv');
  for (let status = 300; status < 700; status++) {
    if (status !== 401 && status !== 407) expect(about(status, 'sip:192.0.2.20')?.next).not.toBe('');
  }
});

test('a row of pings that end alike is explained once, and anew after one that was fine', () => {
  phone.answering = () => undefined;
  for (let count = 0; count < 3; count++) ping('192.0.2.20');
  expect(told()).toBe(1);
  phone.answering = () => ({ status: 200, toTag: 'p' });
  ping('192.0.2.20');
  expect(told()).toBe(1);
  phone.answering = () => undefined;
  expect(ping('192.0.2.20')?.cause).toContain('the server answered before');
  expect(told()).toBe(2);
});

test('a challenge asks for an account of that server, a second one for the right password (§22.1)', () => {
  const asking = () => ({
    status: 401,
    toTag: 'r',
    headers: [['WWW-Authenticate', CHALLENGE]] as [string, string][],
  });
  const registrar = new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
  registrar.answering = asking;
  phone.answering = asking;
  expect(ping('sip:192.0.2.20')).toMatchObject({
    code: 'password-missing',
    next: expect.stringContaining('--server of an account there'),
  });
  ours.act({ type: 'add-account', account: accountOf('100'), register: false });
  expect(ping('sip:192.0.2.1')).toMatchObject({
    code: 'credentials-refused',
    next: 'check --password and --auth-user',
  });
});

test('whoever chose the server, as doctor does, judges by himself', () => {
  ours.act({
    type: 'ping',
    to: 'sip:pbx.lab',
    server: { transport: 'udp', ...PHONE_ADDRESS },
    timeoutMs: 300,
  });
  network.run(400);
  expect(network.eventsOf(ours, 'ping.answered')).toHaveLength(1);
  expect(told()).toBe(0);
});
