/**
 * `bun interop/run.ts [filter…]`: ringback against real peers, each scenario in namespaces of its own (apart.ts).
 *
 * Two scenarios run at a time, and beside them three that mostly wait for a timer of the RFC, half a minute or more. A
 * missing peer is a failure: a scenario that was not run has shown nothing.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apart } from './apart.ts';
import { findRingback } from './binary.ts';
import { tail } from './lab.ts';
import { limitS, patienceS, type Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';

interface Verdict {
  readonly name: string;
  readonly seconds: number;
  readonly reason?: string;
}

/** What a scenario may take longer than its limit, to put away what it began, before it is killed. */
const GRACE_S = 20;

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const flags = new Set(process.argv.slice(2).filter((word) => word.startsWith('--')));
process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

if (flags.has('--help')) {
  console.log(
    'bun interop/run.ts [--list] [--keep] [--capture] [word…]   runs what has every word in its name',
  );
  process.exit(0);
}
const chosen = scenarios.filter(({ name }) => words.every((word) => name.includes(word)));
if (flags.has('--list')) {
  for (const { name } of chosen) console.log(name);
  process.exit(0);
}

if (Bun.spawnSync(apart(['true']), { stderr: 'inherit' }).exitCode !== 0) {
  console.log(
    'Each scenario runs in Linux namespaces of its own, and none can be made here: run this as root.',
  );
  process.exit(1);
}
const base = join(tmpdir(), `ringback-interop-${process.pid}`);
console.log(`ringback: ${findRingback().join(' ')}\nlogs: ${base}`);

// The longest first, so that the last one to end is a short one.
const queue = chosen.toSorted((a, b) => limitS(b) - limitS(a));
const waiting = queue.filter((scenario) => limitS(scenario) > 30);
const busy = queue.filter((scenario) => limitS(scenario) <= 30);
const verdicts: Verdict[] = [];
await Promise.all([...[1, 2].map(() => work(busy, waiting)), ...[3, 4, 5].map(() => work(waiting))]);

const failed = verdicts.filter(({ reason }) => reason !== undefined).length;
if (failed === 0 && !flags.has('--keep')) rmSync(base, { recursive: true, force: true });
console.log(`${verdicts.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 && verdicts.length > 0 ? 0 : 1);

/** Runs what is in those queues, one after the other. */
async function work(...queues: Scenario[][]): Promise<void> {
  const take = () => queues.find(({ length }) => length > 0)?.shift();
  for (let next = take(); next !== undefined; next = take()) {
    const verdict = await run(next);
    verdicts.push(verdict);
    const { name, seconds, reason } = verdict;
    console.log(`${reason === undefined ? 'pass' : 'FAIL'}  ${seconds.toFixed(1).padStart(5)} s  ${name}`);
    if (reason !== undefined) console.log(reason.replace(/^/gm, '        '));
  }
}

async function run(scenario: Scenario): Promise<Verdict> {
  const { name } = scenario;
  const began = performance.now();
  const dir = join(base, name.replaceAll(/[^\w.-]+/g, '-'));
  mkdirSync(dir, { recursive: true });
  const capture = flags.has('--capture') ? ['--capture'] : [];
  const argv = [process.execPath, join(import.meta.dir, 'run-one.ts'), dir, name, ...capture];
  const child = Bun.spawn(apart(argv), {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: (patienceS(scenario) + GRACE_S) * 1_000,
    killSignal: 'SIGKILL',
  });
  const [said, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const seconds = (performance.now() - began) / 1_000;
  if (code === 0) {
    if (!flags.has('--keep')) rmSync(dir, { recursive: true, force: true });
    return { name, seconds };
  }
  const why = tail(`${said}${errors}`, 40) || `it ended with ${code}`;
  return { name, seconds, reason: `${why}\n${lastLines(dir)}` };
}

/** The end of the logs that say most. */
function lastLines(dir: string): string {
  const said: string[] = [`logs in ${dir}`];
  for (const file of readdirSync(dir)) {
    if (!/^ringback.*\.(jsonl|log)$|kamailio.*log$|baresip.*log$|errors\.log$/.test(file)) continue;
    const lines = tail(readFileSync(join(dir, file), 'utf8'), 6)
      .split('\n')
      .map((line) => line.slice(0, 240));
    said.push(`--- ${file}`, ...lines);
  }
  return said.join('\n');
}
