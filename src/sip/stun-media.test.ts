/** What STUN told, in SDP and Contact (RFC 8489, RFC 3605), and a NAT that makes it useless (RFC 4787 §4.1). */
import { afterEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { VirtualCaller } from '../io/virtual-caller.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import {
  accountOf,
  ECHO_ADDRESS,
  endpointConfig,
  leftovers,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import { VirtualStunServer } from '../io/virtual-stun.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { value } from './message.ts';

const STUN = { address: '198.51.100.9', port: 3478 };
const PUBLIC = { address: '203.0.113.5', port: 41_000 };
const PHONE = { address: '198.51.100.20', port: 5060 };

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let server: VirtualStunServer;
let phone: VirtualPeer;
let registrar: VirtualPeer;

/** RTP ports look 40,000 higher from outside, RTCP's five above those. */
function open(about: Partial<EndpointConfig> = {}, phoneAt = PHONE): void {
  network = new VirtualNetwork();
  server = new VirtualStunServer(network, STUN, PUBLIC);
  phone = new VirtualPeer(network, 'phone', phoneAt);
  registrar = new VirtualPeer(network, 'registrar', REGISTRAR_ADDRESS);
  registrar.answering = (request) => ({
    status: 200,
    toTag: 'r',
    headers: [['Contact', `${value(request, 'Contact')};expires=${value(request, 'Expires')}`]],
  });
  const config = endpointConfig(ECHO_ADDRESS, {
    echo: true,
    stun: { host: STUN.address },
    keepaliveMs: 29_000,
    ...about,
  });
  ours = network.addEndpoint('ua', ECHO_ADDRESS, config, [10_000, 10_002]);
  ours.media.sees = (port) => ({ address: PUBLIC.address, port: port + 40_000, rtcpPort: port + 40_005 });
  network.run(100);
}

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(40_000);
  expect(leftovers(network, ours)).toEqual([]);
});

/** A call from the phone that stands; the lines of its answer. */
function called(at = PHONE): { readonly caller: VirtualCaller; readonly lines: string[] } {
  const caller = new VirtualCaller(phone, ECHO_ADDRESS);
  caller.invite(
    `v=0\r\no=p 1 1 IN IP4 ${at.address}\r\ns=-\r\nc=IN IP4 ${at.address}\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n`,
  );
  network.run(100);
  caller.ack();
  network.run(50);
  const body = phone.responses('INVITE').at(-1)?.message.body ?? '';
  return { caller, lines: body.trim().split('\r\n') };
}

const end = ({ caller }: ReturnType<typeof called>) => {
  caller.bye();
  network.run(50);
};
const codes = () => network.eventsOf(ours, 'diagnosis.raised').map(({ code }) => code);

test('the answer names the mapped port of its RTP, and of its RTCP where it is not the next one (RFC 3605)', () => {
  open();
  const call = called();
  expect(call.lines).toContain('c=IN IP4 203.0.113.5');
  expect(call.lines).toContain('m=audio 50000 RTP/AVP 0');
  expect(call.lines).toContain('a=rtcp:50005');
  expect(network.eventsOf(ours, 'media.started')).toMatchObject([
    { localAddress: '203.0.113.5', localPort: 50_000 },
  ]);
  expect(ours.media.open.get(0)?.port).toBe(10_000);
  end(call);
});

test('an RTCP port that is the next one needs no a=rtcp', () => {
  open();
  ours.media.sees = (port) => ({ address: PUBLIC.address, port: port + 40_000, rtcpPort: port + 40_001 });
  server.sees = { ...PUBLIC, port: 41_001 };
  network.run(30_000);
  const call = called();
  expect(call.lines.filter((line) => line.startsWith('a=rtcp'))).toEqual([]);
  expect(call.lines).toContain('m=audio 50000 RTP/AVP 0');
  end(call);
});

test('a call of ours offers the mapped port, with a=rtcp beside rtcp-mux, and a mapped Contact', () => {
  open();
  ours.act({ type: 'call', to: `sip:200@${PHONE.address}` });
  network.run(100);
  const [invite] = phone.requests('INVITE');
  const body = invite?.message.body ?? '';
  expect(body).toContain('m=audio 50000 RTP/AVP 0 8 101');
  expect(body).toContain('a=rtcp-mux\r\na=rtcp:50005\r\n');
  expect(value(invite?.message ?? never(), 'Contact')).toContain('203.0.113.5:41000');
  ours.act({ type: 'hangup-all' });
});

