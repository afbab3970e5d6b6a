/** `ringback stop`: ends the agent, and every echo of this user: calls hung up, registrations taken back. */
import { join } from 'node:path';
import { AgentError } from '../agent/agent-error.ts';
import { describeLost, LEDGER, readLedger, removeLedger } from '../agent/ledger.ts';
import { openAll } from './carrier.ts';
import { controlFolder } from './control-folder.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { readOptions } from './options.ts';
import { STOP_LIMIT_MS } from './signals.ts';
import { openTranscript } from './transcript.ts';

/** The endpoint's own bound, and time to close. */
const LIMIT_MS = STOP_LIMIT_MS + 4_000;

export async function run(invocation: Invocation): Promise<number> {
  const { flags, variables } = invocation;
  const transcript = openTranscript(readOptions(flags, invocation, 'udp'));
  // An agent of another version understands this as well (agent/control-message.ts).
  const clients = await openAll(variables);
  if (clients.length === 0) {
    const ledger = join(controlFolder(variables), LEDGER);
    const lost = readLedger(ledger);
    removeLedger(ledger);
    transcript.say(lost === undefined ? 'Nothing is running.' : `Nothing is running. ${describeLost(lost)}`);
  }
  let code: ExitCode = EXIT.done;
  for (const client of clients) {
    const { kind, pid } = client.hello;
    const stopped = client.stop('asked by ringback stop').then(() => true);
    const left = await Promise.race([stopped.catch(wasClosed), Bun.sleep(LIMIT_MS).then(() => false)]);
    if (left) transcript.say(`[STATE] ${kind} ${pid} stopped`);
    else {
      transcript.warn(
        `Waited ${LIMIT_MS / 1000} s for the ${kind} (process ${pid}) to end; it is still there.`,
      );
      code = EXIT.timeout;
    }
  }
  await transcript.close(code, 'asked by ringback stop');
  return code;
}

/** It closed before it answered: that is an end, too. */
function wasClosed(error: unknown): boolean {
  if (error instanceof AgentError) return true;
  throw error;
}
