/** `--stun` behind real NATs with coturn outside: what the SDP names, and what happens where STUN is no help. */
import { join } from 'node:path';
import type { Caller } from '../caller.ts';
import { check, type Lab, until } from '../lab.ts';
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
  echoOutside,
  heardBothWays,
  type NatScene,
  natNeeds as needs,
  openNatScene,
} from '../nat-scene.ts';
import type { Scenario } from '../scenario.ts';

/** A port of the server outside where nobody answers STUN, or not yet. */
const SECOND_STUN_PORT = 3_480;
/** Packets that may be lost at the start and the end of a call. */
const EDGES = 12;

/** A caller outside talks for 1.5 s, and both heard each other; where the answer told it to send. */
async function talks(scene: NatScene): Promise<{ readonly caller: Caller; readonly told: string }> {
  const caller = callIn(scene, 1.5);
  await caller.ends(0, 15_000);
  const { remoteAddress, remotePort } = await caller.wait('media.started');
  heardBothWays('the caller', 1.5, EDGES, await caller.wait('media.stopped'));
  heardBothWays('the echo', 1.5, EDGES, await scene.echo.wait('media.stopped'));
  return { caller, told: `${remoteAddress}:${remotePort}` };
}

/** Behind cones the SIP port and the port of the call are named as the world sees them, before anybody has spoken. */
async function named(lab: Lab, kinds: readonly NatKind[]): Promise<void> {
  const scene = await openNatScene(lab, kinds, { args: ['--stun', OUTSIDE] });
  const shift = CONE_OFFSET * kinds.length;
  const found = await scene.echo.wait('address.discovered', ({ learnedBy }) => learnedBy === 'stun');
  const seen = `${found.address}:${found.port}`;
  check(seen === `${ROUTER}:${SIP_PORT + shift}`, `STUN told ${seen}`);
  const { caller, told } = await talks(scene);
  check(told === `${ROUTER}:${RTP_PORTS[0] + shift}`, `the answer named ${told}`);
  const latched = await caller.wait('media.latched');
  const heard = `${latched.address}:${latched.port}`;
  check(heard === told, `the audio came from ${heard}, and the answer named ${told}`);
  const started = scene.echo.all('media.started').map(({ localPort }) => localPort);
  check(started[0] === RTP_PORTS[0] + shift, `media.started says ${started.join(' ')}`);
  const wrong = scene.echo.all('diagnosis.raised').map(({ code }) => code);
  check(wrong.length === 0, `a diagnosis: ${wrong.join(' ')}`);
  await scene.echo.stop();
}

/** A command that starts and calls at once offers the port that the world sees, in its first INVITE. */
async function offered(lab: Lab): Promise<void> {
  const scene = await openNatScene(lab, ['full cone']);
  const echo = await echoOutside(scene);
  const caller = callOut(scene, 'udp', ['--stun', OUTSIDE, '--duration', '1.5']);
  const { remoteAddress, remotePort } = await echo.wait('media.started', undefined, 10_000);
  const told = `${remoteAddress}:${remotePort}`;
  check(told === `${ROUTER}:${SECOND_RTP_PORTS[0] + CONE_OFFSET}`, `the offer named ${told}`);
  await caller.ends(0, 15_000);
  heardBothWays('the caller at home', 1.5, EDGES, await caller.wait('media.stopped'));
  heardBothWays('the echo outside', 1.5, EDGES, await echo.wait('media.stopped'));
  const wrong = caller.all('diagnosis.raised').map(({ code }) => code);
  check(wrong.length === 0, `a diagnosis: ${wrong.join(' ')}`);
  await echo.stop();
  await scene.echo.stop();
}

/** Nobody answers: it is said, the answer names the address at home, and symmetric RTP finds the way. */
async function silent(lab: Lab): Promise<void> {
  const stun = `${OUTSIDE}:${SECOND_STUN_PORT}`;
  const scene = await openNatScene(lab, ['port restricted'], { args: ['--stun', stun] });
  await scene.echo.wait('diagnosis.raised', ({ code }) => code === 'stun-unanswered', 10_000);
  const { told } = await talks(scene);
  check(told === `${INSIDE}:${RTP_PORTS[0]}`, `the answer named ${told}`);
  await scene.echo.stop();
}

