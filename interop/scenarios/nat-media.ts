/**
 * Audio through NATs where it is not a matter of course: both sides behind one, early media from behind one, the
 * packets lost that tell where an echo is; and what is said where no audio can be.
 */
import { join } from 'node:path';
import { startCall } from '../caller.ts';
import type { EarlyReport } from '../early-callee.ts';
import { check, type Lab, tail, until, within } from '../lab.ts';
import {
  CONE_OFFSET,
  INSIDE,
  type NatKind,
  OUTSIDE,
  OUTSIDE_TOO,
  openInternet,
  ROUTER,
  SECOND_RTP_PORTS,
  SECOND_SIP_PORT,
  SIP_PORT,
} from '../nat-network.ts';
import {
  behavesAs,
  callIn,
  callOut,
  echoOutside,
  heardBothWays,
  natNeeds as needs,
  openNatScene,
} from '../nat-scene.ts';
import type { Scenario } from '../scenario.ts';

/** Both at home, each behind a NAT of its own; STUN tells each its mappings, and each opens its own way. */
async function bothBehind(lab: Lab, kinds: readonly [NatKind, NatKind]): Promise<void> {
  const stun = ['--stun', OUTSIDE];
  const scene = await openNatScene(lab, [kinds[0]], { args: stun });
  const other = await scene.internet.home([kinds[1]]);
  await behavesAs(other, kinds[1]);
  const caller = startCall(other.inside, 'caller', [
    ...['--to', `100@${scene.kamailio.domain}`, '--proxy', `${OUTSIDE}:${scene.kamailio.port}`],
    ...['--sip-port', `${SECOND_SIP_PORT}`, '--rtp-ports', SECOND_RTP_PORTS.join('-'), '--transport', 'udp'],
    ...['--play', 'tone', '--duration', '2', ...stun],
  ]);
  await caller.ends(0, 15_000);
  heardBothWays('the caller', 2, 25, await caller.wait('media.stopped'));
  heardBothWays('the echo', 2, 25, await scene.echo.wait('media.stopped'));
  await scene.echo.stop();
}

/** Both behind the same NAT, without STUN: they name their addresses at home, and talk there. */
async function sameHome(lab: Lab): Promise<void> {
  const scene = await openNatScene(lab, ['symmetric']);
  const caller = callOut(scene, 'udp', ['--duration', '1.5'], '100');
  await caller.ends(0, 15_000);
  heardBothWays('the caller', 1.5, 12, await caller.wait('media.stopped'));
  const latched = await scene.echo.wait('media.latched');
  check(latched.address === INSIDE, `the echo heard ${JSON.stringify(latched)}`);
  await scene.echo.stop();
}

/** A stranger sends to the ports of an echo outside, before a caller behind a NAT calls it: he neither hears nor steals. */
async function flooded(lab: Lab): Promise<void> {
  const scene = await openNatScene(lab, ['symmetric']);
  const { outside } = scene.internet;
  const echo = await echoOutside(scene);
  const program = join(import.meta.dir, '..', 'rtp-flood.ts');
  const argv = [process.execPath, program, OUTSIDE_TOO, OUTSIDE, `${outside.rtpPorts[0]}`, '8'];
  const stranger = outside.spawn('stranger', argv);
  await until('the flood to begin', () => stranger.output().split('\n').length > 2);
  const caller = callOut(scene, 'udp', ['--duration', '1.5']);
  await caller.ends(0, 15_000);
  const latched = echo.all('media.latched').map(({ address }) => address);
  check(latched.length === 1 && latched[0] === ROUTER, `the echo heard ${latched.join(' ')}`);
  const stopped = await echo.wait('media.stopped');
  heardBothWays('the echo outside', 1.5, 12, stopped);
  check(stopped.packetsReceived <= 80, `the echo heard ${stopped.packetsReceived} packets of 75`);
  heardBothWays('the caller', 1.5, 12, await caller.wait('media.stopped'));
  check(!/^[1-9]\d* packets/m.test(stranger.output()), `the stranger says: ${tail(stranger.output(), 1)}`);
  await echo.stop();
  await scene.echo.stop();
}

