/**
 * The arrows of the design: imports point one way, main → cli → {tui, report, agent, io} → {sip, rtp} → {stun, auth}, and
 * the pure folders reach for no clock, chance, timer or process. Read from the sources, because a rule that only people
 * keep is broken by the second month.
 */
import { expect, test } from 'bun:test';
import { join, posix } from 'node:path';

/** What each folder may import from, itself and the two files that all may know aside. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  main: ['cli'],
  cli: ['tui', 'report', 'agent', 'doctor', 'io', 'sip', 'rtp', 'stun', 'auth'],
  tui: ['report'],
  report: [],
  agent: ['sip', 'rtp', 'auth'],
  io: ['doctor', 'sip', 'rtp', 'stun', 'auth'],
  doctor: ['sip'],
  sip: ['stun', 'auth'],
  rtp: ['stun'],
  stun: [],
  auth: [],
  events: [],
  'address-bytes': [],
};
const COMMON = ['events', 'address-bytes'];

/** Types alone, where code may not go: an endpoint speaks of media sessions, it does not run them. */
const ALLOWED_TYPES: Readonly<Record<string, readonly string[]>> = { sip: ['rtp/session.ts'] };

const PURE = ['sip', 'rtp', 'stun', 'auth', 'doctor', 'address-bytes'];
const PURE_MODULES = ['node:buffer', 'node:crypto'];
const IMPURE =
  /\b(?:Date\.now|new Date|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask)\b|\b(?:process|Bun)\b(?=\s*[.[;)])/g;

/** One import of one file. */
interface Import {
  readonly path: string;
  readonly typeOnly: boolean;
}

/** The imports in a source: static, re-exported, dynamic, and the files of workers. */
function importsOf(source: string): Import[] {
  const code = withoutComments(source);
  const found: Import[] = [];
  const statement = /\b(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?(['"])([^'"\n]+)\2/g;
  for (const [, type, , path = ''] of code.matchAll(statement)) {
    found.push({ path, typeOnly: type !== undefined });
  }
  for (const [, , path = ''] of code.matchAll(/\bimport\s*\(\s*(['"])([^'"\n]+)\1/g)) {
    found.push({ path, typeOnly: false });
  }
  return found;
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1');
}

function folderOf(file: string): string {
  return (file.split('/')[0] ?? '').replace(/\.tsx?$/, '');
}

/** What is wrong with one file; empty when nothing is. */
function faultsOf(file: string, source: string): string[] {
  const folder = folderOf(file);
  const pure = PURE.includes(folder);
  const faults: string[] = [];
  for (const { path, typeOnly } of importsOf(source)) {
    if (!path.startsWith('.')) {
      if (pure && !PURE_MODULES.includes(path)) faults.push(`${file} imports ${path}`);
      continue;
    }
    const target = posix.normalize(posix.join(posix.dirname(file), path));
    if (target === '../package.json') continue;
    const to = folderOf(target);
    if (to === folder || COMMON.includes(to) || ALLOWED[folder]?.includes(to) === true) continue;
    if (typeOnly && ALLOWED_TYPES[folder]?.includes(target) === true) continue;
    faults.push(`${file} imports ${target}`);
  }
  if (pure) {
    for (const [word] of withoutComments(source).matchAll(IMPURE)) faults.push(`${file} uses ${word}`);
  }
  return faults;
}

const sources = await Promise.all(
  [...new Bun.Glob('**/*.{ts,tsx}').scanSync(import.meta.dir)]
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !/\.test\.tsx?$/.test(file))
    .map(async (file) => [file, await Bun.file(join(import.meta.dir, file)).text()] as const),
);

test('every import points along the arrows of the design, and the pure folders are pure', () => {
  expect(sources.length).toBeGreaterThan(20);
  expect(sources.flatMap(([file, source]) => faultsOf(file, source))).toEqual([]);
});

test('what draws the screen is loaded when a screen is opened: a service would carry it in its heap for nothing', () => {
  const early = sources.filter(
    ([file, source]) =>
      folderOf(file) !== 'tui' &&
      /^import (?!type\b).*'(?:(?:\.\.?\/)+tui\/open-screen\.tsx|ink|react)'/m.test(withoutComments(source)),
  );
  expect(early.map(([file]) => file)).toEqual([]);
  expect(sources.some(([, source]) => source.includes("await import('../tui/open-screen.tsx')"))).toBe(true);
});

test('every folder of src has its place among the arrows', () => {
  const folders = new Set(sources.map(([file]) => folderOf(file)));
  expect([...folders].filter((folder) => !Object.hasOwn(ALLOWED, folder))).toEqual([]);
});

test('an arrow that runs back is a fault', () => {
  const faults = (file: string, source: string) => faultsOf(file, source);
  expect(faults('sip/x.ts', "import { start } from '../io/driver.ts';")).toEqual([
    'sip/x.ts imports io/driver.ts',
  ]);
  expect(faults('sip/x.ts', "import {\n  a,\n  type B,\n} from '../io/driver.ts';")).toHaveLength(1);
  expect(faults('rtp/x.ts', "import type { Flow } from '../sip/flow.ts';")).toHaveLength(1);
  expect(faults('sip/x.ts', "import type { MediaCommand } from '../rtp/session.ts';")).toEqual([]);
  expect(faults('sip/x.ts', "import { MediaCommand } from '../rtp/session.ts';")).toHaveLength(1);
  expect(faults('report/x.ts', "export * from '../sip/flow.ts';")).toHaveLength(1);
  expect(faults('report/x.ts', "const later = import('../cli/echo.ts');")).toHaveLength(1);
  expect(faults('auth/x.ts', "import { readFileSync } from 'node:fs';")).toHaveLength(1);
  expect(faults('auth/x.ts', "import { createHash } from 'node:crypto';")).toEqual([]);
  expect(faults('io/x.ts', "import '../cli/echo.ts';")).toHaveLength(1);
});

test('a clock, a timer or chance in a pure folder is a fault, in a comment it is not', () => {
  expect(faultsOf('sip/x.ts', 'const at = Date.now();')).toEqual(['sip/x.ts uses Date.now']);
  expect(faultsOf('rtp/x.ts', 'setTimeout(f, 5);')).toEqual(['rtp/x.ts uses setTimeout']);
  expect(faultsOf('auth/x.ts', 'const a = process.env;')).toEqual(['auth/x.ts uses process']);
  expect(faultsOf('sip/x.ts', 'Bun.hash(a); Math.random(); performance.now()')).toHaveLength(3);
  expect(faultsOf('sip/x.ts', '// not Date.now(), see above\n/* nor Bun */ const processed = 1;')).toEqual(
    [],
  );
  expect(faultsOf('io/x.ts', 'const at = Date.now();')).toEqual([]);
});
