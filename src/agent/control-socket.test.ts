/** Both ends of the control socket, over a real one. */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EVENT_VERSION, type Event } from '../events.ts';
import type { Action } from '../sip/endpoint-io.ts';
import { checkVersion, connectControl } from './control-client.ts';
import type { Lost } from './control-message.ts';
import { type ControlServer, serveControl } from './control-server.ts';
import { Host } from './host.ts';

let folder: string;
let path: string;
let asked: Action[];
let host: Host;
let server: ControlServer | undefined;
let stranger: Server | undefined;

const calling = (to: 'calling' | 'established' | 'terminated'): Event => ({
  v: EVENT_VERSION,
  seq: 1,
  atMs: 1,
  type: 'call.changed',
  call: 'call-1',
  callId: 'c',
  direction: 'outgoing',
  peer: 'sip:7@192.0.2.9',
  from: to === 'calling' ? 'idle' : 'calling',
  to,
});

async function serve(lost?: Lost): Promise<void> {
  const act = (action: Action) => {
    asked.push(action);
    if (action.type === 'call') host.event(calling('calling'));
  };
  host = new Host({ kind: 'agent', pid: 7, version: '1.0', act, accounts: [] });
  const onStop = (reason: string) => {
    asked.push({ type: 'stop', reason });
    server?.close();
  };
  server = await serveControl({
    path,
    host,
    onStop,
    onClients: () => {},
    ...(lost === undefined ? {} : { lost }),
  });
}

/** A server that is none of ours: it says this and waits. */
function speak(text: string): Promise<void> {
  return new Promise((resolve) => {
    stranger = createServer((socket) => void socket.on('error', () => {}).end(text)).listen(path, resolve);
  });
}

async function client() {
  const connected = await connectControl(path);
  if (connected === undefined) throw new Error('nobody is there');
  return connected;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rb-control-'));
  path = join(folder, 'agent.sock');
  asked = [];
});

afterEach(() => {
  server?.close();
  stranger?.close();
  server = undefined;
  stranger = undefined;
  rmSync(folder, { recursive: true, force: true });
});

test('the socket is for its owner alone, and gone when it is closed', async () => {
  await serve();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  server?.close();
  expect(await connectControl(path)).toBeUndefined();
});

test('what is begun is acted on, and its events come until the end', async () => {
  await serve();
  const one = await client();
  const heard: string[] = [];
  const established = Promise.withResolvers<void>();
  await one.begin({ type: 'call', to: 'sip:7@192.0.2.9' }, undefined, (event) => {
    if (event.type === 'call.changed') heard.push(event.to);
    if (heard.includes('established')) established.resolve();
  });
  host.event(calling('established'));
  await established.promise;
  expect(heard).toEqual(['calling', 'established']);
  expect((await one.status()).calls).toMatchObject([{ call: 'call-1', state: 'established' }]);
  one.close();
});

test('what cannot begin is refused with the sentence and the exit code', async () => {
  await serve();
  const one = await client();
  const begun = one.begin({ type: 'hangup', call: 'call-9' }, undefined, () => {});
  expect(await begun.catch((error: unknown) => error)).toMatchObject({
    message: 'There is no call call-9; there are no calls.',
    exitCode: 2,
  });
  one.close();
});

test('a status is understood, however many calls there are and whatever their callers wrote', async () => {
  await serve();
  for (let number = 0; number < 3_000; number++) {
    const call = `call-${number}`;
    host.event({ ...calling('established'), call, peer: `sip:${'u'.repeat(8_000)}@h` } as Event);
  }
  const asking = await client();
  const { calls } = await asking.status();
  expect(calls).toHaveLength(3_000);
  expect(calls[0]?.peer).toHaveLength(256);
  asking.close();
});

test('a client that leaves while its call rings takes the call with it', async () => {
  await serve();
  const one = await client();
  await one.begin({ type: 'call', to: 'sip:7@192.0.2.9' }, undefined, () => {});
  one.close();
  await one.closed;
  while (asked.at(-1)?.type !== 'hangup') await new Promise(setImmediate);
  expect(asked.at(-1)).toEqual({ type: 'hangup', call: 'call-1' });
});

test('what was lost is told to the first client, once', async () => {
  const lost = { pid: 3, accounts: ['sip:100@lab.local'], calls: [] };
  await serve(lost);
  const [one, two] = [await client(), await client()];
  expect([one.hello.lost, two.hello.lost]).toEqual([lost, undefined]);
  for (const each of [one, two]) each.close();
});

test('stop ends the connection; an end in the middle of a question is an error, not silence', async () => {
  await serve();
  const [one, two] = [await client(), await client()];
  await one.stop('enough');
  expect(asked).toEqual([{ type: 'stop', reason: 'enough' }]);
  await two.closed;
  expect(two.status()).rejects.toThrow('In the middle of it');
});

test('an agent retires only where it holds nothing and nobody else is connected', async () => {
  await serve();
  const [one, two] = [await client(), await client()];
  expect(await one.retire('others are there')).toBe(false);
  two.close();
  await two.closed;
  const { end } = await one.begin({ type: 'call', to: 'sip:7@192.0.2.9' }, undefined, () => {});
  expect(await one.retire('a call stands')).toBe(false);
  expect(asked.filter(({ type }) => type === 'stop')).toEqual([]);
  end();
  host.event(calling('terminated'));
  expect(await one.retire('nothing is left')).toBe(true);
  expect(asked.at(-1)).toEqual({ type: 'stop', reason: 'nothing is left' });
});

test('nobody is there: no socket, a file, a socket that a dead process left', async () => {
  expect(await connectControl(path)).toBeUndefined();
  writeFileSync(path, '');
  expect(await connectControl(path)).toBeUndefined();
  const source = `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); process.kill(process.pid, 'SIGKILL');`;
  rmSync(path);
  await Bun.spawn([process.execPath, '-e', source]).exited;
  expect(statSync(path).isSocket()).toBeTrue();
  expect(await connectControl(path)).toBeUndefined();
  await serve();
  (await client()).close();
});

test('an agent of another version: which one it is, and what to do', async () => {
  await speak(`${JSON.stringify({ type: 'hello', version: '9.9', kind: 'agent', pid: 7, new: 1 })}\n`);
  const one = await client();
  expect(() => checkVersion(one.hello, '1.0')).toThrow(
    'The agent that is running (process 7) is ringback 9.9, and this is 1.0. End it first: ringback stop, then the same again.',
  );
  one.close();
});

test('who speaks another language is nobody for us', async () => {
  await speak('220 mail.example.org ESMTP\n');
  expect(await connectControl(path)).toBeUndefined();
});

test('a client that speaks another language is let go, and what is no request is refused', async () => {
  await serve();
  const said = (text: string) =>
    new Promise<string>((resolve) => {
      let all = '';
      const socket = connect(path, () => void socket.write(text));
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        all += chunk;
        if (all.includes('refused')) socket.end();
      });
      socket.on('error', () => {}).on('close', () => resolve(all));
    });
  expect((await said('GET / HTTP/1.1\n')).split('\n')).toHaveLength(2);
  expect(await said(`${JSON.stringify({ type: 'begin', id: 5, task: { type: 'call' } })}\n`)).toContain(
    '"type":"refused","id":5',
  );
  for (const line of ['null', '[]', '1', '{"id":1e300}']) {
    expect(await said(`${line}\n`)).toContain('"type":"refused","id":0');
  }
  expect((await said('x'.repeat(600_000))).split('\n')).toHaveLength(2);
  (await client()).close();
});
