/** The process as a person or a script meets it: what it prints where, and its exit code. */
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import { describeFailure } from './cli/failure.ts';
import { runCommand } from './cli/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringback-main-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MAIN = join(import.meta.dir, 'main.ts');

async function ringback(...words: string[]) {
  const child = Bun.spawn([process.execPath, MAIN, ...words], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr, code };
}

test('--version prints one line', async () => {
  expect(await ringback('--version')).toEqual({
    stdout: `ringback ${packageJson.version}\n`,
    stderr: '',
    code: 0,
  });
});

test('wrong usage is one sentence on stderr and exit code 2, without a stack trace', async () => {
  const cases: [string[], string][] = [
    [['ehco'], 'There is no command "ehco". Did you mean ringback echo?\n'],
    [['echo', '--usr', '1'], 'There is no flag --usr. Did you mean --user?\n'],
    [['schema', '--json'], 'ringback schema takes no --json; see: ringback help schema\n'],
    [['call', '--tow', 'x'], 'There is no flag --tow. Did you mean --to?\n'],
    [['call'], 'ringback call needs --to: whom to call?\n'],
    [['hangup'], 'ringback hangup needs either --call-id CALL or --all.\n'],
    [['register'], 'ringback register needs --user and --server (or an [[account]] in --config).\n'],
    [['probe'], 'This version of ringback does not have the command probe yet.\n'],
    [['doctor', 'a', 'b'], 'ringback doctor looks at one server; "b" is one too many.\n'],
    [['echo', 'extra'], 'ringback echo does not know what to do with "extra".\n'],
    [
      ['echo', '--port', '-v'],
      '--port needs a value: port of the server (one that starts with a hyphen: --port=-...).\n',
    ],
    [['--json'], '--json needs a command before it; see: ringback help\n'],
  ];
  // One as a process, as a script meets it; for the others that costs more than it shows.
  const [[words, stderr], ...others] = cases as [[string[], string], ...typeof cases];
  expect(await ringback(...words)).toEqual({ stdout: '', stderr, code: 2 });
  const failures = await Promise.all(others.map(([words]) => runCommand(words).catch((error) => error)));
  expect(failures.map((error) => describeFailure(error, false))).toEqual(
    others.map(([, sentence]) => ({ text: sentence.trimEnd(), code: 2 })),
  );
});

test('no command: three commands to begin with, on stderr and 2 when no person is there', async () => {
  const { stdout, stderr, code } = await ringback();
  expect([stdout, code]).toEqual(['', 2]);
  for (const word of ['ringback demo', 'ringback echo', 'ringback help']) expect(stderr).toContain(word);
});

test('help and schema go to stdout; a reader that leaves early is no error', async () => {
  const [help, page, schema] = await Promise.all([
    ringback('-h'),
    ringback('echo', '--help'),
    ringback('schema'),
  ]);
  expect([help.code, page.code, schema.code]).toEqual([0, 0, 0]);
  expect(page.stdout).toStartWith('Usage: ringback echo');
  expect(JSON.parse(schema.stdout)).toHaveProperty('anyOf');
  const piped = Bun.spawnSync(['sh', '-c', '"$0" "$1" schema | head -1', process.execPath, MAIN], {
    cwd: folder,
  });
  expect([piped.stdout.toString(), piped.stderr.toString()]).toEqual(['{\n', '']);
});
