import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArguments } from './arguments.ts';
import { COMMANDS } from './commands.ts';
import { readRegistrarOptions } from './registrar-options.ts';
import { UsageError } from './usage-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringback-registrar-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const takes = COMMANDS.registrar?.flags ?? [];

function read(line: string, variables: Record<string, string> = {}) {
  const { flags } = parseArguments(['registrar', ...line.split(' ').filter((word) => word !== '')]);
  return readRegistrarOptions(flags, { variables, folder, takes });
}

function complaint(line: string): string {
  try {
    read(line);
  } catch (error) {
    if (error instanceof UsageError && error.exitCode === 2) return error.message;
    throw error;
  }
  throw new Error(`${line} was accepted`);
}

test('--user is a name and a password, once for each user; a password may hold colons', () => {
  const { users, domain, options } = read('--domain lab.local --user 100:secret --user 101:a:b');
  expect(users).toEqual([
    { user: '100', password: 'secret' },
    { user: '101', password: 'a:b' },
  ]);
  expect([domain, options.sipPort]).toEqual(['lab.local', 5060]);
  expect(options.warnings).toHaveLength(1);
});

test('users come from [[account]] tables as well, without a warning, and SIP_USER is none of them', () => {
  const config = join(folder, 'lab.toml');
  const tables = '[[account]]\nuser = "100"\npassword = "one"\n[[account]]\nuser = "101"\npassword = "two"\n';
  writeFileSync(config, `domain = "lab.local"\nsip-port = 5070\n${tables}`);
  const { users, domain, options } = read(`--config ${config}`, { SIP_USER: '999' });
  expect(users.map(({ user, password }) => `${user} ${password}`)).toEqual(['100 one', '101 two']);
  expect([domain, options.sipPort, options.warnings]).toEqual(['lab.local', 5070, []]);
});

test('MD5 is asked for unless something else is said: what fails on SHA-256 is in every lab', () => {
  expect(read('--user 100:a').algorithms).toEqual(['MD5']);
  expect(read('--user 100:a --algorithm sha-256').algorithms).toEqual(['SHA-256']);
  expect(read('--user 100:a --algorithm both').algorithms).toEqual(['SHA-256', 'MD5']);
  expect(complaint('--user 100:a --algorithm sha1')).toContain('expected MD5, SHA-256 or both');
});

test('what is wrong with a user is said without the password', () => {
  expect(complaint('')).toContain('--user 100:secret');
  expect(complaint('--user 100')).toBe('--user: expected a name and a password here, like 100:secret.');
  expect(complaint('--user 100@lab.local:secret')).not.toContain('secret');
  expect(complaint('--user 1@0@0:secret')).not.toContain('secret');
  expect(complaint('--user 100:secret --user 100:other')).toBe('The user 100 is given twice.');
});
