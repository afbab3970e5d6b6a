/**
 * Our address towards a peer, in the order in which its sources are trusted: what was advertised, where that very server
 * sees us (`rport`, RFC 3581), where a STUN server does (RFC 8489), the local address by the route to the peer.
 *
 * One place decides it, and every change of any of them ends in `moved`: the endpoint then has one step that registers
 * again and tells the calls (address-move.ts), whoever found the change.
 */
import { addressBytes } from '../address-bytes.ts';
import type { MappedPort } from '../rtp/session.ts';
import type { EndpointConfig, LocalAddresses } from './endpoint-config.ts';
import {
  defaultPort,
  type Flow,
  isReliable,
  isSameSocket,
  type SocketAddress,
  type Transport,
} from './flow.ts';
import {
  type AddressFamily,
  addressFamily,
  isLinkLocal,
  isLoopback,
  isPrivate,
  isSameAddress,
  isUnspecified,
} from './ip-address.ts';
import { MAX_ADDRESSES_SAID } from './limits.ts';
import { isOnNetwork, Routes, type RouteTo } from './local-address.ts';
import { MappedAddresses } from './mapped-address.ts';
import type { SipResponse } from './message.ts';
import type { Turn } from './turn.ts';

/** A socket of ours as it looks from outside, and the local address that it had when that was seen. */
interface StunMapping extends SocketAddress {
  readonly local: string;
}

/** What another server than the one that is asked by STUN said last of how it sees our UDP socket. */
export interface Told {
  readonly by: SocketAddress;
  readonly mapped: SocketAddress;
  readonly atMs: number;
}

/** Our addresses are others: the machine's own, or only as a NAT shows them. */
export type Moved = 'network' | 'mapping';

/** One for an endpoint; whatever has an address of ours in it asks here. */
export class OwnAddresses {
  /** Of servers outside a NAT, and of the STUN server's other address: stun-discovery.ts compares it (RFC 5780 §4.3). */
  told: Told | undefined;

  /** What has changed since `takeMoved` was asked. */
  private moved: Moved | undefined;
  /** Another default address since `takeNewDefault` was asked: another NAT may stand on the way. */
  private newDefault = false;
  private local: LocalAddresses;
  /** The last default address of each family, also when there is none now. */
  private last: LocalAddresses['defaultAddresses'];
  private readonly routes: Routes;
  /** Where servers see us, when a NAT stands between. */
  private readonly mapped = new MappedAddresses();
  private readonly stun: Partial<Record<AddressFamily, StunMapping>> = {};
  private readonly ports: Partial<Record<Transport, number>> = {};
  /** Local addresses that an event has named. */
  private readonly said: Set<string>;
  private unsaid: string[] = [];
  /** The last answer: asked several times for one message, and most messages come from one proxy. */
  private faced: { readonly peer: string; readonly address: string } | undefined;

  constructor(
    private readonly config: EndpointConfig,
    routeTo: RouteTo,
  ) {
    const { defaultAddresses, interfaces } = config;
    this.local = { defaultAddresses, interfaces };
    this.last = defaultAddresses;
    this.routes = new Routes(this.local, routeTo);
    const { ipv4, ipv6 } = defaultAddresses;
    this.said = new Set([ipv4, ipv6].filter((one) => one !== undefined));
  }

  /** A socket of ours listens; the first of each transport is the one that we name in Contact and Via. */
  listening(transport: Transport, local: SocketAddress): void {
    this.ports[transport] ??= local.port;
  }

  /** Whether we listen on that port, and at that address when it is given (in lower case). */
  listensAt(port: number, address?: string): boolean {
    if (!Object.values(this.ports).includes(port)) return false;
    const { defaultAddresses, interfaces } = this.local;
    if (address === undefined || address === this.config.advertiseAddress) return true;
    if (address === defaultAddresses.ipv4 || address === defaultAddresses.ipv6) return true;
    return interfaces.some((one) => one.address === address);
  }

  /** Our address as that peer reaches it, as far as we know without being told: Via, Warning. */
  towards(peer: string): string {
    return this.advertisedTo(peer) ?? this.facing(peer);
  }

