/** The order in which our address towards a peer is decided: advertised, rport, STUN, route. */
import { expect, test } from 'bun:test';
import { endpointConfig } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import type { Flow } from './flow.ts';
import type { RouteTo } from './local-address.ts';
import { OwnAddresses } from './own-address.ts';
import { parseMessage } from './parse-message.ts';
import { bytesOf } from './text.ts';
import { Turn } from './turn.ts';

const LOCAL = '192.168.1.10';
const STUN = { address: '203.0.113.5', port: 41_000 };
const SERVER: Flow = { transport: 'udp', remote: { address: '198.51.100.7', port: 5060 } };
const OTHER: Flow = { transport: 'udp', remote: { address: '198.51.100.8', port: 5060 } };

function own(about: Partial<EndpointConfig> = {}, routeTo: RouteTo = () => undefined): OwnAddresses {
  const made = new OwnAddresses(endpointConfig({ address: LOCAL, port: 5060 }, about), routeTo);
  made.listening('udp', { address: '::', port: 5060 });
  return made;
}

function turn(): Turn {
  return new Turn(0, undefined);
}

/** A response in whose Via a server noted where our request came from. */
function seenAt(address: string, port: number) {
  const via = `SIP/2.0/UDP ${LOCAL};rport=${port};received=${address};branch=z9hG4bK1`;
  const read = parseMessage(bytesOf(`SIP/2.0 200 OK\r\nVia: ${via}\r\n\r\n`));
  if (!read.ok || read.value.kind !== 'response') throw new Error('the response of this test');
  return read.value;
}

test('advertised, then rport of that very server, then STUN, then the route: the first that is known', () => {
  const ours = own();
  expect(ours.contactAt(SERVER)).toEqual({ address: LOCAL, port: 5060 });
  ours.learnStun(turn(), 'ipv4', STUN);
  expect(ours.contactAt(SERVER)).toMatchObject(STUN);
  ours.learnMapping(turn(), SERVER, seenAt('203.0.113.9', 42_000));
  expect(ours.contactAt(SERVER)).toEqual({ address: '203.0.113.9', port: 42_000 });
  // RFC 4787 §4.1: what one server sees tells nothing about the next.
  expect(ours.contactAt(OTHER)).toMatchObject(STUN);
  // Via stays what we are: rport brings the answer back.
  expect(ours.sentBy(SERVER)).toEqual({ address: LOCAL, port: 5060 });

  const advertised = own({ advertiseAddress: '203.0.113.77' });
  advertised.learnStun(turn(), 'ipv4', STUN);
  advertised.learnMapping(turn(), SERVER, seenAt('203.0.113.9', 42_000));
  expect(advertised.contactAt(SERVER)).toEqual({ address: '203.0.113.77', port: 5060 });
});

test('what STUN told is for peers outside, and for datagrams', () => {
  const ours = own();
  ours.learnStun(turn(), 'ipv4', STUN);
  const near = { ...SERVER, remote: { address: '192.168.1.20', port: 5060 } };
  expect(ours.contactAt(near)).toEqual({ address: LOCAL, port: 5060 });
  expect(ours.contactAt({ ...SERVER, transport: 'tcp', connection: 2 })).toEqual({
    address: LOCAL,
    port: 5060,
  });
  expect(ours.media('192.168.1.20', 'ipv4', 10_000, STUN)).toEqual({ address: LOCAL, port: 10_000 });
  expect(ours.media('198.51.100.7', 'ipv4', 10_000, STUN)).toEqual(STUN);
  expect(ours.media('198.51.100.7', 'ipv4', 10_000)).toEqual({ address: LOCAL, port: 10_000 });
});

test('a change of any of them is told once', () => {
  const ours = own();
  const moved = (step: () => void) => {
    step();
    const first = ours.takeMoved();
    expect(ours.takeMoved()).toBeUndefined();
    return first;
  };
  const seen = seenAt('203.0.113.9', 42_000);
  expect(moved(() => ours.learnStun(turn(), 'ipv4', STUN))).toBe('mapping');
  expect(moved(() => ours.learnStun(turn(), 'ipv4', STUN))).toBeUndefined();
  expect(moved(() => ours.learnStun(turn(), 'ipv4', { ...STUN, port: 2 }))).toBe('mapping');
  expect(moved(() => ours.learnStun(turn(), 'ipv4', { address: LOCAL, port: 5060 }))).toBe('mapping');
  // A server that is silent says nothing of a change.
  expect(moved(() => ours.learnStun(turn(), 'ipv4', STUN))).toBe('mapping');
  expect(moved(() => ours.learnStun(turn(), 'ipv4', undefined))).toBeUndefined();
  expect(moved(() => ours.learnMapping(turn(), SERVER, seen))).toBe('mapping');
  expect(moved(() => ours.learnMapping(turn(), SERVER, seen))).toBeUndefined();
  expect(moved(() => ours.update({ defaultAddresses: { ipv4: '10.1.1.1' }, interfaces: [] }))).toBe(
    'network',
  );
});

