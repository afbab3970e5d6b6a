/**
 * `bun interop/run-one.ts <folder> <scenario's name> [--capture]`: one scenario, for run.ts, which starts this in
 * namespaces of its own (apart.ts). Ends with 0 when the claim holds; otherwise its standard output is the reason.
 */
import { findRingback } from './binary.ts';
import { startCapture } from './capture.ts';
import { Failed, openLab, within } from './lab.ts';
import { patienceS, type Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';

const [dir = '', name = '', ...flags] = process.argv.slice(2);
const scenario = scenarios.find((each) => each.name === name);
const reason = scenario === undefined ? `no scenario has the name ${name}` : await run(scenario);
if (reason !== undefined) await Bun.write(Bun.stdout, `${reason}\n`);
process.exit(reason === undefined ? 0 : 1);

/** Why it failed, if it did. */
async function run(chosen: Scenario): Promise<string | undefined> {
  const { lab, close } = openLab(dir, findRingback());
  try {
    const missing = (chosen.needs ?? []).filter((program) => Bun.which(program) === null);
    if (missing.length > 0) return `not installed: ${missing.join(', ')} (interop/install)`;
    const capture = flags.includes('--capture') ? await startCapture(lab, '', [], 'loopback') : undefined;
    if (capture !== undefined) lab.defer(capture.stop);
    await within('the whole scenario', chosen.run(lab), patienceS(chosen) * 1_000);
    return undefined;
  } catch (error) {
    if (error instanceof Failed) return error.message;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    await close();
  }
}