  /** Whether we have an address to send from to that one. */
  hasRouteTo(address: string): boolean {
    return this.routes.towards(address) !== undefined;
  }

  /** Whether an address is one of this machine's now. */
  isLocal(address: string): boolean {
    const { defaultAddresses, interfaces } = this.local;
    const bare = address.split('%', 1)[0] ?? '';
    if (isLoopback(bare) || isUnspecified(bare)) return true;
    const ours = [defaultAddresses.ipv4, defaultAddresses.ipv6, ...interfaces.map((one) => one.address)];
    return ours.some((one) => one !== undefined && isSameAddress(one, bare));
  }

  /** Whether there is a network at all. */
  get isConnected(): boolean {
    const { ipv4, ipv6 } = this.local.defaultAddresses;
    return ipv4 !== undefined || ipv6 !== undefined;
  }

  /** The networks that we are on now. */
  get interfaces(): LocalAddresses['interfaces'] {
    return this.local.interfaces;
  }

  /**
   * §18.1.1: what stands in Via. On a stream it is the listener, not the stream's port. No mapping: `rport` brings
   * responses back, and shows the next change of it.
   */
  sentBy({ transport, remote }: Flow): SocketAddress {
    const port = this.ports[transport] ?? this.ports.udp ?? defaultPort(transport);
    return { address: this.towards(remote.address), port };
  }

  /** What stands in Contact (§8.1.1.8). On a stream nothing is rewritten: a mapped port is one connection's. */
  contactAt(flow: Flow): SocketAddress {
    if (this.advertisedTo(flow.remote.address) !== undefined) return this.sentBy(flow);
    return this.mappingTowards(flow) ?? this.sentBy(flow);
  }

  /** Where that server sees our UDP socket, when it is not where we are: a NAT stands between. */
  mappedBy(flow: Flow): SocketAddress | undefined {
    return this.mapped.towards(flow, this.facing(flow.remote.address));
  }

  /** How a NAT on the way to that peer shows our UDP socket, as far as anybody told. */
  mappingTowards(flow: Flow): SocketAddress | undefined {
    const told = this.mappedBy(flow);
    if (told !== undefined || isReliable(flow.transport) || this.isInside(flow.remote.address)) return told;
    const stun = this.stun[addressFamily(flow.remote.address) ?? 'ipv4'];
    return stun?.local === this.facing(flow.remote.address) ? stun : undefined;
  }

  /**
   * Where the audio of a call is to come, for SDP: a port of ours in that family, as the peer reaches it. `mapped` is
   * what STUN told of that port. What a server said of the SIP port tells nothing about this one.
   */
  media(peer: string, family: AddressFamily, port: number, mapped?: MappedPort | undefined): MappedPort {
    const { advertiseMediaAddress, advertiseAddress } = this.config;
    const advertised = advertiseMediaAddress ?? advertiseAddress;
    if (advertised !== undefined && addressFamily(advertised) === family)
      return { address: advertised, port };
    if (mapped !== undefined && addressFamily(mapped.address) === family && !this.isInside(peer))
      return mapped;
    const facing = this.facing(peer);
    const other = this.local.defaultAddresses[family] ?? facing;
    return { address: addressFamily(facing) === family ? facing : other, port };
  }

  /** The machine's addresses are others now, or its routes: the input `addresses`. */
  update(local: LocalAddresses): void {
    const { ipv4: ipv4Before, ipv6: ipv6Before } = this.local.defaultAddresses;
    this.local = local;
    this.last = { ...this.last, ...local.defaultAddresses };
    this.routes.update(local);
    this.faced = undefined;
    const { ipv4, ipv6 } = local.defaultAddresses;
    for (const address of [ipv4, ipv6]) if (address !== undefined) this.found(address);
    this.moved = 'network';
    this.newDefault ||= ipv4 !== ipv4Before || ipv6 !== ipv6Before;
  }

