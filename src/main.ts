/**
 * ringback: arguments → command → exit code. Every way out of the process is in this file or in cli/signals.ts; a
 * person who mistyped sees one sentence, and a stack trace only who asked for it (-v) after a bug of ours.
 */
import { describeFailure } from './cli/failure.ts';
import { wordsOfName } from './cli/program-name.ts';
import { runCommand } from './cli/run-command.ts';
import { restoreTerminal } from './cli/terminal-guard.ts';

/** Ends once stdout has taken everything, or nobody reads it. */
function exit(code: number): void {
  const leave = () => process.exit(code);
  process.stdout.write('', leave);
  // A pipe that nobody reads must not hold us.
  setTimeout(leave, 2000);
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

exit(await runCommand([...wordsOfName(process.argv0), ...process.argv.slice(2)]).catch(explain));
