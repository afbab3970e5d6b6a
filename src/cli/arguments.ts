/**
 * The command line as it was typed: command, flags, the rest. meow splits it; the words about what is wrong are ours,
 * because it ends the process by itself, without a hint, on a flag that it does not know.
 */
import meow from 'meow';
import packageJson from '../../package.json' with { type: 'json' };
import { COMMANDS } from './commands.ts';
import { didYouMean } from './did-you-mean.ts';
import { FLAG_NAMES, type FlagName, flag, isFlagName } from './flags.ts';
import type { Given } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** A command line, split. */
export interface Arguments {
  /** The first word that is no flag. */
  readonly command?: string;
  /** The words after it. */
  readonly rest: readonly string[];
  readonly flags: ReadonlyMap<FlagName, Given>;
}

const camel = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Every flag may come several times as far as meow knows: it throws an error without the right name otherwise. */
const meowFlags = Object.fromEntries(
  FLAG_NAMES.map((name) => {
    const { value, short } = flag(name);
    const type = value === undefined ? ('boolean' as const) : ('string' as const);
    const row = { type, isMultiple: true as const };
    return [camel(name), short === undefined ? row : { ...row, shortFlag: short as 'v' }];
  }),
);

function unknownFlag(key: string, command: string | undefined): UsageError {
  const name = key.length === 1 ? `-${key}` : `--${kebab(key)}`;
  const hint = key.length === 1 ? '' : didYouMean(kebab(key), FLAG_NAMES, '--');
  const page = command !== undefined && Object.hasOwn(COMMANDS, command) ? `help ${command}` : 'help';
  return new UsageError(`There is no flag ${name}${hint === '' ? `; see: ringback ${page}` : `.${hint}`}`);
}

/** The text for the schema, of what meow collected for a flag; undefined when it was not given. */
function textOf(name: FlagName, values: readonly unknown[], many: readonly FlagName[]): string | undefined {
  if (values.length === 0) return undefined;
  if (name === 'verbose') return String(Math.min(2, values.filter((value) => value === true).length));
  if (flag(name).value === undefined) return String(values.at(-1));
  if (many.includes(name)) return values.map(String).join('\n');
  if (values.length > 1) throw new UsageError(`--${name} is given ${values.length} times; once is enough.`);
  return String(values[0]);
}

/** meow says nothing of a flag whose value is missing, so its name is looked for in what was typed. */
function checkMissingValues(typed: readonly string[], given: ReadonlyMap<FlagName, Given>): void {
  for (const name of FLAG_NAMES) {
    if (flag(name).value === undefined) continue;
    if (typed.includes(`--no-${name}`)) throw new UsageError(`There is no flag --no-${name}; leave it out.`);
    if (given.has(name)) continue;
    const spellings = [`--${name}`, `--${camel(name)}`];
    if (!typed.some((word) => spellings.some((one) => word === one || word === `${one}=`))) continue;
    throw new UsageError(
      `--${name} needs a value: ${flag(name).help} (one that starts with a hyphen: --${name}=-...).`,
    );
  }
}

/** meow takes any value of a switch for yes: `--tls-insecure=no` would trust everybody. */
function checkSwitches(typed: readonly string[]): void {
  for (const word of typed) {
    const [, key = '', value] = /^--([^=]+)=(.*)$/s.exec(word) ?? [];
    const name = kebab(key);
    if (!isFlagName(name) || flag(name).value !== undefined || value === 'true' || value === 'false')
      continue;
    throw new UsageError(`--${name} takes no value: give it to have it, leave it out not to.`);
  }
}

/** Splits a command line (without the program). Throws a `UsageError` for a flag that does not exist. */
export function parseArguments(argv: readonly string[]): Arguments {
  // After "--" everything is a word; meow would still read flags there.
  const end = argv.indexOf('--');
  const typed = end === -1 ? argv : argv.slice(0, end);
  const { input, flags } = meow({
    importMeta: import.meta,
    pkg: packageJson,
    argv: typed,
    flags: meowFlags,
    autoHelp: false,
    autoVersion: false,
    booleanDefault: undefined,
  });
  const [named = ''] = input;
  const many = (Object.hasOwn(COMMANDS, named) ? COMMANDS[named]?.many : undefined) ?? [];
  const given = new Map<FlagName, Given>();
  for (const [key, values] of Object.entries(flags as Record<string, unknown>)) {
    const name = kebab(key);
    if (!isFlagName(name)) throw unknownFlag(key, input[0]);
    const text = textOf(name, Array.isArray(values) ? values : [values], many);
    if (text !== undefined) given.set(name, { text, source: { kind: 'flag' } });
  }
  checkMissingValues(typed, given);
  checkSwitches(typed);
  const [command, ...rest] = [...input, ...(end === -1 ? [] : argv.slice(end + 1))];
  return command === undefined ? { rest, flags: given } : { command, rest, flags: given };
}
