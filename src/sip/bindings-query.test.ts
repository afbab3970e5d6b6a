/** A REGISTER that only asks, as the registrar sees it (RFC 3261 §10.2.3). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import { accountOf, endpointConfig, leftovers, REGISTRAR_ADDRESS } from '../io/virtual-scene.ts';
import { value } from './message.ts';

const OUR_ADDRESS = { address: '192.0.2.30', port: 5060 };
const CHALLENGE = 'Digest realm="lab.local", nonce="n1", algorithm=MD5, qop="auth"';
const account = accountOf('100');

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let registrar: VirtualPeer;

beforeEach(() => {
  network = new VirtualNetwork();
  ours = network.addEndpoint('asking', OUR_ADDRESS, endpointConfig(OUR_ADDRESS));
  registrar = new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
  ours.act({ type: 'add-account', account, register: false });
});

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
});

const answers = () => network.eventsOf(ours, 'registration.queried');
const ask = () => ours.act({ type: 'query-bindings', account: account.addressOfRecord, timeoutMs: 2_000 });

test('it has no Contact, is challenged, and the 2xx lists what is bound; nothing is registered by it', () => {
  registrar.answering = (message) =>
    value(message, 'Authorization') === undefined
      ? { status: 401, toTag: 'r', headers: [['WWW-Authenticate', CHALLENGE]] }
      : { status: 200, toTag: 'r', headers: [['Contact', '<sip:100@192.0.2.7>;expires=60']] };
  ask();
  network.run(200);
  const requests = registrar.requests('REGISTER');
  expect(requests).toHaveLength(2);
  for (const { message } of requests) {
    expect(value(message, 'Contact')).toBeUndefined();
    expect(value(message, 'To')).toBe(`<${account.addressOfRecord}>`);
    expect(message).toMatchObject({ uri: `sip:${account.domain}` });
  }
  expect(answers()).toMatchObject([
    { account: account.addressOfRecord, status: 200, contacts: ['<sip:100@192.0.2.7>;expires=60'] },
  ]);
  expect(network.eventsOf(ours, 'registration.changed')).toEqual([]);
});

test('a password that is refused is said so, after one try', () => {
  registrar.answering = () => ({ status: 401, toTag: 'r', headers: [['WWW-Authenticate', CHALLENGE]] });
  ask();
  network.run(200);
  expect(registrar.requests('REGISTER')).toHaveLength(2);
  expect(answers()).toMatchObject([{ status: 401, failure: 'authentication' }]);
});

test('a registrar that says nothing is given up in time; an account that is not there is said', () => {
  registrar.answering = () => undefined;
  ask();
  network.run(2_100);
  expect(answers()).toMatchObject([{ failure: 'no-answer' }]);
  ours.act({ type: 'query-bindings', account: 'sip:nobody@lab.local' });
  expect(answers().at(-1)).toMatchObject({ failure: 'network' });
});
