/**
 * Every flag, written once: its name, its variable, its default, its line of help and what it takes. The arguments,
 * the help page, the environment, `.env` and the configuration file are all read by this table, because a flag
 * described twice is soon described wrongly.
 *
 * Every source gives text, and a schema reads text; so a port is checked by one rule wherever it was written.
 */
import type { z } from 'zod';
import { path, toggle } from './flag-values.ts';
import { ACCOUNT_FLAGS } from './flags-account.ts';
import { CALLS_FLAGS } from './flags-calls.ts';
import { LAB_FLAGS } from './flags-lab.ts';
import { NETWORK_FLAGS } from './flags-network.ts';
import { OUTPUT_FLAGS } from './flags-output.ts';
import { PING_FLAGS } from './flags-ping.ts';

/** One flag. */
export interface Flag {
  readonly group: 'account' | 'call' | 'agent' | 'ping' | 'network' | 'calls' | 'output' | 'configuration';
  /** What stands after it in the help; absent for a switch. */
  readonly value?: string;
  readonly help: string;
  /** Environment and `.env`. */
  readonly variable?: string;
  readonly short?: string;
  /** Its default in words, for the help. */
  readonly otherwise?: string;
  /** Never shown, not even when it is wrong. */
  readonly secret?: true;
  /** May be set in the configuration file. */
  readonly inFile: boolean;
  readonly schema: z.ZodType<unknown, string>;
}

/** The table, in the order of the help page. */
export const FLAGS = {
  ...ACCOUNT_FLAGS,
  ...NETWORK_FLAGS,
  ...LAB_FLAGS,
  ...PING_FLAGS,
  ...CALLS_FLAGS,
  ...OUTPUT_FLAGS,
  config: {
    group: 'configuration',
    value: 'FILE',
    help: 'settings by flag name, and several [[account]] tables, in TOML',
    inFile: false,
    schema: path,
  },
  'env-file': {
    group: 'configuration',
    value: 'FILE',
    help: 'read variables here',
    otherwise: '.env here, then in the folder above',
    inFile: false,
    schema: path,
  },
  help: { group: 'output', short: 'h', help: 'this page', inFile: false, schema: toggle },
  version: { group: 'output', help: 'the version', inFile: false, schema: toggle },
} as const satisfies Record<string, Flag>;

/** The name of a flag, without its hyphens. */
export type FlagName = keyof typeof FLAGS;
/** What a flag means once it was read. */
export type FlagValue<N extends FlagName> = z.output<(typeof FLAGS)[N]['schema']>;

/** All names, in the order of the help page. */
export const FLAG_NAMES = Object.keys(FLAGS) as readonly FlagName[];

/** The row of the table, by its general type. */
export function flag(name: FlagName): Flag {
  return FLAGS[name];
}

/** Whether that is a flag of ours. */
export function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}
