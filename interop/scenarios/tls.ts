/**
 * TLS (RFC 3261 §26, RFC 5922): a test authority made here, Kamailio and our own registrar with its certificates, and
 * each way in which a certificate can be wrong.
 */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBaresip } from '../baresip.ts';
import { startCall } from '../caller.ts';
import { startCapture } from '../capture.ts';
import { type Kamailio, startKamailio } from '../kamailio.ts';
import { check, type Lab, LOOPBACK, output, sleep, until, within } from '../lab.ts';
import { type Ringback, startRingback } from '../ringback.ts';
import type { Scenario } from '../scenario.ts';
import { issue, makeTestAuthority } from '../test-ca.ts';
import { registered } from './registration.ts';

const DOMAIN = 'lab.local';
const PASSWORD = 'secret';
const needs = ['kamailio', 'kamcmd', 'openssl'];

/** The files of an authority of this scenario. */
interface Authority {
  readonly ca: string;
  pem(name: string): string;
  key(name: string): string;
}

async function authority(lab: Lab): Promise<Authority> {
  const folder = join(lab.dir, 'ca');
  await makeTestAuthority(folder, DOMAIN);
  const pem = (name: string) => join(folder, `${name}.pem`);
  return { ca: pem('ca'), pem, key: (name) => join(folder, `${name}.key`) };
}

const certified = ({ pem, key }: Authority, name: string) => ({ certificate: pem(name), key: key(name) });
const at = (port: number) => ['--server', LOOPBACK, '--port', `${port}`, '--domain', DOMAIN];
const network = (lab: Lab) => [
  ...['--bind', LOOPBACK, '--sip-port', '0', '--rtp-ports', lab.rtpPorts.join('-')],
];

/** The echo and a call of ours with baresip, all over TLS, by way of Kamailio; nothing of SIP can be read on the wire. */
async function withKamailio(lab: Lab): Promise<void> {
  const own = await authority(lab);
  const kamailio = await startKamailio(lab, { tls: certified(own, 'good') });
  // What is not encrypted would go to Kamailio's other port, or be read on this one.
  const capture = await startCapture(lab, `port ${kamailio.port} or port ${kamailio.tlsPort}`, []);
  const proxy = { port: kamailio.tlsPort, domain: DOMAIN, password: kamailio.password };
  const phone = await startBaresip(lab, proxy, 'tls', { user: '200', authority: own.ca, answers: true });
  const account = ['--user', '100', ...at(kamailio.tlsPort), '--transport', 'tls', '--tls-ca', own.ca];
  const echo = await startRingback(lab, account, { env: { SIP_PASSWORD: kamailio.password } });
  await registered(echo);
  const [secured] = echo.all('connection.secured');
  check(secured?.protocol === 'TLSv1.3', `protocol ${secured?.protocol}`);
  check(secured?.verified === DOMAIN, `verified for ${secured?.verified}`);
  check(/Socket: tls:/.test(await kamailio.locations()), 'Kamailio has no binding over TLS');

  for (const hungUpBy of ['baresip', 'the echo']) {
    phone.command('dial', `sip:100@${DOMAIN}`);
    const { call } = await echo.wait(
      'call.changed',
      ({ to, call }) =>
        to === 'established' &&
        !echo.all('call.changed').some((one) => one.call === call && one.to === 'terminated'),
      8_000,
    );
    await sleep(2_500);
    if (hungUpBy === 'baresip') phone.command('hangup');
    else echo.say(`hangup ${call}`);
    await echo.wait('call.changed', (one) => one.call === call && one.to === 'terminated');
    await sleep(300);
  }
  await callsBaresip(lab, own, kamailio);
  // Before the capture ends, so that all of it is seen.
  await echo.stop();
  phone.command('quit');
  await within('baresip to end', phone.peer.exited, 5_000).catch(() => phone.peer.kill('SIGKILL'));
  const tone = phone.heardTone();
  check(tone > 0.8, `of what baresip heard, ${tone.toFixed(2)} is its tone; over 0.80 is due`);
  await capture.stop();
  const plain = await capture.fields('frame contains "SIP/2.0"', 'frame.number');
  check(plain.length === 0, `${plain.length} packets with SIP in the clear`);
  const port = `tcp.port == ${kamailio.tlsPort}`;
  check((await capture.fields(port, 'frame.number')).length > 20, 'too few packets over TLS');
  check(secured?.serial !== undefined, 'no serial number was told');
}