function never(): never {
  throw new Error('no INVITE came');
}

test('a peer in a private network, or in one of ours, is told the local address', () => {
  const near = { address: '192.168.7.7', port: 5060 };
  open({}, near);
  const inside = called(near);
  expect(inside.lines).toContain('c=IN IP4 192.0.2.10');
  expect(inside.lines).toContain('m=audio 10000 RTP/AVP 0');
  end(inside);
  open(
    { interfaces: [{ address: ECHO_ADDRESS.address, prefixLength: 24 }] },
    { address: '192.0.2.99', port: 5060 },
  );
  const beside = called({ address: '192.0.2.99', port: 5060 });
  expect(beside.lines).toContain('m=audio 10000 RTP/AVP 0');
  end(beside);
});

test('--advertise-media-ip stands above what STUN tells', () => {
  open({ advertiseMediaAddress: '203.0.113.99' });
  const call = called();
  expect(call.lines).toContain('c=IN IP4 203.0.113.99');
  expect(call.lines).toContain('m=audio 10000 RTP/AVP 0');
  end(call);
});

test('without an answer of the server calls go on with the local address', () => {
  open({ stun: { host: '198.51.100.8' } });
  const call = called();
  expect(call.lines).toContain('m=audio 10000 RTP/AVP 0');
  expect(codes()).toEqual(['stun-unanswered']);
  end(call);
});

test('a call keeps the port that it named when the server goes away, the next one has the local one', () => {
  open();
  const standing = called();
  server.silent = true;
  network.run(70_000);
  standing.caller.invite();
  network.run(100);
  standing.caller.ack();
  expect(phone.responses('INVITE').at(-1)?.message.body ?? '').toContain('m=audio 50000');
  const next = called();
  expect(next.lines).toContain('m=audio 10002 RTP/AVP 0');
  end(standing);
  end(next);
});

test('a registrar that sees another port than the STUN server shows a symmetric NAT: STUN is left out', () => {
  open({ accounts: [accountOf('100')] });
  registrar.sees = { address: PUBLIC.address, port: 43_000 };
  ours.act({ type: 'register' });
  network.run(100);
  expect(codes()).toEqual(['nat-symmetric']);
  const [{ evidence } = { evidence: '' }] = network.eventsOf(ours, 'diagnosis.raised');
  expect(evidence).toContain('203.0.113.5:41000');
  expect(evidence).toContain('203.0.113.5:43000');
  const call = called();
  expect(call.lines).toContain('m=audio 10000 RTP/AVP 0');
  end(call);
  network.run(120_000);
  expect(codes()).toEqual(['nat-symmetric']);
});

test('a registrar that sees what the STUN server sees shows a NAT that STUN is right about', () => {
  open({ accounts: [accountOf('100')] });
  registrar.sees = PUBLIC;
  ours.act({ type: 'register' });
  network.run(30_000);
  expect(codes()).toEqual([]);
  const call = called();
  expect(call.lines).toContain('m=audio 50000 RTP/AVP 0');
  end(call);
});

/** The port of the last Contact that was registered. */
const contactPort = () =>
  /@203\.0\.113\.5:(\d+)/.exec(
    value(registrar.requests('REGISTER').at(-1)?.message ?? never(), 'Contact') ?? '',
  )?.[1];

test('a NAT that begins anew is noticed by STUN: registered again at once, with the new address', () => {
  open({ accounts: [accountOf('100')] });
  registrar.sees = PUBLIC;
  ours.act({ type: 'register' });
  network.run(60_000);
  expect(contactPort()).toBe('41000');
  const again = { address: PUBLIC.address, port: 44_000 };
  server.sees = again;
  registrar.sees = again;
  network.run(30_000);
  expect(contactPort()).toBe('44000');
  expect(codes()).toEqual([]);
});

