/** The echo behind Kamailio: registered, called through it by SIPp and by baresip, and what happens when that fails. */
import { join } from 'node:path';
import { startBaresip } from '../baresip.ts';
import { startCapture } from '../capture.ts';
import { type Kamailio, startKamailio } from '../kamailio.ts';
import { check, type Lab, LOOPBACK, sleep, until, within } from '../lab.ts';
import { type Ringback, type RingbackOptions, startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { runSipp, sippPassed, startSipp } from '../sipp.ts';

type Transport = 'udp' | 'tcp';

const needs = ['kamailio', 'kamcmd', 'sipp'];

/** The echo with user 100 at that Kamailio. */
export function startAccount(
  lab: Lab,
  kamailio: Kamailio,
  transport: Transport,
  args: readonly string[] = [],
  options: RingbackOptions & { readonly password?: string } = {},
): Promise<Ringback> {
  const { password = kamailio.password, ...rest } = options;
  const server = ['--server', LOOPBACK, '--port', `${kamailio.port}`, '--domain', kamailio.domain];
  const account = ['--user', '100', ...server, '--transport', transport];
  return startRingback(lab, [...account, ...args], { ...rest, env: { SIP_PASSWORD: password } });
}

export const registered = (ringback: Ringback, times = 1, limitMs = 8_000): Promise<void> =>
  until(
    `registration.changed to registered (${times}×)`,
    () => ringback.all('registration.changed').filter(({ to }) => to === 'registered').length >= times,
    limitMs,
  );

/** Registered by Kamailio's word, over that transport, and no secret in what the echo says. */
async function register(lab: Lab, transport: Transport, algorithm: 'MD5' | 'SHA-256'): Promise<void> {
  const kamailio = await startKamailio(lab, { algorithm });
  const ringback = await startAccount(lab, kamailio, transport, ['--raw']);
  await registered(ringback);
  const locations = await kamailio.locations();
  check(/AoR: 100/.test(locations), `Kamailio knows no 100:\n${locations}`);
  check(new RegExp(`Socket: ${transport}:`).test(locations), `not over ${transport}:\n${locations}`);
  const challenge = await ringback.wait('auth.challenged');
  check(challenge.algorithm === algorithm, `challenged with ${challenge.algorithm}`);
  const [changed] = ringback.all('registration.changed').filter(({ to }) => to === 'registered');
  check((changed?.expiresS ?? 0) > 0, 'registered without expiresS');
  await ringback.stop();
  const after = await kamailio.locations();
  check(!/AoR: 100/.test(after), `still registered after the end:\n${after}`);
  const said = JSON.stringify(ringback.events) + ringback.stderr();
  check(!said.includes(kamailio.password), 'the password stands in the output');
  const credentials = ringback.events
    .map((event) => ('raw' in event && event.raw) || '')
    .filter((raw) => /^Authorization:/m.test(raw));
  check(credentials.length > 0, '--raw shows no Authorization field');
  check(
    !credentials.some((raw) => /response="[0-9a-f]{32,}"/.test(raw)),
    'a digest response stands in --raw',
  );
}

async function calledBySipp(lab: Lab, transport: Transport, caller: Transport): Promise<void> {
  const kamailio = await startKamailio(lab);
  const ringback = await startAccount(lab, kamailio, transport);
  await registered(ringback);
  const target = `${LOOPBACK}:${kamailio.port}`;
  const options = { target, transport: caller, service: '100' };
  await runSipp(lab, 'call', { ...options, calls: 5, args: ['-d', '500'] });
  // And ended from our side.
  const peer = await startSipp(lab, 'hangup-by-echo', options);
  await until(
    'the sixth call',
    () => ringback.all('call.changed').filter(({ to }) => to === 'established').length === 6,
  );
  ringback.say(`hangup ${ringback.all('call.changed').at(-1)?.call}`);
  await sippPassed(lab, peer);
  // Every request came over the transport that was registered, and over TCP down that very connection.
  const invites = ringback.all('sip.received').filter(({ startLine }) => /^(INVITE|BYE) /.test(startLine));
  check(invites.length === 11, `${invites.length} INVITE and BYE received, not 11`);
  for (const { transport: used, remote, startLine } of invites) {
    check(used === transport, `${startLine} came over ${used}`);
    check(remote === target, `${startLine} came from ${remote}, not down the flow to ${target}`);
  }
  await ringback.stop();
}

async function calledByBaresip(lab: Lab, transport: Transport, endedBy: 'baresip' | 'echo'): Promise<void> {
  const kamailio = await startKamailio(lab);
  const ringback = await startAccount(lab, kamailio, transport);
  await registered(ringback);
  const phone = await startBaresip(lab, kamailio, transport === 'tcp' ? 'udp' : 'tcp');
  phone.command('dial', `sip:100@${kamailio.domain}`);
  await phone.event('CALL_ESTABLISHED');
  const { call } = await ringback.wait('call.changed', ({ to }) => to === 'established');
  await sleep(4_000);
  if (endedBy === 'baresip') phone.command('hangup');
  else ringback.say(`hangup ${call}`);
  if (endedBy === 'echo') await phone.event('CALL_CLOSED');
  const media = await ringback.wait('media.stopped');
  // 4 s of 20 ms.
  check(media.packetsReceived > 150, `packets from baresip: ${JSON.stringify(media)}`);
  check(
    media.packetsSent >= media.packetsReceived,
    `not every packet was sent back: ${JSON.stringify(media)}`,
  );
  check(ringback.all('media.sampled').length >= 4, `${ringback.all('media.sampled').length} samples in 4 s`);
  phone.command('quit');
  await within('baresip to end', phone.peer.exited, 5_000).catch(() => phone.peer.kill('SIGKILL'));
  const tone = phone.heardTone();
  check(tone > 0.8, `of what baresip heard, ${tone.toFixed(2)} is its own tone; over 0.80 is due`);
  await ringback.stop();
}

async function restarted(lab: Lab, transport: Transport): Promise<void> {
  const kamailio = await startKamailio(lab);
  // On UDP nothing tells of a restart: the next refresh does.
  const ringback = await startAccount(
    lab,
    kamailio,
    transport,
    transport === 'udp' ? ['--expires', '10'] : [],
  );
  await registered(ringback);
  await kamailio.stop();
  await sleep(1_500);
  await kamailio.start();
  await until('Kamailio to know 100 again', async () => /AoR: 100/.test(await kamailio.locations()), 25_000);
  const target = `${LOOPBACK}:${kamailio.port}`;
  await runSipp(lab, 'call', { target, transport: 'udp', service: '100', args: ['-d', '200'] });
  if (transport === 'tcp') {
    const states = ringback.all('registration.changed').map(({ to }) => to);
    check(
      states.includes('retrying') || states.filter((to) => to === 'registered').length >= 2,
      states.join(' '),
    );
  }
  await ringback.stop();
}

/** Two refreshes on a nonce that has grown old: `stale` is one more try, not a refusal (RFC 7616 §3.3). */
async function refreshed(lab: Lab, transport: Transport): Promise<void> {
  const kamailio = await startKamailio(lab, { nonceExpireS: 1 });
  const ringback = await startAccount(lab, kamailio, transport, ['--expires', '6']);
  await registered(ringback);
  await sleep(13_000);
  check(/AoR: 100/.test(await kamailio.locations()), 'not registered any more after two refreshes');
  const failed = ringback.all('registration.changed').filter(({ to }) => to === 'failed');
  check(failed.length === 0, `failed: ${JSON.stringify(failed[0])}`);
  const sent = ringback.all('sip.sent').filter(({ startLine }) => startLine.startsWith('REGISTER'));
  check(sent.length >= 4 && sent.length <= 14, `${sent.length} REGISTERs in 13 s of 6-second registrations`);
  await ringback.stop();
}

async function wrongPassword(lab: Lab, transport: Transport): Promise<void> {
  const kamailio = await startKamailio(lab);
  const capture = await startCapture(lab, `port ${kamailio.port}`, [kamailio.port]);
  const ringback = await startAccount(lab, kamailio, transport, [], { ends: true, password: 'wrong' });
  const code = await within('ringback to end', ringback.exited, 8_000);
  check(code === 3, `exit code ${code}, not 3: ${ringback.stderr()}`);
  const failed = ringback.all('registration.changed').find(({ to }) => to === 'failed');
  check(failed?.status === 401, `registration.changed says ${JSON.stringify(failed)}`);
  check(ringback.stderr().trim() !== '' || (failed?.reason ?? '') !== '', 'no message says what was wrong');
  await sleep(1_500);
  await capture.stop();
  const registers = await capture.fields('sip.Method == "REGISTER"', 'frame.time_relative');
  check(
    registers.length >= 2 && registers.length <= 3,
    `${registers.length} REGISTERs on the wire; 2 or 3 are due`,
  );
}

/** One refused account beside a good one: the echo stays, says so, and does not storm. */
async function oneOfTwoRefused(lab: Lab): Promise<void> {
  const kamailio = await startKamailio(lab);
  const capture = await startCapture(lab, `port ${kamailio.port}`, [kamailio.port]);
  const ringback = await startAccounts(lab, kamailio, [
    { user: '100', password: kamailio.password, transport: 'tcp' },
    { user: '101', password: 'wrong', transport: 'udp' },
  ]);
  await registered(ringback);
  const failed = await ringback.wait('registration.changed', ({ to }) => to === 'failed');
  check(failed.account.includes('101'), `failed: ${failed.account}`);
  await sleep(10_000);
  await capture.stop();
  const registers = await capture.fields(
    'sip.Method == "REGISTER" && sip.from.user == "101"',
    'frame.number',
  );
  check(registers.length <= 3, `${registers.length} REGISTERs of the refused account in 10 s`);
  await ringback.stop();
}

interface AccountSettings {
  readonly user: string;
  readonly password: string;
  readonly transport: Transport;
}

async function startAccounts(
  lab: Lab,
  kamailio: Kamailio,
  accounts: readonly AccountSettings[],
): Promise<Ringback> {
  const tables = accounts.map(({ user, password, transport }) => [
    '[[account]]',
    `user = "${user}"`,
    `password = "${password}"`,
    // By name for once: it has to be looked up.
    `server = "${user === '102' ? 'localhost' : LOOPBACK}"`,
    `port = ${kamailio.port}`,
    `domain = "${kamailio.domain}"`,
    `transport = "${transport}"`,
    '',
  ]);
  const file = join(lab.dir, 'ringback.toml');
  await Bun.write(file, tables.flat().join('\n'));
  return startRingback(lab, ['--config', file]);
}

async function severalAccounts(lab: Lab): Promise<void> {
  const kamailio = await startKamailio(lab);
  const password = kamailio.password;
  const ringback = await startAccounts(lab, kamailio, [
    { user: '100', password, transport: 'tcp' },
    { user: '101', password, transport: 'udp' },
    { user: '102', password, transport: 'tcp' },
  ]);
  await registered(ringback, 3);
  const target = `${LOOPBACK}:${kamailio.port}`;
  for (const service of ['100', '101', '102'])
    await runSipp(lab, 'call', { target, service, transport: 'udp', args: ['-d', '200'] });
  const ids = ringback
    .all('sip.sent')
    .filter(({ startLine }) => startLine.startsWith('REGISTER'))
    .map(({ callId }) => callId);
  check(new Set(ids).size === 3, `${new Set(ids).size} Call-IDs for 3 registrations`);
  await ringback.stop();
  check(!/AoR: 10/.test(await kamailio.locations()), 'an account is still registered');
}

/** Nobody at home: the echo stays, tries again with growing pauses, and registers once the server is there. */
async function serverAway(lab: Lab, transport: Transport): Promise<void> {
  const kamailio = await startKamailio(lab);
  await kamailio.stop();
  const ringback = await startAccount(lab, kamailio, transport);
  // On UDP an ICMP error may say so at once; without one, Timer F does after 32 s.
  await ringback.wait('registration.changed', ({ to }) => to === 'retrying', 40_000);
  await kamailio.start();
  await registered(ringback, 1, 40_000);
  await ringback.stop();
}

export const registrationScenarios: readonly Scenario[] = [
  ...overBoth('registered at Kamailio, MD5', (lab, transport) => register(lab, transport, 'MD5'), { needs }),
  ...overBoth('registered at Kamailio, SHA-256', (lab, transport) => register(lab, transport, 'SHA-256'), {
    needs,
  }),
  ...overBoth('called through Kamailio by SIPp', (lab, transport) => calledBySipp(lab, transport, 'udp'), {
    needs,
  }),
  {
    name: 'called through Kamailio by SIPp over TCP, registered over UDP',
    needs,
    run: (lab) => calledBySipp(lab, 'udp', 'tcp'),
  },
  ...overBoth(
    'baresip calls through Kamailio, hears itself, hangs up',
    (lab, transport) => calledByBaresip(lab, transport, 'baresip'),
    { needs: [...needs, 'baresip'] },
  ),
  ...overBoth(
    'baresip calls through Kamailio, hears itself, the echo hangs up',
    (lab, transport) => calledByBaresip(lab, transport, 'echo'),
    { needs: [...needs, 'baresip'] },
  ),
  ...overBoth('Kamailio restarted', restarted, { needs, limitS: 60 }),
  ...overBoth('refreshed on a stale nonce', refreshed, { needs }),
  ...overBoth('a server that is away and comes back', serverAway, { needs, limitS: 100 }),
  ...overBoth('a wrong password', wrongPassword, { needs: [...needs, 'tshark', 'dumpcap'] }),
  { name: 'one account of two refused', needs: [...needs, 'tshark', 'dumpcap'], run: oneOfTwoRefused },
  { name: 'several accounts', needs, run: severalAccounts },
];