/** The server comes after the echo, and goes again in its life. */
async function comesAndGoes(lab: Lab): Promise<void> {
  const args = ['--stun', `${OUTSIDE}:${SECOND_STUN_PORT}`, '--keepalive', '2'];
  const scene = await openNatScene(lab, ['full cone'], { args });
  const coturn = scene.internet.outside.spawn('late-coturn', [
    ...['turnserver', '-n', '--no-auth', '--no-tls', '--no-dtls', '--no-cli', '--no-tcp', '-L', OUTSIDE],
    ...[
      '-p',
      `${SECOND_STUN_PORT}`,
      '-l',
      'stdout',
      '--simple-log',
      '--userdb',
      join(lab.dir, 'late-turndb'),
    ],
    ...['--pidfile', join(lab.dir, 'late-turnserver.pid')],
  ]);
  await scene.echo.wait('address.discovered', ({ learnedBy }) => learnedBy === 'stun', 15_000);
  const before = scene.echo.all('diagnosis.raised').length;
  coturn.kill('SIGKILL');
  await coturn.exited;
  const raised = () => scene.echo.all('diagnosis.raised').length > before;
  await scene.echo.wait('diagnosis.raised', ({ code }) => code === 'stun-unanswered' && raised(), 15_000);
  await talks(scene);
  await scene.echo.stop();
}

/** A NAT with another port for each peer: found out, said, and what STUN told is not used. */
async function useless(lab: Lab): Promise<void> {
  const scene = await openNatScene(lab, ['symmetric'], { args: ['--stun', OUTSIDE] });
  const { evidence } = await scene.echo.wait('diagnosis.raised', ({ code }) => code === 'nat-symmetric');
  check(evidence.includes(`${ROUTER}:`), `the evidence is: ${evidence}`);
  const { told } = await talks(scene);
  check(told === `${INSIDE}:${RTP_PORTS[0]}`, `the answer named ${told}`);
  await scene.echo.stop();
}

/** The same for a caller that registers nowhere: the server's other address tells it (RFC 5780), before the first INVITE. */
async function uselessToCaller(lab: Lab): Promise<void> {
  const scene = await openNatScene(lab, ['symmetric']);
  const echo = await echoOutside(scene);
  const caller = callOut(scene, 'udp', ['--stun', OUTSIDE, '--duration', '1.5']);
  const { remoteAddress, remotePort } = await echo.wait('media.started', undefined, 10_000);
  await caller.wait('diagnosis.raised', ({ code }) => code === 'nat-symmetric');
  const told = `${remoteAddress}:${remotePort}`;
  check(told === `${INSIDE}:${SECOND_RTP_PORTS[0]}`, `the offer named ${told}`);
  await caller.ends(0, 15_000);
  heardBothWays('the caller at home', 1.5, EDGES, await caller.wait('media.stopped'));
  await echo.stop();
  await scene.echo.stop();
}

/** How much higher the lab's NAT maps after it has begun anew. */
const REBOUND = 500;

/**
 * The NAT begins anew under a call that stands: STUN notices, the account is registered at its new address, and the
 * re-INVITE names the new port of the audio.
 */
async function rebound(lab: Lab): Promise<void> {
  const scene = await openNatScene(lab, ['full cone'], { args: ['--stun', OUTSIDE, '--keepalive', '2'] });
  const { echo, home, kamailio } = scene;
  const port = SIP_PORT + CONE_OFFSET + REBOUND;
  const caller = callIn(scene, 10);
  await echo.wait('media.sampled', ({ packetsReceived }) => packetsReceived >= 50, 8_000);
  await home.rebind();
  await echo.wait('address.discovered', (said) => said.learnedBy === 'stun' && said.port === port, 6_000);
  await until(
    'the new Contact',
    async () => (await kamailio.locations()).includes(`sip:100@${ROUTER}:${port}`),
    3_000,
  );
  const audio = RTP_PORTS[0] + CONE_OFFSET + REBOUND;
  await caller.wait('media.started', ({ remotePort }) => remotePort === audio, 8_000);
  await caller.ends(0, 20_000);
  // A second or two of the ten, until both know.
  heardBothWays('the caller', 10, 150, await caller.wait('media.stopped'));
  // What was lost until both knew is told; no NAT is called symmetric, and no server silent.
  const wrong = echo.all('diagnosis.raised').filter(({ code }) => code !== 'packets-lost');
  check(wrong.length === 0, `a diagnosis: ${wrong.map(({ code }) => code).join(' ')}`);
  await echo.stop();
}

export const stunScenarios: readonly Scenario[] = [
  {
    name: 'stun behind a full-cone NAT: the SDP names the mapped port',
    needs,
    run: (lab) => named(lab, ['full cone']),
  },
  { name: 'stun for a call that is placed at the start', needs, run: offered },
  {
    name: 'stun behind a router and a carrier NAT that are cones',
    needs,
    run: (lab) => named(lab, ['full cone', 'port restricted']),
  },
  { name: 'stun without an answer: said, and the call goes by symmetric RTP', needs, run: silent },
  { name: 'stun server that comes late and goes', needs, limitS: 60, run: comesAndGoes },
  { name: 'stun behind a NAT that begins anew in a call', needs, limitS: 60, run: rebound },
  { name: 'stun behind a symmetric NAT: found out and left out', needs, run: useless },
  { name: 'stun behind a symmetric NAT: found out by a caller alone', needs, run: uselessToCaller },
];
