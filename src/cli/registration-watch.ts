/**
 * Tells when there is nobody left to be: each account has failed, and a password was refused. A service that waits
 * for calls that cannot come looks healthy to a monitor; an exit code does not.
 */
import type { Event, EventOf } from '../events.ts';

type State = EventOf<'registration.changed'>['to'];

/** 401 and 407 after a try with credentials, and the 403 that many registrars say instead (RFC 3261 §22). */
const REFUSALS: readonly (number | undefined)[] = [401, 403, 407];

/** A function of events: true from the moment that every account has failed and one of them was refused. */
export function refusedEverywhere(accounts: readonly string[]): (event: Event) => boolean {
  const states = new Map<string, State>(accounts.map((account) => [account, 'idle']));
  let refused = false;
  return (event) => {
    if (event.type !== 'registration.changed') return false;
    states.set(event.account, event.to);
    if (event.to === 'failed' && REFUSALS.includes(event.status)) refused = true;
    return refused && [...states.values()].every((state) => state === 'failed');
  };
}
