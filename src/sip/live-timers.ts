/**
 * The timers of a transaction or a call as they run now: what a screen counts down. Made only when somebody watches
 * (`liveTimers`), because they change with every message.
 */
import type { EventOf } from '../events.ts';
import type { Call } from './call.ts';
import type { Deadline } from './deadlines.ts';
import type { TimerName } from './timers.ts';
import { type Transaction, transactionId } from './transaction.ts';

/** The event for a transaction: every timer that is armed, and in how many ms it fires. */
export function transactionTimers(
  transaction: Transaction<unknown>,
  nowMs: number,
): EventOf<'timers.changed'> {
  const { call, timers } = transaction;
  const armed = Object.entries(timers).map(([name, deadline]) => [`Timer ${name}`, deadline] as const);
  return {
    type: 'timers.changed',
    ...(call === undefined ? {} : { call }),
    transaction: transactionId(transaction),
    timers: running(armed, nowMs),
  };
}

/** The event for a call: its own deadlines, by the names of ours. */
export function callTimers({ handle, timers }: Call, nowMs: number): EventOf<'timers.changed'> {
  return { type: 'timers.changed', call: handle, timers: running(Object.entries(timers), nowMs) };
}

function running(
  armed: readonly (readonly [string, Deadline<unknown> | undefined])[],
  nowMs: number,
): EventOf<'timers.changed'>['timers'] {
  return armed.flatMap(([name, deadline]) =>
    deadline?.owner === undefined ? [] : [{ name, inMs: Math.max(0, deadline.atMs - nowMs) }],
  );
}

/** Whether the time of that timer has come, though it has not fired yet. */
export function isOver(
  { timers }: Transaction<unknown>,
  name: TimerName | undefined,
  nowMs: number,
): boolean {
  const deadline = name === undefined ? undefined : timers[name];
  return deadline?.owner !== undefined && deadline.atMs <= nowMs;
}
