/** Servers that DNS names, with dead ones among them (RFC 3263 §4.3): REGISTER, INVITE, OPTIONS and the proxy alike. */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import { accountOf, ECHO_ADDRESS, endpointConfig, leftovers } from '../io/virtual-scene.ts';
import { FAILED_SERVER_MS } from './failed-servers.ts';
import { value } from './message.ts';

const DEAD = { address: '192.0.2.61', port: 5070 };
const LIVE = { address: '192.0.2.62', port: 5072 };
const HOST = 'provider.test';

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let live: VirtualPeer;

beforeEach(() => {
  network = new VirtualNetwork();
  const server = { host: HOST, port: 5060, transport: 'udp', open: 'transport' } as const;
  const accounts = [accountOf('100', { server, expiresS: 60 })];
  ours = network.addEndpoint(
    'ua',
    ECHO_ADDRESS,
    endpointConfig(ECHO_ADDRESS, { accounts }),
    [20_000, 20_002],
  );
  network.dns.naptr.set(HOST, [
    { order: 1, preference: 1, flags: 's', service: 'SIP+D2U', replacement: `_sip._udp.${HOST}` },
  ]);
  serve([DEAD, LIVE]);
  live = new VirtualPeer(network, 'live', LIVE);
  live.answering = (request) => {
    const expires = value(request, 'Expires') ?? '60';
    const bound = expires === '0' ? [] : ([['Contact', `${value(request, 'Contact')};expires=60`]] as const);
    return { status: 200, toTag: 'r', headers: bound };
  };
});

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
  expect(ours.stopped).toBe('the test is over');
});

/** SRV records in this order of priority, each with a target of its own. */
function serve(addresses: readonly { address: string; port: number }[]): void {
  network.dns.srv.set(
    `_sip._udp.${HOST}`,
    addresses.map(({ port, address }, priority) => {
      network.names.set(`s${address}.${HOST}`, [address]);
      return { priority, weight: 0, port, target: `s${address}.${HOST}` };
    }),
  );
}

/** Where first sendings of a method went, in order. */
const went = (method: string) => {
  const seen = new Set<string>();
  return network.sent.flatMap(({ from, to, text }) => {
    const branch = /branch=(\S+)/.exec(text)?.[1] ?? '';
    if (from !== 'ua' || !text.startsWith(method) || seen.has(branch)) return [];
    seen.add(branch);
    return [to];
  });
};
const states = () => network.eventsOf(ours, 'registration.changed').map(({ to }) => to);

test('REGISTER goes on from a dead server to the live one, at the ports of SRV', () => {
  ours.act({ type: 'register' });
  network.run(1_000);
  expect(went('REGISTER')).toEqual(['192.0.2.61:5070', '192.0.2.62:5072']);
  expect(states()).toEqual(['registering', 'registered']);
});

test('so it does from a server that says 503', () => {
  const dead = new VirtualPeer(network, 'dead', DEAD);
  dead.answering = () => ({ status: 503, toTag: 'd' });
  ours.act({ type: 'register' });
  network.run(1_000);
  expect(states()).toEqual(['registering', 'registered']);
  expect(went('REGISTER')).toEqual(['192.0.2.61:5070', '192.0.2.62:5072']);
});

test('so it does from a server that says nothing for 64·T1', () => {
  new VirtualPeer(network, 'dead', DEAD).node.away = true;
  ours.act({ type: 'register' });
  network.run(31_900);
  expect(states()).toEqual(['registering']);
  network.run(1_000);
  expect(states()).toEqual(['registering', 'registered']);
});

test('a refresh asks DNS again, and stays at the server that has the binding while DNS names it', () => {
  ours.act({ type: 'register' });
  network.run(1_000);
  network.run(30_000);
  expect(went('REGISTER').slice(2)).toEqual(['192.0.2.62:5072']);
  const moved = new VirtualPeer(network, 'moved', { address: '192.0.2.63', port: 5074 });
  moved.answering = live.answering;
  serve([{ address: '192.0.2.63', port: 5074 }]);
  network.run(30_000);
  expect(went('REGISTER').slice(3)).toEqual(['192.0.2.63:5074']);
  // DNS being away ends no registration that stands.
  network.dns.srv.clear();
  network.dns.naptr.clear();
  network.run(30_000);
  expect(went('REGISTER').slice(4)).toEqual(['192.0.2.63:5074']);
  expect(states().at(-1)).toBe('registered');
});

