/** What went wrong between a command and the agent, in a sentence for the person, with the exit code it means. */

/** The message is a sentence for the person, and `exitCode` what it means. */
export class AgentError extends Error {
  /** 1, failed inside, unless it is the person's to mend: the table is in cli/exit-codes.ts. */
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'AgentError';
    this.exitCode = exitCode;
  }
}
