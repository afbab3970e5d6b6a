/**
 * How a call of ours came out, in one word: what a script asks for, and what the exit codes are made of.
 *
 * It is not the status alone. A 503 that a server sent refuses the call; one that we made up for a broken transport
 * (RFC 3261 §8.1.3.1) does not.
 */
import type { EventOf } from '../events.ts';
import type { Call } from './call.ts';

export type CallOutcome = NonNullable<EventOf<'call.changed'>['outcome']>;

/** The outcome of a call that ends now, with that final status if there was one. */
export function outcomeOf(call: Call, status: number | undefined): CallOutcome {
  if (call.outcome !== undefined) return call.outcome;
  if (call.state === 'established' || call.state === 'held') return 'completed';
  if (call.ending !== undefined) return 'cancelled';
  if (status === 401 || status === 407 || (status === 403 && gaveCredentials(call))) return 'authentication';
  if (status === 408) return 'no-answer';
  return status !== undefined && status >= 300 ? 'refused' : 'failed';
}

/** Then a 403 means them: many registrars and proxies say it for a wrong password. */
function gaveCredentials({ outgoing }: Call): boolean {
  return outgoing !== undefined && outgoing.attempt.sent.length > 0;
}
