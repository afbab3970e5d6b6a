/** What a failure says to the person, and the code that the process ends with. */

import { AgentError } from '../agent/agent-error.ts';
import { EXIT } from './exit-codes.ts';
import { UsageError } from './usage-error.ts';

/** A wrong usage is its own sentence. Anything else is a bug of ours; its stack is shown when `verbose`. */
export function describeFailure(
  error: unknown,
  verbose: boolean,
): { readonly text: string; readonly code: number } {
  if (error instanceof UsageError || error instanceof AgentError)
    return { text: error.message, code: error.exitCode };
  const message = error instanceof Error ? error.message : String(error);
  const sentence = `ringback failed inside (${message}). Please report it, with what the same command says under -v.`;
  const stack = verbose && error instanceof Error ? `\n${error.stack}` : '';
  return { text: `${sentence}${stack}`, code: EXIT.internal };
}