test('a NAT that begins anew is no symmetric one, also when a registrar sees it first', () => {
  open({ accounts: [accountOf('100')] });
  registrar.sees = PUBLIC;
  ours.act({ type: 'register' });
  network.run(30_000);
  const again = { address: PUBLIC.address, port: 44_000 };
  server.sees = again;
  registrar.sees = again;
  ours.act({ type: 'register' });
  network.run(30_000);
  expect(contactPort()).toBe('44000');
  expect(codes()).toEqual([]);
  const call = called();
  expect(call.lines).toContain('m=audio 50000 RTP/AVP 0');
  end(call);
});

test('a call that is placed at the start waits until its port is mapped, two seconds at most', () => {
  const placed = (stun: string) => {
    network = new VirtualNetwork();
    server = new VirtualStunServer(network, STUN, PUBLIC);
    server.silent = stun !== STUN.address;
    phone = new VirtualPeer(network, 'phone', PHONE);
    ours = network.addEndpoint(
      'ua',
      ECHO_ADDRESS,
      endpointConfig(ECHO_ADDRESS, { stun: { host: STUN.address } }),
      [10_000],
    );
    ours.media.sees = (port) => ({ address: PUBLIC.address, port: port + 40_000 });
    ours.act({ type: 'call', to: `sip:200@${PHONE.address}` });
    network.run(3_000);
    ours.act({ type: 'hangup-all' });
    const [invite] = phone.requests('INVITE');
    return [invite?.atMs, /m=audio (\d+)/.exec(invite?.message.body ?? '')?.[1]];
  };
  // A round trip of 20 ms to the server, 10 to the phone.
  expect(placed(STUN.address)).toEqual([30, '50000']);
  network.run(40_000);
  expect(placed('silent')).toEqual([2_010, '10000']);
});

test('a call that is placed at the start goes as soon as the STUN server is known to be nobody', () => {
  network = new VirtualNetwork();
  phone = new VirtualPeer(network, 'phone', PHONE);
  const config = endpointConfig(ECHO_ADDRESS, { stun: { host: '198.51.100.8' } });
  ours = network.addEndpoint('ua', ECHO_ADDRESS, config, [10_000]);
  ours.act({ type: 'call', to: `sip:200@${PHONE.address}` });
  network.run(1_000);
  // The port is unreachable after 10 ms.
  expect(phone.requests('INVITE')[0]?.atMs).toBe(20);
  ours.act({ type: 'hangup-all' });
});

test('the other address of a STUN server shows a symmetric NAT without any registrar (RFC 5780 §4.3)', () => {
  const behind = (sees: typeof PUBLIC) => {
    network = new VirtualNetwork();
    server = new VirtualStunServer(network, STUN, PUBLIC);
    server.other = { address: '198.51.100.10', port: 3479 };
    const elsewhere = new VirtualStunServer(network, server.other, sees);
    phone = new VirtualPeer(network, 'phone', PHONE);
    const config = endpointConfig(ECHO_ADDRESS, { echo: true, stun: { host: STUN.address } });
    ours = network.addEndpoint('ua', ECHO_ADDRESS, config, [10_000]);
    ours.media.sees = (port) => ({ address: PUBLIC.address, port: port + 40_000 });
    network.run(100);
    const call = called();
    end(call);
    // Asked once, and not again while the mapping stays.
    network.run(120_000);
    expect(elsewhere.askedMs).toEqual([30]);
    return [call.lines.find((line) => line.startsWith('m=')), ...codes()];
  };
  expect(behind({ ...PUBLIC, port: 41_001 })).toEqual(['m=audio 10000 RTP/AVP 0', 'nat-symmetric']);
  expect(behind(PUBLIC)).toEqual(['m=audio 50000 RTP/AVP 0']);
});

test('an other address that does not answer is no silent server', () => {
  open();
  server.other = { address: '198.51.100.10', port: 3479 };
  server.sees = { ...PUBLIC, port: 45_000 };
  const mute = new VirtualStunServer(network, server.other, PUBLIC);
  mute.silent = true;
  network.run(80_000);
  expect(mute.askedMs).toHaveLength(7);
  expect(codes()).toEqual([]);
  const call = called();
  expect(call.lines).toContain('m=audio 50000 RTP/AVP 0');
  end(call);
});
