/** What tells one ringback from another (RFC 5626 §4.1). */
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outboundOf } from './instance.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringback-instance-'));
afterAll(() => rmSync(folder, { recursive: true }));

const given = { outbound: true, seed: [1, 2, 3, 4], seeded: false } as const;
const variables = { XDG_RUNTIME_DIR: folder };

test('two that run at once are two; a seed gives one of its own; with --outbound no there is none', () => {
  // A lock is held once in a process, too: SQLite opens the file anew.
  const first = outboundOf(given, variables).outbound?.instance;
  const second = outboundOf(given, variables).outbound?.instance;
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(second).toMatch(/^[0-9a-f]{32}$/);
  expect(second).not.toBe(first);
  const seeded = outboundOf({ ...given, seeded: true }, variables);
  expect(outboundOf({ ...given, seeded: true }, variables)).toEqual(seeded);
  expect([first, second]).not.toContain(seeded.outbound?.instance);
  expect(outboundOf({ ...given, outbound: false }, variables)).toEqual({});
});

test('where there is no folder for the lock, the id is for this run alone', () => {
  const nowhere = { XDG_RUNTIME_DIR: '/proc/1/nowhere' };
  const one = outboundOf(given, nowhere).outbound?.instance;
  expect(one).toMatch(/^[0-9a-f]{32}$/);
  expect(outboundOf(given, nowhere).outbound?.instance).not.toBe(one);
});

test('the one that is started again has the id that it had', async () => {
  const script = `import { outboundOf } from ${JSON.stringify(join(import.meta.dir, 'instance.ts'))};
    console.log(outboundOf(${JSON.stringify(given)}, ${JSON.stringify({ XDG_RUNTIME_DIR: `${folder}/again` })}).outbound.instance);`;
  const run = () => Bun.spawnSync([process.execPath, '-e', script]).stdout.toString().trim();
  const one = run();
  expect(one).toMatch(/^[0-9a-f]{32}$/);
  expect(run()).toBe(one);
});
