/**
 * The challenge to a ping of ours (RFC 3261 §22.1), and whether there is anything to answer it with.
 *
 * Why not always: credentials go to the account's own server and our proxy alone, as whoever gets a digest can try
 * passwords on it.
 */
import type { DigestClient } from '../auth/credentials.ts';
import { reportChallenges } from './challenge-report.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { isSameNextHop } from './flow.ts';
import { fields, type SipResponse } from './message.ts';
import type { Ping } from './ping.ts';
import type { PingEnd } from './ping-diagnosis.ts';
import type { Turn } from './turn.ts';

/** Why a challenge was not answered; without a code, for want of credentials for that server. */
interface Unauthorized {
  readonly code: Extract<PingEnd, { type: 'challenged' }>['code'];
  readonly reason: string;
}

/** What answers a challenge of where the ping goes; undefined for any other server. */
export function digestOf(
  parts: EndpointParts,
  { account, hop, routes, method }: Ping,
): DigestClient | undefined {
  if (account === undefined || account.password === '') return undefined;
  // Asked of nobody but the account's own registrar.
  if (method === 'REGISTER') return parts.registrations.digestOf(account);
  const own = isSameNextHop(hop, account.server);
  return own || routes.length > 0 ? parts.registrations.digestOf(account) : undefined;
}

/** `again`: the ping is to be sent once more, with what was noted in it. Otherwise why it cannot be. */
export function challenged(
  parts: EndpointParts,
  turn: Turn,
  one: Ping,
  response: SipResponse,
  status: 401 | 407,
): Unauthorized | 'again' {
  const digest = digestOf(parts, one);
  if (digest === undefined) return { code: undefined, reason: 'it asks who we are' };
  const challenges = fields(response, status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate');
  const verdict = digest.challenged(
    {
      status,
      challenges: challenges.map(({ value: text }) => text),
      cnonce: parts.agent.identifiers.cnonce(),
    },
    one.attempt,
  );
  if (verdict.type === 'refused') return verdict;
  reportChallenges(turn, status, verdict.challenges, { account: one.account?.addressOfRecord ?? '' });
  one.attempt = verdict.attempt;
  return 'again';
}
