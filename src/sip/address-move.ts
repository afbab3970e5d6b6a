/**
 * Our address has moved: another network, a tunnel that went up or down, a NAT that maps us anew, a STUN server that sees
 * us elsewhere. Whoever found it, one step follows (RFC 3261 §10.2, §12.2; RFC 5626 §4.4.1).
 *
 * Connections from an address that is gone are dead, though nobody says so for minutes: they are closed. Accounts are
 * registered again at once, the old binding removed in the same REGISTER; then each call is told (call-move.ts).
 */
import { endUnanswerable, moveCalls } from './call-move.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { loseConnection } from './indications.ts';
import { followAddress } from './moved-contact.ts';
import type { Moved } from './own-address.ts';
import type { Turn } from './turn.ts';

/** Does what follows. */
export function followMove(parts: EndpointParts, turn: Turn, moved: Moved): void {
  const { agent, registrations, calls, stun } = parts;
  if (agent.own.takeNewDefault()) {
    calls.audio.forgetMappings();
    stun.askAnew(turn);
  }
  if (agent.stopping) return;
  if (moved === 'network') {
    // Without any network they are kept: the same address may come back, and they go on.
    const { own } = agent;
    const gone = own.isConnected
      ? agent.transport.connections.connectionsFrom((local) => !own.isLocal(local))
      : [];
    for (const connection of gone) {
      agent.transport.connections.close(turn, connection);
      loseConnection(parts, turn, connection, 'our address has changed', 'moved');
    }
    endUnanswerable(calls, turn);
  }
  followAddress(registrations.table, turn, moved);
  moveCalls(calls, turn);
}
