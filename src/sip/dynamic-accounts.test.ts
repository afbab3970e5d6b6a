/** Accounts that come and go while the endpoint runs: `add-account`, `remove-account` (RFC 3261 §10.2). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import {
  accountOf,
  ECHO_ADDRESS,
  endpointConfig,
  leftovers,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import type { Account } from './endpoint-config.ts';
import { value } from './message.ts';

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let registrar: VirtualPeer;
let elsewhere: VirtualPeer;

const ELSEWHERE = { address: '192.0.2.77', port: 5060 };
const states = () => network.eventsOf(ours, 'registration.changed').map(({ to }) => to);
const registers = (peer = registrar) =>
  peer
    .requests('REGISTER')
    .map(({ message: request }) => `${value(request, 'CSeq')} ${value(request, 'Expires')}`);
const settle = () => network.run(2_000);

beforeEach(() => {
  network = new VirtualNetwork();
  ours = network.addEndpoint('ua', ECHO_ADDRESS, endpointConfig(ECHO_ADDRESS, { accounts: [] }));
  registrar = new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
  elsewhere = new VirtualPeer(network, 'elsewhere', ELSEWHERE);
  for (const peer of [registrar, elsewhere]) peer.answering = () => ({ status: 200 });
});

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
  expect(ours.stopped).toBe('the test is over');
});

function add(account: Account, register?: boolean): void {
  ours.act({ type: 'add-account', account, ...(register === undefined ? {} : { register }) });
  settle();
}

test('an account that is added registers, and one that is removed ends its binding', () => {
  add(accountOf('100'));
  expect(states()).toEqual(['registering', 'registered']);
  ours.act({ type: 'remove-account', account: accountOf('100').addressOfRecord });
  settle();
  expect(states()).toEqual(['registering', 'registered', 'unregistered']);
  expect(registers()).toEqual(['1 REGISTER 3600', '2 REGISTER 0']);
});

test('added again at the same registrar it goes on with its Call-ID and a higher CSeq (§10.2.4)', () => {
  add(accountOf('100'));
  add({ ...accountOf('100'), password: 'another', expiresS: 60 });
  expect(registers()).toEqual(['1 REGISTER 3600', '2 REGISTER 60']);
  const callIds = registrar.requests('REGISTER').map(({ message }) => value(message, 'Call-ID'));
  expect(new Set(callIds).size).toBe(1);
});

test('added again with another server, the binding at the old one is ended', () => {
  add(accountOf('100'));
  const account = accountOf('100');
  add({ ...account, server: { ...account.server, host: ELSEWHERE.address } });
  expect(registers()).toEqual(['1 REGISTER 3600', '2 REGISTER 0']);
  expect(registers(elsewhere)).toEqual(['1 REGISTER 3600']);
});

test('what answers a REGISTER of an account that was replaced meanwhile changes nothing', () => {
  let answers = 0;
  registrar.answering = () => ({ status: ++answers === 1 ? 403 : 200 });
  ours.act({ type: 'add-account', account: accountOf('100') });
  ours.act({ type: 'add-account', account: accountOf('100') });
  settle();
  expect(states()).toEqual(['registering', 'registering', 'registered']);
});

test('an account for calls alone is not registered, and removing it sends nothing', () => {
  add(accountOf('100'), false);
  ours.act({ type: 'remove-account', account: accountOf('100').addressOfRecord });
  settle();
  expect(registers()).toEqual([]);
  expect(states()).toEqual([]);
});

test('removing what is not there is said', () => {
  ours.act({ type: 'remove-account', account: 'sip:7@lab.local' });
  expect(network.eventsOf(ours, 'diagnosis.raised').map(({ code }) => code)).toEqual(['account-unknown']);
});

test('the same seed gives the same handle and Call-ID, in the middle of a run too', () => {
  const callIds = () => network.eventsOf(ours, 'call.changed').map(({ callId }) => callId);
  const audio = { address: ECHO_ADDRESS.address, port: 4000 };
  const place = () => {
    ours.act({ type: 'seed', words: [1, 2, 3, 4] });
    ours.act({ type: 'call', to: `sip:7@${ELSEWHERE.address}`, audio });
    ours.act({ type: 'hangup-all' });
    settle();
  };
  elsewhere.answering = () => ({ status: 486 });
  place();
  add(accountOf('100'));
  ours.act({ type: 'remove-account', account: accountOf('100').addressOfRecord });
  settle();
  // Past the life of the first one's transactions: until then a peer would take the second for a retransmission.
  network.run(40_000);
  place();
  expect(new Set(callIds()).size).toBe(1);
  expect(callIds()[0]).toStartWith('call-anonymous-7-001-');
});

test('the same seed beside a call that stands gives a branch of its own (§8.1.1.7)', () => {
  elsewhere.answering = ({ method }) => (method === 'INVITE' ? { status: 180, toTag: 'p' } : undefined);
  for (let count = 0; count < 2; count++) {
    ours.act({ type: 'seed', words: [1, 2, 3, 4] });
    ours.act({ type: 'call', to: `sip:7@${ELSEWHERE.address}`, audio: { address: '192.0.2.1', port: 4000 } });
    settle();
  }
  const invites = network.eventsOf(ours, 'sip.sent').filter(({ startLine }) => /^INVITE/.test(startLine));
  expect(new Set(invites.map(({ branch }) => branch)).size).toBe(2);
  expect(network.eventsOf(ours, 'call.changed').filter(({ to }) => to === 'ringing')).toHaveLength(2);
});
