/** The life of the background agent: one of it, whatever happens to it. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { checkEnded, openCommands, untilGone } from '../commands.ts';
import { check, type Lab, until } from '../lab.ts';
import { startRingback } from '../ringback.ts';
import type { Scenario } from '../scenario.ts';

/** Six commands at once find no agent: one is started, and all six calls stand in it. */
async function atOnce(lab: Lab): Promise<void> {
  const commands = openCommands(lab);
  const phone = await startRingback(lab, [], { env: commands.env });
  const target = `sip:echo@127.0.0.1:${phone.port}`;
  const calls = await Promise.all(Array.from({ length: 6 }, () => commands.run('call', '--to', target)));
  for (const call of calls) checkEnded('call', call, 0);
  const agents = (await commands.status()).filter(({ kind }) => kind === 'agent');
  check(agents.length === 1 && agents[0]?.calls.length === 6, `status: ${JSON.stringify(agents)}`);
  checkEnded('hangup --all', await commands.run('hangup', '--all'), 0);
  await phone.stop();
}

/** Killed with -9, the next command starts a fresh one and says what was lost; the stale socket is no obstacle. */
async function killed(lab: Lab): Promise<void> {
  const commands = openCommands(lab);
  const phone = await startRingback(lab, [], { env: commands.env });
  const target = `sip:echo@127.0.0.1:${phone.port}`;
  checkEnded('call', await commands.run('call', '--to', target), 0);
  const pid = await commands.agent();
  process.kill(pid, 'SIGKILL');
  await untilGone(pid, 2_000);
  check(existsSync(join(commands.folder, 'agent.sock')), 'no stale socket to be found');
  const lost = `The agent (process ${pid}) ended without a word; lost with it: the call call-anonymous-echo-001.`;
  // The echo has a call of that handle, too: it is asked by another name.
  const missing = await commands.run('hangup', '--call-id', 'call-anonymous-echo-009');
  checkEnded('hangup of what was lost', missing, 2);
  const next = await commands.run('call', '--to', target);
  checkEnded('the next call', next, 0);
  check(next.stderr === `${lost}\n`, `it said on stderr: ${next.stderr}`);
  const after = await commands.run('call', '--to', target);
  check(after.stderr === '', `it was said twice: ${after.stderr}`);
  check((await commands.agent()) !== pid, 'the same agent');
  await phone.stop();
}

/** With nothing to keep it leaves; with a call it stays, and leaves after that. */
async function goneWhenIdle(lab: Lab): Promise<void> {
  const commands = openCommands(lab);
  const phone = await startRingback(lab, [], { env: commands.env });
  // The last of the scenario's ports: the phone has the first.
  const last = lab.rtpPorts[1];
  const agent = commands.start('agent', '--linger', '4', '--rtp-ports', `${last - 200}-${last}`);
  await until('the agent', async () => (await commands.status()).some(({ kind }) => kind === 'agent'));
  const pid = await commands.agent();
  check(pid === agent.pid, `the agent is ${pid}, not ${agent.pid}`);
  const call = await commands.run('call', '--to', `sip:echo@127.0.0.1:${phone.port}`, '--duration', '3');
  checkEnded('call', call, 0);
  check((await commands.agent()) === pid, 'another agent');
  await phone.wait('call.changed', ({ to }) => to === 'terminated');
  const ended = await agent.ended;
  check(ended.code === 0, `the agent ended with ${ended.code}: ${ended.stderr}`);
  for (const name of ['agent.sock', 'agent.json']) {
    check(!existsSync(join(commands.folder, name)), `${name} is left`);
  }
  await phone.stop();
}

