/** Registered flows, as a registrar on the wire sees them (RFC 5626 §4.2, §4.3, §4.4.1). */
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
import type { Flow, Transport } from './flow.ts';
import { instanceUrn } from './instance-id.ts';
import { type SipRequest, value, values } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

const URN = instanceUrn('this machine', 'sip:100@lab.local');
const PARAMS = `;+sip.instance="<${URN}>";reg-id=1`;

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let registrar: VirtualPeer;

function open(
  answering: Answering,
  transport: Transport = 'tcp',
  about: Partial<EndpointConfig> = {},
  instance: string | null = 'this machine',
): void {
  network = new VirtualNetwork();
  const server = { host: REGISTRAR_ADDRESS.address, port: REGISTRAR_ADDRESS.port, transport };
  const config = endpointConfig(ECHO_ADDRESS, {
    accounts: [accountOf('100', { server })],
    ...(instance === null ? {} : { outbound: { instance } }),
    ...about,
  });
  ours = network.addEndpoint('ua', ECHO_ADDRESS, config, [10_000, 10_002, 10_004]);
  registrar = new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
  registrar.answering = answering;
  ours.act({ type: 'register' });
  network.run(100);
}

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
});

const registers = () => registrar.requests('REGISTER').map(({ message }) => message);
const contactsOf = (request: SipRequest | undefined) =>
  request === undefined ? [] : values(request, 'Contact');
const changes = () => network.eventsOf(ours, 'registration.changed');

function binds(request: SipRequest, more: readonly HeaderLine[] = []): ReturnType<Answering> {
  const contact: HeaderLine = [
    'Contact',
    `${value(request, 'Contact')};expires=${value(request, 'Expires')}`,
  ];
  const headers = value(request, 'Expires') === '0' ? more : [contact, ...more];
  return { status: 200, toTag: 'r', headers };
}

const plain: Answering = (request) => binds(request);
const outbound: Answering = (request) => binds(request, [['Require', 'outbound']]);

test('a REGISTER names instance and flow, and what we understand of both (RFC 5626 §4.2.1, RFC 3327 §5.1)', () => {
  open(plain);
  const [first] = registers();
  expect(contactsOf(first)).toEqual([`<sip:100@192.0.2.10:5060;transport=tcp>${PARAMS}`]);
  expect(first && value(first, 'Supported')).toBe('path, outbound');
});

test('without an instance the address alone is registered', () => {
  open(plain, 'tcp', {}, null);
  expect(contactsOf(registers()[0])).toEqual(['<sip:100@192.0.2.10:5060;transport=tcp>']);
  expect(value(registers()[0] as SipRequest, 'Supported')).toBe('path');
});

test('Require: outbound in the 200 says that the flow is bound, its absence that it is not (§4.2.1)', () => {
  open(outbound);
  expect(changes().at(-1)).toMatchObject({ to: 'registered', outbound: true });
  registrar.answering = plain;
  ours.act({ type: 'register' });
  network.run(100);
  expect(changes().at(-1)).not.toHaveProperty('outbound');
});

test('439: a proxy before the registrar keeps no flows, and the address alone is registered (§4.2.1, §11.6)', () => {
  open((request) =>
    value(request, 'Contact')?.includes('reg-id') === true ? { status: 439, toTag: 'r' } : binds(request),
  );
  expect(registers().map((request) => value(request, 'Supported'))).toEqual(['path, outbound', 'path']);
  expect(changes().map(({ to }) => to)).toEqual(['registering', 'registered']);
  ours.act({ type: 'register' });
  network.run(100);
  expect(registers()).toHaveLength(3);
  expect(contactsOf(registers()[2])[0]).not.toContain('reg-id');
});

test('what was granted is read at our instance and reg-id, and not at a stale binding of our address (§6)', () => {
  open((request) => {
    const contact = value(request, 'Contact') ?? '';
    const stale = contact.replace(PARAMS, ';+sip.instance="<urn:uuid:0>";reg-id=1;expires=7');
    return { status: 200, toTag: 'r', headers: [['Contact', `${stale}, ${contact};expires=120`]] };
  });
  expect(changes().at(-1)).toMatchObject({ to: 'registered', expiresS: 120 });
});

test('a lost connection is replaced under the same instance and reg-id, and nothing is removed (§4.4.1, §6)', () => {
  open(outbound);
  network.run(60_000);
  const [first] = registrar.requests('REGISTER');
  if (first !== undefined) registrar.disconnect(first.flow);
  network.run(1_000);
  const [, again] = registers();
  expect(contactsOf(again)).toEqual(contactsOf(registers()[0]));
  expect(changes().map(({ to }) => to)).toEqual([
    'registering',
    'registered',
    'retrying',
    'registering',
    'registered',
  ]);
});

test('the binding is ended over its flow, by its instance and reg-id (§4.2, RFC 3261 §10.2.2)', () => {
  open(outbound);
  ours.act({ type: 'remove-account', account: 'sip:100@lab.local' });
  network.run(1_000);
  const [first, last] = registrar.requests('REGISTER');
  expect(last?.flow).toEqual(first?.flow as NonNullable<typeof first>['flow']);
  expect(contactsOf(last?.message)).toEqual([`<sip:100@192.0.2.10:5060;transport=tcp>${PARAMS}`]);
  expect(last && value(last.message, 'Expires')).toBe('0');
});

test('what makes a dialog on the flow asks to stay on it: ob in its Contact, and in no other (§4.3)', () => {
  open(outbound, 'tcp', { echo: true });
  const [registered] = registrar.requests('REGISTER');
  const flow = registered?.flow as Flow;
  const headers: HeaderLine[] = [
    ['Via', 'SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bKob1'],
    ['From', '<sip:101@lab.local>;tag=1'],
    ['To', '<sip:100@lab.local>'],
    ['Call-ID', 'ob1'],
    ['CSeq', '1 INVITE'],
    ['Contact', '<sip:101@192.0.2.1>'],
    ['Max-Forwards', '70'],
  ];
  registrar.request(flow, 'INVITE', 'sip:100@192.0.2.10', headers);
  network.run(100);
  const answer = registrar.responses('INVITE').find(({ message }) => message.status === 200);
  expect(answer && value(answer.message, 'Contact')).toBe('<sip:100@192.0.2.10:5060;transport=tcp;ob>');
  ours.act({ type: 'call', to: '101@lab.local' });
  network.run(100);
  const [invite] = registrar.requests('INVITE');
  expect(invite && value(invite.message, 'Contact')).toBe('<sip:100@192.0.2.10:5060;transport=tcp;ob>');
  expect(invite && value(invite.message, 'Supported')).toBe('100rel, timer, 199, outbound');
  // A flow that the registrar did not take is none.
  registrar.answering = plain;
  ours.act({ type: 'register' });
  network.run(100);
  ours.act({ type: 'call', to: '101@lab.local' });
  network.run(100);
  const last = registrar.requests('INVITE').at(-1);
  expect(last && value(last.message, 'Contact')).toBe('<sip:100@192.0.2.10:5060;transport=tcp>');
});

test('an address that moved needs no second Contact: the binding is known by instance and reg-id (§6)', () => {
  open(outbound, 'udp');
  registrar.sees = { address: '203.0.113.5', port: 41_000 };
  ours.act({ type: 'register' });
  network.run(100);
  expect(contactsOf(registers().at(-1))).toEqual([`<sip:100@203.0.113.5:41000>${PARAMS}`]);
});