test('the machine is asked for the way to each peer once, and again after its addresses have changed', () => {
  const asked: string[] = [];
  let tunnel = '10.8.0.2';
  const ours = own({}, (peer) => {
    asked.push(peer);
    return peer === '198.51.100.7' ? tunnel : undefined;
  });
  for (const flow of [SERVER, OTHER, SERVER, OTHER]) ours.contactAt(flow);
  expect(asked).toEqual(['198.51.100.7', '198.51.100.8']);
  expect(ours.contactAt(SERVER)).toEqual({ address: '10.8.0.2', port: 5060 });
  expect(ours.contactAt(OTHER)).toEqual({ address: LOCAL, port: 5060 });
  tunnel = '10.8.0.9';
  expect(ours.contactAt(SERVER).address).toBe('10.8.0.2');
  ours.update({ defaultAddresses: { ipv4: LOCAL }, interfaces: [] });
  expect(ours.contactAt(SERVER).address).toBe('10.8.0.9');
  // Names have no way of their own.
  ours.towards('lab.local');
  expect(asked).not.toContain('lab.local');
});

test('no way is asked for again: a REGISTER in the moment that the network comes has the right Contact', () => {
  let way: string | undefined;
  const ours = own({ defaultAddresses: {} }, () => way);
  expect(ours.contactAt(SERVER).address).toBe('127.0.0.1');
  way = '10.8.0.2';
  expect(ours.contactAt(SERVER).address).toBe('10.8.0.2');
});

test('mappings end with the local address that they were seen from', () => {
  const ours = own();
  ours.learnStun(turn(), 'ipv4', STUN);
  ours.learnMapping(turn(), SERVER, seenAt('203.0.113.9', 42_000));
  ours.update({ defaultAddresses: { ipv4: '10.20.0.4' }, interfaces: [] });
  expect(ours.contactAt(SERVER)).toEqual({ address: '10.20.0.4', port: 5060 });
  expect(ours.contactAt(OTHER)).toEqual({ address: '10.20.0.4', port: 5060 });
});

test('each local address that comes into use is said once', () => {
  const ours = own({}, (peer) => (peer === '198.51.100.7' ? '10.8.0.2' : undefined));
  const said = () => {
    const now = turn();
    ours.sayNew(now);
    return now.outputs.map((output) => (output.type === 'event' ? output.event : undefined));
  };
  ours.contactAt(OTHER);
  // The driver names the one of the default route at the start.
  expect(said()).toEqual([]);
  ours.contactAt(SERVER);
  expect(said()).toEqual([
    { type: 'address.discovered', scope: 'local', address: '10.8.0.2', learnedBy: 'route' },
  ]);
  ours.update({ defaultAddresses: { ipv4: '10.20.0.4' }, interfaces: [] });
  expect(said()).toEqual([
    { type: 'address.discovered', scope: 'local', address: '10.20.0.4', learnedBy: 'route' },
  ]);
  ours.update({ defaultAddresses: { ipv4: LOCAL }, interfaces: [] });
  expect(said()).toEqual([]);
});

test('without a network the last address stands in what is written: it may be back before that goes out', () => {
  const ours = own();
  ours.update({ defaultAddresses: {}, interfaces: [] });
  expect(ours.hasRouteTo('198.51.100.7')).toBe(false);
  expect(ours.isConnected).toBe(false);
  expect(ours.contactAt(SERVER)).toEqual({ address: LOCAL, port: 5060 });
  ours.update({ defaultAddresses: { ipv4: '10.20.0.4' }, interfaces: [] });
  expect(ours.contactAt(SERVER)).toEqual({ address: '10.20.0.4', port: 5060 });
});
