/** A registration that somebody waits for: its first try is its only one (RFC 3261 §10.2.7). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { type Answering, VirtualPeer } from '../io/virtual-peer.ts';
import {
  accountOf,
  ECHO_ADDRESS,
  endpointConfig,
  leftovers,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import { value } from './message.ts';

let network: VirtualNetwork;
let ours: VirtualEndpoint;

beforeEach(() => {
  network = new VirtualNetwork();
  ours = network.addEndpoint('ua', ECHO_ADDRESS, endpointConfig(ECHO_ADDRESS));
});

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
});

function register(answering?: Answering): VirtualPeer | undefined {
  const registrar = answering && new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
  if (registrar !== undefined && answering !== undefined) registrar.answering = answering;
  ours.act({ type: 'add-account', account: accountOf('100'), once: true });
  return registrar;
}

const changes = () => network.eventsOf(ours, 'registration.changed');

test('that nobody answers has failed, and promises no other try', () => {
  register();
  network.run(3_600_000);
  expect(changes().map(({ to }) => to)).toEqual(['registering', 'failed']);
  expect(changes().at(-1)?.retryInMs).toBeUndefined();
  expect(network.eventsOf(ours, 'diagnosis.raised').map(({ code }) => code)).toEqual([
    'registrar-unreachable',
  ]);
});

test('that is put off by 503 has failed as well, with the time that the registrar asks for (§21.5.4)', () => {
  const registrar = register(() => ({ status: 503, toTag: 'r', headers: [['Retry-After', '30']] }));
  network.run(3_600_000);
  expect(registrar?.requests('REGISTER')).toHaveLength(1);
  expect(changes().at(-1)).toMatchObject({ to: 'failed', status: 503 });
  expect(network.eventsOf(ours, 'diagnosis.raised').at(-1)?.next).toContain('30 s');
});

test('that stood is tried again as any other', () => {
  let away = false;
  register((request) => {
    if (away) return { status: 500, toTag: 'r' };
    return { status: 200, toTag: 'r', headers: [['Contact', `${value(request, 'Contact')};expires=60`]] };
  });
  network.run(1_000);
  away = true;
  network.run(60_000);
  expect(changes().some(({ to, retryInMs }) => to === 'retrying' && retryInMs !== undefined)).toBe(true);
});
