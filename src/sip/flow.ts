/**
 * Where a message came from and where its answer goes: a transport and two addresses, and for streams the
 * connection (RFC 5626 §3 calls this a flow).
 */

export type Transport = 'udp' | 'tcp' | 'tls';

/** A numeric address, IPv6 without brackets, and a port. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** One way to a peer. */
export interface Flow {
  readonly transport: Transport;
  readonly remote: SocketAddress;
  /** The stream it is on; absent on UDP. */
  readonly connection?: number;
}

/** Where a request goes: a transport, and a host that may have to be resolved first. */
export interface NextHop {
  readonly transport: Transport;
  readonly host: string;
  readonly port: number;
}

/** Streams neither lose nor reorder, so nothing is retransmitted on them (RFC 3261 §17). */
export function isReliable(transport: Transport): boolean {
  return transport !== 'udp';
}

/** "192.0.2.1:5060", "[2001:db8::1]:5060". */
export function formatAddress({ address, port }: SocketAddress): string {
  return `${formatHost(address)}:${port}`;
}

/** An address as it stands in a URI or a Via: IPv6 in brackets (RFC 3261 §25.1, IPv6reference). */
export function formatHost(address: string): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
}

/** The port of a SIP URI without one (RFC 3261 §19.1.2). */
export function defaultPort(transport: Transport): number {
  return transport === 'tls' ? 5061 : 5060;
}