  /** Where a server sees us, by its response to a request of ours; what `--advertise-ip` says stands above it. */
  learnMapping(turn: Turn, flow: Flow, response: SipResponse): void {
    if (this.advertisedTo(flow.remote.address) !== undefined) return;
    if (this.mapped.learn(turn, flow, this.sentBy(flow), response)) this.moved ??= 'mapping';
    const mapped = this.mappedBy(flow);
    if (mapped === undefined || this.isInside(flow.remote.address)) return;
    this.told = { by: flow.remote, mapped, atMs: turn.nowMs };
  }

  /**
   * Where a STUN server sees our SIP socket over UDP; undefined: it does not say any more. It counts towards peers
   * outside, for as long as the local address of that family stays what it is.
   */
  learnStun(turn: Turn, family: AddressFamily, mapped: SocketAddress | undefined): void {
    const local = this.local.defaultAddresses[family];
    const itself = mapped?.address === local && mapped?.port === this.ports.udp;
    const before = this.stun[family];
    if (mapped === undefined || local === undefined || itself) {
      delete this.stun[family];
      // Nobody says that it is another one: what stands with it goes on, until the next change.
      if (before !== undefined && mapped !== undefined) this.moved ??= 'mapping';
      return;
    }
    if (before?.local === local) {
      if (isSameSocket(before, mapped)) return;
      // The NAT has begun anew, for all: what registrars saw before is as old as what this server did.
      this.mapped.forget(local);
      this.told = undefined;
    }
    this.stun[family] = { ...mapped, local };
    this.moved ??= 'mapping';
    turn.emit({ type: 'address.discovered', scope: 'public', ...mapped, learnedBy: 'stun' });
  }

  /** Whether any of it has changed since this was asked last. */
  takeMoved(): Moved | undefined {
    const { moved } = this;
    this.moved = undefined;
    return moved;
  }

  /** Whether what STUN servers told has ended since this was asked last. */
  takeNewDefault(): boolean {
    const { newDefault } = this;
    this.newDefault = false;
    return newDefault;
  }

  /** A NAT shows the RTP port of a call elsewhere. */
  audioMoved(): void {
    this.moved ??= 'mapping';
  }

  /** Says each local address once: those that ways to a peer have shown, and that nobody has named yet. */
  sayNew(turn: Turn): void {
    if (this.unsaid.length === 0) return;
    for (const address of this.unsaid)
      turn.emit({ type: 'address.discovered', scope: 'local', address, learnedBy: 'route' });
    this.unsaid = [];
  }

  private found(address: string): void {
    // A machine that gets a new one every day is told of its last ones again.
    if (this.said.has(address) || isLoopback(address)) return;
    if (this.said.size >= MAX_ADDRESSES_SAID) this.said.clear();
    this.said.add(address);
    this.unsaid.push(address);
  }

  /** On this machine, or in a network of ours: no NAT and no firewall of a router stands between. */
  isOnLink(peer: string): boolean {
    if (isLoopback(peer) || isLinkLocal(peer)) return true;
    const bytes = addressBytes(peer);
    return bytes !== undefined && this.local.interfaces.some((one) => isOnNetwork(bytes, one));
  }

  /** On this machine, in a network of ours, or in one like ours: no NAT stands between, as far as anybody can tell. */
  isInside(peer: string): boolean {
    return isPrivate(peer) || this.isOnLink(peer);
  }

  /** Whether it is the address that `--advertise-ip` says. */
  isAdvertised(address: string): boolean {
    return this.config.advertiseAddress === address;
  }

  /** What `--advertise-ip` says, towards peers of its family: the others cannot send there. */
  advertisedTo(peer: string): string | undefined {
    const { advertiseAddress } = this.config;
    if (advertiseAddress === undefined) return undefined;
    return addressFamily(advertiseAddress) === addressFamily(peer) ? advertiseAddress : undefined;
  }

  private lastDefault(peer: string): string {
    const { ipv4, ipv6 } = this.last;
    return (addressFamily(peer) === 'ipv6' ? ipv6 : ipv4) ?? '127.0.0.1';
  }

  private facing(peer: string): string {
    if (this.faced?.peer === peer) return this.faced.address;
    const address = this.routes.towards(peer);
    // Without a network the address that we had serves: it may come back before the message is given up.
    if (address === undefined) return this.lastDefault(peer);
    this.found(address);
    this.faced = { peer, address };
    return address;
  }
}
