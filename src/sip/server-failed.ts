/**
 * One server of several failed, and the next one is tried (RFC 3263 §4.3): said of a REGISTER, an INVITE and an OPTIONS
 * alike, because what follows looks as if nothing had been wrong.
 */
import type { Diagnosis } from './diagnosis.ts';
import { type Flow, formatAddress, type NextHop, type ServerHop } from './flow.ts';

/** What was asked of it, as the cause has it. */
const PURPOSE = { INVITE: 'take calls', REGISTER: 'take registrations', OPTIONS: 'answer' } as const;

/** `what` went wrong at `flow`, one of the servers of `hop`; absent when nothing went out. */
export function serverFailed(
  method: keyof typeof PURPOSE,
  hop: NextHop,
  flow: Flow | undefined,
  what: string,
  next: ServerHop,
): Diagnosis {
  const at =
    flow === undefined ? '' : ` at ${formatAddress(flow.remote)} over ${flow.transport.toUpperCase()}`;
  return {
    code: 'server-failed',
    severity: 'warning',
    evidence: `${hop.host}${at}: ${what}`,
    cause: `one of its servers does not ${PURPOSE[method]}`,
    next: `nothing to do: the next one, ${formatAddress(next)} over ${next.transport.toUpperCase()}, is tried`,
  };
}
