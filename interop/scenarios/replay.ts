/** Replay beside what really happened: a trace against its session, and a capture by a third party against the live run. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Event, streamEvent } from '../../src/events.ts';
import { startCapture } from '../capture.ts';
import { type Kamailio, startKamailio } from '../kamailio.ts';
import { check, Failed, type Lab, LOOPBACK, output, until, within } from '../lab.ts';
import { startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { runSipp } from '../sipp.ts';
import { registered, startAccount } from './registration.ts';

type Transport = 'udp' | 'tcp';
type CallChanged = Extract<Event, { type: 'call.changed' }>;

function eventsIn(text: string): Event[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => streamEvent.parse(JSON.parse(line)) as Event);
}

/** The replay has the bytes of the session; else the first line that is another. */
function checkSame(again: string, live: string): void {
  if (again === live) return;
  const [lines, said] = [again.split('\n'), live.split('\n')];
  const at = lines.findIndex((line, index) => line !== said[index]);
  throw new Failed(`the replay has "${lines[at]}" where the session said "${said[at]}" (line ${at + 1})`);
}

/** The same lines again, to the byte, from the trace of an echo that was called and authenticated. */
async function traced(lab: Lab, transport: Transport): Promise<void> {
  const kamailio = await startKamailio(lab);
  const trace = join(lab.dir, 'session.trace');
  const echo = await startAccount(lab, kamailio, transport, ['--trace', trace]);
  await registered(echo);
  await runSipp(lab, 'call', {
    target: `${LOOPBACK}:${kamailio.port}`,
    transport,
    service: '100',
    calls: 3,
    args: ['-d', '300'],
  });
  await echo.stop();
  const live = readFileSync(join(lab.dir, 'ringback.jsonl'), 'utf8');
  const again = await output([...lab.ringback, 'replay', trace, '--json']);
  checkSame(again, live);
  check(eventsIn(live).filter(({ type }) => type === 'media.stopped').length === 3, 'three calls with audio');
  const written = readFileSync(trace, 'utf8');
  check(!written.includes(kamailio.password), 'the password stands in the trace');
}

/** One call by a process of its own: what it said of the call, and the code it ended with. */
async function place(lab: Lab, kamailio: Kamailio, transport: Transport, to: string, name: string) {
  const [first, last] = lab.rtpPorts;
  const account = ['--user', '101', '--server', LOOPBACK, '--port', `${kamailio.port}`];
  const network = ['--bind', LOOPBACK, '--sip-port', '0', '--rtp-ports', `${first + 500}-${last}`];
  const trace = join(lab.dir, `${name}.trace`);
  const where = [
    '--domain',
    kamailio.domain,
    '--transport',
    transport,
    '--duration',
    '0.5',
    '--trace',
    trace,
  ];
  const words = ['call', '--foreground', '--json', '--to', to, ...account, ...network, ...where];
  const env = { SIP_PASSWORD: kamailio.password, XDG_RUNTIME_DIR: lab.dir };
  const caller = lab.spawn(name, [...lab.ringback, ...words], env);
  const code = await within(`${name} to end`, caller.exited, 15_000);
  const again = await output([...lab.ringback, 'replay', trace]);
  check(again.endsWith(`[EXIT] code=${code}\n`), `the replay of ${name} ends otherwise:\n${again}`);
  const changes = eventsIn(caller.output()).filter(
    (event): event is CallChanged => event.type === 'call.changed',
  );
  check(changes.length > 0, `${name} said nothing of its call:\n${caller.output().slice(-500)}`);
  return { code, changes, events: eventsIn(caller.output()) };
}

/** What a verdict is: the states, and how it came out. */
function verdictOf(changes: readonly CallChanged[]): string {
  const { status, outcome } = changes.at(-1) ?? {};
  const states = changes.map(({ to }) => to).filter((to) => to !== 'held');
  return `${states.join(' ')} ${outcome} ${status ?? ''}`;
}

/** A call that stands, and one to nobody, through Kamailio with digest, captured beside it. */
async function captured(lab: Lab, transport: Transport): Promise<void> {
  const kamailio = await startKamailio(lab);
  const echo = await startAccount(lab, kamailio, transport);
  await registered(echo);
  const capture = await startCapture(lab, `port ${kamailio.port}`, [kamailio.port]);
  const live = [
    await place(lab, kamailio, transport, `100@${kamailio.domain}`, 'caller-answered'),
    await place(lab, kamailio, transport, `999@${kamailio.domain}`, 'caller-nobody'),
  ];
  await capture.stop();
  await echo.stop();
  await until('the capture', () => existsSync(capture.file));
  const seen = eventsIn(await output([...lab.ringback, 'replay', capture.file, '--json']));
  for (const { changes, events } of live) {
    const callId = changes[0]?.callId;
    const observed = seen.filter(
      (event): event is CallChanged => event.type === 'call.changed' && event.callId === callId,
    );
    const [told, should] = [verdictOf(observed), verdictOf(changes)];
    check(told === should, `the capture of ${callId} says "${told}", the live run said "${should}"`);
    const codec = (of: readonly Event[], call: string | undefined) =>
      of.flatMap((event) => (event.type === 'media.started' && event.call === call ? [event.codec] : []))[0];
    const [heard, agreed] = [codec(seen, observed[0]?.call), codec(events, changes[0]?.call)];
    check(heard === agreed, `the capture says ${heard}, the live run agreed on ${agreed}`);
  }
  check(live[0]?.code === 0, `the call to the echo ended with ${live[0]?.code}`);
  check(live[1]?.code === 4, `the call to nobody ended with ${live[1]?.code}`);
}

/** An echo alone: what it says, and what its trace says, on a stream that strangers write to. */
async function tracedNonsense(lab: Lab): Promise<void> {
  const trace = join(lab.dir, 'session.trace');
  const echo = await startRingback(lab, ['--trace', trace, '--raw']);
  for (const text of [
    'INVITE nonsense\r\n\r\n',
    'OPTIONS sip:x SIP/2.0\r\nl: 99999999\r\n\r\n',
    '\r\n\r\n\u00ff\u0000',
  ]) {
    const socket = await Bun.connect({ hostname: LOOPBACK, port: echo.port, socket: { data: () => {} } });
    socket.write(Buffer.from(text, 'latin1'));
    socket.flush();
    await Bun.sleep(100);
    socket.end();
  }
  await echo.wait('sip.rejected');
  await echo.stop();
  const live = readFileSync(join(lab.dir, 'ringback.jsonl'), 'utf8');
  const again = await output([...lab.ringback, 'replay', trace, '--json', '--raw']);
  checkSame(again, live);
}

const needs = ['kamailio', 'kamcmd', 'sipp', 'dumpcap', 'tshark'];

export const replayScenarios: readonly Scenario[] = [
  ...overBoth('replay: a trace gives the same bytes as its session', traced, { needs }),
  ...overBoth('replay: a capture through Kamailio gives the verdict of the live run', captured, { needs }),
  { name: 'replay: a trace of nonsense on streams gives the same bytes, tcp', run: tracedNonsense },
];
