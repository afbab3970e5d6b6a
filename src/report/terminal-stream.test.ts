import { expect, test } from 'bun:test';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { terminalStream } from './terminal-stream.ts';

test('what is written comes out whole and in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringback-terminal-'));
  const file = join(folder, 'out');
  const descriptor = openSync(file, 'w');
  const stream = terminalStream(descriptor);
  const lines = Array.from({ length: 200 }, (_, index) => `line ${index} é\n`);
  await Promise.all(lines.map((line) => new Promise((resolve) => stream.write(line, resolve))));
  closeSync(descriptor);
  expect(readFileSync(file, 'utf8')).toBe(lines.join(''));
  rmSync(folder, { recursive: true });
});

test('a terminal that is gone is told to the writer and to the listener', async () => {
  // A descriptor that may only be read: EBADF, as EIO is of a terminal that was closed.
  const stream = terminalStream(openSync('/dev/null', 'r'));
  const heard: unknown[] = [];
  stream.on('error', (error) => heard.push(error));
  const error = await new Promise((resolve) => stream.write('x', resolve));
  expect(error).toBeInstanceOf(Error);
  expect(heard).toEqual([error]);
});
