/**
 * `ringback registrar` between other people's phones: what SIPp, baresip and sipsak say of our registrar and of the
 * proxy in front of it (RFC 3261 §10.3, §16).
 */
import { startBaresip } from '../baresip.ts';
import { check, type Lab, LOOPBACK, output, sleep, until, untilBound, within } from '../lab.ts';
import { type Ringback, startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { runSipp, sippMessages, sippPassed, startSipp } from '../sipp.ts';
import { registered } from './registration.ts';

type Transport = 'udp' | 'tcp';

const DOMAIN = 'lab.local';
const PASSWORD = 'secret';

async function startRegistrar(lab: Lab): Promise<Ringback> {
  const users = ['100', '101', '200', '201'].flatMap((user) => ['--user', `${user}:${PASSWORD}`]);
  const args = ['--domain', DOMAIN, ...users];
  return startRingback(lab, args, { command: 'registrar', name: 'registrar' });
}

const at = ({ port }: Ringback): string => `${LOOPBACK}:${port}`;
const bindings = (registrar: Ringback): string[] =>
  registrar.all('binding.changed').map(({ addressOfRecord, change }) => `${addressOfRecord} ${change}`);

/** Registers 101 at a port of SIPp's with SIPp's own digest. */
async function registerSipp(
  lab: Lab,
  registrar: Ringback,
  port: number,
  transport: Transport,
  expires = 60,
): Promise<void> {
  const contact = `sip:101@${LOOPBACK}:${port};transport=${transport}`;
  const keys = ['-key', 'contact', contact, '-key', 'expires', `${expires}`];
  await runSipp(lab, 'register', { target: at(registrar), args: keys });
}

/** SIPp calls SIPp: the proxy stays on the way, by Record-Route, and changes the transport where it must. */
async function sippToSipp(lab: Lab, caller: Transport, callee: Transport): Promise<void> {
  const registrar = await startRegistrar(lab);
  const port = lab.port();
  const calls = 5;
  const answering = await startSipp(lab, 'proxied-answer', {
    target: at(registrar),
    transport: callee,
    port,
    calls,
  });
  await untilBound(answering, callee, port);
  await registerSipp(lab, registrar, port, callee);
  const options = { target: at(registrar), transport: caller, service: '101', calls, args: ['-d', '300'] };
  await runSipp(lab, 'proxied-call', options);
  await sippPassed(lab, answering);
  const messages = await sippMessages(lab, answering);
  // Every request of the dialog came through us: two Vias.
  for (const method of ['INVITE', 'ACK', 'BYE']) {
    const received = messages
      .split(/-{20,}/)
      .filter((one) => new RegExp(`received[^]*?\\r?\\n${method} sip:`).test(one));
    check(received.length >= calls, `${received.length} ${method} came to the callee, not ${calls}`);
    const straight = received.find((one) => (one.match(/^Via:/gm) ?? []).length !== 2);
    check(straight === undefined, `a ${method} that did not pass the proxy:\n${straight}`);
  }
  check(!messages.includes('Proxy-Authorization'), 'the credentials of our realm were passed on');
  await registrar.stop();
}

/** Two softphones: registered by us, one calls the other, and each hears its tone in what the other sent. */
async function baresipToBaresip(lab: Lab, caller: Transport, callee: Transport): Promise<void> {
  const registrar = await startRegistrar(lab);
  const proxy = { port: registrar.port, domain: DOMAIN, password: PASSWORD };
  const called = await startBaresip(lab, proxy, callee, { user: '201', answers: true });
  const calling = await startBaresip(lab, proxy, caller);
  await until('two bindings', () => bindings(registrar).length >= 2);
  calling.command('dial', `sip:201@${DOMAIN}`);
  await calling.event('CALL_ESTABLISHED');
  await called.event('CALL_ESTABLISHED');
  await sleep(4_000);
  // Hung up by the called side: its BYE finds its way back through the Record-Route.
  called.command('hangup');
  await calling.event('CALL_CLOSED');
  for (const phone of [calling, called]) {
    phone.command('quit');
    await within('baresip to end', phone.peer.exited, 5_000).catch(() => phone.peer.kill('SIGKILL'));
    const tone = phone.heardTone();
    check(tone > 0.8, `of what ${phone.peer.name} heard, ${tone.toFixed(2)} is the tone; over 0.80 is due`);
  }
  const gone = () => bindings(registrar).filter((one) => one.endsWith(' removed'));
  await until('both to have unregistered as they left', () => gone().length === 2);
  await registrar.stop();
}

/** Our echo behind our registrar, called by SIPp through it. */
async function echoBehind(lab: Lab, transport: Transport): Promise<void> {
  const registrar = await startRegistrar(lab);
  const server = ['--server', LOOPBACK, '--port', `${registrar.port}`, '--domain', DOMAIN];
  const echo = await startRingback(lab, ['--user', '101', ...server, '--transport', transport], {
    env: { SIP_PASSWORD: PASSWORD },
  });
  await registered(echo);
  const options = { target: at(registrar), service: '101', calls: 5, args: ['-d', '300'] };
  await runSipp(lab, 'proxied-call', options);
  const endedNow = () => echo.all('call.changed').filter(({ to }) => to === 'terminated');
  // SIPp has its last 200 before the echo's line has come through the pipe.
  await until('five calls to have ended at the echo', () => endedNow().length === 5, 2_000);
  const ended = endedNow();
  check(
    ended.every(({ reason }) => reason?.startsWith('BYE received') === true),
    `ended: ${ended.map(({ reason }) => reason).join(', ')}`,
  );
  await echo.stop();
  await registrar.stop();
}

/** How sipsak reaches a user of ours. It writes no port of five digits into a URI whole, so the domain stands there. */
const sipsakTo = (registrar: Ringback): string[] => ['-p', at(registrar), '-s', `sip:101@${DOMAIN}`];
const LOGIN = ['-u', '101', '-a', PASSWORD];

/** A phone that left without a word is not called any more once its time is over. */
async function expiry(lab: Lab): Promise<void> {
  const registrar = await startRegistrar(lab);
  await registerSipp(lab, registrar, lab.port(), 'udp', 10);
  const expired = () => bindings(registrar).includes('sip:101@lab.local expired');
  await until('the binding to expire', expired, 12_000);
  const child = Bun.spawn(['sipsak', '-vv', ...LOGIN, ...sipsakTo(registrar)], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const said = await within('sipsak', new Response(child.stdout).text(), 10_000);
  check(/SIP\/2\.0 480/.test(said), `sipsak says ${said}`);
  await registrar.stop();
}

/** sipsak registers with its own digest, and finds the phone through us. */
async function sipsak(lab: Lab): Promise<void> {
  const registrar = await startRegistrar(lab);
  const echo = await startRingback(lab, []);
  const contact = `sip:101@${LOOPBACK}:${echo.port}`;
  await output(['sipsak', '-U', '-C', contact, '-x', '60', ...LOGIN, ...sipsakTo(registrar)]);
  await until('the binding', () => bindings(registrar).includes('sip:101@lab.local added'));
  const said = await output(['sipsak', '-vv', ...LOGIN, ...sipsakTo(registrar)]);
  check(/SIP\/2\.0 200/.test(said), `sipsak says ${said}`);
  await echo.wait('sip.received', ({ startLine }) => startLine.startsWith('OPTIONS '));
  await echo.stop();
  await registrar.stop();
}

const pairs = [
  ['udp', 'udp'],
  ['tcp', 'tcp'],
  ['udp', 'tcp'],
  ['tcp', 'udp'],
] as const;

export const registrarScenarios: readonly Scenario[] = [
  ...pairs.map(([caller, callee]): Scenario => {
    const run = (lab: Lab) => sippToSipp(lab, caller, callee);
    return { name: `SIPp calls SIPp through our proxy, ${caller} to ${callee}`, needs: ['sipp'], run };
  }),
  ...pairs.slice(1, 3).map(([caller, callee]): Scenario => {
    const run = (lab: Lab) => baresipToBaresip(lab, caller, callee);
    return {
      name: `baresip calls baresip through our proxy, ${caller} to ${callee}`,
      needs: ['baresip'],
      run,
    };
  }),
  ...overBoth('the echo registered with our registrar, called through it', echoBehind, { needs: ['sipp'] }),
  { name: 'sipsak registers with us and asks the phone through us, udp', needs: ['sipsak'], run: sipsak },
  {
    name: 'a binding that expires with our registrar, udp',
    needs: ['sipp', 'sipsak'],
    limitS: 40,
    run: expiry,
  },
];
