/**
 * `--config ringback.toml`: settings by flag name, and one `[[account]]` table for each account.
 *
 *     transport = "udp"
 *     [[account]]
 *     user = "100"
 *     server = "pbx.example.org"
 *     password-file = "/run/secrets/100"
 *
 * Bun's TOML parser says what is wrong and not where (1.4.5 reports line 1 always), so the lines are found here.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { describeFileError } from '../io/wav-file.ts';
import { didYouMean } from './did-you-mean.ts';
import { FLAG_NAMES, type FlagName, flag, isFlagName } from './flags.ts';
import type { Given } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** What a file gives. */
export interface ConfigFile {
  readonly settings: Map<FlagName, Given>;
  readonly accounts: readonly ConfigAccount[];
}

/** One `[[account]]`, and the line of its heading. */
export interface ConfigAccount {
  readonly given: Map<FlagName, Given>;
  readonly file: string;
  readonly line: number;
}

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const table = z.record(z.string(), z.unknown());

/** The first line of the statement that does not parse: the one after the longest start of the file that does. */
function lineOfMistake(lines: readonly string[]): number {
  for (let count = lines.length - 1; count > 0; count--) {
    try {
      Bun.TOML.parse(lines.slice(0, count).join('\n'));
      return count + 1;
    } catch {
      // Not yet.
    }
  }
  return 1;
}

function parse(file: string, text: string): Record<string, unknown> {
  try {
    return table.parse(Bun.TOML.parse(text));
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace(/^TOML Parse error: /, '') : String(error);
    throw new UsageError(`${file} line ${lineOfMistake(text.split('\n'))}: ${detail}.`);
  }
}

/** The lines of the `[[account]]` headings, and of each key between two headings. */
function findLines(text: string): { headings: number[]; lineOf: (account: number, key: string) => number } {
  const headings: number[] = [];
  const keys = new Map<string, number>();
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*\[\[\s*"?account"?\s*\]\]/.test(line)) headings.push(index + 1);
    const key = /^\s*["']?([A-Za-z0-9_-]+)["']?\s*=/.exec(line)?.[1];
    if (key !== undefined) keys.set(`${headings.length} ${key}`, index + 1);
  }
  return { headings, lineOf: (account, key) => keys.get(`${account} ${key}`) ?? headings[account - 1] ?? 1 };
}

const IN_FILE = FLAG_NAMES.filter((name) => flag(name).inFile);
const IN_ACCOUNT = IN_FILE.filter(
  (name) => flag(name).group === 'account' && name !== 'proxy' && name !== 'algorithm',
);

function readTable(
  values: Record<string, unknown>,
  allowed: readonly FlagName[],
  at: { readonly file: string; readonly lineOf: (key: string) => number; readonly where: string },
): Map<FlagName, Given> {
  const given = new Map<FlagName, Given>();
  for (const [key, value] of Object.entries(values)) {
    const line = at.lineOf(key);
    if (!isFlagName(key) || !allowed.includes(key)) {
      const hint = didYouMean(key, allowed);
      throw new UsageError(`${at.file} line ${line}: there is no setting ${key} ${at.where}.${hint}`);
    }
    const read = scalar.safeParse(value);
    if (!read.success) {
      throw new UsageError(`${at.file} line ${line}: ${key}: expected a text, a number, true or false.`);
    }
    given.set(key, { text: String(read.data), source: { kind: 'config-file', file: at.file, line } });
  }
  return given;
}

/** Reads the text of a file. Throws a `UsageError` that names the file, the line and the key. */
export function parseConfig(file: string, text: string): ConfigFile {
  const { account, ...rest } = parse(file, text);
  const { headings, lineOf } = findLines(text);
  const settings = readTable(rest, IN_FILE, { file, lineOf: (key) => lineOf(0, key), where: 'here' });
  const tables = z.array(table).safeParse(account ?? []);
  if (!tables.success) {
    throw new UsageError(`${file} line ${lineOf(0, 'account')}: account: expected [[account]] tables.`);
  }
  const accounts = tables.data.map((values, index): ConfigAccount => {
    const at = { file, lineOf: (key: string) => lineOf(index + 1, key), where: 'in an [[account]]' };
    return { given: readTable(values, IN_ACCOUNT, at), file, line: headings[index] ?? 1 };
  });
  return { settings, accounts };
}

/** Reads a file. Throws a `UsageError`. */
export function readConfigFile(file: string): ConfigFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--config ${JSON.stringify(file)}: ${describeFileError(error)}.`);
  }
  return parseConfig(file, text);
}
