/**
 * Whether a system call that is only good to have is better left alone, because asking may end the process.
 *
 * A filter of system calls (seccomp(2)) refuses a call or kills who made it, and nobody can ask which. Where systemd
 * set one up (`SystemCallFilter=`) killing is the default, and sched_setattr(2) is in `@resources`, which many units
 * take out. The filters of containers refuse, or let it through.
 */
import { readFileSync } from 'node:fs';

/** Mode 2 of proc(5)'s `Seccomp`: a filter. */
const FILTERED = /^Seccomp:\s*2$/m;

/** `invocation`: systemd's name of the run of a unit, INVOCATION_ID in systemd.exec(5); `status`: /proc/self/status. */
export function mayKill(invocation: string | undefined, status = ownStatus()): boolean {
  return invocation !== undefined && FILTERED.test(status);
}

function ownStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'latin1');
  } catch {
    return '';
  }
}