test('stopped in the middle of the look-up of a refresh, it is unregistered where it was registered', () => {
  ours.act({ type: 'register' });
  network.run(30_045);
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(1_000);
  expect(states().at(-1)).toBe('unregistered');
  expect(live.requests('REGISTER').at(-1)?.message).toBeDefined();
  expect(went('REGISTER').at(-1)).toBe('192.0.2.62:5072');
});

test('OPTIONS and INVITE find the same servers', () => {
  ours.act({ type: 'ping', to: `sip:${HOST}` });
  network.run(1_000);
  expect(network.eventsOf(ours, 'ping.answered')).toMatchObject([{ status: 200, remote: '192.0.2.62:5072' }]);
  network.run(FAILED_SERVER_MS);
  live.answering = (request) => ({ status: request.method === 'INVITE' ? 486 : 200, toTag: 'r' });
  ours.act({ type: 'call', to: `sip:bob@${HOST}` });
  network.run(1_000);
  expect(went('INVITE')).toEqual(['192.0.2.61:5070', '192.0.2.62:5072']);
  expect(network.eventsOf(ours, 'call.changed').at(-1)).toMatchObject({ to: 'terminated', status: 486 });
});

test('a server that failed is tried last for five minutes, by whatever asks next (§4.3)', () => {
  ours.act({ type: 'register' });
  network.run(1_000);
  const ping = (afterMs: number) => {
    network.run(afterMs);
    ours.act({ type: 'ping', to: `sip:${HOST}` });
    network.run(1_000);
    return went('OPTIONS').splice(0);
  };
  expect(ping(0)).toEqual(['192.0.2.62:5072']);
  expect(ping(FAILED_SERVER_MS - 2_500)).toHaveLength(2);
  expect(went('OPTIONS')).not.toContain('192.0.2.61:5070');
  ping(2_000);
  expect(went('OPTIONS').slice(2)).toEqual(['192.0.2.61:5070', '192.0.2.62:5072']);
});

test('when all have failed they are tried as before, and one that answers is well again', () => {
  live.answering = () => ({ status: 503, toTag: 'r' });
  const ping = () => {
    ours.act({ type: 'ping', to: `sip:${HOST}` });
    network.run(1_000);
    return network.eventsOf(ours, 'ping.answered').at(-1);
  };
  expect(ping()).toMatchObject({ status: 503 });
  new VirtualPeer(network, 'dead', DEAD).answering = () => ({ status: 200, toTag: 'd' });
  expect(ping()).toMatchObject({ status: 200, remote: '192.0.2.61:5070' });
  expect(ping()).toMatchObject({ status: 200, remote: '192.0.2.61:5070' });
  expect(went('OPTIONS')).toEqual([
    '192.0.2.61:5070',
    '192.0.2.62:5072',
    '192.0.2.61:5070',
    '192.0.2.61:5070',
  ]);
});

test('a server that failed is told of, with the one that is tried: REGISTER and OPTIONS as INVITE (§4.3)', () => {
  const dead = new VirtualPeer(network, 'dead', DEAD);
  dead.answering = () => ({ status: 503, toTag: 'd' });
  const next = 'nothing to do: the next one, 192.0.2.62:5072 over UDP, is tried';
  ours.act({ type: 'register' });
  network.run(1_000);
  const told = () => network.eventsOf(ours, 'diagnosis.raised');
  const evidence = `${HOST} at 192.0.2.61:5070 over UDP: 503 Service Unavailable`;
  const about = { code: 'server-failed', severity: 'warning', evidence, next };
  expect(told()).toMatchObject([{ ...about, account: 'sip:100@lab.local' }]);
  network.run(FAILED_SERVER_MS);
  ours.act({ type: 'ping', to: `sip:${HOST}` });
  network.run(1_000);
  expect(told().at(-1)).toMatchObject(about);
  expect(told().at(-1)).not.toHaveProperty('account');
});

test('while all of them fail a row of tries tells of each but once, not every minute again', () => {
  live.answering = () => ({ status: 503, toTag: 'r' });
  const count = (code: string) =>
    network.eventsOf(ours, 'diagnosis.raised').filter((one) => one.code === code).length;
  for (let tries = 0; tries < 4; tries++) {
    ours.act({ type: 'ping', to: `sip:${HOST}` });
    network.run(6_000);
  }
  expect(count('server-failed')).toBe(1);
  network.run(FAILED_SERVER_MS);
  ours.act({ type: 'register' });
  network.run(FAILED_SERVER_MS);
  expect(went('REGISTER').length).toBeGreaterThan(8);
  expect(count('server-failed')).toBe(2);
});
