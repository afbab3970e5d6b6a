/**
 * An account that is given again while it is registered, by somebody who waits for that try: what stands goes on until
 * the new one does (RFC 3261 §10.2.2, §10.2.4). At two registrars of ours, which check passwords.
 */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import {
  accountOf,
  ECHO_ADDRESS,
  endpointConfig,
  leftovers,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import type { Account } from './endpoint-config.ts';

const ELSEWHERE = { address: '192.0.2.77', port: 5060 };
const RIGHT: Account = accountOf('100', { password: 'right', expiresS: 600 });
const WRONG: Account = { ...RIGHT, password: 'wrong' };
const MOVED: Account = { ...RIGHT, server: { ...RIGHT.server, host: ELSEWHERE.address } };

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let here: VirtualEndpoint;
let there: VirtualEndpoint;

beforeEach(() => {
  network = new VirtualNetwork();
  ours = network.addEndpoint('ua', ECHO_ADDRESS, endpointConfig(ECHO_ADDRESS, { accounts: [] }));
  const registrar = { domain: 'lab.local', users: [{ user: '100', password: 'right' }] };
  here = network.addEndpoint('here', REGISTRAR_ADDRESS, endpointConfig(REGISTRAR_ADDRESS, { registrar }));
  there = network.addEndpoint('there', ELSEWHERE, endpointConfig(ELSEWHERE, { registrar }));
});

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(2_000);
  expect(boundAt(here)).toBeFalse();
  expect(boundAt(there)).toBeFalse();
  expect(leftovers(network, ours)).toEqual([]);
  for (const one of [here, there]) one.act({ type: 'stop', reason: 'the test is over' });
});

function give(account: Account, forMs = 2_000): void {
  ours.act({ type: 'add-account', account, once: true });
  network.run(forMs);
}
const states = () => network.eventsOf(ours, 'registration.changed').map(({ to }) => to);
const told = () => network.eventsOf(ours, 'diagnosis.raised').map(({ code }) => code);
const changesAt = (registrar: VirtualEndpoint) =>
  network.eventsOf(registrar, 'binding.changed').map(({ change }) => change);
const boundAt = (registrar: VirtualEndpoint) =>
  ['added', 'refreshed'].includes(changesAt(registrar).at(-1) ?? '');

test('a wrong password takes the place of nothing: what stands is refreshed at once, and from then on', () => {
  give(RIGHT);
  give(WRONG);
  expect(told()).toEqual(['credentials-refused', 'registration-kept']);
  expect(states()).toEqual([
    'registering',
    'registered',
    'registering',
    'failed',
    'registered',
    'registered',
  ]);
  expect(changesAt(here)).toEqual(['added', 'refreshed']);
  network.run(600_000);
  expect(boundAt(here)).toBeTrue();
  expect(states().filter((state) => state === 'failed')).toHaveLength(1);
  ours.act({ type: 'remove-account', account: RIGHT.addressOfRecord });
  network.run(2_000);
  expect(changesAt(here).at(-1)).toBe('removed');
  expect(states().at(-1)).toBe('unregistered');
});

test('no CSeq comes twice under its Call-ID (§10.2.4)', () => {
  give(RIGHT);
  for (let count = 0; count < 3; count++) give(WRONG);
  const asked = network
    .eventsOf(ours, 'sip.sent')
    .filter(({ startLine }) => startLine.startsWith('REGISTER'));
  expect(new Set(asked.map(({ callId }) => callId)).size).toBe(1);
  expect(new Set(asked.map(({ cseq }) => cseq)).size).toBe(asked.length);
});

test('a server that does not answer, or refuses, ends no registration at another one; one that takes it does', () => {
  give(RIGHT);
  give({ ...RIGHT, server: { ...RIGHT.server, host: '192.0.2.99' } }, 40_000);
  expect(told()).toEqual(['registrar-unreachable', 'registration-kept']);
  give({ ...MOVED, password: 'wrong' });
  expect(told().slice(2)).toEqual(['credentials-refused', 'registration-kept']);
  expect(boundAt(here)).toBeTrue();
  expect(changesAt(here)).not.toContain('removed');
  give(MOVED);
  expect(changesAt(here).at(-1)).toBe('removed');
  expect(boundAt(there)).toBeTrue();
  expect(states().at(-1)).toBe('unregistered');
});

test('given a third time before the second one is decided, there is one registration in the end', () => {
  give(RIGHT);
  give(MOVED, 0);
  give(WRONG, 0);
  give(RIGHT);
  expect(boundAt(here)).toBeTrue();
  give(WRONG, 0);
  give({ ...MOVED, password: 'wrong' });
  expect(told().at(-1)).toBe('registration-kept');
  expect(boundAt(here)).toBeTrue();
  expect(boundAt(there)).toBeFalse();
});

test('stopped, or taken back, in the middle of another try, what stood is ended too (§10.2.2)', () => {
  give(RIGHT);
  give(WRONG, 5);
  ours.act({ type: 'remove-account', account: RIGHT.addressOfRecord });
  network.run(2_000);
  expect(boundAt(here)).toBeFalse();
  expect(states().at(-1)).toBe('unregistered');
  give(RIGHT);
  give(MOVED, 5);
});
