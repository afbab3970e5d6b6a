/** The folder of this user's sockets and locks, made when it is not there. */
import { existsSync } from 'node:fs';
import { runtimeFolder, secureFolder } from '../agent/runtime-folder.ts';
import type { Invocation } from './invocation.ts';
import { UsageError } from './usage-error.ts';

/** The folder of the sockets, checked. Throws where there are no such sockets. */
export function controlFolder(variables: Invocation['variables']): string {
  const uid = process.getuid?.();
  if (uid === undefined) {
    throw new UsageError('There is no background agent on this system; use --foreground.');
  }
  const folder = runtimeFolder(variables, uid, existsSync);
  secureFolder(folder, uid);
  return folder;
}
