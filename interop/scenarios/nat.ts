/**
 * The echo behind each kind of NAT, Kamailio and a second user agent outside: registered where it can be reached,
 * called there, calling from there, with audio both ways and a BYE from either side.
 */
import { join } from 'node:path';
import { startBaresip } from '../baresip.ts';
import { check, type Lab, sleep, tail, within } from '../lab.ts';
import {
  CONE_OFFSET,
  INSIDE,
  type NatKind,
  OUTSIDE,
  ROUTER,
  RTP_PORTS,
  SECOND_RTP_PORTS,
  SIP_PORT,
} from '../nat-network.ts';
import {
  callIn,
  callOut,
  type EchoOptions,
  echoOutside,
  heardBothWays,
  type NatScene,
  natNeeds as needs,
  openNatScene,
} from '../nat-scene.ts';
import type { Scenario } from '../scenario.ts';
import type { SymmetricReport } from '../symmetric-caller.ts';

/** Packets that may be lost while both sides learn where the other one is. */
const LEARNING = 12;

/** The Contact that Kamailio has, after it was checked to be the address that the outermost NAT shows. */
async function mappedContact({ kamailio, echo }: NatScene): Promise<number> {
  const said = echo.all('address.discovered').filter(({ scope }) => scope === 'public');
  check(said.length === 1, `${said.length} public addresses were said`);
  const [{ address, port, learnedBy } = { address: '', port: 0, learnedBy: '' }] = said;
  check(address === ROUTER && learnedBy === 'rport', `the public address is ${address} by ${learnedBy}`);
  const locations = await kamailio.locations();
  check(locations.includes(`sip:100@${ROUTER}:${port}`), `the Contact is not the mapped one:\n${locations}`);
  check(!locations.includes(`sip:100@${INSIDE}`), `the private Contact is bound:\n${locations}`);
  return port ?? 0;
}

/** A peer that we did not write, with symmetric RTP, calls by way of Kamailio for 2 s. */
async function relayCalls({ internet, kamailio }: NatScene): Promise<SymmetricReport> {
  const program = join(import.meta.dir, '..', 'symmetric-caller.ts');
  const argv = [process.execPath, program, OUTSIDE, `${kamailio.port}`, '100'];
  const caller = internet.outside.spawn('relay', argv);
  await within('the caller to end', caller.exited, 30_000);
  return JSON.parse(tail(caller.output(), 1)) as SymmetricReport;
}

/** Called from outside, with audio there and back. */
async function calledByRelay(scene: NatScene): Promise<void> {
  const report = await relayCalls(scene);
  const said = JSON.stringify(report);
  check(report.status === 200 && report.ended, `the call did not stand and end: ${said}`);
  check(report.source.startsWith(`${ROUTER}:`), `the audio comes from elsewhere: ${said}`);
  // 2 s of 20 ms.
  check(report.sent >= 90 && report.echoed >= report.sent - 2, `the audio did not come back: ${said}`);
  const echoed = await scene.echo.wait('media.stopped');
  check(echoed.packetsReceived >= report.sent - 2, `the echo heard ${JSON.stringify(echoed)}`);
}

/** ringback outside calls: it sends where the SDP says until it has heard, and hangs up. */
async function called(scene: NatScene, home: string): Promise<void> {
  const caller = callIn(scene, 1.5);
  await caller.ends(0, 15_000);
  const latched = await caller.wait('media.latched');
  const { expectedAddress, address } = latched;
  check(expectedAddress === home && address === ROUTER, `the caller heard ${JSON.stringify(latched)}`);
  heardBothWays('the caller', 1.5, LEARNING, await caller.wait('media.stopped'));
  heardBothWays('the echo', 1.5, LEARNING, await scene.echo.wait('media.stopped'));
}

/** ringback at home calls an echo outside, which learns where it is and hangs up. */
async function calls(scene: NatScene, transport: 'udp' | 'tcp'): Promise<void> {
  const echo = await echoOutside(scene);
  const caller = callOut(scene, transport, []);
  const { call } = await echo.wait('media.sampled', ({ packetsReceived }) => packetsReceived >= 75, 10_000);
  const latched = await echo.wait('media.latched');
  check(latched.address === ROUTER, `the echo outside heard ${JSON.stringify(latched)}`);
  echo.say(`hangup ${call}`);
  await caller.ends(0);
  heardBothWays('the caller at home', 1.5, LEARNING, await caller.wait('media.stopped'));
  const bye = caller.all('sip.received').filter(({ startLine }) => startLine.startsWith('BYE'));
  check(bye.length === 1, `${bye.length} BYE came home`);
  await echo.stop();
}

async function behind(lab: Lab, kinds: readonly NatKind[], options: EchoOptions = {}): Promise<void> {
  const { transport = 'udp' } = options;
  const scene = await openNatScene(lab, kinds, options);
  if (transport === 'udp') {
    const port = await mappedContact(scene);
    const cone = kinds.every((kind) => kind !== 'symmetric');
    const shown = SIP_PORT + CONE_OFFSET * kinds.length;
    if (cone) check(port === shown, `the mapped port is ${port}, not ${shown}`);
    else check(port !== SIP_PORT, 'the symmetric NAT kept the port');
  }
  await called(scene, INSIDE);
  await calls(scene, transport);
  await scene.echo.stop();
  const after = await scene.kamailio.locations();
  check(!/AoR: 100/.test(after), `still registered after the end:\n${after}`);
}

/** A media relay of a provider, which is no ringback, learns the echo from its first packet. */
async function relayed(lab: Lab, kind: NatKind): Promise<void> {
  const scene = await openNatScene(lab, [kind]);
  await calledByRelay(scene);
  await scene.echo.stop();
}

