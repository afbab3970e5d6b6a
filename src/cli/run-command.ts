/**
 * Arguments → command → exit code, within a process that is already there: main.ts ends it, and a test goes on. What
 * is mistyped is a UsageError with one sentence, which says what is meant.
 */
import { type Arguments, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { COMMANDS, EVERYWHERE } from './commands.ts';
import { EXIT } from './exit-codes.ts';
import { commandNamed, commandPage, commandsPage, newcomerPage } from './help.ts';
import { UsageError } from './usage-error.ts';
import { versionLine } from './version.ts';

const columns = process.stdout.isTTY ? process.stdout.columns : undefined;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function checkFlags(name: string, command: Command, { flags }: Arguments): void {
  const taken = [...command.flags, ...EVERYWHERE];
  for (const given of flags.keys()) {
    if (!taken.includes(given)) {
      throw new UsageError(`ringback ${name} takes no --${given}; see: ringback help ${name}`);
    }
  }
}

/** Runs what the words name and gives its exit code. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  const given = parseArguments(argv);
  const { command: name, rest, flags } = given;
  if (flags.has('version')) {
    print(versionLine());
    return EXIT.done;
  }
  if (name === undefined) {
    if (flags.has('help')) {
      print(commandsPage(columns));
      return EXIT.done;
    }
    const [first] = flags.keys();
    if (first !== undefined) throw new UsageError(`--${first} needs a command before it; see: ringback help`);
    // A script that calls nothing made a mistake; a person is shown around.
    if (columns === undefined) throw new UsageError(`No command is given.\n\n${newcomerPage(columns)}`);
    print(newcomerPage(columns));
    return EXIT.done;
  }
  const command = commandNamed(name);
  if (flags.has('help')) {
    print(commandPage(name, columns));
    return EXIT.done;
  }
  if (command.load === undefined) {
    throw new UsageError(`This version of ringback does not have the command ${name} yet.`);
  }
  checkFlags(name, command, given);
  if (command !== COMMANDS.help && command.word === undefined && rest.length > 0) {
    throw new UsageError(`ringback ${name} does not know what to do with "${rest[0]}".`);
  }
  const { run } = await command.load();
  return run({
    rest,
    flags,
    takes: command.flags,
    variables: process.env,
    folder: process.cwd(),
    print,
    ...(columns === undefined ? {} : { columns }),
  });
}
