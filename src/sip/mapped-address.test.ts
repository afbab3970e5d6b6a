/** Behind a NAT: the Contact that the registrar can reach (RFC 3261 §18.2.1, RFC 3581 §4). */
import { afterEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { type Answering, VirtualPeer } from '../io/virtual-peer.ts';
import {
  accountOf,
  ECHO_ADDRESS,
  endpointConfig,
  leftovers,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { fields, type SipRequest, value } from './message.ts';

const PUBLIC = { address: '203.0.113.5', port: 41_000 };
const MOVED = { address: '203.0.113.5', port: 42_000 };

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let registrar: VirtualPeer;

function open(
  answering: Answering,
  about: Partial<EndpointConfig> = {},
  transport: 'udp' | 'tcp' = 'udp',
): void {
  network = new VirtualNetwork();
  const server = { host: REGISTRAR_ADDRESS.address, port: REGISTRAR_ADDRESS.port, transport };
  const accounts = [accountOf('100', { server })];
  ours = network.addEndpoint('ua', ECHO_ADDRESS, endpointConfig(ECHO_ADDRESS, { accounts, ...about }));
  registrar = new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
  registrar.answering = answering;
  registrar.sees = PUBLIC;
  ours.act({ type: 'register' });
  network.run(100);
}

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
});

const contacts = () =>
  registrar.requests('REGISTER').map(({ message }) => fields(message, 'Contact').map((field) => field.value));
const discovered = () => network.eventsOf(ours, 'address.discovered');
const diagnoses = () => network.eventsOf(ours, 'diagnosis.raised').map(({ code }) => code);

/** A 200 that binds the first Contact. */
const binding: Answering = (request) => ({
  status: 200,
  toTag: 'r',
  headers: [['Contact', `${value(request, 'Contact')};expires=${value(request, 'Expires')}`]],
});
/** Asks for credentials first. */
const asking: Answering = (request: SipRequest) =>
  value(request, 'Authorization') !== undefined
    ? binding(request)
    : { status: 401, toTag: 'r', headers: [['WWW-Authenticate', 'Digest realm="lab.local", nonce="n1"']] };

test('a 401 tells the public address, and the REGISTER with credentials binds that one (RFC 3581 §4)', () => {
  open(asking);
  expect(contacts()).toEqual([['<sip:100@192.0.2.10:5060>'], ['<sip:100@203.0.113.5:41000>']]);
  expect(discovered()).toMatchObject([{ scope: 'public', ...PUBLIC, learnedBy: 'rport' }]);
});

test('a 200 for the wrong Contact is followed by the right one, and the wrong one is removed (§10.2.2)', () => {
  open(binding);
  const both = ['<sip:100@203.0.113.5:41000>', '<sip:100@192.0.2.10:5060>;expires=0'];
  expect(contacts()).toEqual([['<sip:100@192.0.2.10:5060>'], both]);
  expect(discovered()).toHaveLength(1);
  expect(network.eventsOf(ours, 'registration.changed').at(-1)).toMatchObject({ to: 'registered' });
});

test('a refresh that finds another mapping registers that, once, and says it', () => {
  open(binding);
  registrar.sees = MOVED;
  network.run(3_600_000 - 600_000);
  expect(contacts().slice(2)).toEqual([
    ['<sip:100@203.0.113.5:41000>'],
    ['<sip:100@203.0.113.5:42000>', '<sip:100@203.0.113.5:41000>;expires=0'],
  ]);
  expect(discovered().map(({ port }) => port)).toEqual([41_000, 42_000]);
  expect(diagnoses()).toEqual([]);
});

test('a NAT that maps every packet anew is told of, and not registered with for ever', () => {
  let port = 50_000;
  open((request) => {
    registrar.sees = { address: PUBLIC.address, port: port++ };
    return binding(request);
  });
  expect(contacts()).toHaveLength(2);
  expect(diagnoses()).toEqual(['nat-unstable']);
});

test('no NAT, no change: the Contact is the one that the registrar sees', () => {
  open(asking);
  registrar.sees = ECHO_ADDRESS;
  network.run(3_600_000 - 600_000);
  // It was behind a NAT, and is not any more.
  expect(contacts().at(-1)?.[0]).toBe('<sip:100@192.0.2.10:5060>');
});

test('--advertise-ip stands above what the registrar sees', () => {
  open(binding, { advertiseAddress: '198.51.100.7' });
  expect(contacts()).toEqual([['<sip:100@198.51.100.7:5060>']]);
  expect(discovered()).toEqual([]);
});

test('over TCP the public address is said, and the Contact stays: nobody can connect to that port', () => {
  open(binding, {}, 'tcp');
  expect(contacts()).toEqual([['<sip:100@192.0.2.10:5060;transport=tcp>']]);
  expect(discovered()).toMatchObject([{ scope: 'public', address: PUBLIC.address, learnedBy: 'rport' }]);
  expect(discovered()[0]?.port).toBeUndefined();
});

test.each(['0.0.0.0', '224.0.0.1', '127.0.0.1', '2001:db8::1', 'nat.example.org'])(
  'received=%s is no address of ours, and changes nothing',
  (address) => {
    open((request) => {
      registrar.sees = { address, port: 41_000 };
      return binding(request);
    });
    expect(contacts()).toEqual([['<sip:100@192.0.2.10:5060>']]);
    expect(discovered()).toEqual([]);
  },
);

test('the mapping counts towards the one who saw it, and nobody else (RFC 4787 §4.1)', () => {
  open(asking);
  const other = new VirtualPeer(network, 'other', { address: '192.0.2.77', port: 5060 });
  ours.act({ type: 'ping', to: 'sip:192.0.2.77' });
  network.run(100);
  const [ping] = other.requests('OPTIONS');
  expect(ping && value(ping.message, 'Contact')).toContain('192.0.2.10:5060');
  network.run(40_000);
});
