/**
 * Where a request in a dialog goes (RFC 3261 §12.2.1.1): to the first route, else to the peer's Contact, with two
 * exceptions that the world asks for. On a stream the dialog's own connection serves while it stands, as most peers
 * cannot be connected to; and a Contact that cannot be reached from here is replaced by where the peer was heard.
 */
import type { CallStore } from './call-store.ts';
import { isOutOfReach } from './contact-reach.ts';
import type { Dialog } from './dialog.ts';
import {
  defaultPort,
  type Flow,
  formatAddress,
  hopAt,
  hopOfFlow,
  isReliable,
  type NextHop,
  type ServerHop,
} from './flow.ts';
import { addressFamily, isBroadcast, isLoopback, isMulticast, isUnspecified } from './ip-address.ts';
import { nextHop } from './next-hop.ts';
import { routed } from './route-set.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';

/** The flow of our next request in it. A host that is a name goes where the peer was last heard, too. */
export function dialogFlow(store: CallStore, turn: Turn, dialog: Dialog): Flow {
  const { flow } = dialog;
  const hop = nextHop(routed(dialog).next, flow.transport);
  if (hop === undefined) return flow;
  const { transport } = store.agent;
  if (isReliable(hop.transport) && isReliable(flow.transport) && transport.connections.isOpen(flow))
    return flow;
  const elsewhere = isHeardElsewhere(store, dialog, hop);
  // What was set up by a sips: URI stays on TLS, whatever a Contact says later (§12.1.1).
  if (flow.transport === 'tls' && (dialog.secure || hop.transport === 'tls')) {
    return transport.connections.isOpen(flow)
      ? flow
      : transport.connections.flowTo(turn, secureHop(hop, flow, elsewhere));
  }
  if (!mayGoTo(hop, flow)) return reopened(store, turn, flow);
  if (elsewhere) {
    diagnoseReach(store, turn, dialog);
    return isReliable(flow.transport) ? transport.connections.flowTo(turn, hopOfFlow(flow)) : flow;
  }
  const server = hopAt(hop, hop.host);
  if (!transport.connections.mayOpen(server)) return flow;
  const named = transport.connections.flowTo(turn, server);
  return hop.host === flow.remote.address ? named : { ...named, named: true };
}

/** Whether we opened that stream. */
function isOurs({ connection }: Flow): boolean {
  return connection !== undefined && connection % 2 === 0;
}

/** A stream of ours that is gone leads to a server that listens there; one of the peer leads nowhere any more. */
function reopened({ agent: { transport } }: CallStore, turn: Turn, flow: Flow): Flow {
  return isOurs(flow) && !transport.connections.isOpen(flow)
    ? transport.connections.flowTo(turn, hopOfFlow(flow))
    : flow;
}

/**
 * Where a peer listens whose TLS connection is gone: ours led to a server; of one that it opened, its Contact or route
 * says the port (RFC 5923 §6). A name is looked for where it was heard: its certificate says whether it is there.
 */
function secureHop(hop: NextHop, flow: Flow, elsewhere: boolean): ServerHop {
  if (isOurs(flow)) return hopOfFlow(flow);
  const address = !elsewhere && isReachable(hop.host, flow) ? hop.host : flow.remote.address;
  const port = hop.transport === 'tls' ? hop.port : defaultPort('tls');
  return { transport: 'tls', address, port, domain: hop.domain ?? hop.host };
}

/** A route is right as it is: whoever recorded it wants our requests. */
function isHeardElsewhere({ agent }: CallStore, { routeSet, flow }: Dialog, { host }: NextHop): boolean {
  if (routeSet.length > 0 || agent.config.privateContacts === 'as-sent') return false;
  return isOutOfReach(host, flow.remote.address, agent.own.interfaces);
}

/** Over TLS the peer is where it was heard: a certificate seldom shows the address that stands in a Contact. */
function mayGoTo({ host, transport }: NextHop, flow: Flow): boolean {
  return transport !== 'tls' && isReachable(host, flow);
}

/**
 * Whether a Contact or a route may send us there. A stranger writes them: they lead to no group of machines, and to no
 * program beside us unless the stranger is one too.
 */
function isReachable(host: string, { remote }: Flow): boolean {
  if (addressFamily(host) === undefined) return false;
  if (isUnspecified(host) || isMulticast(host) || isBroadcast(host)) return false;
  return !isLoopback(host) || isLoopback(remote.address);
}

/** Once a call. */
function diagnoseReach(store: CallStore, turn: Turn, dialog: Dialog): void {
  if (dialog.reachSaid === true) return;
  dialog.reachSaid = true;
  const call = store.findByDialog(dialog)?.handle;
  turn.emit({
    type: 'diagnosis.raised',
    ...(call === undefined ? undefined : { call }),
    code: 'contact-private',
    severity: 'info',
    evidence: `the Contact of the other side is ${displayText(dialog.remoteTarget)}, and its messages come from ${formatAddress(dialog.flow.remote)}`,
    cause: 'it is behind a NAT and does not know its public address',
    next: 'nothing: our requests go where its messages come from; --contact-as-sent sends them to the Contact',
  });
}
