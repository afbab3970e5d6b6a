/**
 * A binding whose address is not ours any more, or never was: a NAT that mapped us anew (RFC 3581 §4, RFC 4787 §4.1), or
 * another network.
 *
 * What a NAT does only the response to a REGISTER tells, so the one that binds a wrong Contact is the one that shows the
 * right one.
 */
import { addressFamily } from './ip-address.ts';
import type { Moved } from './own-address.ts';
import { register } from './registration-attempt.ts';
import { diagnoseCutOff, diagnoseMovingAddress } from './registration-diagnosis.ts';
import type { Registration } from './registration-state.ts';
import type { RegistrationTable } from './registration-table.ts';
import { isSips } from './sips.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/**
 * Whether our Contact is another one than the registrar has just bound, so that it has to be registered again. Once
 * for a refresh: a NAT that maps every packet anew would have us register for ever.
 */
export function hasMoved(agent: UserAgent, turn: Turn, registration: Registration): boolean {
  const { account, contact } = registration;
  const now = contactNow(agent, registration);
  if (now === contact) {
    // It stays the same from one REGISTER to the next: the next change is worth one again.
    registration.moved = false;
    return false;
  }
  if (registration.moved) diagnoseMovingAddress(turn, account, contact, now);
  const first = !registration.moved;
  registration.moved = true;
  return first;
}

/**
 * Our address has changed: registers again, now, what is bound to another one, what was cut off and has a way again,
 * and what waits for its next try. What is under way tells by its response (`hasMoved`).
 */
export function followAddress(table: RegistrationTable, turn: Turn, moved: Moved): void {
  for (const registration of [...table.all]) {
    if (registration.ending) continue;
    if (moved === 'network') registration.moved = false;
    if (registration.pending) continue;
    const due =
      registration.state === 'registered'
        ? isElsewhere(table, turn, registration)
        : registration.state === 'retrying' && moved === 'network' && hasWay(table, registration);
    if (!due) continue;
    registration.failures = 0;
    registration.cutOff = false;
    register(table, turn, registration);
  }
}

/** Whether a binding that stands leads elsewhere, or may not stand any more: nobody heard us for a while. */
function isElsewhere(table: RegistrationTable, turn: Turn, registration: Registration): boolean {
  const { agent } = table;
  const { flow } = registration;
  if (flow !== undefined && !agent.own.hasRouteTo(flow.remote.address)) {
    if (registration.cutOff !== true) diagnoseCutOff(turn, registration.account, flow);
    registration.cutOff = true;
    // A name may have a server of the other family.
    return addressFamily(table.hopOf(registration).host) === undefined && agent.own.isConnected;
  }
  if (registration.cutOff === true) return true;
  return !registration.moved && contactNow(agent, registration) !== registration.bound;
}

/** Whether the registrar can be reached, as far as its address is known. */
function hasWay(table: RegistrationTable, registration: Registration): boolean {
  const { own } = table.agent;
  const { host } = table.hopOf(registration);
  return addressFamily(host) === undefined ? own.isConnected : own.hasRouteTo(host);
}

function contactNow(agent: UserAgent, { flow, contact, account }: Registration): string {
  return flow === undefined ? contact : agent.contact(flow, account.user, isSips(account.addressOfRecord));
}
