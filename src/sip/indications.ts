/** What a transaction has to say, told to its user: the call or the registration that opened it (§17.1). */
import { refuseWayDown } from './bid-down.ts';
import { callKeepaliveIndicated } from './call-keepalive.ts';
import { moveCallsOff } from './call-move.ts';
import { callFailed, callResponded } from './calling.ts';
import type { CoreHeaders } from './core-headers.ts';
import type { Input } from './endpoint-io.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import type { SocketAddress } from './flow.ts';
import { CONNECT_MS } from './large-request.ts';
import { messageIndicated } from './pager-message.ts';
import { pingIndicated } from './ping.ts';
import { faultText } from './tls-diagnosis.ts';
import { reportSecured, reportTlsFault } from './tls-report.ts';
import { reportTlsStranger } from './tls-stranger.ts';
import type { Indication } from './transaction.ts';
import type { TransactionUser } from './transaction-user.ts';
import type { Turn } from './turn.ts';

/** `core` is that of the response, when the indication is one. */
export function indicate(
  parts: EndpointParts,
  turn: Turn,
  indication: Indication<TransactionUser>,
  core?: CoreHeaders,
): void {
  const { transaction } = indication;
  if (transaction.side === 'server') {
    // Timer H: our refusal was not acknowledged. There is nothing left to end.
    return;
  }
  parts.agent.failed.learn(indication, turn.nowMs);
  const { user } = transaction;
  if (user.kind === 'branch') return parts.proxy?.indicated(turn, user, indication);
  if (user.kind === 'message') return messageIndicated(parts, turn, user, indication);
  if (user.kind === 'ping') return pingIndicated(parts, turn, user, indication);
  if (user.kind === 'keepalive' && user.call !== undefined)
    return callKeepaliveIndicated(parts, turn, user, indication);
  if (user.kind === 'keepalive') {
    parts.registrations.keepalives.indicated(turn, user, indication);
    return replaceDeadFlows(parts, turn);
  }
  if (user.kind === 'registration') {
    if (indication.type === 'response')
      parts.registrations.response(turn, transaction, user, indication.response);
    else
      parts.registrations.failed(
        turn,
        user,
        indication.type === 'timeout' ? 'no answer in time' : indication.error,
      );
  } else if (indication.type === 'response' && core !== undefined) {
    callResponded(parts, turn, user, transaction, indication.response, core);
  } else {
    const error = indication.type === 'failed' ? indication.error : undefined;
    callFailed(parts, turn, user, transaction, error);
  }
}

/** A connection is up: what waits for it goes out. One that is `needed` is not closed to make room for it. */
export function connectionUp(
  parts: EndpointParts,
  turn: Turn,
  { connection, transport, local, remote, tls }: Extract<Input, { type: 'connected' }>,
  needed: (connection: number) => boolean,
): void {
  if (tls !== undefined) reportSecured(parts, turn, connection, remote, tls);
  parts.agent.transport.connections.connected(turn, connection, transport, remote, local, needed);
}

/** A connection ended, or never came up. */
export function connectionGone(
  parts: EndpointParts,
  turn: Turn,
  { connection, error = 'connection closed', tlsFault, remote }: Extract<Input, { type: 'disconnected' }>,
): void {
  if (tlsFault === undefined) return loseConnection(parts, turn, connection, error);
  const known = parts.agent.transport.connections.remoteOf(connection);
  const refused = refuseWayDown(parts, turn, connection);
  if (known !== undefined)
    reportTlsFault(parts, turn, { connection, remote: known, fault: tlsFault, refused });
  else if (remote !== undefined) reportTlsStranger(turn, remote, tlsFault);
  loseConnection(parts, turn, connection, faultText(tlsFault));
}

/**
 * A connection is gone: its transactions have failed, and what was registered over it is registered again. `silent`: it
 * never came up; `moved`: it began at an address of ours that is gone, which is nobody's fault.
 */
export function loseConnection(
  parts: EndpointParts,
  turn: Turn,
  connection: number,
  error: string,
  how?: 'silent' | 'moved',
): void {
  const registered = parts.registrations.uses(connection);
  parts.agent.large.lost(turn, connection, how === 'silent');
  parts.agent.transport.connections.disconnected(connection);
  const failed = parts.agent.transactions.connectionFailed(turn, connection, error);
  for (const indication of failed) indicate(parts, turn, indication);
  parts.proxy?.connectionLost(turn, connection);
  parts.registrations.connectionLost(turn, connection, error, how === 'moved');
  if (registered && !parts.agent.stopping) moveCallsOff(parts.calls, turn, connection);
}

/** A datagram to that address could not be sent (§17.1.4). */
export function failDatagram(parts: EndpointParts, turn: Turn, remote: SocketAddress, error: string): void {
  parts.stun.unreachable(turn, remote, error);
  const failed = parts.agent.transactions.unreachable(turn, remote, error);
  for (const indication of failed) indicate(parts, turn, indication);
  parts.registrations.keepalives.unreachable(remote, error);
  replaceDeadFlows(parts, turn);
}

/** Keepalives that are due. */
export function advanceKeepalives(parts: EndpointParts, turn: Turn): void {
  const { registrations } = parts;
  registrations.keepalives.advance(turn, (flow) => registrations.standsOn(flow));
  replaceDeadFlows(parts, turn);
}

/** What was registered over a flow that is dead is registered anew at once (RFC 5626 §4.4.1). */
export function replaceDeadFlows(parts: EndpointParts, turn: Turn): void {
  const { agent, registrations } = parts;
  for (const { flow, reason } of registrations.keepalives.takeDead()) {
    if (flow.connection === undefined) registrations.flowLost(turn, flow, reason);
    else {
      agent.transport.connections.close(turn, flow.connection);
      loseConnection(parts, turn, flow.connection, reason);
    }
  }
}

/** Connections for large requests that do not come up are given up: the requests go in datagrams (§18.1.1). */
export function advanceLargeRequests(parts: EndpointParts, turn: Turn): void {
  for (const connection of parts.agent.large.late(turn)) {
    turn.ask({ type: 'disconnect', connection });
    loseConnection(parts, turn, connection, `no connection in ${CONNECT_MS / 1000} s`, 'silent');
  }
}
