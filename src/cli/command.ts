/** One command: what a row of the table in commands.ts says of it. */
import type { Flag, FlagName } from './flags.ts';
import type { Invocation } from './invocation.ts';

/** What a file of a command exports. It resolves to the exit code. */
export interface CommandModule {
  readonly run: (invocation: Invocation) => Promise<number>;
}

/** One row of the table. */
export interface Command {
  readonly summary: string;
  /** Absent: a later version has it. */
  readonly load?: () => Promise<CommandModule>;
  readonly flags: readonly FlagName[];
  /** What the word after it is, when one may follow that is no flag: FILE. */
  readonly word?: string;
  /** Flags that may be given several times: their texts come as lines of one. */
  readonly many?: readonly FlagName[];
  /** Flags that mean something else here. */
  readonly wording?: Partial<Record<FlagName, Pick<Flag, 'value' | 'help' | 'otherwise'>>>;
  /** Not for people, and not in the list. */
  readonly hidden?: true;
  /** Lines under the flags of its help page. */
  readonly notes?: readonly string[];
}
