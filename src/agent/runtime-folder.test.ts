/** The folder of the sockets: where it is, and when it is not trusted. */
import { afterAll, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentError } from './agent-error.ts';
import { runtimeFolder, secureFolder, socketsIn } from './runtime-folder.ts';

const base = mkdtempSync(join(tmpdir(), 'rb-folder-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const uid = process.getuid?.() ?? 0;

test('it is in XDG_RUNTIME_DIR, else in /run/user, else in /tmp under a name of its own', () => {
  expect(runtimeFolder({ XDG_RUNTIME_DIR: '/run/user/7' }, 7, () => true)).toBe('/run/user/7/ringback');
  expect(runtimeFolder({}, 7, () => true)).toBe('/run/user/7/ringback');
  expect(runtimeFolder({ XDG_RUNTIME_DIR: '' }, 7, () => false)).toBe('/tmp/ringback-7');
  expect(runtimeFolder({ XDG_RUNTIME_DIR: 'here' }, 7, () => false)).toBe('/tmp/ringback-7');
});

test('it is made for its owner alone, and found again', () => {
  const folder = join(base, 'made', 'ringback');
  secureFolder(folder, uid);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(() => secureFolder(folder, uid)).not.toThrow();
});

test('a folder that others may enter, that is somebody else’s, a link or a file is refused with what to do', () => {
  const open = join(base, 'open');
  mkdirSync(open);
  chmodSync(open, 0o755);
  expect(() => secureFolder(open, uid)).toThrow(`chmod 700 ${open}`);
  const own = join(base, 'own');
  mkdirSync(own, { mode: 0o700 });
  expect(() => secureFolder(own, uid + 1)).toThrow('belongs to another user');
  const link = join(base, 'link');
  symlinkSync(own, link);
  expect(() => secureFolder(link, uid)).toThrow(AgentError);
  const file = join(base, 'file');
  writeFileSync(file, '');
  expect(() => secureFolder(file, uid)).toThrow(AgentError);
  expect(() => secureFolder(`/tmp/${'x'.repeat(100)}`, uid)).toThrow('too long for a socket');
});

test('the sockets in it are the agent’s and those of echoes, the agent’s first', () => {
  const folder = join(base, 'sockets');
  mkdirSync(folder);
  for (const name of ['echo-12.sock', 'agent.sock', 'agent.lock', 'echo-x.sock'])
    writeFileSync(join(folder, name), '');
  expect(socketsIn(folder)).toEqual([join(folder, 'agent.sock'), join(folder, 'echo-12.sock')]);
  expect(socketsIn(join(base, 'nowhere'))).toEqual([]);
});
