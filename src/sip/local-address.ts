/**
 * Which of our own addresses faces a peer: what goes into Via, Contact and SDP. The kernel knows it from its
 * routing table; we work it out from the interfaces, because asking costs a socket and the core opens none.
 */
import type { EndpointConfig, LocalInterface } from './endpoint-config.ts';
import { addressBytes, isLoopback, unmapped } from './ip-address.ts';

/**
 * The interface whose network the peer is in (longest prefix), else the address of the default route, which is the
 * only one there is when we are bound to it. A loopback peer with neither gets the loopback address. Undefined when
 * that family has no route.
 */
export function localAddressTowards(
  peer: string,
  config: Pick<EndpointConfig, 'interfaces' | 'defaultAddresses'>,
): string | undefined {
  const { ipv4, ipv6 } = config.defaultAddresses;
  const address = unmapped(withoutZone(peer));
  const bytes = addressBytes(address);
  if (bytes === undefined) return ipv4 ?? ipv6;
  let best: LocalInterface | undefined;
  for (const candidate of config.interfaces) {
    if (best !== undefined && candidate.prefixLength <= best.prefixLength) continue;
    const own = addressBytes(candidate.address);
    if (own?.length === bytes.length && samePrefix(own, bytes, candidate.prefixLength)) best = candidate;
  }
  const fallback = bytes.length === 4 ? ipv4 : ipv6;
  if (best !== undefined || fallback !== undefined || !isLoopback(address)) return best?.address ?? fallback;
  return bytes.length === 4 ? '127.0.0.1' : '::1';
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
