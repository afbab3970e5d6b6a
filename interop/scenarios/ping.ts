/** `ringback ping`: OPTIONS to Kamailio, SIPp and our own echo, to ports where nobody is, and to nobody at all. */
import { createSocket } from 'node:dgram';
import { type Event, streamEvent } from '../../src/events.ts';
import { startDns } from '../dns-server.ts';
import { startKamailio } from '../kamailio.ts';
import { check, type Lab, LOOPBACK, tail, until, untilBound, within } from '../lab.ts';
import { startRingback } from '../ringback.ts';
import { overBoth, type Scenario } from '../scenario.ts';
import { startSipp } from '../sipp.ts';

let runs = 0;

/** Runs it to its end; everything it says. */
async function ping(lab: Lab, ...args: string[]): Promise<{ code: number; output: string }> {
  const peer = lab.spawn(`ringback-ping-${++runs}`, [...lab.ringback, 'ping', '--bind', LOOPBACK, ...args]);
  const code = await within('ringback ping to end', peer.exited, 20_000);
  return { code, output: peer.output() };
}

function claim(ended: { code: number; output: string }, code: number, ...says: RegExp[]): void {
  check(ended.code === code, `exit code ${ended.code}, not ${code}\n${tail(ended.output)}`);
  for (const expected of says) check(expected.test(ended.output), `${expected} is not in\n${ended.output}`);
}

function eventsOf(output: string): Event[] {
  return output
    .trimEnd()
    .split('\n')
    .map((line) => {
      const parsed = streamEvent.safeParse(JSON.parse(line));
      check(parsed.success, `not an event: ${line}`);
      return parsed.data as Event;
    });
}

