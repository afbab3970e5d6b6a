/**
 * A binding whose address is not ours any more, or never was: a NAT that mapped us anew (RFC 3581 §4, RFC 4787 §4.1).
 *
 * Only the response to a REGISTER tells, so the one that binds a wrong Contact is the one that shows the right one.
 */
import { diagnoseMovingAddress } from './registration-diagnosis.ts';
import type { Registration } from './registration-state.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/**
 * Whether our Contact is another one than the registrar has just bound, so that it has to be registered again. Once
 * for a refresh: a NAT that maps every packet anew would have us register for ever.
 */
export function hasMoved(agent: UserAgent, turn: Turn, registration: Registration): boolean {
  const { account, contact, flow } = registration;
  const now = flow === undefined ? contact : agent.contact(flow, account.user);
  if (now === contact) return false;
  if (registration.moved) diagnoseMovingAddress(turn, account, contact, now);
  const first = !registration.moved;
  registration.moved = true;
  return first;
}
