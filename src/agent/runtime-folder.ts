/**
 * Where the sockets are: `$XDG_RUNTIME_DIR/ringback`, else `/run/user/<uid>/ringback`, else `/tmp/ringback-<uid>`.
 *
 * Whoever can write there can listen in our place and be told a password, so a folder that is not ours, or that
 * others can enter, is refused rather than mended.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { AgentError } from './agent-error.ts';

/** The name of the agent's socket in the folder; `ringback echo` has one with its process number. */
export const AGENT_SOCKET = 'agent.sock';
/** A Unix socket's path has room for so many bytes with its end (sun_path: 108 on Linux, 104 elsewhere). */
const LONGEST_PATH = 103;

/** The folder for that user, without looking whether it can be used. */
export function runtimeFolder(
  variables: Readonly<Record<string, string | undefined>>,
  uid: number,
  exists: (path: string) => boolean,
): string {
  const { XDG_RUNTIME_DIR: given } = variables;
  if (given !== undefined && isAbsolute(given)) return join(given, 'ringback');
  const own = `/run/user/${uid}`;
  return exists(own) ? join(own, 'ringback') : `/tmp/ringback-${uid}`;
}

/** Makes it when it is not there. Throws an `AgentError` when it cannot be trusted. */
export function secureFolder(folder: string, uid: number): void {
  if (Buffer.byteLength(join(folder, 'echo-4194304.sock')) > LONGEST_PATH) {
    throw new AgentError(`${folder} is too long for a socket's path; set XDG_RUNTIME_DIR to a shorter one.`);
  }
  try {
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) chmodSync(folder, 0o700);
  } catch (error) {
    throw new AgentError(
      `${folder} cannot be made: ${reasonOf(error)}. Set XDG_RUNTIME_DIR to a folder of yours.`,
    );
  }
  const state = lstatSync(folder);
  if (!state.isDirectory()) throw new AgentError(`${folder} is no folder; remove it.`);
  if (state.uid !== uid)
    throw new AgentError(`${folder} belongs to another user; set XDG_RUNTIME_DIR to a folder of yours.`);
  if ((state.mode & 0o077) !== 0) {
    throw new AgentError(`${folder} is open to other users; look who made it, then: chmod 700 ${folder}`);
  }
}

/** The sockets in it, the agent's first; none when there is no folder. */
export function socketsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name === AGENT_SOCKET || /^echo-\d+\.sock$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** `EACCES` and the like, in the system's words. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
