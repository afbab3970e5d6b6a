/**
 * Where a peer sees us (RFC 3261 §18.2.1, RFC 3581 §4): the `received` and `rport` that it notes in our Via.
 *
 * A mapping is known towards the one who told it and nobody else: a NAT may give another one towards another address
 * (RFC 4787 §4.1), and an address from one server says nothing of the way to the next.
 */
import { addressBytes } from '../address-bytes.ts';
import { type Flow, formatAddress, isReliable, type SocketAddress } from './flow.ts';
import { isBroadcast, isLoopback, isMulticast, isSameAddress, isUnspecified } from './ip-address.ts';
import { MAX_ACCOUNTS } from './limits.ts';
import { firstValueEnd } from './list.ts';
import { type SipResponse, value } from './message.ts';
import { viaRport } from './rport.ts';
import type { Turn } from './turn.ts';
import { parseVia, viaReceived } from './via.ts';

/** What our requests looked like from the other side; a server that does not know RFC 3581 tells no port. */
interface Seen {
  readonly address: string;
  readonly port: number | undefined;
  /** The local address that they came from: from another one, another NAT may stand on the way. */
  readonly local: string;
}

/** Towards each server over each transport, at most one for each account. */
export class MappedAddresses {
  private readonly seen = new Map<string, Seen>();

  /**
   * Where that peer reaches us on UDP, when it is not where we are; `local` is our address on the way there. On a
   * stream the port is that of one connection, and nobody can connect to it.
   */
  towards(flow: Flow, local: string): SocketAddress | undefined {
    if (isReliable(flow.transport) || this.seen.size === 0) return undefined;
    const seen = this.seen.get(key(flow));
    if (seen?.port === undefined || seen.local !== local) return undefined;
    return { address: seen.address, port: seen.port };
  }

  /** The NAT before that local address maps otherwise now: what datagrams showed goes for nothing. */
  forget(local: string): void {
    for (const [name, seen] of this.seen) {
      if (seen.local === local && seen.port !== undefined) this.seen.delete(name);
    }
  }

  /**
   * Reads it from a response to a request of ours, and says an address that is new. `local` is where we are. True when
   * `towards` says something else than before.
   */
  learn(turn: Turn, flow: Flow, local: SocketAddress, response: SipResponse): boolean {
    const seen = seenIn(response);
    if (seen === undefined || !isCredible(seen.address, flow.remote.address)) return false;
    const stream = isReliable(flow.transport);
    // Without `rport` the port is a guess, and a Contact that is guessed is no better than a wrong one.
    if (!stream && seen.port === undefined) return false;
    const now: Seen = { ...seen, local: local.address, ...(stream ? { port: undefined } : undefined) };
    const itself = isSameAddress(now.address, local.address) && (stream || now.port === local.port);
    const name = key(flow);
    const before = this.seen.get(name);
    if (itself) return this.seen.delete(name) && !stream;
    if (isSame(before, now) && before?.local === now.local) return false;
    const said = [...this.seen.values()].some((other) => isSame(other, now));
    const oldest = this.seen.keys().next().value;
    if (before === undefined && this.seen.size >= MAX_ACCOUNTS && oldest !== undefined)
      this.seen.delete(oldest);
    this.seen.set(name, now);
    if (said) return !stream;
    const port = now.port === undefined ? {} : { port: now.port };
    turn.emit({
      type: 'address.discovered',
      scope: 'public',
      address: now.address,
      ...port,
      learnedBy: 'rport',
    });
    return !stream;
  }
}

function key(flow: Flow): string {
  return `${flow.transport} ${formatAddress(flow.remote)}`;
}

/** Where our request came from, as whoever responds saw it. */
export function seenIn(response: SipResponse): Omit<Seen, 'local'> | undefined {
  const top = value(response, 'Via') ?? '';
  const via = parseVia(top.slice(0, firstValueEnd(top)));
  if (!via.ok) return undefined;
  const address = viaReceived(via.value);
  const port = viaRport(via.value);
  if (address === undefined) return undefined;
  return { address, port: typeof port === 'number' ? port : undefined };
}

/** An address that a packet can come from, of the family that we spoke, and none of this machine's own from outside. */
function isCredible(address: string, peer: string): boolean {
  const bytes = addressBytes(address);
  if (bytes === undefined || bytes.length !== addressBytes(peer)?.length) return false;
  if (isUnspecified(address) || isMulticast(address) || isBroadcast(address)) return false;
  return !isLoopback(address) || isLoopback(peer);
}

function isSame(one: Seen | undefined, other: Seen): boolean {
  return one !== undefined && isSameAddress(one.address, other.address) && one.port === other.port;
}
