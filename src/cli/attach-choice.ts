/**
 * Which of several running processes `ringback attach` means: the one that was named, else the only one with anything
 * to see. Why an idle agent does not count: it lingers after a command, and nobody looks at a screen with nothing on it.
 */
import type { Status } from '../agent/control-message.ts';
import { EXIT } from './exit-codes.ts';
import { UsageError } from './usage-error.ts';

/** Throws a `UsageError` that says what there is. */
export function chooseProcess(all: readonly Status[], pid: number | undefined): Status {
  if (all.length === 0) {
    throw new UsageError(
      'Nothing is running that a screen could be opened on; see: ringback help',
      EXIT.network,
    );
  }
  const there = all.map(described).join(', ');
  if (pid !== undefined) {
    const named = all.find((one) => one.pid === pid);
    if (named !== undefined) return named;
    throw new UsageError(`There is no ringback with process ${pid}; there is ${there}.`);
  }
  const worth = all.filter((one) => one.kind === 'echo' || holds(one));
  const [only] = worth.length === 1 ? worth : all;
  if (only !== undefined && (worth.length === 1 || all.length === 1)) return only;
  throw new UsageError(`Choose one with --process PID: there is ${there}.`);
}

function holds({ calls, registrations }: Status): boolean {
  return calls.length > 0 || registrations.some(({ state }) => state !== 'failed');
}

/** "echo 4711 with 2 calls". */
function described({ kind, pid, calls, registrations }: Status): string {
  const held = [counted(calls.length, 'call'), counted(registrations.length, 'registration')].filter(
    (one) => one !== '',
  );
  return `${kind} ${pid}${held.length === 0 ? '' : ` with ${held.join(' and ')}`}`;
}

function counted(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`;
}
