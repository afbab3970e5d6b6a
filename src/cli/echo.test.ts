/** The echo as a process: how it ends, and with which code. Real sockets on loopback, nothing waits by the clock. */
import { afterAll, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Event } from '../events.ts';
import { readySentence } from './echo.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringback-echo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MAIN = join(import.meta.dir, '..', 'main.ts');

function echo(words: readonly string[], variables: Record<string, string> = {}) {
  return Bun.spawn([process.execPath, MAIN, 'echo', '--bind', '127.0.0.1', ...words], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...variables },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
}

/** Reads events to the end; `react` is called with each as it comes. */
async function events(stdout: ReadableStream<Uint8Array>, react: (event: Event) => void): Promise<Event[]> {
  const all: Event[] = [];
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of stdout) {
    const lines = `${rest}${decoder.decode(bytes, { stream: true })}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = JSON.parse(line) as Event;
      all.push(event);
      react(event);
    }
  }
  expect(rest).toBe('');
  return all;
}

test('SIGTERM ends it with code 0, and the last event says why', async () => {
  const child = echo(['--json']);
  const all = await events(child.stdout, (event) => {
    if (event.type === 'listener.opened' && event.transport === 'tcp') child.kill('SIGTERM');
  });
  expect(await child.exited).toBe(0);
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
  expect(all[0]).toMatchObject({ v: 1, type: 'session.started' });
  expect(all.at(-1)).toMatchObject({ type: 'session.stopped', reason: 'SIGTERM', exitCode: 0 });
});

test('stop on stdin ends it as well, and a line that is no request is answered on stderr', async () => {
  const child = echo(['--json']);
  child.stdin.write('dance\nstop\n');
  child.stdin.flush();
  const all = await events(child.stdout, () => {});
  expect([await child.exited, all.at(-1)?.type]).toEqual([0, 'session.stopped']);
  expect(await child.stderr.text()).toBe(
    'stdin: expected hangup CALL, hold CALL, resume CALL, call TARGET, hangup-all, register or stop, not "dance".\n',
  );
});

test('a port that another program has: code 6 and a sentence with the port and what to do', async () => {
  const taken = await Bun.udpSocket({ hostname: '127.0.0.1', port: 0 });
  const child = echo(['--sip-port', String(taken.port)]);
  expect(await child.exited).toBe(6);
  expect(await child.stdout.text()).toBe('');
  const said = await child.stderr.text();
  expect(said).toContain(String(taken.port));
  expect(said).toContain('--sip-port');
  expect(said.trim().split('\n')).toHaveLength(1);
  taken.close();
});

/** A registrar that likes no password; it counts the requests that it was sent. */
async function refusingRegistrar() {
  const requests: string[] = [];
  const socket = await Bun.udpSocket({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data(from, bytes, port, address) {
        const text = bytes.toString('latin1');
        requests.push(text);
        const copied = text.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/i.test(line));
        const challenge = `WWW-Authenticate: Digest realm="lab", nonce="n${requests.length}", qop="auth"`;
        const answer = ['SIP/2.0 401 Unauthorized', ...copied, challenge, 'Content-Length: 0', '', ''];
        from.send(answer.join('\r\n'), port, address);
      },
    },
  });
  return { socket, requests };
}

test('the only account is refused: code 3, no storm of requests, and the password is in no output', async () => {
  const { socket, requests } = await refusingRegistrar();
  const child = echo(['--json', '--raw', '--user', '100', '--server', `127.0.0.1:${socket.port}`], {
    SIP_TRANSPORT: 'udp',
    SIP_PASSWORD: 'hunter2-hunter2',
  });
  const all = await events(child.stdout, () => {});
  expect(await child.exited).toBe(3);
  socket.close();
  expect(all.at(-1)).toMatchObject({ type: 'session.stopped', exitCode: 3 });
  expect(all.filter((event) => event.type === 'registration.changed').at(-1)).toMatchObject({ to: 'failed' });
  expect(requests.length).toBeLessThanOrEqual(3);
  expect(requests[1]).toContain('Authorization: Digest');
  const response = /response="([^"]+)"/.exec(requests[1] ?? '')?.[1] ?? 'missing';
  const output = `${JSON.stringify(all)}${await child.stderr.text()}`;
  for (const secret of ['hunter2-hunter2', response]) expect(output).not.toContain(secret);
});

test.if(existsSync('/dev/full'))('a full disk under stdout ends it with code 1 and a sentence', async () => {
  const child = Bun.spawn([process.execPath, MAIN, 'echo', '--bind', '127.0.0.1', '--json'], {
    cwd: folder,
    env: { PATH: process.env.PATH },
    stdin: 'ignore',
    stdout: Bun.file('/dev/full'),
    stderr: 'pipe',
  });
  expect(await child.exited).toBe(1);
  expect(await child.stderr.text()).toContain('stdout cannot be written: ENOSPC');
});

test('people are told to dial the address that is registered, and this machine only beside it', () => {
  const ready = (...accounts: string[]) =>
    readySentence(accounts, 'sip:echo@192.0.2.5:5060', 'over UDP or TCP');
  expect(ready()).toBe('Ready: call sip:echo@192.0.2.5:5060, over UDP or TCP. Ctrl-C stops.');
  expect(ready('sip:100@lab.local')).toBe(
    'Ready: call sip:100@lab.local once registered; from this network also sip:echo@192.0.2.5:5060, over UDP or TCP. Ctrl-C stops.',
  );
  expect(ready('sip:1@a', 'sip:2@a', 'sip:3@a', 'sip:4@a')).toContain('sip:2@a or sip:3@a (and 1 more) once');
});
