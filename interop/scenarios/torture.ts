/** The torture messages of RFC 4475 and RFC 5118. */
import { resolve } from 'node:path';
import { check, type Lab, tail, within } from '../lab.ts';
import type { Scenario } from '../scenario.ts';

async function torture(lab: Lab): Promise<void> {
  const program = resolve(import.meta.dir, '..', 'torture.ts');
  const peer = lab.spawn('torture', [process.execPath, program, ...lab.ringback]);
  const code = await within('all torture messages', peer.exited, 60_000);
  const failed = peer.output().match(/^FAIL.*$/gm) ?? [];
  check(code === 0 && failed.length === 0, failed.join('\n') || `exit code ${code}: ${tail(peer.output())}`);
}

export const tortureScenarios: readonly Scenario[] = [
  {
    name: 'torture messages of RFC 4475 and RFC 5118, udp and tcp',
    limitS: 65,
    run: torture,
  },
];
