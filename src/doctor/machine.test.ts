/** What is made of this machine's addresses, routes and ports. */
import { expect, test } from 'bun:test';
import { judgeAddresses, judgeFacing } from './addresses.ts';
import { inodeOf, judgeRtpPorts, judgeSipPort, type PortState } from './ports.ts';
import { ipv4DefaultRoutes, ipv6DefaultRoutes, judgeRoutes } from './routes.ts';

const LO = { name: 'lo', address: '127.0.0.1', prefixLength: 8 };
const ETH = { name: 'eth0', address: '192.0.2.10', prefixLength: 24 };
const TUN = { name: 'tun0', address: '10.8.0.2', prefixLength: 24 };

test('an address that others can reach is enough; loopback and 169.254/16 are not (RFC 3927)', () => {
  expect(judgeAddresses({ interfaces: [LO, ETH, TUN] })).toEqual({
    check: 'addresses',
    verdict: 'ok',
    evidence: 'eth0 192.0.2.10/24 and tun0 10.8.0.2/24',
  });
  const alone = judgeAddresses({ interfaces: [LO] });
  expect(alone).toMatchObject({ verdict: 'warning', cause: expect.stringContaining('no network is up') });
  const selfMade = { name: 'wlan0', address: '169.254.3.4', prefixLength: 16 };
  expect(judgeAddresses({ interfaces: [LO, selfMade] })).toMatchObject({
    verdict: 'warning',
    cause: expect.stringContaining('DHCP'),
  });
});

test('loopback is enough for a server on this machine', () => {
  const facing = [{ server: '127.0.0.1', source: '127.0.0.1' }];
  expect(judgeAddresses({ interfaces: [LO], facing }).verdict).toBe('note');
  expect(judgeAddresses({ interfaces: [LO], facing: [{ server: '198.51.100.1' }] }).verdict).toBe('warning');
});

test('--bind has to be an address of this machine', () => {
  expect(judgeAddresses({ interfaces: [LO, ETH], bind: '192.0.2.10' }).verdict).toBe('ok');
  expect(judgeAddresses({ interfaces: [LO, ETH], bind: '192.0.2.11' })).toMatchObject({
    verdict: 'failed',
    evidence: 'no interface has 192.0.2.11; there are eth0 192.0.2.10/24',
  });
});

test('with a VPN the address towards the server is the one that its route gives', () => {
  const facing = [{ server: '10.20.0.1', source: '10.8.0.2' }];
  expect(judgeFacing(facing, [LO, ETH, TUN], undefined)).toEqual({
    check: 'local-address',
    verdict: 'ok',
    evidence: '10.8.0.2 (tun0) towards 10.20.0.1',
  });
});

test('a narrow link cuts long messages into fragments: worth a note (RFC 3261 §18.1.1)', () => {
  const facing = [{ server: '10.20.0.1', source: '10.8.0.2' }];
  const link = (mtu: number) => judgeFacing(facing, [{ ...TUN, mtu }], undefined);
  expect(link(1_500).verdict).toBe('ok');
  expect(link(1_380)).toMatchObject({
    verdict: 'note',
    evidence: expect.stringContaining('tun0 takes packets of 1380 bytes'),
  });
});

test('an address whose interface has no link is a weak spot', () => {
  const facing = [{ server: '198.51.100.1', source: '192.0.2.10' }];
  expect(judgeFacing(facing, [LO], undefined)).toMatchObject({
    verdict: 'warning',
    evidence: expect.stringContaining('no interface that is up has 192.0.2.10'),
  });
  expect(judgeAddresses({ interfaces: [LO], facing }).verdict).toBe('warning');
  expect(judgeFacing([{ server: '127.0.0.1', source: '127.0.0.3' }], [LO], undefined).verdict).toBe('ok');
});

test('no route to any server is in the way; to the first one costs time; to a later one is worth a note', () => {
  const [far, six] = [{ server: '198.51.100.1', source: '192.0.2.10' }, { server: '2001:db8::1' }];
  expect(judgeFacing([six], [ETH], undefined)).toMatchObject({
    verdict: 'failed',
    evidence: 'no route to 2001:db8::1',
    cause: expect.stringContaining('no IPv6 route'),
  });
  expect(judgeFacing([six, far], [ETH], undefined).verdict).toBe('warning');
  expect(judgeFacing([far, six], [ETH], undefined).verdict).toBe('note');
});

