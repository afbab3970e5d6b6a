/**
 * What build.ts promises of every binary, proved on small programs that are compiled the same way: Ink starts without
 * its developer tools, and nothing that lies in the folder where it is started is run or read by Bun.
 */
import { afterAll, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildConfig, compile } from './build.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ringback-build-test-'));
// Inside the checkout, so that Ink is found from there.
mkdirSync(join(import.meta.dir, 'dist'), { recursive: true });
const inside = mkdtempSync(join(import.meta.dir, 'dist', 'test-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  rmSync(inside, { recursive: true, force: true });
});

/** Compiles a source of a few lines and gives its path. */
async function program(name: string, source: string): Promise<string> {
  const entry = join(inside, `${name}.tsx`);
  const outfile = join(scratch, process.platform === 'win32' ? `${name}.exe` : name);
  await Bun.write(entry, source);
  await compile({ entrypoints: [entry], root: inside, outfile });
  return outfile;
}

/** Runs it in a folder of its own and gives what it printed. */
function run(binary: string, folder: string, env: Record<string, string> = {}): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync([binary], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    timeout: 10_000,
  });
  return `${stdout}${stderr}exit ${exitCode}`;
}

test('an Ink program starts without react-devtools-core, even under DEV=true', async () => {
  const binary = await program(
    'ink',
    `import { render, Text } from 'ink';
     const { unmount } = render(<Text>drawn by ink</Text>);
     unmount();
     console.log('done');`,
  );
  for (const env of [{}, { DEV: 'true' }]) {
    const said = run(binary, scratch, env);
    expect(said).toContain('drawn by ink');
    expect(said).toEndWith('done\nexit 0');
    expect(said).not.toContain('DevTools');
  }
});

test('a bunfig.toml and an .env in the folder where it is started do nothing', async () => {
  const folder = mkdtempSync(join(scratch, 'trap-'));
  const trace = join(folder, 'preload-was-here');
  await Bun.write(join(folder, 'preload.ts'), `await Bun.write(${JSON.stringify(trace)}, 'x');`);
  await Bun.write(join(folder, 'bunfig.toml'), 'preload = ["./preload.ts"]\n');
  await Bun.write(join(folder, '.env'), 'SIP_PASSWORD=read-by-bun\n');
  const source = `console.log('password', process.env.SIP_PASSWORD ?? 'unset');`;

  const binary = await program('trap', source);
  expect(run(binary, folder)).toBe('password unset\nexit 0');
  expect(existsSync(trace)).toBe(false);

  // The trap is a trap: the same program compiled with Bun's defaults falls into it.
  const config = buildConfig({
    entrypoints: [join(inside, 'trap.tsx')],
    root: inside,
    outfile: join(scratch, 'naive'),
  });
  await Bun.build({ ...config, compile: { outfile: join(scratch, 'naive') } });
  expect(run(join(scratch, 'naive'), folder)).toBe('password read-by-bun\nexit 0');
  expect(existsSync(trace)).toBe(true);
});
