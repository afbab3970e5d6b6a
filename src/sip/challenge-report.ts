/** The events of challenges that are about to be answered (RFC 3261 §22). */
import type { Challenge } from '../auth/challenge.ts';
import type { Turn } from './turn.ts';

/** One `auth.challenged` for each; `about` names the call or the account whose request was challenged. */
export function reportChallenges(
  turn: Turn,
  status: 401 | 407,
  challenges: readonly Challenge[],
  about: { readonly call: string } | { readonly account: string },
): void {
  for (const { realm, algorithm, qop, stale } of challenges) {
    turn.emit({
      type: 'auth.challenged',
      ...about,
      realm,
      algorithm,
      ...(qop.length === 0 ? undefined : { qop: qop.join(',') }),
      ...(stale ? { stale } : undefined),
      status,
    });
  }
}
