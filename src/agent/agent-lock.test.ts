import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeLock } from './agent-lock.ts';
import { describeLost, readLedger, removeLedger, writeLedger } from './ledger.ts';

const folder = mkdtempSync(join(tmpdir(), 'rb-lock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('one holds the lock, and the next may once it is given back', () => {
  const file = join(folder, 'agent.lock');
  const first = takeLock(file);
  expect(first).toBeDefined();
  expect(takeLock(file)).toBeUndefined();
  first?.release();
  const second = takeLock(file);
  expect(second).toBeDefined();
  second?.release();
});

test('the lock of a process that is killed with -9 is free', async () => {
  const file = join(folder, 'killed.lock');
  const source = `const { takeLock } = await import(${JSON.stringify(join(import.meta.dir, 'agent-lock.ts'))});
    takeLock(${JSON.stringify(file)}); Bun.gc(true); console.log('held'); setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, '-e', source], { stdout: 'pipe', stderr: 'inherit' });
  try {
    for await (const _said of child.stdout) break;
    expect(takeLock(file)).toBeUndefined();
  } finally {
    child.kill('SIGKILL');
    await child.exited;
  }
  const lock = takeLock(file);
  expect(lock).toBeDefined();
  lock?.release();
});

test('the ledger says what was lost, and nothing when nothing was held or it is no ledger', async () => {
  const file = join(folder, 'agent.json');
  expect(readLedger(file)).toBeUndefined();
  const held = { pid: 7, accounts: ['sip:100@lab.local'], calls: ['call-100-101-001'] };
  writeLedger(file, held);
  expect(readLedger(file)).toEqual(held);
  expect(describeLost(held)).toBe(
    'The agent (process 7) ended without a word; lost with it: the registration of sip:100@lab.local and the call call-100-101-001.',
  );
  writeLedger(file, { pid: 7, accounts: [], calls: [] });
  expect(readLedger(file)).toBeUndefined();
  await Bun.write(file, '{"pid":');
  expect(readLedger(file)).toBeUndefined();
  removeLedger(file);
  expect(await Bun.file(file).exists()).toBeFalse();
});