export const pingScenarios: readonly Scenario[] = [
  ...overBoth(
    'ping: Kamailio answers 200, a user that is not there 404',
    async (lab, transport) => {
      const { port } = await startKamailio(lab);
      const target = `sip:${LOOPBACK}:${port}`;
      const times = ['--transport', transport, '--count', '3', '--interval', '0.1'];
      const server = new RegExp(
        `\\[PING\\] 200 OK from ${transport} ${LOOPBACK}:${port} in \\d+\\.\\d ms, kamailio`,
      );
      claim(await ping(lab, target, ...times), 0, server, /3 sent, 3 answered, 0 % lost/);
      const nobody = await ping(lab, `sip:nobody@${LOOPBACK}:${port}`, '--transport', transport);
      claim(nobody, 4, /\[PING\] 404 Not Found/, /\[EXIT\] code=4/);
    },
    { needs: ['kamailio'] },
  ),
  ...overBoth('ping: our echo says what it supports, as lines and as events', async (lab, transport) => {
    const echo = await startRingback(lab);
    const target = `sip:echo@${LOOPBACK}:${echo.port};transport=${transport}`;
    claim(
      await ping(lab, target),
      0,
      /allow: INVITE, ACK/,
      /supported: 100rel, timer/,
      /accept: application\/sdp/,
    );
    const { code, output } = await ping(lab, target, '--json', '--count', '2', '--interval', '0.1');
    check(code === 0, `exit code ${code}`);
    const events = eventsOf(output);
    const answers = events.filter((event) => event.type === 'ping.answered');
    check(answers.length === 2 && answers.every(({ status }) => status === 200), 'two answers of 200');
    check(
      answers.every(({ rttMs = -1, allow = [] }) => rttMs > 0 && allow.includes('BYE')),
      'what they say',
    );
    check(
      events.every(({ seq }, index) => seq === index + 1),
      'seq has gaps',
    );
    check(
      events.at(-2)?.type === 'ping.finished' && events.at(-1)?.type === 'session.stopped',
      'how it ends',
    );
    await echo.stop();
  }),
  {
    name: 'ping: SIPp answers 200 to OPTIONS, udp',
    needs: ['sipp'],
    async run(lab) {
      const port = lab.port();
      const sipp = await startSipp(lab, 'options-uas', { target: `${LOOPBACK}:9`, port, calls: 1 });
      await untilBound(sipp, 'udp', port);
      claim(
        await ping(lab, `sip:uas@${LOOPBACK}:${port}`),
        0,
        /200 OK from udp .*, SIPp/,
        /allow: INVITE, OPTIONS/,
      );
      check((await within('SIPp to end', sipp.exited, 5_000)) === 0, tail(sipp.output()));
    },
  },
  ...overBoth(
    'ping: the challenge of our registrar is answered with the right password alone',
    async (lab, transport) => {
      const port = lab.port();
      const domain = ['--domain', 'lab.local'];
      const users = ['--user', '100:secret', '--user', '101:secret', ...domain];
      const registrar = [...lab.ringback, 'registrar', '--bind', LOOPBACK, '--sip-port', `${port}`, ...users];
      lab.spawn('ringback-registrar', registrar);
      const target = `sip:101@${LOOPBACK}:${port};transport=${transport}`;
      await until(
        'the registrar to listen',
        async () => (await ping(lab, `sip:${LOOPBACK}:${port}`)).code === 0,
      );
      const account = (password: string) => ['--user', '100', ...domain, '--password', password];
      // Nobody is registered as 101: this is what the proxy says once it knows who asks.
      claim(await ping(lab, target, ...account('secret')), 4, /\[PING\] 480 /);
      claim(await ping(lab, target, ...account('wrong')), 3, /\[PING\] 407 .*refused/, /code=3/);
      claim(await ping(lab, target), 3, /asks who we are/);
    },
  ),
  {
    name: 'ping: nobody there, nobody who answers, no such name',
    async run(lab) {
      const dead = lab.port();
      const refused = await ping(lab, `sip:${LOOPBACK}:${dead}`);
      claim(refused, 6, /no answer from udp/, /\[EXIT\] code=6/);
      claim(await ping(lab, `sip:${LOOPBACK}:${dead};transport=tcp`), 6, /no answer from tcp/);
      const name = 'sip:nowhere.example.test';
      const dns = await startDns(lab, []);
      const unknown = await ping(lab, name, '--dns', dns.address);
      claim(unknown, 6, /no answer from sip:nowhere\.example\.test: .*address/);
      // The machine's name servers cannot be reached from in here.
      claim(await ping(lab, name), 6, /no answer from .*could not be looked up in DNS/);
      const silent = createSocket('udp4');
      lab.defer(() => void silent.close());
      await new Promise<void>((resolve) => silent.bind(0, LOOPBACK, resolve));
      const target = `sip:${LOOPBACK}:${silent.address().port}`;
      const unanswered = await ping(lab, target, '--timeout', '1', '--count', '2', '--interval', '0.2');
      claim(unanswered, 5, /nothing came in time/, /2 sent, 0 answered, 100 % lost/);
      claim(await ping(lab), 2, /needs a target/);
      claim(await ping(lab, 'sip:a b'), 2, /expected a target/);
    },
  },
  {
    name: 'ping: Ctrl-C prints what came of it and ends with 130',
    async run(lab) {
      const echo = await startRingback(lab);
      const argv = [...lab.ringback, 'ping', `sip:${LOOPBACK}:${echo.port}`, '--bind', LOOPBACK];
      const peer = lab.spawn('ringback-ping-for-ever', [...argv, '--count', '0', '--interval', '0.1']);
      await until('an answer', () => peer.output().includes('200 OK'), 10_000);
      peer.kill('SIGINT');
      const code = await within('ringback ping to end', peer.exited, 5_000);
      claim(
        { code, output: peer.output() },
        130,
        /\d+ sent, \d+ answered, \d+ % lost, round trip min\/avg\/max/,
      );
      await echo.stop();
    },
  },
  {
    name: 'ping and doctor: a reader that leaves changes no exit code',
    async run(lab) {
      const nobody = `${LOOPBACK}:${await lab.port()}`;
      for (const words of [`ping ${nobody} --count 2 --interval 0.1`, `doctor ${nobody}`]) {
        const line = `set -o pipefail; ${lab.ringback.join(' ')} ${words} --bind ${LOOPBACK} | head -1`;
        const peer = lab.spawn(`unread-${++runs}`, ['bash', '-c', line]);
        const code = await within(`${words} to end`, peer.exited, 20_000);
        claim({ code, output: peer.output() }, 6);
      }
    },
  },
];
