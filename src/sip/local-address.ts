/**
 * Which of our own addresses faces a peer: what goes into Via, Contact and SDP. The kernel knows it from its
 * routing table; we work it out from the interfaces, because asking costs a socket and the core opens none.
 */
import type { EndpointConfig, LocalInterface } from './endpoint-config.ts';
import { addressBytes, isLoopback } from './ip-address.ts';

/**
 * The loopback address for a loopback peer, else the interface whose network the peer is in (longest prefix),
 * else the address of the default route. Undefined when that family has no route.
 */
export function localAddressTowards(
  peer: string,
  config: Pick<EndpointConfig, 'interfaces' | 'defaultAddresses'>,
): string | undefined {
  const { ipv4, ipv6 } = config.defaultAddresses;
  const bytes = addressBytes(peer);
  if (bytes === undefined) return ipv4 ?? ipv6;
  if (isLoopback(peer)) return bytes.length === 4 ? peer : '::1';
  let best: LocalInterface | undefined;
  for (const candidate of config.interfaces) {
    if (best !== undefined && candidate.prefixLength <= best.prefixLength) continue;
    const own = addressBytes(candidate.address);
    if (own?.length === bytes.length && samePrefix(own, bytes, candidate.prefixLength)) best = candidate;
  }
  return best?.address ?? (bytes.length === 4 ? ipv4 : ipv6);
}

function samePrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let index = 0; index < whole; index++) if (a[index] !== b[index]) return false;
  const rest = bits & 7;
  return rest === 0 || (((a[whole] ?? 0) ^ (b[whole] ?? 0)) & (0xff00 >> rest) & 0xff) === 0;
}
