import { afterAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseDotenv, readEnvFile, readEnvFiles, readEnvironment } from './dotenv.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringback-dotenv-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function values(text: string): Record<string, string> {
  return Object.fromEntries(parseDotenv(text).assignments.map(({ name, value }) => [name, value]));
}

test('the common forms of a value are read', () => {
  expect(
    values(
      [
        '# a comment',
        'A=1',
        'export B = two words  # why',
        "C='a # b $X \\n'",
        'D="a\\nb \\"q\\" \\\\ \\$"',
        'E=',
        'F=a#b',
        'G="x" # after',
        'not an assignment',
        '  H=indented',
        'I=#all comment',
        'J=p@ss=word',
      ].join('\r\n'),
    ),
  ).toEqual({
    A: '1',
    B: 'two words',
    C: 'a # b $X \\n',
    D: 'a\nb "q" \\ $',
    E: '',
    F: 'a#b',
    G: 'x',
    H: 'indented',
    I: '',
    J: 'p@ss=word',
  });
});

test('a value over several lines hides no assignment and keeps the count of lines', () => {
  const { assignments } = parseDotenv('KEY="-----BEGIN\nSIP_USER=evil\n-----END"\nSIP_USER=100\n');
  expect(assignments.map(({ name, line }) => `${name} ${line}`)).toEqual(['KEY 1', 'SIP_USER 4']);
});

test('a quote that is not closed is a mistake with its line, and only ours is fatal', () => {
  expect(parseDotenv('A=1\nSIP_PASSWORD="x\nB=2').mistakes).toEqual([
    { name: 'SIP_PASSWORD', line: 2, detail: 'a quote " is not closed' },
  ]);
  const ours = join(folder, 'ours');
  writeFileSync(ours, 'A=1\nSIP_PASSWORD="hunter2\n');
  expect(() => readEnvFile(ours)).toThrow(`${ours} line 2`);
  expect(() => readEnvFile(ours)).not.toThrow('hunter2');
  const theirs = join(folder, 'theirs');
  writeFileSync(theirs, "PROMPT='it\nSIP_USER=100\n");
  expect(readEnvFile(theirs).get('user')?.text).toBe('100');
});

test('no text makes the parser throw or read a name that is not in it', () => {
  const piece = fc.constantFrom('A', '=', '"', "'", '\\', '\n', '\r', '#', ' ', 'export ', '\t', 'é', '$');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const text = pieces.join('');
      for (const { name, line } of parseDotenv(text).assignments) {
        expect(text).toContain(name);
        expect(line).toBeLessThanOrEqual(text.replace(/\r\n?/g, '\n').split('\n').length);
      }
    }),
    { numRuns: 2000 },
  );
});

test('.env is read here and then in the folder above, the first value wins, and a folder named .env is passed over', () => {
  const inner = join(folder, 'up', 'here');
  mkdirSync(inner, { recursive: true });
  writeFileSync(join(folder, 'up', '.env'), 'SIP_USER=above\nSIP_SERVER=above.example\nOTHER=1\n');
  writeFileSync(join(inner, '.env'), 'SIP_USER=here\nSIP_PORT=\n');
  const files = readEnvFiles(inner);
  expect(files.map((file) => file.get('user')?.text)).toEqual(['here', 'above']);
  expect(files.map((file) => file.get('server')?.text)).toEqual([undefined, 'above.example']);
  expect(files[0]?.has('port')).toBe(false);
  const python = join(folder, 'venv');
  mkdirSync(join(python, '.env'), { recursive: true });
  expect(readEnvFiles(python)).toEqual([]);
});

test('the environment gives the seven variables of ours, and an empty one is not set', () => {
  const given = readEnvironment({
    SIP_USER: '100',
    SIP_PASSWORD: '',
    SIP_EXPIRES: '60',
    HOME: '/',
    SIP_ADVERTISE_IP: '192.0.2.9',
  });
  expect([...given.keys()].sort()).toEqual(['advertise-ip', 'user']);
});