/** Placed by us, answered by baresip, with audio both ways, and hung up by us. */
async function callsBaresip(lab: Lab, own: Authority, kamailio: Kamailio): Promise<void> {
  const words = ['--user', '101', ...at(kamailio.tlsPort), '--transport', 'tls', '--tls-ca', own.ca];
  const talk = ['--to', `sip:200@${DOMAIN}`, '--play', 'tone', '--duration', '2'];
  const caller = startCall(lab, 'caller', [
    ...[...words, ...talk, ...network(lab)],
    ...['--password', kamailio.password],
  ]);
  await caller.ends(0, 20_000);
  const [media] = caller.all('media.stopped');
  check((media?.packetsReceived ?? 0) > 60, `${media?.packetsReceived} packets of audio came`);
  const over = caller.all('sip.sent').filter(({ transport }) => transport !== 'tls');
  check(over.length === 0, `${over.length} messages of ours did not go over TLS`);
}

/** A server that shows that certificate; its port. */
type Server = (lab: Lab, own: Authority) => Promise<number>;

const kamailioWith =
  (name: string, verify = false): Server =>
  async (lab, own) => {
    const more = verify ? { clientAuthority: own.ca } : {};
    return (await startKamailio(lab, { tls: { ...certified(own, name), ...more } })).tlsPort;
  };

