/** What a command is called with. */
import type { FlagName } from './flags.ts';
import type { GivenValues } from './settings.ts';

/** One call of a command. */
export interface Invocation {
  /** The words after the command. */
  readonly rest: readonly string[];
  readonly flags: GivenValues;
  /** The flags that the command takes. */
  readonly takes: readonly FlagName[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** The working directory. */
  readonly folder: string;
  /** Columns of the terminal, when stdout is one. */
  readonly columns?: number;
  /** A line for the person, on stdout. */
  readonly print: (text: string) => void;
}
