/**
 * What tells this ringback from every other, and stays what it was when it is started again (RFC 5626 §4.1): made of
 * the machine, the user, and a number that no other ringback of this user has now.
 *
 * The number is there because two that run at once with the same account are two user agents: with one id between them
 * each would take the other's registration away. The first one gets the same number at each start, by a lock that the
 * kernel takes back, so nothing is stored, and a crash leaves nothing to clean.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { takeLock } from '../agent/agent-lock.ts';
import type { EndpointConfig } from '../sip/endpoint-config.ts';
import { controlFolder } from './control-folder.ts';
import type { Options } from './options.ts';

/** Ringbacks of one user that have an id that lasts; one more has one for this run. */
const MAX_NUMBERED = 64;

/** The settings of RFC 5626, none with `--outbound no`. Under `--seed` the id comes from the seed. */
export function outboundOf(
  options: Pick<Options, 'outbound' | 'seed' | 'seeded'>,
  variables: Readonly<Record<string, string | undefined>>,
): Pick<EndpointConfig, 'outbound'> {
  if (!options.outbound) return {};
  if (options.seeded) return { outbound: { instance: hashed(`seed ${options.seed.join(' ')}`) } };
  const number = ownNumber(variables);
  if (number === undefined) return { outbound: { instance: randomBytes(16).toString('hex') } };
  const uid = process.getuid?.() ?? 0;
  return { outbound: { instance: hashed([machineId(), hostname(), uid, number].join('\n')) } };
}

/** The first number that no other process holds; held until this one ends. Undefined where there is no folder for it. */
function ownNumber(variables: Readonly<Record<string, string | undefined>>): number | undefined {
  try {
    const folder = controlFolder(variables);
    for (let number = 1; number <= MAX_NUMBERED; number++) {
      if (takeLock(join(folder, `instance-${number}.lock`)) !== undefined) return number;
    }
  } catch {
    // A registration without a lasting id is better than none.
  }
  return undefined;
}

/** machine-id(5): not to be shown to others as it is. */
function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return '';
  }
}

function hashed(text: string): string {
  return createHash('sha256').update(`ringback ${text}`, 'utf8').digest('hex').slice(0, 32);
}
