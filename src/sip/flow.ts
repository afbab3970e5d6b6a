/**
 * Where a message came from and where its answer goes: a transport and two addresses, and for streams the
 * connection (RFC 5626 §3 calls this a flow).
 */
import { isSameAddress } from './ip-address.ts';

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
  /** A datagram flow that a URI led to, and did not insist on: a request too large for it takes TCP (large-request.ts). */
  readonly largeOverTcp?: true;
  /** A Contact or a route of the peer's led to it, and the peer was heard at another address (address-validation.ts). */
  readonly named?: true;
  /** The name that the peer's certificate was to show; absent where none was asked for. */
  readonly domain?: string;
}

/** Where a request goes: a transport, and a host that may have to be resolved first. */
export interface NextHop {
  readonly transport: Transport;
  readonly host: string;
  readonly port: number;
  /**
   * What DNS may still say otherwise (RFC 3263 §4): transport and port (NAPTR, SRV), or the port alone (SRV). Absent:
   * nothing but addresses are asked for. `transport` and `port` are what is taken when it says nothing.
   */
  readonly open?: 'transport' | 'port';
  /** UDP was asked for by its name: then a large request stays on it (RFC 3263 §4.1, large-request.ts). */
  readonly explicit?: true;
  /** The host of the URI, where it is not `host` (`maddr`): what a certificate has to show (RFC 5922 §7). */
  readonly domain?: string;
  /** Whose SRV records those are; SIP when absent (RFC 8489 §8.1). */
  readonly service?: 'stun';
}

/** One address that serves a next hop: a request can be sent there as it is. */
export interface ServerHop extends SocketAddress {
  readonly transport: Transport;
  /**
   * The name that its certificate has to show, over TLS: the host of the URI before NAPTR and SRV said anything
   * (RFC 5922 §7).
   */
  readonly domain?: string;
  /** UDP was asked for by its name. */
  readonly explicit?: true;
}

/** The same address, in whatever spelling, and the same port. */
export function isSameSocket(one: SocketAddress, other: SocketAddress): boolean {
  return one.port === other.port && isSameAddress(one.address, other.address);
}

/** Whether two are one place, by whatever way it was said. */
export function isSameNextHop(one: NextHop, other: NextHop): boolean {
  return one.host === other.host && one.port === other.port;
}

/** A next hop at an address of its own. */
export function hopAt(hop: NextHop, address: string): ServerHop {
  const { transport, port } = hop;
  return { transport, address, port, ...certified(hop, transport), ...insisting(hop) };
}

/** The name that the certificate of a server of that hop has to show, over TLS. */
export function certified({ host, domain }: NextHop, transport: Transport): { domain?: string } {
  return transport === 'tls' ? { domain: domain ?? host } : {};
}

/** The mark of a hop whose URI insists on UDP. */
export function insisting({ explicit }: NextHop): { explicit?: true } {
  return explicit === undefined ? {} : { explicit };
}

/** Where a flow leads. */
export function hopOfFlow({ transport, remote, domain, largeOverTcp }: Flow): ServerHop {
  const named = domain === undefined ? undefined : { domain };
  return { transport, ...remote, ...named, ...(largeOverTcp === true ? undefined : { explicit: true }) };
}

/** What tells one flow from another: the connection, or on UDP the other side. */
export function flowName({ transport, remote, connection }: Flow): string {
  return connection === undefined ? `${transport} ${formatAddress(remote)}` : `connection ${connection}`;
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