/** Both behind NATs and no STUN: no way can be found, and both say why. */
async function noWay(lab: Lab): Promise<void> {
  const scene = await openNatScene(lab, ['symmetric']);
  const other = await scene.internet.home(['port restricted']);
  const caller = startCall(other.inside, 'caller', [
    ...['--to', `100@${scene.kamailio.domain}`, '--proxy', `${OUTSIDE}:${scene.kamailio.port}`],
    ...['--transport', 'udp', '--play', 'tone', '--duration', '2.5'],
  ]);
  await caller.ends(0, 15_000);
  for (const side of [caller, scene.echo]) {
    const { next } = await side.wait('diagnosis.raised', ({ code }) => code === 'no-audio-received');
    check(next.startsWith('both sides are behind NATs'), `the advice is: ${next}`);
  }
  await scene.echo.stop();
}

/** A phone behind a NAT plays before it is answered: it is heard, and hears us, from its first packet on. */
async function earlyMedia(lab: Lab): Promise<void> {
  const internet = await openInternet(lab);
  const home = await internet.home(['full cone']);
  const program = join(import.meta.dir, '..', 'early-callee.ts');
  const argv = [process.execPath, program, INSIDE, `${SIP_PORT}`, '10000'];
  const phone = home.inside.spawn('phone', argv);
  await until('the phone to be ready', () => phone.output().includes('ready'));
  const caller = startCall(internet.outside, 'caller', [
    ...['--to', `sip:phone@${ROUTER}:${SIP_PORT + CONE_OFFSET}`, '--transport', 'udp', '--sip-port', '0'],
    ...['--rtp-ports', lab.rtpPorts.join('-'), '--play', 'tone', '--duration', '1'],
  ]);
  const latched = await caller.wait('media.latched');
  check(
    latched.expectedAddress === INSIDE && latched.address === ROUTER,
    `the caller heard ${JSON.stringify(latched)}`,
  );
  check(
    caller.all('call.changed').every(({ to }) => to !== 'established'),
    'the phone was heard only after it answered',
  );
  await caller.ends(0, 15_000);
  await within('the phone to end', phone.exited, 5_000);
  const report = JSON.parse(tail(phone.output(), 1)) as EarlyReport;
  check(report.heardEarly >= 40, `the phone heard ${report.heardEarly} of 50 packets before it answered`);
  check(report.heard >= 90, `the phone heard ${report.heard} of 100 packets`);
  const { packetsReceived } = await caller.wait('media.stopped');
  check(packetsReceived >= 90, `the caller heard ${packetsReceived} of 100 packets`);
}

/** The first three packets of the echo are lost on the way: the fourth tells where it is. */
async function primingLost(lab: Lab): Promise<void> {
  const scene = await openNatScene(lab, ['port restricted']);
  await scene.home.loseAudio(3);
  const caller = callIn(scene, 3);
  await caller.ends(0, 15_000);
  // 0, 100 and 400 ms are lost, the one of 1,000 ms arrives.
  heardBothWays('the caller', 3, 65, await caller.wait('media.stopped'));
  await scene.echo.stop();
}

export const natMediaScenarios: readonly Scenario[] = [
  {
    name: 'both behind NATs of their own, with STUN: port restricted and address restricted',
    needs,
    run: (lab) => bothBehind(lab, ['port restricted', 'address restricted']),
  },
  { name: 'both behind the same NAT', needs, run: sameHome },
  { name: 'both behind NATs of their own, without STUN: why there is no audio', needs, run: noWay },
  { name: 'behind a NAT, and a stranger floods the echo outside', needs, run: flooded },
  { name: 'early media from behind a NAT', needs, run: earlyMedia },
  { name: 'behind a NAT, and the packets that tell where the echo is are lost', needs, run: primingLost },
];
