/** `ringback doctor` and TLS: Kamailio with a good certificate and with each kind of bad one (RFC 5922). */
import { join } from 'node:path';
import { startDns } from '../dns-server.ts';
import { claim, ends, examine } from '../doctor.ts';
import { startKamailio } from '../kamailio.ts';
import { check, type Lab, LOOPBACK } from '../lab.ts';
import type { Scenario } from '../scenario.ts';
import { makeTestAuthority } from '../test-ca.ts';

const DOMAIN = 'provider.test';
const needs = ['kamailio', 'kamcmd', 'openssl'];

async function authority(lab: Lab): Promise<(name: string) => string> {
  const folder = join(lab.dir, 'ca');
  await makeTestAuthority(folder, DOMAIN);
  return (name) => join(folder, name);
}

/** A Kamailio that shows that certificate. */
function showing(lab: Lab, file: (name: string) => string, name: string) {
  return startKamailio(lab, { tls: { certificate: file(`${name}.pem`), key: file(`${name}.key`) } });
}

/** NAPTR wants TLS; the certificate is for the domain, not for the host that SRV names. */
async function found(lab: Lab): Promise<void> {
  const file = await authority(lab);
  const kamailio = await showing(lab, file, 'good');
  const name = `_sips._tcp.${DOMAIN}`;
  const dns = await startDns(lab, [
    { name: DOMAIN, type: 'NAPTR', data: `10 10 s SIPS+D2T ${name}` },
    { name, type: 'SRV', data: `10 0 ${kamailio.tlsPort} sbc.${DOMAIN}` },
    { name: `sbc.${DOMAIN}`, type: 'A', data: LOOPBACK },
  ]);
  const account = ['--user', '100', '--server', DOMAIN, '--domain', kamailio.domain, '--dns', dns.address];
  const good = await examine(lab, [...account, '--tls-ca', file('ca.pem')], kamailio.password);
  ends(good, 0, 'works');
  claim(good, 'dns', 'ok', new RegExp(`leads to tls ${LOOPBACK}:${kamailio.tlsPort}`));
  claim(good, 'tls', 'ok', /200 OK in \d/, /kamailio/);
  claim(
    good,
    'certificate',
    'ok',
    /TLSv1\.3: CN=provider\.test by CN=Test CA, good for provider\.test, \d+ days/,
  );
  claim(good, 'credentials', 'ok');
  const untrusted = await examine(lab, account, kamailio.password);
  ends(untrusted, 6, 'fails');
  claim(untrusted, 'certificate', 'failed', /not among the trusted issuers/, /--tls-ca/);
  claim(untrusted, 'tls', 'failed', /look at the certificate check/);
  const insecure = await examine(lab, [...account, '--tls-insecure'], kamailio.password);
  ends(insecure, 0, 'limited');
  claim(insecure, 'certificate', 'warning', /--tls-insecure takes any certificate/);
}

/** DNS leads on to UDP, which answers; calls do not go down to it from a certificate that is not trusted. */
async function noWayDown(lab: Lab): Promise<void> {
  const file = await authority(lab);
  const kamailio = await showing(lab, file, 'good');
  const [secure, plainly] = [`_sips._tcp.${DOMAIN}`, `_sip._udp.${DOMAIN}`];
  const dns = await startDns(lab, [
    { name: DOMAIN, type: 'NAPTR', data: `10 10 s SIPS+D2T ${secure}` },
    { name: DOMAIN, type: 'NAPTR', data: `20 10 s SIP+D2U ${plainly}` },
    { name: secure, type: 'SRV', data: `10 0 ${kamailio.tlsPort} sbc.${DOMAIN}` },
    { name: plainly, type: 'SRV', data: `10 0 ${kamailio.port} sbc.${DOMAIN}` },
    { name: `sbc.${DOMAIN}`, type: 'A', data: LOOPBACK },
  ]);
  const account = ['--user', '100', '--server', DOMAIN, '--domain', kamailio.domain, '--dns', dns.address];
  const untrusted = await examine(lab, account, kamailio.password);
  ends(untrusted, 6, 'fails');
  claim(untrusted, 'udp', 'note', /200 OK in \d.*no way down from TLS/);
  const { next } = untrusted.finished;
  check(/--tls-ca/.test(next ?? ''), `the advice is: ${next}`);
  const trusted = await examine(lab, [...account, '--tls-ca', file('ca.pem')], kamailio.password);
  ends(trusted, 0, 'works');
  claim(trusted, 'udp', 'ok', /200 OK in \d/);
}

/** Each kind of bad certificate is named, and no password goes out. */
async function bad(lab: Lab): Promise<void> {
  const file = await authority(lab);
  const kinds = {
    expired: /expired|renewed/,
    future: /not valid before|clock/,
    other: /other\.example/,
    self: /by itself/,
  };
  for (const [name, says] of Object.entries(kinds)) {
    const kamailio = await showing(lab, file, name);
    const way = ['--server', LOOPBACK, '--port', `${kamailio.tlsPort}`, '--transport', 'tls'];
    const account = ['--user', '100', '--domain', DOMAIN, ...way, '--tls-ca', file('ca.pem')];
    const seen = await examine(lab, account, kamailio.password);
    ends(seen, 6, 'fails');
    claim(seen, 'certificate', 'failed', says);
    claim(seen, 'credentials', 'unknown', /not asked/);
    await kamailio.stop();
  }
}

/** A port that speaks SIP without TLS. */
async function plain(lab: Lab): Promise<void> {
  const kamailio = await startKamailio(lab);
  const seen = await examine(lab, [`${LOOPBACK}:${kamailio.port}`, '--transport', 'tls']);
  ends(seen, 6, 'fails');
  claim(seen, 'tls', 'failed', /does not speak TLS|says nothing to TLS/);
}

export const doctorTlsScenarios: readonly Scenario[] = [
  { name: 'doctor, tls: found by NAPTR, with the certificate of the domain', needs, run: found },
  { name: 'doctor, tls: a bad certificate, and UDP behind it in DNS is no way', needs, run: noWayDown },
  { name: 'doctor, tls: each kind of bad certificate', needs, limitS: 60, run: bad },
  { name: 'doctor, tls: a port that does not speak it', needs: ['kamailio', 'kamcmd'], run: plain },
];
