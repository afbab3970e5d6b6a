/** Servers found by DNS (RFC 3263): a domain without a port, a dead server before Kamailio. */
import { createSocket } from 'node:dgram';
import { type DnsRecord, startDns } from '../dns-server.ts';
import { startKamailio } from '../kamailio.ts';
import { check, type Lab, LOOPBACK, output } from '../lab.ts';
import { responseText } from '../raw-peer.ts';
import { startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { registered } from './registration.ts';

const DOMAIN = 'provider.test';
const needs = ['kamailio', 'kamcmd'];

/** NAPTR names the transport, SRV a dead server and then Kamailio; TLS is wanted most, and has no server. */
function zone(transport: 'udp' | 'tcp', dead: number, live: number): DnsRecord[] {
  const service = transport === 'udp' ? 'SIP+D2U' : 'SIP+D2T';
  const name = `_sip._${transport}.${DOMAIN}`;
  return [
    { name: DOMAIN, type: 'NAPTR', data: `10 10 s SIPS+D2T _sips._tcp.${DOMAIN}` },
    { name: DOMAIN, type: 'NAPTR', data: `20 10 s ${service} ${name}` },
    { name, type: 'SRV', data: `20 0 ${live} live.${DOMAIN}` },
    { name, type: 'SRV', data: `10 0 ${dead} dead.${DOMAIN}` },
    { name: `live.${DOMAIN}`, type: 'A', data: LOOPBACK },
    { name: `dead.${DOMAIN}`, type: 'A', data: LOOPBACK },
    // Where nobody listens: who does not look at SRV goes there.
    { name: DOMAIN, type: 'A', data: '127.0.0.77' },
  ];
}

/** An account that names its domain alone registers over that transport, at the second server. */
async function foundByName(lab: Lab, transport: 'udp' | 'tcp'): Promise<void> {
  const kamailio = await startKamailio(lab);
  const dead = lab.port();
  const dns = await startDns(lab, zone(transport, dead, kamailio.port));
  const account = ['--user', '100', '--server', DOMAIN, '--domain', kamailio.domain];
  const ringback = await startRingback(lab, [...account, '--dns', dns.address], {
    env: { SIP_PASSWORD: kamailio.password },
  });
  // A server that is gone is told of by ICMP or by a reset, and otherwise by Timer F after 32 s.
  await registered(ringback, 1, 40_000);
  const locations = await kamailio.locations();
  check(new RegExp(`Socket: ${transport}:`).test(locations), `not over ${transport}:\n${locations}`);
  const asked = dns.asked.filter((one) => /^(NAPTR|SRV) /.test(one));
  check(
    asked.join() === `NAPTR ${DOMAIN},SRV _sips._tcp.${DOMAIN},SRV _sip._${transport}.${DOMAIN}`,
    `asked for ${dns.asked.join(', ')}`,
  );
  const [first] = ringback.all('sip.sent').filter(({ startLine }) => startLine.startsWith('REGISTER'));
  const reached = first?.remote ?? '';
  if (transport === 'udp') check(reached === `${LOOPBACK}:${dead}`, `the first REGISTER went to ${reached}`);
  await ringback.stop();
  check(!/AoR: 100/.test(await kamailio.locations()), 'still registered after the end');
}

/** The first server says 503: the account is registered at the next one, and the first is not asked again. */
async function unavailable(lab: Lab): Promise<void> {
  const socket = createSocket('udp4');
  lab.defer(() => void socket.close());
  let asked = 0;
  socket.on('message', (bytes, { address, port }) => {
    const request = bytes.toString('latin1');
    if (!request.startsWith('REGISTER ')) return;
    asked += 1;
    socket.send(Buffer.from(responseText(request, '503 Service Unavailable'), 'latin1'), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, LOOPBACK, resolve));
  const kamailio = await startKamailio(lab);
  const dns = await startDns(lab, zone('udp', socket.address().port, kamailio.port));
  const account = ['--user', '100', '--server', DOMAIN, '--domain', kamailio.domain];
  const ringback = await startRingback(lab, [...account, '--dns', dns.address], {
    env: { SIP_PASSWORD: kamailio.password },
  });
  await registered(ringback, 1, 3_000);
  await ringback.stop();
  check(asked === 1, `the server that said 503 was sent ${asked} REGISTERs`);
}

/** One answer to a ping of that target, and from where it came. */
async function answeredFrom(lab: Lab, target: string, dns: string): Promise<string> {
  const said = await output([...lab.ringback, 'ping', target, '--dns', dns]);
  return /^\[PING\] 200 OK from udp (\S+) /m.exec(said)?.[1] ?? said;
}

/** A name that has IPv6 alone, one that has both families, and a URI whose maddr says where to send (§19.1.1). */
async function addresses(lab: Lab): Promise<void> {
  const echo = await startRingback(lab, ['--sip-port', `${lab.port()}`], { bare: true });
  const six = { type: 'AAAA', data: '0:0:0:0:0:0:0:1' } as const;
  const dns = await startDns(lab, [
    { name: '_sip._udp.six.test', type: 'SRV', data: `10 0 ${echo.port} host.six.test` },
    { name: 'host.six.test', ...six },
    { name: '_sip._udp.both.test', type: 'SRV', data: `10 0 ${echo.port} host.both.test` },
    { name: 'host.both.test', ...six },
    { name: 'host.both.test', type: 'A', data: LOOPBACK },
  ]);
  for (const [target, from] of [
    ['six.test', '[::1]'],
    ['both.test', LOOPBACK],
    [`sip:nowhere.test:${echo.port};maddr=${LOOPBACK}`, LOOPBACK],
    ['sip:nowhere.test;maddr=six.test', '[::1]'],
  ] as const) {
    const there = await answeredFrom(lab, target, dns.address);
    check(there === `${from}:${echo.port}`, `${target} was answered from ${there}`);
  }
  check(!dns.asked.some((one) => one.endsWith('nowhere.test')), `asked for ${dns.asked.join(', ')}`);
  await echo.stop();
}

export const serverScenarios: readonly Scenario[] = [
  ...overBoth('found by NAPTR and SRV, the first server dead', foundByName, { needs, limitS: 60 }),
  { name: 'found by SRV, the first server says 503', needs, run: unavailable },
  { name: 'found by AAAA, by A before AAAA, and by maddr', run: addresses },
];
