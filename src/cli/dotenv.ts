/**
 * `.env`: variables in a file, read by our own code. Bun would load it by itself, and so decide in whose folder a
 * program that was downloaded takes its password from; here only names that are ours are taken, from two known places.
 *
 * The grammar is the common one: `NAME=value`, `export NAME=value`, `# comment`; a value in single quotes is
 * literal, in double quotes \n \r \t \" \\ \$ mean what they say, and both may run over lines. Nothing is expanded.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeFileError } from '../io/wav-file.ts';
import { FLAG_NAMES, type FlagName, flag } from './flags.ts';
import type { Given } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** One assignment, and the line on which it starts, from 1. */
export interface Assignment {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

/** What stands wrong in the file, and where. */
export interface DotenvMistake {
  readonly name: string;
  readonly line: number;
  readonly detail: string;
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function unquoted(text: string): string {
  return text.replace(/\\([nrt"\\$])/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}

/** Where the quote that opens at `start` closes, or -1. */
function closingQuote(text: string, start: number): number {
  const quote = text[start];
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === '\\' && quote === '"') index++;
    else if (text[index] === quote) return index;
  }
  return -1;
}

/** Reads the text of a file. Lines that are no assignment belong to somebody else and are passed over. */
export function parseDotenv(text: string): { assignments: Assignment[]; mistakes: DotenvMistake[] } {
  const assignments: Assignment[] = [];
  const mistakes: DotenvMistake[] = [];
  const source = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  let line = 1;
  for (let at = 0; at < source.length; ) {
    const newline = source.indexOf('\n', at);
    let end = newline === -1 ? source.length : newline;
    const match = ASSIGNMENT.exec(source.slice(at, end));
    const name = match?.[1];
    if (match !== null && name !== undefined) {
      const start = at + match[0].length;
      const opening = source[start];
      if (opening === '"' || opening === "'") {
        const close = closingQuote(source, start);
        if (close === -1) mistakes.push({ name, line, detail: `a quote ${opening} is not closed` });
        else {
          const inner = source.slice(start + 1, close);
          assignments.push({ name, value: opening === '"' ? unquoted(inner) : inner, line });
          const after = source.indexOf('\n', close);
          end = after === -1 ? source.length : after;
        }
      } else {
        const value = source.slice(start, end).replace(/(^|[ \t])#.*$/, '');
        assignments.push({ name, value: value.trim(), line });
      }
    }
    line += source.slice(at, end + 1).split('\n').length - 1;
    at = end + 1;
  }
  return { assignments, mistakes };
}

const BY_VARIABLE = new Map<string, FlagName>(
  FLAG_NAMES.flatMap((name) => {
    const { variable } = flag(name);
    return variable === undefined ? [] : [[variable, name] as const];
  }),
);

/** The variables of ours in one file. Throws a `UsageError` that names the file and the line. */
export function readEnvFile(file: string): Map<FlagName, Given> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${describeFileError(error)}.`);
  }
  const { assignments, mistakes } = parseDotenv(text);
  for (const { name, line, detail } of mistakes) {
    if (BY_VARIABLE.has(name)) throw new UsageError(`${file} line ${line}: ${detail} (${name}).`);
  }
  const found = new Map<FlagName, Given>();
  for (const { name, value, line } of assignments) {
    const flagName = BY_VARIABLE.get(name);
    if (flagName === undefined || value === '') continue;
    // A later line wins over an earlier one, as in a shell.
    found.set(flagName, { text: value, source: { kind: 'env-file', file, line } });
  }
  return found;
}

/** `.env` in a folder, then in its parent; the first value found wins. A folder of that name is not ours. */
export function readEnvFiles(folder: string): Map<FlagName, Given>[] {
  const files = [join(folder, '.env'), join(dirname(folder), '.env')];
  return [...new Set(files)]
    .filter((file) => existsSync(file) && statSync(file).isFile())
    .map((file) => readEnvFile(file));
}

/** The variables of ours in the environment; an empty one counts as not set. */
export function readEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): Map<FlagName, Given> {
  const found = new Map<FlagName, Given>();
  for (const [variable, name] of BY_VARIABLE) {
    const text = variables[variable];
    if (text !== undefined && text !== '') found.set(name, { text, source: { kind: 'environment' } });
  }
  return found;
}
