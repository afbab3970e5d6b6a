/**
 * What is kept of DNS and for how long (RFC 1035, RFC 2308, RFC 8767), servers that failed before (RFC 3263 §4.3), a
 * proxy by its name, and what is too large for a datagram (RFC 3261 §18.1.1). The DNS server counts its questions,
 * tshark says over what an INVITE really went.
 */
import { type Event, streamEvent } from '../../src/events.ts';
import { startCall } from '../caller.ts';
import { startCapture } from '../capture.ts';
import { type DnsRecord, type DnsServer, startDns } from '../dns-server.ts';
import { check, type Lab, LOOPBACK, output, sleep, until, within } from '../lab.ts';
import { type Ringback, startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { answers, ended, gets, startUas } from '../uas.ts';

const DOMAIN = 'provider.test';
const SRV = `_sip._udp.${DOMAIN}`;

/** A service over UDP at those ports, one after the other. */
function zone(ports: readonly number[], ttlS: number): DnsRecord[] {
  return ports.flatMap((port, at): DnsRecord[] => [
    { name: SRV, type: 'SRV', data: `${10 * (at + 1)} 0 ${port} s${at}.${DOMAIN}`, ttlS },
    { name: `s${at}.${DOMAIN}`, type: 'A', data: LOOPBACK, ttlS },
  ]);
}

/** Pings a name again and again; the events so far. */
function pinging(lab: Lab, { address }: DnsServer, count: number, intervalS: number) {
  const words = ['ping', DOMAIN, '--json', '--bind', LOOPBACK, '--dns', address];
  const peer = lab.spawn('ping', [
    ...lab.ringback,
    ...words,
    ...['--count', `${count}`, '--interval', `${intervalS}`],
  ]);
  const events = (): Event[] =>
    peer
      .output()
      .split('\n')
      .slice(0, -1)
      .flatMap((line) => {
        const read = streamEvent.safeParse(JSON.parse(line));
        check(read.success, `not an event: ${line}`);
        return [read.data as Event];
      });
  const answered = () =>
    events().flatMap((one) =>
      one.type === 'ping.answered' ? [{ port: Number(one.remote?.split(':').at(-1)), ...one }] : [],
    );
  return { peer, events, answered };
}

/** The server of a name changes while it is pinged: the old one serves until the time to live is over. */
async function timeToLive(lab: Lab): Promise<void> {
  const [before, after] = [await startRingback(lab, [], { name: 'before' }), await later(lab)];
  const records = zone([before.port], 3);
  const dns = await startDns(lab, records, 60);
  const { peer, answered } = pinging(lab, dns, 10, 0.5);
  await until('the first ping', () => answered().length > 0, 10_000);
  records.splice(0, records.length, ...zone([after.port], 60));
  check((await within('the pings', peer.exited, 15_000)) === 0, 'a ping was not answered');
  const ports = answered().map(({ port }) => port);
  const moved = ports.indexOf(after.port);
  // Every half second for three seconds, give or take the machine.
  check(moved >= 4 && moved <= 8, `the new server took ping ${moved + 1} of ${ports.join(' ')}`);
  check(
    ports.slice(moved).every((port) => port === after.port),
    `back again: ${ports.join(' ')}`,
  );
  const times = (what: string) => dns.asked.filter((one) => one === what).length;
  check(times(`SRV ${SRV}`) === 2, `SRV was asked for ${times(`SRV ${SRV}`)} times, not twice`);
  check(times(`A s0.${DOMAIN}`) === 2, `A was asked for ${times(`A s0.${DOMAIN}`)} times, not twice`);
  // What is not there: no NAPTR, no SRV over TCP, no AAAA, kept for a minute.
  for (const none of [`NAPTR ${DOMAIN}`, `SRV _sip._tcp.${DOMAIN}`, `AAAA s0.${DOMAIN}`]) {
    check(times(none) === 1, `${none} was asked for ${times(none)} times, not once: ${dns.asked.join(', ')}`);
  }
  for (const echo of [before, after]) await echo.stop();
}

/** A second echo, with RTP ports of its own. */
function later(lab: Lab): Promise<Ringback> {
  const [first, last] = lab.rtpPorts;
  return startRingback(lab, ['--rtp-ports', `${first + 500}-${last}`], { name: 'after' });
}

/** DNS answers no more, and the time to live is over: the old answer serves. */
async function dnsAway(lab: Lab): Promise<void> {
  const echo = await startRingback(lab);
  const dns = await startDns(lab, zone([echo.port], 1), 1);
  const { peer, answered } = pinging(lab, dns, 4, 1.5);
  await until('the first ping', () => answered().length > 0, 10_000);
  const asked = dns.asked.length;
  dns.fallSilent();
  check((await within('the pings', peer.exited, 25_000)) === 0, 'a ping was not answered');
  check(
    answered().every(({ port }) => port === echo.port),
    'a ping went elsewhere',
  );
  check(dns.asked.length > asked, 'DNS was not asked again');
  await echo.stop();
}

/** A dead server stands first: the first ping finds it out, and the next ones go to the other at once. */
async function deadFirst(lab: Lab): Promise<void> {
  const echo = await startRingback(lab);
  const dead = lab.port();
  const dns = await startDns(lab, zone([dead, echo.port], 1), 60);
  const { peer, events, answered } = pinging(lab, dns, 4, 1.2);
  check((await within('the pings', peer.exited, 20_000)) === 0, 'a ping was not answered');
  check(
    answered().every(({ port }) => port === echo.port),
    'a ping was answered elsewhere',
  );
  const went = events().flatMap((one) =>
    one.type === 'sip.sent' ? [Number(one.remote.split(':').at(-1))] : [],
  );
  check(went.filter((port) => port === dead).length === 1, `OPTIONS went to ${went.join(' ')}`);
  await echo.stop();
}

/** An INVITE to nowhere goes through a proxy that has a name, by NAPTR and SRV, behind a dead server. */
async function proxyByName(lab: Lab, transport: 'udp' | 'tcp'): Promise<void> {
  const name = `proxy.${DOMAIN}`;
  const route = [`Route: <sip:${name};lr>`, 'INVITE sip:callee@nowhere.test SIP/2.0'];
  const steps = [
    gets('INVITE', { has: route }),
    answers('180 Ringing'),
    answers('200 OK', { sdp: true }),
    gets('ACK'),
    ...ended,
  ];
  const uas = await startUas(lab, transport, steps);
  const dead = lab.port();
  const service = transport === 'udp' ? 'SIP+D2U' : 'SIP+D2T';
  const dns = await startDns(lab, [
    { name, type: 'NAPTR', data: `10 10 s ${service} _sip._${transport}.${name}` },
    { name: `_sip._${transport}.${name}`, type: 'SRV', data: `20 0 ${uas.port} live.${name}` },
    { name: `_sip._${transport}.${name}`, type: 'SRV', data: `10 0 ${dead} dead.${name}` },
    { name: `live.${name}`, type: 'A', data: LOOPBACK },
    { name: `dead.${name}`, type: 'A', data: LOOPBACK },
  ]);
  const caller = startCall(lab, 'caller', [
    ...['--to', 'sip:callee@nowhere.test', '--proxy', name, '--dns', dns.address, '--duration', '0.5'],
    ...network(lab),
  ]);
  await caller.ends(0, 20_000);
  await uas.passed();
  check(!dns.asked.some((one) => one.endsWith('nowhere.test')), `asked for ${dns.asked.join(', ')}`);
}

function network(lab: Lab): string[] {
  const [first, last] = lab.rtpPorts;
  return ['--bind', LOOPBACK, '--sip-port', '0', '--rtp-ports', `${first}-${last}`];
}

/** 1,500 bytes of header fields. */
const LARGE = Array.from({ length: 10 }, (_, at) => ['--header', `X-Large-${at}: ${'x'.repeat(140)}`]).flat();

/** A call whose INVITE is too large, to a callee over that transport; what tshark saw of it. */
async function largeCall(lab: Lab, transport: 'udp' | 'tcp', said = ''): Promise<string[]> {
  const steps = [
    gets('INVITE'),
    answers('180 Ringing'),
    answers('200 OK', { sdp: true }),
    gets('ACK'),
    ...ended,
  ];
  const uas = await startUas(lab, transport, steps);
  await sleep(500);
  const capture = await startCapture(lab, `port ${uas.port}`, [uas.port]);
  const to = `sip:callee@${LOOPBACK}:${uas.port}`;
  const caller = startCall(lab, 'caller', ['--to', to, '--duration', '0.5', ...LARGE, ...network(lab)]);
  await caller.ends(0, 20_000);
  await uas.passed();
  await capture.stop();
  const codes = caller.all('diagnosis.raised').map(({ code }) => code);
  check(codes.join() === said, `diagnosed: ${codes.join(', ')}`);
  check((await capture.errors()).length === 0, 'tshark finds errors');
  const invites = await capture.fields('sip.Method == "INVITE"', 'ip.proto', 'sip.Via.transport');
  return [...new Set(invites.map((fields) => fields.join(' ')))];
}

/** The same where a firewall swallows TCP: it goes over UDP when three seconds are over, and that is said. */
async function tcpDropped(lab: Lab): Promise<void> {
  const chain = 'add chain inet wall in { type filter hook input priority 0 ; }';
  for (const words of ['add table inet wall', chain, 'add rule inet wall in meta l4proto tcp drop']) {
    await output(['nft', words]);
  }
  const seen = await largeCall(lab, 'udp', 'tcp-silent');
  check(seen.join() === '17 UDP', `tshark saw INVITE as ${seen.join(', ')}`);
}

export const dnsScenarios: readonly Scenario[] = [
  {
    name: 'dns: a changed answer counts when its time to live is over, not before',
    limitS: 45,
    run: timeToLive,
  },
  { name: 'dns: away, and the old answer serves', limitS: 60, run: dnsAway },
  { name: 'dns: a server that failed is tried last by what comes next', limitS: 45, run: deadFirst },
  ...overBoth('called: through a proxy that has a name, its first server dead', proxyByName, {
    needs: ['sipp'],
    limitS: 45,
  }),
  {
    name: 'called: an INVITE of 1,900 bytes goes over TCP (§18.1.1)',
    needs: ['sipp', 'tshark'],
    limitS: 45,
    async run(lab) {
      const seen = await largeCall(lab, 'tcp');
      check(seen.join() === '6 TCP', `tshark saw INVITE as ${seen.join(', ')}`);
    },
  },
  {
    name: 'called: an INVITE of 1,900 bytes goes over UDP where nobody listens on TCP (§18.1.1)',
    needs: ['sipp', 'tshark'],
    limitS: 45,
    async run(lab) {
      const seen = await largeCall(lab, 'udp');
      check(seen.join() === '17 UDP', `tshark saw INVITE as ${seen.join(', ')}`);
    },
  },
  {
    name: 'called: an INVITE of 1,900 bytes goes over UDP where TCP is dropped in silence (§18.1.1)',
    needs: ['sipp', 'tshark', 'nft'],
    limitS: 60,
    run: tcpDropped,
  },
];
