/** The echo behind a NAT, Kamailio and a caller outside: registered where it can be reached, and reached there. */
import { join } from 'node:path';
import { type Kamailio, startKamailio } from '../kamailio.ts';
import { check, type Lab, sleep, tail, within } from '../lab.ts';
import { CONE_PORT, INSIDE, type NatKind, OUTSIDE, openNat, ROUTER, SIP_PORT } from '../nat-network.ts';
import { type Ringback, startRingback } from '../ringback.ts';
import type { Scenario } from '../scenario.ts';
import type { SymmetricReport } from '../symmetric-caller.ts';
import { registered } from './registration.ts';

const needs = ['kamailio', 'kamcmd', 'ip', 'nft'];

interface Scene {
  readonly outside: Lab;
  readonly kamailio: Kamailio;
  readonly ringback: Ringback;
}

/** The echo, registered over UDP through that NAT. */
async function open(lab: Lab, kind: NatKind, forgetsS: number, keepalive: string): Promise<Scene> {
  const { inside, outside } = await openNat(lab, kind, forgetsS);
  const kamailio = await startKamailio(outside, { address: OUTSIDE });
  const account = ['--user', '100', '--server', OUTSIDE, '--port', `${kamailio.port}`, '--transport', 'udp'];
  const args = [
    ...account,
    '--domain',
    kamailio.domain,
    '--sip-port',
    `${SIP_PORT}`,
    '--keepalive',
    keepalive,
  ];
  const env = { SIP_PASSWORD: kamailio.password };
  const ringback = await startRingback(inside, args, { bare: true, env });
  await registered(ringback);
  return { outside, kamailio, ringback };
}

/** The Contact that Kamailio has, after it was checked to be the address that the router shows. */
async function mappedContact({ kamailio, ringback }: Scene): Promise<void> {
  const said = ringback.all('address.discovered').filter(({ scope }) => scope === 'public');
  check(said.length === 1, `${said.length} public addresses were said`);
  const [{ address, port, learnedBy } = { address: '', port: 0, learnedBy: '' }] = said;
  check(address === ROUTER && learnedBy === 'rport', `the public address is ${address} by ${learnedBy}`);
  const locations = await kamailio.locations();
  check(locations.includes(`sip:100@${ROUTER}:${port}`), `the Contact is not the mapped one:\n${locations}`);
  check(!locations.includes(`sip:100@${INSIDE}`), `the private Contact is bound:\n${locations}`);
}

/** A call of 2 s from outside, by way of Kamailio. */
async function call({ outside, kamailio }: Scene): Promise<SymmetricReport> {
  const program = join(import.meta.dir, '..', 'symmetric-caller.ts');
  const caller = outside.spawn('caller', [process.execPath, program, OUTSIDE, `${kamailio.port}`, '100']);
  await within('the caller to end', caller.exited, 30_000);
  return JSON.parse(tail(caller.output(), 1)) as SymmetricReport;
}

/** Called from outside, with audio there and back. */
async function calledFromOutside(scene: Scene): Promise<void> {
  const report = await call(scene);
  const said = JSON.stringify(report);
  check(report.status === 200 && report.ended, `the call did not stand and end: ${said}`);
  check(report.source.startsWith(`${ROUTER}:`), `the audio comes from elsewhere: ${said}`);
  // 2 s of 20 ms.
  check(report.sent >= 90 && report.echoed >= report.sent - 2, `the audio did not come back: ${said}`);
  const echoed = await scene.ringback.wait('media.stopped');
  check(echoed.packetsReceived >= report.sent - 2, `the echo heard ${JSON.stringify(echoed)}`);
}

async function behind(lab: Lab, kind: NatKind): Promise<void> {
  const scene = await open(lab, kind, 60, '29');
  await mappedContact(scene);
  const port = scene.ringback.all('address.discovered').find(({ scope }) => scope === 'public')?.port;
  if (kind === 'full cone') check(port === CONE_PORT, `the mapped port is ${port}, not ${CONE_PORT}`);
  else check(port !== SIP_PORT, 'the symmetric NAT kept the port');
  await calledFromOutside(scene);
  await scene.ringback.stop();
  const after = await scene.kamailio.locations();
  check(!/AoR: 100/.test(after), `still registered after the end:\n${after}`);
}

/** The router forgets after 4 s of silence; the call comes after 10. */
async function keptOpen(lab: Lab): Promise<void> {
  const scene = await open(lab, 'symmetric', 4, '2');
  await sleep(10_000);
  await mappedContact(scene);
  await calledFromOutside(scene);
  await scene.ringback.stop();
}

/** The same without keepalives: nothing comes in, which shows that they are what keeps it open. */
async function forgotten(lab: Lab): Promise<void> {
  const scene = await open(lab, 'symmetric', 4, '0');
  await sleep(10_000);
  const { status } = await call(scene);
  check(status !== 200, 'the call came through a NAT that had forgotten the echo');
  const invites = scene.ringback
    .all('sip.received')
    .filter(({ startLine }) => startLine.startsWith('INVITE'));
  check(invites.length === 0, `${invites.length} INVITEs came in`);
  await scene.ringback.stop();
}

export const natScenarios: readonly Scenario[] = [
  { name: 'behind a full-cone NAT, called from outside', needs, run: (lab) => behind(lab, 'full cone') },
  { name: 'behind a symmetric NAT, called from outside', needs, run: (lab) => behind(lab, 'symmetric') },
  { name: 'behind a NAT that forgets, kept open by keepalives', needs, limitS: 45, run: keptOpen },
  { name: 'behind a NAT that forgets, without keepalives', needs, limitS: 60, run: forgotten },
];
