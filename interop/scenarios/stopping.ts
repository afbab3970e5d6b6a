/** SIGTERM with a call up, a peer that does not answer BYE, a second signal; and the demo. */
import { startKamailio } from '../kamailio.ts';
import { check, type Lab, LOOPBACK, output, sleep, until, within } from '../lab.ts';
import { isResponse, offerText, openRawPeer, type RawPeer, requestText, toTagOf } from '../raw-peer.ts';
import { type Ringback, startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { runSipp, sippPassed, startSipp } from '../sipp.ts';
import { registered, startAccount } from './registration.ts';

type Transport = 'udp' | 'tcp';

async function withCallUp(lab: Lab, transport: Transport): Promise<void> {
  const kamailio = await startKamailio(lab);
  const ringback = await startAccount(lab, kamailio, transport);
  await registered(ringback);
  const target = `${LOOPBACK}:${kamailio.port}`;
  const peer = await startSipp(lab, 'hangup-by-echo', { target, transport: 'udp', service: '100' });
  await ringback.wait('call.changed', ({ to }) => to === 'established');
  const began = performance.now();
  await ringback.stop();
  check(performance.now() - began < 5_000, 'it took more than 5 s to stop');
  await sippPassed(lab, peer);
  const locations = await kamailio.locations();
  check(!/AoR: 100/.test(locations), `still registered after the end:\n${locations}`);
  check(
    /REGISTERED .* expires 0/.test(kamailio.log()) || /expires=0/.test(kamailio.log()),
    'no REGISTER with expires 0',
  );
}

/** A call up with a peer that answers nothing from now on. */
async function silentCall(lab: Lab, transport: Transport): Promise<{ ringback: Ringback; peer: RawPeer }> {
  const ringback = await startRingback(lab);
  const peer = await openRawPeer(lab, transport, ringback.port);
  const target = ringback.port;
  peer.send(requestText(peer, 'INVITE', { callId: 'silent', target, body: offerText(7_000) }));
  const answer = await peer.wait('200', isResponse(200, '1 INVITE'));
  const toTag = toTagOf(answer);
  peer.send(requestText(peer, 'ACK', { callId: 'silent', target, toTag, branch: 'z9hG4bK-ack' }));
  await ringback.wait('call.changed', ({ to }) => to === 'established');
  return { ringback, peer };
}

async function unanswered(lab: Lab, transport: Transport): Promise<void> {
  const { ringback, peer } = await silentCall(lab, transport);
  ringback.kill('SIGTERM');
  await peer.wait('BYE', (message) => message.startsWith('BYE '));
  // No new calls meanwhile: 503.
  peer.send(requestText(peer, 'INVITE', { callId: 'new', target: ringback.port, body: offerText(7_002) }));
  await peer.wait('503', isResponse(503, '1 INVITE'), 2_000);
  await ringback.ends();
  const [bye] = ringback.all('sip.sent').filter(({ startLine }) => startLine.startsWith('BYE '));
  const [stopped] = ringback.all('session.stopped');
  const tookMs = (stopped?.atMs ?? Number.NaN) - (bye?.atMs ?? Number.NaN);
  check(tookMs < 5_300, `it took ${Math.round(tookMs)} ms; 5 s are the limit`);
}

async function secondSignal(lab: Lab, signal: 'SIGTERM' | 'SIGINT', code: number): Promise<void> {
  const { ringback, peer } = await silentCall(lab, 'udp');
  ringback.kill(signal);
  await peer.wait('BYE', (message) => message.startsWith('BYE '));
  await sleep(200);
  ringback.kill(signal);
  const ended = await within('ringback to leave at once', ringback.exited, 700);
  check(ended === code, `exit code ${ended}, not ${code}`);
}

/** What a script may write to its standard input; and that its end ends nothing. */
async function inputLines(lab: Lab): Promise<void> {
  const ringback = await startRingback(lab);
  const target = `${LOOPBACK}:${ringback.port}`;
  const peer = await startSipp(lab, 'hangup-by-echo', { target, calls: 3 });
  const established = () => ringback.all('call.changed').filter(({ to }) => to === 'established').length;
  await until('three calls', () => established() === 3);
  ringback.say('sing a song');
  ringback.say('hangup-all');
  await sippPassed(lab, peer);
  await until('a warning on stderr', () => /sing a song/.test(ringback.stderr()));
  ringback.say('stop');
  await ringback.ends();
  const [stopped] = ringback.all('session.stopped');
  check(stopped?.exitCode === 0, `session.stopped says ${JSON.stringify(stopped)}`);
}

async function inputEnds(lab: Lab): Promise<void> {
  const ringback = await startRingback(lab);
  ringback.endInput();
  await sleep(300);
  await runSipp(lab, 'call', { target: `${LOOPBACK}:${ringback.port}`, args: ['-d', '100'] });
  await ringback.stop();
}

/** Somebody else has the port: exit code 6 and a sentence that names it. */
async function portTaken(lab: Lab): Promise<void> {
  const first = await startRingback(lab);
  const args = ['--sip-port', `${first.port}`];
  const second = await startRingback(lab, args, { ends: true, name: 'ringback-2' });
  const code = await within('the second to end', second.exited, 5_000);
  check(code === 6, `exit code ${code}, not 6`);
  check(second.stderr().includes(`${first.port}`), `the message does not name the port: ${second.stderr()}`);
  await first.stop();
}

async function demo(lab: Lab): Promise<void> {
  const peer = lab.spawn('ringback-demo', [...lab.ringback, 'demo']);
  const code = await within('the demo to end', peer.exited, 25_000);
  check(code === 0, `the demo exited with ${code}:\n${peer.output()}`);
  check(peer.output().includes('[STATE] established'), 'the transcript has no [STATE] established');
}

/** A machine that is set up halfway: what is missing there is said, and is no fault inside. */
async function demoWithoutLoopback(lab: Lab): Promise<void> {
  const steps = [
    { words: ['link', 'set', 'lo', 'down'], said: 'The echo could not register: ' },
    { words: ['address', 'del', '127.0.0.1/8', 'dev', 'lo'], said: 'The demo needs 127.0.0.1' },
  ];
  for (const [index, { words, said }] of steps.entries()) {
    await output(['ip', ...words]);
    const peer = lab.spawn(`ringback-demo-${index}`, [...lab.ringback, 'demo']);
    const code = await within('the demo to end', peer.exited, 25_000);
    check(code === 6, `the demo exited with ${code}, not 6:\n${peer.output()}`);
    check(peer.output().includes(said), `it does not say "${said}":\n${peer.output()}`);
  }
}

export const stoppingScenarios: readonly Scenario[] = [
  ...overBoth('SIGTERM with a call up', withCallUp, { needs: ['kamailio', 'kamcmd', 'sipp'] }),
  ...overBoth('SIGTERM with a peer that answers nothing', unanswered),
  { name: 'a second SIGTERM leaves at once', run: (lab) => secondSignal(lab, 'SIGTERM', 143) },
  { name: 'a second SIGINT leaves at once', run: (lab) => secondSignal(lab, 'SIGINT', 130) },
  { name: 'lines on the standard input, udp', needs: ['sipp'], run: inputLines },
  { name: 'the end of the standard input, udp', needs: ['sipp'], run: inputEnds },
  { name: 'the SIP port is taken', run: portTaken },
  { name: 'the demo', run: demo },
  { name: 'the demo without a loopback', needs: ['ip'], run: demoWithoutLoopback },
];
