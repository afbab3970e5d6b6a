/**
 * REFER (RFC 3515): refused. It asks us to call somebody else, on the word of a stranger.
 */
import { refuse } from './refusal.ts';
import { sipError } from './result.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { ALLOW, type UserAgent } from './user-agent.ts';

/**
 * REFER: 405, as an echo transfers nobody (§8.2.1, RFC 3515 §2.4.2). Not 603: that says that a person declined, and a
 * proxy that forked the request would stop asking the others for it (§16.7 no. 5).
 */
export function refuseRefer(agent: UserAgent, turn: Turn, transaction: ServerTransaction): void {
  const error = sipError('method-not-allowed', 405, 'an echo follows no REFER: the call stays where it is');
  refuse(agent, turn, transaction, error, { headers: [['Allow', ALLOW]] });
}
