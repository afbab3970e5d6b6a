/** Servers found by DNS (RFC 3263): a domain without a port, a dead server before Kamailio. */
import { type DnsRecord, startDns } from '../dns-server.ts';
import { startKamailio } from '../kamailio.ts';
import { check, type Lab, LOOPBACK } from '../lab.ts';
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

export const serverScenarios: readonly Scenario[] = overBoth(
  'found by NAPTR and SRV, the first server dead',
  foundByName,
  { needs, limitS: 60 },
);
