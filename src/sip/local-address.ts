/**
 * Which of our own addresses faces a peer: what goes into Via, Contact and SDP.
 *
 * The kernel knows it from its routing tables, with policies, tunnels and the choice of RFC 6724 §5, which nobody can
 * work out from data. So it is asked, by way of a function that is handed in and whose answers stand in a trace, as the
 * counters of the audio do; the interfaces answer where there is nobody to ask.
 */
import { addressBytes } from '../address-bytes.ts';
import type { LocalAddresses, LocalInterface } from './endpoint-config.ts';
import { isLoopback, unmapped } from './ip-address.ts';
import { MAX_ROUTES } from './limits.ts';

/** The address that the machine sends from to that one; undefined when there is no way, or nobody who knows. */
export type RouteTo = (peer: string) => string | undefined;

/** The way to each peer, as the machine said it last. */
export class Routes {
  private readonly known = new Map<string, string>();

  constructor(
    private local: LocalAddresses,
    private readonly routeTo: RouteTo,
  ) {}

  /** The addresses that count now: every way is asked for again. */
  update(local: LocalAddresses): void {
    this.local = local;
    this.known.clear();
  }

  /** Our address towards that peer; undefined when no way leads there. */
  towards(peer: string): string | undefined {
    const known = this.known.get(peer);
    if (known !== undefined) return known;
    const asked = addressBytes(withoutZone(peer)) === undefined ? undefined : this.routeTo(peer);
    const found = asked ?? localAddressTowards(peer, this.local);
    // No way is no answer to keep: the next one may be there before anybody has told of it.
    if (found === undefined) return undefined;
    const oldest = this.known.keys().next().value;
    if (this.known.size >= MAX_ROUTES && oldest !== undefined) this.known.delete(oldest);
    this.known.set(peer, found);
    return found;
  }
}

/**
 * The interface whose network the peer is in (longest prefix, and the zone when it has one), else the address of the
 * default route, which is the only one there is when we are bound to it. A loopback peer with neither gets the loopback
 * address. Undefined when that family has no route.
 */
export function localAddressTowards(
  peer: string,
  { interfaces, defaultAddresses }: LocalAddresses,
): string | undefined {
  const { ipv4, ipv6 } = defaultAddresses;
  const address = unmapped(withoutZone(peer));
  const zone = peer.includes('%') ? peer.slice(peer.indexOf('%') + 1) : undefined;
  const bytes = addressBytes(address);
  if (bytes === undefined) return ipv4 ?? ipv6;
  let best: LocalInterface | undefined;
  for (const candidate of interfaces) {
    if (zone !== undefined && candidate.zone !== undefined && candidate.zone !== zone) continue;
    if (best !== undefined && candidate.prefixLength <= best.prefixLength) continue;
    if (isOnNetwork(bytes, candidate)) best = candidate;
  }
  const fallback = bytes.length === 4 ? ipv4 : ipv6;
  if (best !== undefined || fallback !== undefined || !isLoopback(address)) return best?.address ?? fallback;
  return bytes.length === 4 ? '127.0.0.1' : '::1';
}

/** Whether an address, as bytes, is on the network of that interface. */
export function isOnNetwork(bytes: Uint8Array, { address, prefixLength }: LocalInterface): boolean {
  const own = addressBytes(address);
  return own?.length === bytes.length && samePrefix(own, bytes, prefixLength);
}

/** A link-local peer is heard as fe80::1%eth0 (RFC 4007 §11); the zone is the interface, no part of the address. */
function withoutZone(address: string): string {
  const percent = address.indexOf('%');
  return percent === -1 ? address : address.slice(0, percent);
}

function samePrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let index = 0; index < whole; index++) if (a[index] !== b[index]) return false;
  const rest = bits & 7;
  return rest === 0 || (((a[whole] ?? 0) ^ (b[whole] ?? 0)) & (0xff00 >> rest) & 0xff) === 0;
}
