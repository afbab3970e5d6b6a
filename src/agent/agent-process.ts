/**
 * Starting the agent: the same binary, detached, with its output in a file beside the socket. It is there when its
 * socket answers; who else started one at the same time does not matter, as the lock lets one of them be it.
 */
import { closeSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError } from './agent-error.ts';
import { type ControlClient, connectControl } from './control-client.ts';
import { AGENT_SOCKET, reasonOf } from './runtime-folder.ts';

/** The agent's stdout and stderr. */
const AGENT_LOG = 'agent.log';
const LONGEST_LOG = 256 * 1024;
/** How long it may take until its socket answers, in ms: a busy machine starts a process slowly. */
const START_MS = 15_000;
const LOOK_EVERY_MS = 25;

/** How to start it. */
export interface AgentCommand {
  /** The program, its first arguments, `agent`, and flags. */
  readonly words: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** Connects to the agent in that folder, and starts one when there is none (`started`). */
export async function reachAgent(
  folder: string,
  command: AgentCommand,
): Promise<{ readonly client: ControlClient; readonly started: boolean }> {
  const path = join(folder, AGENT_SOCKET);
  const untilMs = performance.now() + START_MS;
  let child: Bun.Subprocess | undefined;
  for (;;) {
    const client = await connectControl(path);
    if (client !== undefined) return { client, started: child !== undefined };
    if (child === undefined) child = startAgent(folder, command);
    // It ends with 0 when another one is the agent, or was until now.
    else if (child.exitCode === 0) child = undefined;
    else if (child.exitCode !== null)
      throw new AgentError(`The agent did not start: ${lastWords(folder)}`, child.exitCode);
    else if (child.signalCode !== null)
      throw new AgentError(`The agent was ended by ${child.signalCode} while it started.`);
    if (performance.now() > untilMs) {
      throw new AgentError(
        `Waited ${START_MS / 1000} s for the agent to answer on ${path}: ${lastWords(folder)}`,
      );
    }
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

function startAgent(folder: string, { words, variables }: AgentCommand): Bun.Subprocess {
  const log = openLog(folder);
  try {
    const child = Bun.spawn([...words], {
      cwd: '/',
      // Its own session: Ctrl-C at the terminal is for the command, not for the calls that the agent holds.
      detached: true,
      argv0: 'ringback',
      env: harmless(variables),
      stdin: 'ignore',
      stdout: log,
      stderr: log,
    });
    child.unref();
    return child;
  } catch (error) {
    throw new AgentError(`The agent could not be started: ${reasonOf(error)}.`);
  } finally {
    closeSync(log);
  }
}

function openLog(folder: string): number {
  const file = join(folder, AGENT_LOG);
  try {
    if (statSync(file).size > LONGEST_LOG) truncateSync(file);
  } catch {
    // There is none yet.
  }
  return openSync(file, 'a', 0o600);
}

/** A process's environment can be read for as long as it lives: a password has no place there. */
function harmless(variables: AgentCommand['variables']): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined && !name.startsWith('SIP_')) kept[name] = value;
  }
  return kept;
}

function lastWords(folder: string): string {
  try {
    const lines = readFileSync(join(folder, AGENT_LOG), 'utf8').trimEnd().split('\n');
    return lines.at(-1) || 'it said nothing.';
  } catch {
    return 'it said nothing.';
  }
}