const IPV4_TABLE = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0164A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
dead0\t00000000\t00000000\t0200\t0\t0\t0\t00000000\t0\t0\t0
`;
const IPV6_TABLE = `fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000020c29fffe000001 00000400 00000003 00000000 00000003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`;

test('default routes are read from /proc/net: addresses little-endian, unreachable ones left out', () => {
  expect(ipv4DefaultRoutes(IPV4_TABLE)).toEqual([
    { family: 'IPv4', via: '192.168.100.1', name: 'wlan0', metric: 600 },
    { family: 'IPv4', via: '192.0.2.1', name: 'eth0', metric: 100 },
  ]);
  expect(ipv6DefaultRoutes(IPV6_TABLE)).toEqual([
    { family: 'IPv6', via: 'fe80::20c:29ff:fe00:1', name: 'eth0', metric: 1024 },
  ]);
  expect(ipv4DefaultRoutes('')).toEqual([]);
  expect(ipv6DefaultRoutes('no table at all')).toEqual([]);
});

test('an IPv6 router is written as RFC 5952 has it', () => {
  const via = (digits: string) =>
    ipv6DefaultRoutes(
      `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${digits} 00000400 00000003 00000000 00000003 eth0`,
    )[0]?.via;
  expect(via('fd000000000000000000000000000001')).toBe('fd00::1');
  expect(via('20010db8000000010000000000000001')).toBe('2001:db8:0:1::1');
  expect(via('20010db8000100020003000400050006')).toBe('2001:db8:1:2:3:4:5:6');
  expect(via('00000000000000000000000000000001')).toBe('::1');
});

test('the route with the lowest metric is named first; none at all matters where a server is elsewhere', () => {
  const routes = [...ipv4DefaultRoutes(IPV4_TABLE), ...ipv6DefaultRoutes(IPV6_TABLE)];
  expect(judgeRoutes(routes)).toMatchObject({
    verdict: 'ok',
    evidence: 'IPv4 via 192.0.2.1 on eth0 (then wlan0); IPv6 via fe80::20c:29ff:fe00:1 on eth0',
  });
  expect(judgeRoutes(ipv4DefaultRoutes(IPV4_TABLE)).evidence).toEndWith('; no IPv6');
  expect(judgeRoutes([]).verdict).toBe('warning');
  expect(judgeRoutes([], [{ server: '192.0.2.1', source: '192.0.2.10' }]).verdict).toBe('note');
  expect(judgeRoutes([], [{ server: '198.51.100.1' }]).verdict).toBe('warning');
  expect(judgeRoutes(undefined).verdict).toBe('unknown');
});

const FREE: PortState = { state: 'free' };
const TAKEN: PortState = { state: 'taken', owner: { pid: 812, program: 'asterisk' } };

test('a SIP port that is taken names who has it', () => {
  expect(judgeSipPort({ port: 5060, udp: FREE, tcp: FREE }).verdict).toBe('ok');
  expect(judgeSipPort({ port: 5060, udp: TAKEN, tcp: TAKEN })).toMatchObject({
    verdict: 'failed',
    evidence: 'port 5060 over UDP and TCP belongs to asterisk (process 812)',
    next: expect.stringContaining('--sip-port'),
  });
  expect(judgeSipPort({ port: 5060, udp: { state: 'taken' }, tcp: FREE }).evidence).toBe(
    'port 5060 over UDP belongs to another program (not one of ours to see)',
  );
  const refused: PortState = { state: 'refused', why: 'EACCES' };
  expect(judgeSipPort({ port: 506, udp: refused, tcp: refused }).cause).toContain('root');
});

test('a few RTP ports of somebody else do no harm, half of them do', () => {
  const facts = (taken: number) => ({
    range: [10_000, 20_000] as const,
    tried: Array.from({ length: 8 }, (_, index) => ({
      port: 10_000 + index,
      state: index < taken ? TAKEN : FREE,
    })),
  });
  expect([0, 2, 4, 8].map((taken) => judgeRtpPorts(facts(taken)).verdict)).toEqual([
    'ok',
    'note',
    'warning',
    'failed',
  ]);
  const refused = {
    range: [10_000, 20_000],
    tried: [{ port: 10_000, state: { state: 'refused', why: 'no' } }],
  } as const;
  expect(judgeRtpPorts(refused)).toMatchObject({
    verdict: 'failed',
    next: expect.stringContaining('--bind'),
  });
  expect(judgeRtpPorts(facts(2)).evidence).toContain('10000 and 10001, of asterisk (process 812)');
});

test('the socket of a port is found in /proc/net: a TCP one counts when it listens', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:13C4 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 554 1 0 100 0 0 10 0
   1: 00000000:13C4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 555 1 0 100 0 0 10 0
`;
  expect(inodeOf(table, 5060, 'tcp')).toBe('555');
  expect(inodeOf(table, 5060, 'udp')).toBe('554');
  expect(inodeOf(table, 5061, 'tcp')).toBeUndefined();
});