async function connects(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: LOOPBACK, port, socket: { data: () => {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}

/** openssl itself, for what no SIP server can be brought to do any more. */
const opensslWith =
  (...words: string[]): Server =>
  async (lab, own) => {
    const port = lab.port();
    const files = ['-cert', own.pem('good'), '-key', own.key('good')];
    // -quiet: otherwise it ends with its standard input.
    lab.spawn('s_server', ['openssl', 's_server', '-accept', `${port}`, '-quiet', ...files, ...words]);
    await until('openssl to listen', () => connects(port));
    return port;
  };

const WRONG: readonly {
  readonly what: string;
  readonly code: string;
  readonly server: Server;
  /** Do not trust the authority. */
  readonly stranger?: true;
}[] = [
  { what: 'expired', code: 'certificate-expired', server: kamailioWith('expired') },
  { what: 'an issuer that expired', code: 'certificate-expired', server: kamailioWith('under-expired') },
  { what: 'not yet valid', code: 'certificate-not-yet-valid', server: kamailioWith('future') },
  { what: 'another name', code: 'wrong-name', server: kamailioWith('other') },
  { what: 'a wildcard', code: 'wrong-name', server: kamailioWith('wildcard') },
  { what: 'signed by itself', code: 'self-signed', server: kamailioWith('self') },
  { what: 'an unknown issuer', code: 'unknown-issuer', server: kamailioWith('good'), stranger: true },
  { what: 'an incomplete chain', code: 'incomplete-chain', server: kamailioWith('incomplete') },
  {
    what: 'TLS 1.1 alone',
    code: 'protocol-version',
    server: opensslWith('-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'),
  },
  {
    what: 'no common cipher',
    code: 'no-common-cipher',
    server: opensslWith('-tls1_2', '-cipher', 'ECDHE-ECDSA-CAMELLIA128-SHA256'),
  },
  {
    what: 'a certificate wanted from us, TLS 1.2',
    code: 'client-certificate-wanted',
    server: opensslWith('-Verify', '1', '-tls1_2'),
  },
  {
    what: 'a certificate wanted from us',
    code: 'client-certificate-wanted',
    server: kamailioWith('good', true),
  },
  {
    what: 'a port of plain SIP',
    code: 'no-answer',
    server: async (lab) => (await startRingback(lab, [], { name: 'plain' })).port,
  },
];

/** `ringback register` fails with 6 and says what is wrong, in good time; no credentials and no SIP went out. */
async function refused(lab: Lab, { code, server, stranger }: (typeof WRONG)[number]): Promise<void> {
  const own = await authority(lab);
  const port = await server(lab, own);
  const trust = stranger === undefined ? ['--tls-ca', own.ca] : [];
  const words = ['register', '--foreground', '--json', '--user', '100', ...at(port), '--transport', 'tls'];
  const started = performance.now();
  const peer = lab.spawn('register', [...lab.ringback, ...words, ...trust, ...network(lab)], {
    SIP_PASSWORD: PASSWORD,
    XDG_RUNTIME_DIR: lab.dir,
  });
  const exit = await within('register to fail', peer.exited, 15_000);
  check(exit === 6, `exit code ${exit}, 6 is due:\n${peer.output()}`);
  const tookMs = performance.now() - started;
  check(tookMs < 9_000, `it took ${Math.round(tookMs)} ms`);
  const said = peer.output();
  const [line, ...more] = said.split('\n').filter((one) => one.includes('"diagnosis.raised"'));
  check(line?.includes(`"code":"tls-${code}"`) === true, `the diagnosis is ${line}`);
  check(more.length === 0, `more than one diagnosis:\n${more.join('\n')}`);
  check(!said.includes('"connection.secured"') || code.startsWith('client'), 'it was used');
}

/** With a certificate of ours, Kamailio that wants one lets us in; with `--tls-insecure` a bad one is taken and said. */
async function letIn(lab: Lab): Promise<void> {
  const own = await authority(lab);
  const kamailio = await startKamailio(lab, { tls: { ...certified(own, 'other'), clientAuthority: own.ca } });
  const ours = ['--tls-cert', own.pem('good'), '--tls-key', own.key('good'), '--tls-port', '0'];
  const account = ['--user', '100', ...at(kamailio.tlsPort), '--transport', 'tls', '--tls-ca', own.ca];
  const echo = await startRingback(lab, [...account, ...ours, '--tls-insecure'], {
    env: { SIP_PASSWORD: kamailio.password },
  });
  await registered(echo);
  const warned = echo.all('diagnosis.raised').filter(({ code }) => code === 'tls-not-verified');
  check(warned.length === echo.all('connection.secured').length, `warned ${warned.length} times`);
  check(warned[0]?.evidence.includes('other.example') === true, `evidence: ${warned[0]?.evidence}`);
  check(
    echo.all('listener.opened').some(({ transport }) => transport === 'tls'),
    'nothing listens on TLS',
  );
  await echo.stop();
}

async function startRegistrar(lab: Lab, own: Authority, files = certified(own, 'good')): Promise<Ringback> {
  const users = ['100', '101', '201'].flatMap((user) => ['--user', `${user}:${PASSWORD}`]);
  const tls = ['--tls-cert', files.certificate, '--tls-key', files.key, '--tls-port', '0'];
  return startRingback(lab, ['--domain', DOMAIN, ...users, ...tls], {
    command: 'registrar',
    name: 'registrar',
  });
}

const tlsPortOf = (one: Ringback): number =>
  one.all('listener.opened').find(({ transport }) => transport === 'tls')?.port ?? 0;

/** A call to our echo through our registrar: two TLS clients of it, and its Record-Route over TLS. */
async function ownRegistrar(lab: Lab, scheme: 'sip' | 'sips'): Promise<void> {
  const own = await authority(lab);
  const registrar = await startRegistrar(lab, own);
  const port = tlsPortOf(registrar);
  const where =
    scheme === 'sips'
      ? ['--server', `sips:${LOOPBACK}:${port}`, '--domain', DOMAIN]
      : [...at(port), '--transport', 'tls'];
  const echo = await startRingback(lab, ['--user', '101', ...where, '--tls-ca', own.ca], {
    env: { SIP_PASSWORD: PASSWORD },
  });
  await registered(echo);
  const [binding] = registrar.all('binding.changed');
  const shape = scheme === 'sips' ? /^sips:101@/ : /^sip:101@.*;transport=tls/;
  check(shape.test(binding?.contact ?? ''), `bound: ${binding?.contact}`);
  if (scheme === 'sip') {
    const proxy = { port, domain: DOMAIN, password: PASSWORD };
    const phone = await startBaresip(lab, proxy, 'tls', { user: '201', authority: own.ca });
    phone.command('dial', `sip:101@${DOMAIN}`);
    const { call } = await echo.wait('call.changed', ({ to }) => to === 'established', 8_000);
    await sleep(2_500);
    echo.say(`hangup ${call}`);
    await phone.event('CALL_CLOSED');
    check(phone.heardTone() > 0.8, 'baresip did not hear its tone');
  } else {
    const words = ['--user', '100', ...where, '--tls-ca', own.ca, '--to', `sips:101@${DOMAIN}`];
    const talk = ['--play', 'tone', '--duration', '1', '--password', PASSWORD];
    const caller = startCall(lab, 'caller', [...words, ...talk, ...network(lab)]);
    await caller.ends(0, 15_000);
    const invite = registrar
      .all('sip.sent')
      .find(({ startLine }) => startLine.startsWith('INVITE sips:101@'));
    check(invite?.transport === 'tls', 'the INVITE did not go on as sips: over TLS');
  }
  const plain = echo.all('sip.received').filter(({ transport }) => transport !== 'tls');
  check(plain.length === 0, `${plain.length} messages came to the echo in the clear`);
  await echo.wait('media.stopped');
  await echo.stop();
  await registrar.stop();
}

/** The serial number of what a port shows, by openssl. */
async function serialAt(port: number): Promise<string> {
  const client = ['openssl', 's_client', '-connect', `${LOOPBACK}:${port}`];
  const shown = Bun.spawn(client, { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' });
  const text = await within('s_client', new Response(shown.stdout).text(), 5_000);
  const [pem] = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(text) ?? [];
  check(pem !== undefined, `openssl sees no certificate:\n${text}`);
  const read = Bun.spawn(['openssl', 'x509', '-noout', '-serial'], {
    stdin: new Blob([pem]),
    stdout: 'pipe',
  });
  return (await new Response(read.stdout).text()).trim();
}

/** SIGHUP: a new certificate from the next connection on, what stands goes on, a bad file changes nothing. */
async function reload(lab: Lab): Promise<void> {
  const own = await authority(lab);
  const files = { certificate: join(lab.dir, 'used.pem'), key: join(lab.dir, 'used.key') };
  const use = (name: string) => {
    copyFileSync(own.pem(name), files.certificate);
    copyFileSync(own.key(name), files.key);
  };
  use('good');
  const registrar = await startRegistrar(lab, own, files);
  const port = tlsPortOf(registrar);
  const account = ['--user', '101', ...at(port), '--transport', 'tls', '--tls-ca', own.ca];
  const echo = await startRingback(lab, account, { env: { SIP_PASSWORD: PASSWORD } });
  await registered(echo);
  const before = await serialAt(port);
  await issue(join(lab.dir, 'ca'), { name: 'renewed', alternatives: `DNS:${DOMAIN}`, commonName: DOMAIN });
  use('renewed');
  registrar.kill('SIGHUP');
  await until('the reload to be said', () => /SIGHUP: the TLS files were read/.test(registrar.stderr()));
  const after = await serialAt(port);
  check(after !== before, `the certificate is the same after SIGHUP: ${after}`);
  copyFileSync(own.key('self'), files.key);
  registrar.kill('SIGHUP');
  await until('the bad file to be said', () => /SIGHUP: .* cannot be used/.test(registrar.stderr()));
  check((await serialAt(port)) === after, 'a bad file took the certificate away');
  check(/is not the key of/.test(registrar.stderr()), `it said:\n${registrar.stderr()}`);
  check(echo.all('registration.changed').at(-1)?.to === 'registered', 'the reload ended a registration');
  check(echo.all('connection.secured').length === 1, 'the reload ended a connection');
  await echo.stop();
  await registrar.stop();
}

/** `ringback ping sips:`, with the certificate that a person would look at. */
async function pinged(lab: Lab): Promise<void> {
  const own = await authority(lab);
  const registrar = await startRegistrar(lab, own);
  const target = `sips:${LOOPBACK}:${tlsPortOf(registrar)}`;
  const said = await output([...lab.ringback, 'ping', target, '--tls-ca', own.ca, '-v', '--bind', LOOPBACK]);
  check(/^\[PING\] 200 OK from tls /m.test(said), `it said:\n${said}`);
  check(/^\[TLS\] TLSv1\.3 \S+ to \S+ verified 127\.0\.0\.1 serial /m.test(said), `it said:\n${said}`);
  await registrar.stop();
}

/** Junk, silence and old versions on the TLS port: bounded words, and the service goes on. */
async function strangers(lab: Lab): Promise<void> {
  const own = await authority(lab);
  const registrar = await startRegistrar(lab, own);
  const port = tlsPortOf(registrar);
  const connect = (data: string) =>
    Bun.connect({
      hostname: LOOPBACK,
      port,
      socket: {
        open: (socket) => void socket.write(data),
        data: () => {},
        error: () => {},
      },
      // Whoever gives way to the next is cut off.
    }).catch(() => undefined);
  for (let count = 0; count < 600; count++) await connect('OPTIONS sip:lab.local SIP/2.0\r\n\r\n');
  // More than may be pending at once, and none of them says a word.
  const silent = await Promise.all(Array.from({ length: 400 }, () => connect('')));
  await sleep(500);
  const said = registrar.all('sip.rejected');
  check(said.length > 0 && said.length < 250, `${said.length} rejections were said of 600`);
  check(said[0]?.code === 'tls-not-spoken', `the first is ${said[0]?.code}`);
  const target = `sips:${LOOPBACK}:${port}`;
  await output([...lab.ringback, 'ping', target, '--tls-ca', own.ca, '--bind', LOOPBACK]);
  for (const socket of silent) socket?.end();
  await registrar.stop();
}

/** openssl as a phone that does not trust the issuer of our certificate: it says so in an alert, each version its own way. */
async function notTaken(lab: Lab): Promise<void> {
  const own = await authority(lab);
  const registrar = await startRegistrar(lab, own);
  const target = `${LOOPBACK}:${tlsPortOf(registrar)}`;
  for (const [count, version] of ['-tls1_2', '-tls1_3'].entries()) {
    const client = ['openssl', 's_client', '-connect', target, version, '-verify_return_error', '-no-CAfile'];
    const phone = lab.spawn(`phone${version}`, client);
    check((await within('openssl to give up', phone.exited, 5_000)) !== 0, `${version} took the certificate`);
    await until(`what is said of ${version}`, () => registrar.all('sip.rejected').length > count);
  }
  const codes = registrar.all('sip.rejected').map(({ code }) => code);
  check(
    codes.every((code) => code === 'tls-certificate-not-taken'),
    `it is said as ${codes.join(' ')}`,
  );
  await registrar.stop();
}

export const tlsScenarios: readonly Scenario[] = [
  {
    name: 'TLS: registered with Kamailio, called and calling with audio, hung up from either side',
    needs: [...needs, 'baresip', 'dumpcap', 'tshark'],
    limitS: 60,
    run: withKamailio,
  },
  ...WRONG.map((wrong) => ({
    name: `TLS: ${wrong.what} has a diagnosis of its own`,
    needs,
    run: (lab: Lab) => refused(lab, wrong),
  })),
  { name: 'TLS: a certificate of ours lets us in, --tls-insecure warns', needs, run: letIn },
  {
    name: 'TLS: baresip and the echo at our registrar',
    needs: [...needs, 'baresip'],
    run: (lab) => ownRegistrar(lab, 'sip'),
  },
  { name: 'TLS: sips: from end to end at our registrar', needs, run: (lab) => ownRegistrar(lab, 'sips') },
  { name: 'TLS: SIGHUP reads the files anew', needs, limitS: 40, run: reload },
  { name: 'TLS: ping sips:', needs, run: pinged },
  { name: 'TLS: a phone that does not take our certificate', needs, run: notTaken },
  { name: 'TLS: junk and silence on the port', needs, limitS: 40, run: strangers },
];
