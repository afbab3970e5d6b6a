/**
 * The frame of `--json`: with every command the first event is session.started, the last session.stopped with the exit
 * code of the process, and `seq` has no gaps. Also when it fails, and when somebody presses Ctrl-C twice.
 */
import { createSocket } from 'node:dgram';
import { type Event, streamEvent } from '../../src/events.ts';
import { checkEnded, type Ended, openCommands } from '../commands.ts';
import { check, type Lab, LOOPBACK, tail, until, within } from '../lab.ts';
import type { Scenario } from '../scenario.ts';

function checkFrame(what: string, { stdout, stderr, code }: Ended, wanted: number): void {
  check(code === wanted, `${what} ended with ${code}, not ${wanted}\n${tail(stdout)}${tail(stderr)}`);
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line): Event => {
      const parsed = streamEvent.safeParse(JSON.parse(line));
      check(parsed.success, `${what}: not an event: ${line}`);
      return parsed.data as Event;
    });
  const [first, last] = [events[0], events.at(-1)];
  check(first?.type === 'session.started', `${what} begins with ${first?.type}`);
  check(
    last?.type === 'session.stopped' && last.exitCode === code,
    `${what} ends with ${stdout.slice(-200)}`,
  );
  check(events.filter(({ type }) => type === 'session.stopped').length === 1, `${what} ends twice`);
  check(
    events.every(({ seq, atMs }, index) => seq === index + 1 && atMs >= (events[index - 1]?.atMs ?? 0)),
    `${what}: seq has gaps, or time runs back\n${stdout}`,
  );
  check(!stdout.includes('hunter2'), `${what} tells a password`);
}

async function everyCommand(lab: Lab): Promise<void> {
  const commands = openCommands(lab, 'hunter2');
  const port = lab.port();
  const users = ['--user', '100:hunter2', '--user', '101:hunter2', '--domain', 'lab.local'];
  const at = ['--bind', LOOPBACK, '--sip-port', `${port}`];
  const registrar = commands.start('registrar', '--json', ...users, ...at);
  const server = ['--server', `${LOOPBACK}:${port}`, '--domain', 'lab.local'];
  const run = async (wanted: number, ...words: string[]) =>
    checkFrame(`ringback ${words.join(' ')}`, await commands.run(...words, '--json'), wanted);
  const answers = async () => (await commands.run('ping', `${LOOPBACK}:${port}`)).code === 0;
  await until('the registrar', answers, 10_000);
  const echo = commands.start('echo', '--json', '--user', '101', ...server, '--transport', 'udp');
  await run(0, 'register', '--user', '100', ...server);
  await until(
    'the echo',
    async () => (await commands.run('call', '--to', '101@lab.local', '--ring-timeout', '5')).code === 0,
    10_000,
  );
  await run(0, 'call', '--to', '101@lab.local');
  const handle = 'call-100-101-002';
  await run(0, 'hold', '--call-id', handle);
  await run(0, 'resume', '--call-id', handle);
  await run(0, 'hangup', '--call-id', handle);
  await run(0, 'hangup', '--all');
  await run(0, 'hangup', '--all');
  await run(2, 'hangup', '--call-id', 'call-that-is-not');
  await run(6, 'call', '--to', `sip:a@${LOOPBACK}:${lab.port()}`, '--foreground');
  await run(0, 'ping', `${LOOPBACK}:${port}`);
  await run(6, 'ping', `${LOOPBACK}:${lab.port()}`);
  await run(0, 'register', '--remove', '--user', '100');
  registrar.kill('SIGTERM');
  checkFrame('registrar', await registrar.ended, 0);
  await run(0, 'stop');
  checkFrame('echo', await echo.ended, 0);
  await run(0, 'stop');
}

/** The second signal does not wait for what the first one began, and is an end like any other in what is written. */
async function twice(lab: Lab): Promise<void> {
  const commands = openCommands(lab, 'hunter2');
  const silent = createSocket('udp4');
  lab.defer(() => void silent.close());
  let heard = 0;
  silent.on('message', () => heard++);
  await new Promise<void>((resolve) => silent.bind(0, LOOPBACK, resolve));
  const { port } = silent.address();
  const account = ['--user', '1', '--server', `${LOOPBACK}:${port}`, '--transport', 'udp'];
  const all = [
    ['call', '--to', `sip:a@${LOOPBACK}:${port}`, '--foreground'],
    ['register', ...account, '--foreground'],
    ['echo', ...account],
  ];
  for (const words of all) {
    for (const style of ['--json', '--plain']) {
      const before = heard;
      const child = commands.start(...words, style);
      await until('a request', () => heard > before, 10_000);
      child.kill('SIGINT');
      await Bun.sleep(100);
      child.kill('SIGINT');
      const ended = await within(`${words[0]} to leave at once`, child.ended, 2_000);
      if (style === '--json') checkFrame(`${words[0]}, twice SIGINT`, ended, 130);
      else checkEnded(`${words[0]}, twice SIGINT`, ended, 130);
      const last = tail(ended.stdout, 1);
      check(
        style === '--json' || /^\[EXIT\] code=130$|^\[STATE\] stopped: /.test(last),
        `it ends with ${last}`,
      );
    }
  }
}

export const frameScenarios: readonly Scenario[] = [
  { name: 'events: session.started and session.stopped around all that any command says', run: everyCommand },
  { name: 'events: two signals, and the last line says so', run: twice },
];
