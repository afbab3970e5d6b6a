/** A server that does not prove over TLS who it is, with others behind it in DNS that want no proof (RFC 3263 §4.3). */
import { beforeEach, describe, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { accountOf, endpointConfig, REGISTRAR_ADDRESS } from '../io/virtual-scene.ts';
import { virtualTls } from '../io/virtual-tls.ts';
import type { Action } from './endpoint-io.ts';
import { FAILED_SERVER_MS } from './failed-servers.ts';

const HERE = { address: '192.0.2.10', port: 5060 };
const OTHER = { address: '192.0.2.30', port: 5060 };
const DOMAIN = 'lab.local';
const WRONG = virtualTls(['other.example']);

let network: VirtualNetwork;
let server: VirtualEndpoint;
let other: VirtualEndpoint;
let ours: VirtualEndpoint;

beforeEach(() => {
  network = new VirtualNetwork();
  const users = [{ user: '100', password: 'secret' }];
  const registrar = { registrar: { domain: DOMAIN, users }, echo: true };
  server = network.addEndpoint('server', REGISTRAR_ADDRESS, endpointConfig(REGISTRAR_ADDRESS, registrar));
  other = network.addEndpoint('other', OTHER, endpointConfig(OTHER, registrar));
  const naptr = (order: number, service: string, replacement: string) =>
    ({ order, preference: 1, flags: 's', service, replacement: `${replacement}.${DOMAIN}` }) as const;
  network.dns.naptr.set(DOMAIN, [naptr(1, 'SIPS+D2T', '_sips._tcp'), naptr(2, 'SIP+D2U', '_sip._udp')]);
  network.names.set(`first.${DOMAIN}`, [REGISTRAR_ADDRESS.address]);
  network.names.set(`second.${DOMAIN}`, [OTHER.address]);
  const at = (port: number) =>
    ['first', 'second'].map((name, priority) => ({ priority, weight: 0, port, target: `${name}.${DOMAIN}` }));
  network.dns.srv.set(`_sips._tcp.${DOMAIN}`, at(5061));
  network.dns.srv.set(`_sip._udp.${DOMAIN}`, at(5060));
  const account = accountOf('100', {
    server: { host: DOMAIN, port: 5060, transport: 'udp', open: 'transport' },
  });
  ours = network.addEndpoint('ours', HERE, endpointConfig(HERE, { accounts: [account] }), [20_000, 20_002]);
});

const inTheClear = () => network.sent.filter(({ from, transport }) => from === 'ours' && transport !== 'tls');
const said = () => network.eventsOf(ours, 'diagnosis.raised');
const states = () => network.eventsOf(ours, 'registration.changed').map(({ to }) => to);

describe('with a wrong certificate on all of TLS nothing goes out in the clear:', () => {
  beforeEach(() => {
    network.listenTls(server, WRONG);
    network.listenTls(other, WRONG);
  });

  test('REGISTER, however often it is tried', () => {
    ours.act({ type: 'register' });
    network.run(2 * FAILED_SERVER_MS);
    expect(inTheClear()).toEqual([]);
    expect(states()).not.toContain('registered');
    expect(states().filter((state) => state === 'retrying').length).toBeGreaterThan(5);
  });

  const asked: readonly Action[] = [
    { type: 'call', to: `sip:100@${DOMAIN}` },
    { type: 'ping', to: `sip:100@${DOMAIN}` },
  ];
  test.each(asked)('$type, also the one after it', (action) => {
    for (let time = 0; time < 2; time++) {
      ours.act(action);
      network.run(2_000);
    }
    expect(inTheClear()).toEqual([]);
    const over = network.eventsOf(ours, action.type === 'call' ? 'call.changed' : 'ping.answered').at(-1);
    expect(JSON.stringify(over)).toContain(`TLS: the certificate is not for ${DOMAIN}`);
  });

  test('what our proxy forwards', () => {
    const at = { address: '192.0.2.40', port: 5060 };
    const users = [{ user: '100', password: 'secret' }];
    const registrar = { domain: 'home.local', users };
    const proxy = network.addEndpoint('proxy', at, endpointConfig(at, { registrar }));
    const caller = { address: '192.0.2.41', port: 5060 };
    const account = accountOf('100', { server: { host: at.address, port: at.port, transport: 'udp' } });
    const phone = network.addEndpoint('phone', caller, endpointConfig(caller, { accounts: [account] }), [1]);
    phone.act({ type: 'call', to: `sip:100@${DOMAIN}` });
    network.run(2_000);
    expect(network.sent.filter(({ from, to }) => from === 'proxy' && !to.startsWith('192.0.2.41'))).toEqual(
      [],
    );
    const codes = network.eventsOf(proxy, 'diagnosis.raised').map(({ code }) => code);
    expect(codes).toContain('tls-wrong-name');
  });

  test('and who asks is told what was not tried, and what does without TLS', () => {
    ours.act({ type: 'call', to: `sip:100@${DOMAIN}` });
    network.run(2_000);
    const [first] = said();
    expect(first?.code).toBe('tls-wrong-name');
    expect(first?.next).toBe(
      `use a name of the certificate as --server, or give the server one for ${DOMAIN}; DNS names 192.0.2.1:5060 over UDP as well, which is not tried: who is in between would have it so (--transport udp does without TLS)`,
    );
  });
});

test('another server of the same name over TLS is gone on to, and proves itself (RFC 3263 §4.3)', () => {
  network.listenTls(server, WRONG);
  network.listenTls(other, virtualTls([DOMAIN]));
  ours.act({ type: 'register' });
  network.run(2_000);
  expect(states().at(-1)).toBe('registered');
  expect(inTheClear()).toEqual([]);
});

test('a port for TLS that is closed is no such server: the next one is tried, over UDP in the end', () => {
  ours.act({ type: 'register' });
  network.run(2_000);
  expect(states().at(-1)).toBe('registered');
  expect(inTheClear().length).toBeGreaterThan(0);
});

test('a server that proves itself again is trusted at once, and UDP is behind it as before', () => {
  network.listenTls(server, WRONG);
  network.listenTls(other, WRONG);
  ours.act({ type: 'register' });
  network.run(5_000);
  network.listenTls(server, virtualTls([DOMAIN]));
  network.run(30_000);
  expect(states().at(-1)).toBe('registered');
  expect(inTheClear()).toEqual([]);
});
