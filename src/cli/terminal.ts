/** The terminal that a process was started on. */
import { closeSync, openSync } from 'node:fs';

/** Whether this process was started on a terminal that is not there any more: then SIGHUP is the end of it. */
export function terminalIsGone(): boolean {
  if (process.stdin.isTTY !== true && process.stdout.isTTY !== true) return false;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return false;
  } catch {
    return true;
  }
}