/** An agent of another version is told apart, and what to do is said. */
async function otherVersion(lab: Lab): Promise<void> {
  const commands = openCommands(lab);
  mkdirSync(commands.folder, { mode: 0o700 });
  const hello = { type: 'hello', version: '9.9.9', kind: 'agent', pid: 7 };
  const path = join(commands.folder, 'agent.sock');
  const server = createServer((socket) => {
    socket.on('error', () => {}).write(`${JSON.stringify(hello)}\n`);
    // What every version understands.
    socket.on('data', (chunk) => {
      const { type, id } = JSON.parse(String(chunk)) as { type: string; id: number };
      if (type !== 'stop') return;
      socket.end(`${JSON.stringify({ type: 'stopping', id })}\n`);
      server.close();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const call = await commands.run('call', '--to', 'sip:echo@127.0.0.1:9');
  checkEnded('call', call, 2);
  check(call.stderr.includes('is ringback 9.9.9, and this is '), call.stderr);
  check(call.stderr.includes('ringback stop'), call.stderr);
  checkEnded('stop', await commands.run('stop'), 0);
}

/** The command ends with a sentence when the agent dies in the middle of it. */
async function diesInTheMiddle(lab: Lab): Promise<void> {
  const commands = openCommands(lab);
  const phone = await startRingback(lab, ['--answer-delay', '60'], { env: commands.env });
  const call = commands.start('call', '--to', `sip:echo@127.0.0.1:${phone.port}`);
  await phone.wait('call.changed', ({ to }) => to === 'ringing');
  process.kill(await commands.agent(), 'SIGKILL');
  const ended = await call.ended;
  checkEnded('call', ended, 1);
  check(/The agent ended in the middle of it/.test(ended.stderr), ended.stderr);
  phone.kill('SIGKILL');
}

/** A folder that others may write to is not used. */
async function untrusted(lab: Lab): Promise<void> {
  const commands = openCommands(lab);
  mkdirSync(commands.folder, { mode: 0o777 });
  const { chmodSync } = await import('node:fs');
  chmodSync(commands.folder, 0o777);
  writeFileSync(join(commands.folder, 'agent.sock'), '');
  const status = await commands.run('status');
  checkEnded('status', status, 1);
  check(status.stderr.includes(`chmod 700 ${commands.folder}`), status.stderr);
  chmodSync(commands.folder, 0o700);
}

/** A wrong password over a registration that stands: 3, and whoever calls goes on reaching it. */
async function wrongPassword(lab: Lab): Promise<void> {
  const commands = openCommands(lab, 'secret');
  const port = lab.port();
  const users = ['--user', '100:secret', '--user', '101:secret', '--domain', 'lab.local'];
  commands.start('registrar', '--bind', '127.0.0.1', '--sip-port', `${port}`, ...users);
  const answers = async () => (await commands.run('ping', `127.0.0.1:${port}`)).code === 0;
  await until('the registrar', answers, 10_000);
  const server = ['--server', `127.0.0.1:${port}`, '--domain', 'lab.local'];
  checkEnded('register', await commands.run('register', '--user', '100', ...server), 0);
  const wrong = await commands.run('register', '--user', '100', ...server, '--password', 'wrong');
  checkEnded('register with a wrong password', wrong, 3);
  check(wrong.stdout.includes('registration-kept'), `it does not say what stands: ${wrong.stdout}`);
  const [agent] = await commands.status();
  check(agent?.registrations[0]?.state === 'registered', `status: ${JSON.stringify(agent)}`);
  // Answered by the agent itself; who is not registered is a 480.
  const words = ['sip:100@lab.local', '--proxy', `127.0.0.1:${port}`, '--user', '101'];
  checkEnded('ping through the binding', await commands.run('ping', ...words), 0);
  const elsewhere = ['--server', `127.0.0.1:${lab.port()}`, '--domain', 'lab.local'];
  checkEnded('register where nobody is', await commands.run('register', '--user', '100', ...elsewhere), 6);
  checkEnded('register --remove', await commands.run('register', '--remove', '--user', '100'), 0);
  checkEnded('stop', await commands.run('stop'), 0);
}

export const agentScenarios: readonly Scenario[] = [
  { name: 'agent: six commands at once start one', run: atOnce },
  { name: 'agent: killed with -9, the next one says what was lost', run: killed },
  { name: 'agent: gone when there is nothing left to keep', run: goneWhenIdle },
  { name: 'agent: one of another version', run: otherVersion },
  { name: 'agent: it dies in the middle of a call that rings', run: diesInTheMiddle },
  { name: 'agent: a wrong password over a registration that stands', run: wrongPassword },
  { name: 'agent: a folder that others may write to is refused', run: untrusted },
];
