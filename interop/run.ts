/**
 * `bun interop/run.ts [filter…]`: ringback against real peers, on loopback.
 *
 * The binary is `RINGBACK`, else dist/ringback, else `bun src/main.ts`. Two scenarios run at a time, and beside them
 * three that mostly wait for a timer of the RFC, half a minute or more. A missing peer is a failure: a scenario that
 * was not run has shown nothing.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startCapture } from './capture.ts';
import { openLab, tail, within } from './lab.ts';
import { type Scenario, scenarios } from './scenarios.ts';

interface Verdict {
  readonly name: string;
  readonly seconds: number;
  readonly reason?: string;
}

const root = resolve(import.meta.dir, '..');
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

const ringback = findRingback();
const base = join(tmpdir(), `ringback-interop-${process.pid}`);
console.log(`ringback: ${ringback.join(' ')}\nlogs: ${base}`);

// The longest first, so that the last one to end is a short one.
const queue = chosen
  .map((scenario, index) => ({ scenario, index }))
  .sort((a, b) => (b.scenario.limitS ?? 30) - (a.scenario.limitS ?? 30));
const waiting = queue.filter(({ scenario }) => (scenario.limitS ?? 30) > 30);
const busy = queue.filter(({ scenario }) => (scenario.limitS ?? 30) <= 30);
const verdicts: Verdict[] = [];
await Promise.all([
  ...[0, 1].map((lane) => work(lane, busy, waiting)),
  ...[2, 3, 4].map((lane) => work(lane, waiting)),
]);

const failed = verdicts.filter(({ reason }) => reason !== undefined).length;
if (failed === 0 && !flags.has('--keep')) rmSync(base, { recursive: true, force: true });
console.log(`${verdicts.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 && verdicts.length > 0 ? 0 : 1);

/** Runs what is in those queues, one after the other; no two lanes have ports in common. */
async function work(lane: number, ...queues: (typeof queue)[]): Promise<void> {
  const take = () => queues.find(({ length }) => length > 0)?.shift();
  for (let next = take(); next !== undefined; next = take()) {
    const verdict = await run(next.scenario, next.index, lane);
    verdicts.push(verdict);
    const { name, seconds, reason } = verdict;
    console.log(`${reason === undefined ? 'pass' : 'FAIL'}  ${seconds.toFixed(1).padStart(5)} s  ${name}`);
    if (reason !== undefined) console.log(reason.replace(/^/gm, '        '));
  }
}

async function run(scenario: Scenario, index: number, lane: number): Promise<Verdict> {
  const began = performance.now();
  const dir = join(base, scenario.name.replaceAll(/[^\w.-]+/g, '-'));
  const { lab, close } = openLab(dir, index, lane, ringback);
  let reason: string | undefined;
  try {
    const missing = (scenario.needs ?? []).filter((program) => Bun.which(program) === null);
    if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')} (interop/install)`);
    const capture = flags.has('--capture') ? await startCapture(lab, '', [], 'loopback') : undefined;
    if (capture !== undefined) lab.defer(capture.stop);
    await within('the whole scenario', scenario.run(lab), (scenario.limitS ?? 30) * 1_000);
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  await close();
  if (reason !== undefined) reason = `${reason}\n${lastLines(dir)}`;
  else if (!flags.has('--keep')) rmSync(dir, { recursive: true, force: true });
  const verdict = { name: scenario.name, seconds: (performance.now() - began) / 1_000 };
  return reason === undefined ? verdict : { ...verdict, reason };
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

function findRingback(): readonly string[] {
  const given = process.env.RINGBACK;
  if (given !== undefined && given !== '') return [resolve(given)];
  const built = join(root, 'dist', 'ringback');
  return existsSync(built) ? [built] : [process.execPath, join(root, 'src', 'main.ts')];
}
