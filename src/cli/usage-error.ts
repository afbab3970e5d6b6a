/**
 * Why a command did not start, in one sentence for the person who typed it: never a stack trace. Anything else that
 * is thrown is a bug of ours (exit code 1).
 */
import { EXIT, type ExitCode } from './exit-codes.ts';

/** A command that cannot run as it was asked to; the process ends with `exitCode` and prints `message` alone. */
export class UsageError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = EXIT.usage) {
    super(message);
    this.name = 'UsageError';
    this.exitCode = exitCode;
  }
}
