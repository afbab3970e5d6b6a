/**
 * DNS prefers TLS and names UDP behind it, and the certificate is another one's: no REGISTER, INVITE or OPTIONS goes
 * out in the clear, and the digest least of all (RFC 3261 §26.1.2). Kamailio listens on both; tshark watches its UDP.
 */
import { join } from 'node:path';
import { startCapture } from '../capture.ts';
import { openCommands } from '../commands.ts';
import { startDns } from '../dns-server.ts';
import { claim, examine } from '../doctor.ts';
import { startKamailio } from '../kamailio.ts';
import { check, type Lab, LOOPBACK } from '../lab.ts';
import type { Scenario } from '../scenario.ts';
import { makeTestAuthority } from '../test-ca.ts';

const DOMAIN = 'provider.test';
const needs = ['kamailio', 'kamcmd', 'openssl', 'tshark'];

async function scene(lab: Lab, certificate: string, tlsPort?: number) {
  const folder = join(lab.dir, 'ca');
  await makeTestAuthority(folder, DOMAIN);
  const file = (name: string) => join(folder, name);
  const tls = { certificate: file(`${certificate}.pem`), key: file(`${certificate}.key`) };
  const kamailio = await startKamailio(lab, { tls });
  const dns = await startDns(lab, [
    { name: DOMAIN, type: 'NAPTR', data: `10 10 s SIPS+D2T _sips._tcp.${DOMAIN}` },
    { name: DOMAIN, type: 'NAPTR', data: `20 10 s SIP+D2U _sip._udp.${DOMAIN}` },
    { name: `_sips._tcp.${DOMAIN}`, type: 'SRV', data: `10 0 ${tlsPort ?? kamailio.tlsPort} sbc.${DOMAIN}` },
    { name: `_sip._udp.${DOMAIN}`, type: 'SRV', data: `10 0 ${kamailio.port} sbc.${DOMAIN}` },
    { name: `sbc.${DOMAIN}`, type: 'A', data: LOOPBACK },
  ]);
  const way = ['--server', DOMAIN, '--dns', dns.address, '--tls-ca', file('ca.pem')];
  const account = ['--user', `100@${kamailio.domain}`, ...way];
  return { kamailio, dns, account };
}

const network = (lab: Lab) => ['--bind', LOOPBACK, '--sip-port', '0', '--rtp-ports', lab.rtpPorts.join('-')];

async function refused(lab: Lab): Promise<void> {
  const { kamailio, dns, account } = await scene(lab, 'other');
  const capture = await startCapture(lab, `udp port ${kamailio.port}`, [kamailio.port]);
  const { run } = openCommands(lab, kamailio.password);
  const to = ['--dns', dns.address, '--foreground', ...network(lab)];
  for (const words of [
    ['register', ...account, '--foreground', ...network(lab)],
    ['call', '--to', `sip:101@${DOMAIN}`, ...to],
  ]) {
    const { code, stdout, stderr } = await run(...words);
    check(code === 6, `${words[0]} ended with ${code}, 6 is due:\n${stdout}${stderr}`);
    const said = `${stdout}${stderr}`;
    check(
      /UDP as well, which is not tried/.test(said),
      `${words[0]} does not say what it left out:\n${said}`,
    );
  }
  const ping = await run('ping', DOMAIN, '--dns', dns.address, '--bind', LOOPBACK, '--count', '2');
  check(ping.code === 6, `ping ended with ${ping.code}, 6 is due:\n${ping.stdout}${ping.stderr}`);
  await capture.stop();
  const seen = await capture.fields('sip', 'sip.Request-Line');
  check(seen.length === 0, `in the clear: ${seen.join('; ')}`);
  // Its OPTIONS go over every transport, to compare; its REGISTER does not.
  const found = await examine(lab, [...account, '--bind', LOOPBACK], kamailio.password);
  claim(found, 'certificate', 'failed');
  claim(found, 'udp', 'note', /200 OK.*no way down from TLS/);
  claim(found, 'credentials', 'unknown', /did not prove over TLS/);
}

/** A port for TLS where nobody listens says nothing about anybody: UDP is tried. */
async function closed(lab: Lab): Promise<void> {
  const { kamailio, account } = await scene(lab, 'good', await lab.port());
  const { run } = openCommands(lab, kamailio.password);
  const { code, stdout } = await run('register', ...account, '--bind', LOOPBACK, '--sip-port', '0');
  check(code === 0, `register ended with ${code}:\n${stdout}`);
  check(/Socket: udp:/.test(await kamailio.locations()), 'Kamailio has no binding over UDP');
  await run('stop');
}

export const bidDownScenarios: readonly Scenario[] = [
  {
    name: 'TLS: no way down from a wrong certificate to UDP, whatever DNS names',
    needs,
    limitS: 60,
    run: refused,
  },
  { name: 'TLS: a closed port leads to UDP where DNS names it', needs, limitS: 45, run: closed },
];
