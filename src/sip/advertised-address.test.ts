/** What `--advertise-ip` says, held against where the registrar sees us (RFC 3581 §4). */
import { afterEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import {
  accountOf,
  ECHO_ADDRESS,
  endpointConfig,
  leftovers,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import type { SocketAddress } from './flow.ts';
import { value } from './message.ts';

const ADVERTISED = '203.0.113.77';

let network: VirtualNetwork;
let ours: VirtualEndpoint;

function open(advertiseAddress: string, sees: SocketAddress): VirtualPeer {
  network = new VirtualNetwork();
  const accounts = [accountOf('100', { expiresS: 600 })];
  ours = network.addEndpoint(
    'ua',
    ECHO_ADDRESS,
    endpointConfig(ECHO_ADDRESS, { accounts, advertiseAddress }),
  );
  const registrar = new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
  registrar.answering = (request) => ({
    status: 200,
    toTag: 'r',
    headers: [['Contact', `${value(request, 'Contact')};expires=${value(request, 'Expires')}`]],
  });
  registrar.sees = sees;
  ours.act({ type: 'register' });
  network.run(1_000_000);
  return registrar;
}

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
});

const said = () => network.eventsOf(ours, 'diagnosis.raised');

test('an address that the registrar does not see is told of, once and not at each refresh, and stands', () => {
  const registrar = open(ADVERTISED, { address: '203.0.113.5', port: 5060 });
  expect(said()).toMatchObject([{ code: 'advertised-elsewhere', severity: 'warning' }]);
  expect(said()[0]?.next).toContain('--advertise-ip 203.0.113.5');
  const refreshed = registrar.requests('REGISTER');
  expect(refreshed.length).toBeGreaterThan(2);
  for (const { message } of refreshed) expect(value(message, 'Contact')).toBe(`<sip:100@${ADVERTISED}:5060>`);
});

test('a port that the NAT shows as another one may be forwarded: a note', () => {
  open(ADVERTISED, { address: ADVERTISED, port: 41_000 });
  expect(said()).toMatchObject([{ code: 'advertised-elsewhere', severity: 'info' }]);
});

test('where the registrar sees what is advertised, nothing is said', () => {
  open(ADVERTISED, { address: ADVERTISED, port: 5060 });
  expect(said()).toEqual([]);
});

test('an address of the other family is none for a registrar of this one: rport tells it instead', () => {
  const registrar = open('2001:db8::7', { address: '203.0.113.5', port: 41_000 });
  expect(value(registrar.requests('REGISTER').at(-1)?.message ?? never(), 'Contact')).toContain(
    '<sip:100@203.0.113.5:41000>',
  );
  expect(said()).toEqual([]);
});

const never = (): never => {
  throw new Error('no REGISTER came');
};
