/**
 * No way down from TLS (RFC 3261 §26.1.2, RFC 3263 §4.3, §7): where a server did not prove who it is, what stands behind
 * it in DNS without TLS is not tried.
 *
 * RFC 3263 §4.3 goes on within the SRV records of the transport that NAPTR made the choice; we go on to the other
 * transports too, as a server whose port for TLS is closed is as good as its others are. Why not from a handshake that
 * failed: somebody answered there in the name of the server, and whoever is in between does so to get the digest in the
 * clear. A port that is closed or silent proves nothing of the kind, and networks that let 5060 through alone are common;
 * who must not go without TLS all the same says `sips:` or `--transport tls` (§26.2.2), and has no other list.
 */
import type { EndpointParts } from './endpoint-parts.ts';
import type { ServerHop } from './flow.ts';
import type { TransactionUser } from './transaction-user.ts';
import type { Turn } from './turn.ts';

/** The servers of a list whose one at that index did not prove itself: TLS alone behind it. */
export function withoutWayDown(servers: readonly ServerHop[], unproven: number): readonly ServerHop[] {
  return servers.filter(({ transport }, at) => at <= unproven || transport === 'tls');
}

/**
 * A handshake of ours failed: what waits for that connection goes on over TLS alone, and so does what comes next. To be
 * told before the connection is forgotten. The first of the servers that are not tried, if there is any.
 */
export function refuseWayDown(parts: EndpointParts, turn: Turn, connection: number): ServerHop | undefined {
  const flow = parts.agent.transport.connections.flowOf(connection);
  if (flow?.domain === undefined) return undefined;
  parts.agent.failed.distrust(flow, turn.nowMs);
  const refused = parts.agent.transactions.usersOn(connection).flatMap(narrow);
  return refused[0];
}

/** Takes the servers without TLS from those that are left to a request, and says which. */
function narrow(user: TransactionUser): readonly ServerHop[] {
  switch (user.kind) {
    case 'call': {
      const { servers = [] } = user.outgoing ?? {};
      if (user.outgoing !== undefined) user.outgoing.servers = servers.filter(isTls);
      return servers.filter(isPlain);
    }
    case 'registration': {
      const { servers, serverIndex } = user;
      user.servers = withoutWayDown(servers, serverIndex);
      return servers.slice(serverIndex + 1).filter(isPlain);
    }
    case 'ping': {
      const { servers } = user;
      user.servers = servers.filter(isTls);
      return servers.filter(isPlain);
    }
    case 'branch': {
      const { others } = user;
      user.others = others.filter(({ server }) => isTls(server));
      return others.map(({ server }) => server).filter(isPlain);
    }
    default:
      return [];
  }
}

function isTls({ transport }: ServerHop): boolean {
  return transport === 'tls';
}

function isPlain(server: ServerHop): boolean {
  return !isTls(server);
}
