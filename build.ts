/**
 * Builds the one file that people download: `bun build.ts` for this machine, `bun build.ts --all` for every system,
 * and then runs what it built, because a binary that was never started is a guess.
 *
 * Some of it is not obvious. The media thread is a second entrypoint, with `src` as root, so that it stands at the
 * same place inside the binary (see src/io/media.ts). Bun would load `.env` and the `preload` of a `bunfig.toml` from
 * whatever folder the binary is started in; both are switched off. Ink imports react-devtools-core, which is not
 * installed and may not be left external: it is replaced by nothing. No bytecode: it freezes import.meta.url.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import packageJson from './package.json' with { type: 'json' };

/** What runs where, and under what name it is offered. */
export const TARGETS = {
  'bun-linux-x64': 'ringback-linux-x64',
  'bun-linux-arm64': 'ringback-linux-arm64',
  'bun-linux-x64-musl': 'ringback-linux-x64-musl',
  'bun-linux-arm64-musl': 'ringback-linux-arm64-musl',
  'bun-darwin-x64': 'ringback-darwin-x64',
  'bun-darwin-arm64': 'ringback-darwin-arm64',
  'bun-windows-x64': 'ringback-windows-x64.exe',
} as const satisfies Partial<Record<Bun.Build.CompileTarget, string>>;

type Target = keyof typeof TARGETS;

/** Ink's developer tools: not in the binary, whatever the environment says. */
export const withoutDevtools: Bun.BunPlugin = {
  name: 'without-react-devtools',
  setup(build) {
    build.onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: 'nothing' }));
    build.onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({
      contents: 'export default { initialize() {}, connectToDevTools() {} };',
      loader: 'js',
    }));
    // With DEV=true in somebody's environment Ink looks for a debugger on the network and for its package.json.
    build.onLoad({ filter: /[\\/]ink[\\/]build[\\/](ink|reconciler)\.js$/ }, async ({ path }) => ({
      contents: (await Bun.file(path).text()).replaceAll("process.env['DEV'] === 'true'", 'false'),
      loader: 'js',
    }));
  },
};

/** What one program is built from. */
export interface Program {
  readonly entrypoints: string[];
  /** The folder whose layout is kept inside the binary. */
  readonly root: string;
  readonly outfile: string;
  /** This machine when it is absent. */
  readonly target?: Target;
  readonly commit?: string;
}

/** How every program of ours is compiled; build.test.ts proves its parts on small programs. */
export function buildConfig({ entrypoints, root, outfile, target, commit }: Program): Bun.BuildConfig {
  return {
    entrypoints,
    root,
    target: 'bun',
    plugins: [withoutDevtools],
    define: {
      'process.env.NODE_ENV': '"production"',
      ...(commit === undefined ? {} : { RINGBACK_COMMIT: JSON.stringify(commit) }),
    },
    // Names are kept: a stack trace in a report has to be read by somebody.
    minify: { whitespace: true, syntax: true, identifiers: false },
    sourcemap: 'inline',
    compile: {
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
      ...(target === undefined ? {} : { target }),
    },
  };
}

/**
 * Compiles it. Throws an error that holds what Bun said. Bun puts the source maps into the binary and, unasked, beside
 * it as well; so it works in a folder of its own, out of which the binary alone is taken.
 */
export async function compile(program: Program): Promise<void> {
  const { outfile } = program;
  mkdirSync(dirname(outfile), { recursive: true });
  const folder = mkdtempSync(join(dirname(outfile), 'build-'));
  try {
    const built = join(folder, basename(outfile));
    const { success, logs } = await Bun.build({
      ...buildConfig({ ...program, outfile: built }),
      throw: false,
    });
    if (!success) throw new Error(`${basename(outfile)} was not built:\n${logs.join('\n')}`);
    renameSync(built, outfile);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The commit that is built, with a plus sign when the sources differ from it; absent without git. */
function gitCommit(): string | undefined {
  const git = (...words: string[]) => {
    try {
      const { exitCode, stdout } = Bun.spawnSync(['git', ...words], {
        cwd: import.meta.dir,
        stderr: 'ignore',
      });
      return exitCode === 0 ? stdout.toString().trim() : undefined;
    } catch {
      return undefined;
    }
  };
  const commit = git('rev-parse', '--short', 'HEAD');
  if (commit === undefined) return undefined;
  return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}+`;
}

/** Runs the binary in an empty folder, away from the sources. Throws when it fails. */
function tryOut(binary: string, words: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'ringback-build-'));
  try {
    const { exitCode, stdout, stderr } = Bun.spawnSync([binary, ...words], { cwd: folder, timeout: 60_000 });
    const said = `${stdout}${stderr}`.trim();
    if (exitCode !== 0)
      throw new Error(`${basename(binary)} ${words.join(' ')} ended with ${exitCode}:\n${said}`);
    console.log(`${basename(binary)} ${words.join(' ')}: ${said.split('\n').at(-1)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of Bun.file(file).stream()) hash.update(chunk);
  return hash.digest('hex');
}

/** The target that this machine can run, under its name of above. */
function ownTarget(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const musl = system === 'linux' && report.header?.glibcVersionRuntime === undefined;
  return `bun-${system}-${process.arch}${musl ? '-musl' : ''}`;
}

async function main(all: boolean): Promise<void> {
  const dist = join(import.meta.dir, 'dist');
  const root = join(import.meta.dir, 'src');
  const entrypoints = [join(root, 'main.ts'), join(root, 'io', 'media-thread.ts')];
  const commit = gitCommit();
  const common = commit === undefined ? { entrypoints, root } : { entrypoints, root, commit };
  console.log(`ringback ${packageJson.version}${commit === undefined ? '' : ` (${commit})`}`);

  let runnable: string | undefined;
  if (all) {
    const sums: string[] = [];
    for (const [target, name] of Object.entries(TARGETS) as [Target, string][]) {
      const outfile = join(dist, name);
      await compile({ ...common, outfile, target });
      sums.push(`${await sha256(outfile)}  ${name}`);
      console.log(`dist/${name}: ${(Bun.file(outfile).size / 1e6).toFixed(1)} MB`);
      if (target === ownTarget()) runnable = outfile;
    }
    await Bun.write(join(dist, 'SHA256SUMS'), `${sums.join('\n')}\n`);
  } else {
    runnable = join(dist, process.platform === 'win32' ? 'ringback.exe' : 'ringback');
    await compile({ ...common, outfile: runnable });
    console.log(`dist/${basename(runnable)}: ${(Bun.file(runnable).size / 1e6).toFixed(1)} MB`);
  }
  if (runnable === undefined) return;
  tryOut(runnable, ['--version']);
  tryOut(runnable, ['demo']);
}

if (import.meta.main) {
  try {
    await main(process.argv.includes('--all'));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