/**
 * ringback at home calls baresip outside, which sends where the SDP says and nowhere else: STUN has to tell that. It
 * plays a tone of its own and writes down what it hears.
 */
async function callsBaresip(lab: Lab): Promise<void> {
  const scene = await openNatScene(lab, ['port restricted']);
  const phone = await startBaresip(scene.internet.outside, scene.kamailio, 'udp', {
    answers: true,
    address: OUTSIDE,
  });
  const caller = callOut(scene, 'udp', ['--duration', '2.5', '--stun', OUTSIDE]);
  await caller.ends(0, 15_000);
  heardBothWays('the caller at home', 2.5, 25, await caller.wait('media.stopped'));
  check(phone.heardTone() > 0.9, `baresip heard the tone with ${phone.heardTone().toFixed(2)}`);
  await scene.echo.stop();
}

/**
 * A router that forwards its ports, and `--advertise-ip` that says so: Contact and SDP name them, and baresip, which sends
 * where the SDP says and nowhere else, is heard. What the registrar sees, another port of the same address, changes nothing.
 */
async function forwarded(lab: Lab): Promise<void> {
  const advertise = ['--advertise-ip', ROUTER];
  const scene = await openNatScene(lab, ['symmetric'], { args: advertise });
  const { echo, home, internet, kamailio } = scene;
  const rules = [
    `add rule ip nat in iifname "world" udp dport { ${SIP_PORT}, ${RTP_PORTS[0]}-${SECOND_RTP_PORTS[1]} } dnat to ${INSIDE}`,
    'insert rule ip nat between iifname "world" ct state new ct status dnat accept',
  ];
  await home.addRules(rules.join('\n'));
  const said = echo.all('address.discovered').filter(({ scope }) => scope === 'public');
  check(said.map(({ learnedBy }) => learnedBy).join() === 'advertised', `said: ${JSON.stringify(said)}`);
  const locations = await kamailio.locations();
  check(locations.includes(`sip:100@${ROUTER}:${SIP_PORT}`), `the Contact is another:\n${locations}`);
  const caller = callIn(scene, 1.5);
  await caller.ends(0, 15_000);
  const { remoteAddress, remotePort } = await caller.wait('media.started');
  const told = `${remoteAddress}:${remotePort}`;
  check(told === `${ROUTER}:${RTP_PORTS[0]}`, `the answer named ${told}`);
  heardBothWays('the caller', 1.5, LEARNING, await caller.wait('media.stopped'));
  heardBothWays('the echo', 1.5, LEARNING, await echo.wait('media.stopped'));
  const options = { answers: true, address: OUTSIDE };
  const phone = await startBaresip(internet.outside, kamailio, 'udp', options);
  const atHome = callOut(scene, 'udp', ['--duration', '2.5', ...advertise]);
  await atHome.ends(0, 15_000);
  heardBothWays('the caller at home', 2.5, 25, await atHome.wait('media.stopped'));
  check(phone.heardTone() > 0.9, `baresip heard the tone with ${phone.heardTone().toFixed(2)}`);
  await echo.stop();
}

/** The router forgets after 4 s of silence; the call comes after 10. */
async function keptOpen(lab: Lab): Promise<void> {
  const scene = await openNatScene(lab, ['symmetric'], { forgetsS: 4, args: ['--keepalive', '2'] });
  await sleep(10_000);
  await mappedContact(scene);
  await calledByRelay(scene);
  await scene.echo.stop();
}

/** The same without keepalives: nothing comes in, which shows that they are what keeps it open. */
async function forgotten(lab: Lab): Promise<void> {
  const scene = await openNatScene(lab, ['symmetric'], { forgetsS: 4, args: ['--keepalive', '0'] });
  await sleep(10_000);
  const { status } = await relayCalls(scene);
  check(status !== 200, 'the call came through a NAT that had forgotten the echo');
  const invites = scene.echo.all('sip.received').filter(({ startLine }) => startLine.startsWith('INVITE'));
  check(invites.length === 0, `${invites.length} INVITEs came in`);
  await scene.echo.stop();
}

export const natScenarios: readonly Scenario[] = [
  { name: 'behind a full-cone NAT: called and calling', needs, run: (lab) => behind(lab, ['full cone']) },
  {
    name: 'behind an address-restricted NAT: called and calling',
    needs,
    run: (lab) => behind(lab, ['address restricted']),
  },
  {
    name: 'behind a port-restricted NAT: called and calling over TCP',
    needs,
    run: (lab) => behind(lab, ['port restricted'], { transport: 'tcp' }),
  },
  { name: 'behind a symmetric NAT: called and calling', needs, run: (lab) => behind(lab, ['symmetric']) },
  {
    name: 'behind a router and a carrier NAT: called and calling',
    needs,
    run: (lab) => behind(lab, ['port restricted', 'symmetric']),
  },
  {
    name: 'behind a symmetric NAT: called by a media relay',
    needs,
    run: (lab) => relayed(lab, 'symmetric'),
  },
  {
    name: 'behind a port-restricted NAT: calling baresip',
    needs: [...needs, 'baresip'],
    run: callsBaresip,
  },
  {
    name: 'behind a symmetric NAT with ports forwarded: --advertise-ip',
    needs: [...needs, 'baresip'],
    run: forwarded,
  },
  { name: 'behind a NAT that forgets, kept open by keepalives', needs, limitS: 45, run: keptOpen },
  { name: 'behind a NAT that forgets, without keepalives', needs, limitS: 60, run: forgotten },
];
