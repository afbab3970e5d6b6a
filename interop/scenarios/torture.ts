/** The torture messages of RFC 4475 and RFC 5118, in a network namespace of their own: nothing can leave it. */
import { resolve } from 'node:path';
import { check, type Lab, tail, within } from '../lab.ts';
import type { Scenario } from '../scenario.ts';

async function torture(lab: Lab): Promise<void> {
  const program = resolve(import.meta.dir, '..', 'torture.ts');
  const inside = 'ip link set lo up && exec "$@"';
  const peer = lab.spawn('torture', [
    ...['unshare', '--map-root-user', '--net', 'sh', '-c', inside, 'sh'],
    ...[process.execPath, program, ...lab.ringback],
  ]);
  const code = await within('all torture messages', peer.exited, 60_000);
  const failed = peer.output().match(/^FAIL.*$/gm) ?? [];
  check(code === 0 && failed.length === 0, failed.join('\n') || `exit code ${code}: ${tail(peer.output())}`);
}

export const tortureScenarios: readonly Scenario[] = [
  {
    name: 'torture messages of RFC 4475 and RFC 5118, udp and tcp',
    needs: ['unshare', 'ip'],
    limitS: 65,
    run: torture,
  },
];
