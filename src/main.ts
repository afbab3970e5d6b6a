/**
 * ringback: arguments → command → exit code. Every way out of the process is in this file or in cli/signals.ts; a
 * person who mistyped sees one sentence, and a stack trace only who asked for it (-v) after a bug of ours.
 */
import { type Arguments, parseArguments } from './cli/arguments.ts';
import type { Command } from './cli/command.ts';
import { COMMANDS, EVERYWHERE } from './cli/commands.ts';
import { EXIT } from './cli/exit-codes.ts';
import { describeFailure } from './cli/failure.ts';
import { commandNamed, commandPage, commandsPage, newcomerPage } from './cli/help.ts';
import { wordsOfName } from './cli/program-name.ts';
import { restoreTerminal } from './cli/terminal-guard.ts';
import { UsageError } from './cli/usage-error.ts';
import { versionLine } from './cli/version.ts';

const columns = process.stdout.isTTY ? process.stdout.columns : undefined;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Ends once stdout has taken everything, or nobody reads it. */
function exit(code: number): void {
  const leave = () => process.exit(code);
  process.stdout.write('', leave);
  // A pipe that nobody reads must not hold us.
  setTimeout(leave, 2000);
}

function checkFlags(name: string, command: Command, { flags }: Arguments): void {
  const taken = [...command.flags, ...EVERYWHERE];
  for (const given of flags.keys()) {
    if (!taken.includes(given)) {
      throw new UsageError(`ringback ${name} takes no --${given}; see: ringback help ${name}`);
    }
  }
}

async function main(argv: readonly string[]): Promise<number> {
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

/** Says what failed on stderr and gives the exit code. */
function explain(error: unknown): number {
  const verbose = process.argv.slice(2).some((word) => /^-v+$|^--verbose$/.test(word));
  const { text, code } = describeFailure(error, verbose);
  restoreTerminal();
  process.stderr.write(`${text}\n`);
  return code;
}

// `ringback help | head` closes stdout: there is nobody to tell.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});
process.on('uncaughtException', (error) => exit(explain(error)));
process.on('unhandledRejection', (error) => exit(explain(error)));

exit(await main([...wordsOfName(process.argv0), ...process.argv.slice(2)]).catch(explain));
