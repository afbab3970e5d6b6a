/**
 * What was given for each flag, by whom, and what it means. A setting remembers its source, so that the sentence
 * about a wrong one names the flag, the variable, or the file and its line: the place where it has to be mended.
 */
import { basename } from 'node:path';
import { FLAGS, type FlagName, type FlagValue, flag } from './flags.ts';
import { UsageError } from './usage-error.ts';

/** Where a text came from, the strongest first. */
export type Source =
  | { readonly kind: 'flag' }
  | { readonly kind: 'environment' }
  | { readonly kind: 'env-file'; readonly file: string; readonly line: number }
  | { readonly kind: 'config-file'; readonly file: string; readonly line: number };

/** A text as it was given. */
export interface Given {
  readonly text: string;
  readonly source: Source;
}

/** What one source gave. */
export type GivenValues = ReadonlyMap<FlagName, Given>;

/** The setting of a flag once it was read. */
export interface Setting<N extends FlagName> {
  readonly value: FlagValue<N>;
  readonly source: Source;
}

/** What is set; a flag that nobody set is absent, and its default is applied where it is used. */
export type Settings = { readonly [N in FlagName]?: Setting<N> };

const RANK = { flag: 4, environment: 3, 'env-file': 2, 'config-file': 1 } as const;

/** Positive when the left source is stronger: flag, environment, `.env`, configuration file. */
export function compareSources(left: Source, right: Source): number {
  return RANK[left.kind] - RANK[right.kind];
}

/** `--port`, `SIP_PORT`, `SIP_PORT in .env line 3`, `port in ringback.toml line 4`. */
export function nameOf(name: FlagName, source: Source): string {
  const variable = flag(name).variable ?? name;
  if (source.kind === 'flag') return `--${name}`;
  if (source.kind === 'environment') return variable;
  const key = source.kind === 'env-file' ? variable : name;
  return `${key} in ${basename(source.file)} line ${source.line}`;
}

/** `sip:user:password@host` (RFC 3261 §19.1.1), with its scheme or without. */
const PASSWORD_IN_URI = /^((?:sips?:)?(?!sips?:)[^:@]*):[^@]*@/i;

/** A value as it is shown in a sentence: one line, bounded, and never a secret. */
function shown(name: FlagName, text: string): string {
  if (flag(name).secret === true) return '';
  const safe = text.replace(/[^\x20-\x7e\u00a0-\u{10ffff}]/gu, '?').replace(PASSWORD_IN_URI, '$1:***@');
  return ` "${safe.length > 80 ? `${safe.slice(0, 77)}...` : safe}"`;
}

/** Reads one text by the schema of its flag. Throws a `UsageError` that names the source, the value and the hope. */
export function readSetting<N extends FlagName>(name: N, given: Given): Setting<N> {
  const schema: (typeof FLAGS)[N]['schema'] = FLAGS[name].schema;
  const read = schema.safeParse(given.text);
  if (read.success) return { value: read.data as FlagValue<N>, source: given.source };
  const message = read.error.issues[0]?.message ?? 'expected something else';
  throw new UsageError(`${nameOf(name, given.source)}${shown(name, given.text)}: ${message}.`);
}

/** Lays the sources over each other, the strongest first, and reads what is on top. */
export function mergeSettings(sources: readonly GivenValues[]): Settings {
  const top = new Map<FlagName, Given>();
  for (const source of sources) {
    for (const [name, given] of source) if (!top.has(name)) top.set(name, given);
  }
  const settings: Partial<Record<FlagName, Setting<FlagName>>> = {};
  for (const [name, given] of top) settings[name] = readSetting(name, given);
  return settings as Settings;
}
