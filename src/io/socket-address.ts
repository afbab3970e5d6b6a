/**
 * The addresses of sockets as Linux lays them out, `sockaddr_in` (ip(7)) and `sockaddr_in6` (ipv6(7)), as text and back.
 *
 * The text is the one that Bun's sockets give: IPv6 as RFC 5952 writes it, IPv4 that came in through an IPv6 socket
 * mapped (RFC 4291 §2.5.5.2), link-local addresses with their zone.
 */
import { addressBytes, addressText } from '../address-bytes.ts';

export const AF_INET = 2;
export const AF_INET6 = 10;
export type SocketFamily = typeof AF_INET | typeof AF_INET6;

/** How long each is, in bytes. */
export const SOCKADDR_BYTES = { [AF_INET]: 16, [AF_INET6]: 28 } as const;
/** Room for either, in bytes. */
export const MAX_SOCKADDR_BYTES = 32;

/** In both, the family comes first in the machine's order (little endian, as x64 and arm64 are), then the port. */
const PORT = 2;
/** sockaddr_in: sin_addr. */
const ADDRESS4 = 4;
/** sockaddr_in6: sin6_addr, after sin6_flowinfo; sin6_scope_id, in the machine's order. */
const ADDRESS6 = 8;
const SCOPE = 24;

const MAPPED = '::ffff:';
/** ::ffff:0:0/96. */
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** The names and numbers of network interfaces; 0 and '' are none. */
export interface Zones {
  readonly indexOf: (name: string) => number;
  readonly nameOf: (index: number) => string;
}

/** Writes it; false when the text is no address that a socket of this family can reach. */
export function writeSocketAddress(
  into: Uint8Array,
  family: SocketFamily,
  port: number,
  address: string,
  zones: Zones,
): boolean {
  const [text = '', zone] = address.split('%', 2);
  const bytes = addressBytes(text);
  if (bytes === undefined || port < 0 || port > 0xffff) return false;
  const mapped = bytes.length === 16 && isMapped(bytes, 0);
  if (family === AF_INET && bytes.length === 16 && !mapped) return false;
  const scope = zone === undefined ? 0 : zones.indexOf(zone);
  if (zone !== undefined && scope === 0) return false;
  into.fill(0, 0, SOCKADDR_BYTES[family]);
  const view = new DataView(into.buffer, into.byteOffset);
  view.setUint16(0, family, true);
  view.setUint16(PORT, port);
  if (family === AF_INET) into.set(mapped ? bytes.subarray(12) : bytes, ADDRESS4);
  else if (bytes.length === 16) into.set(bytes, ADDRESS6);
  else into.set([...MAPPED_PREFIX, ...bytes], ADDRESS6);
  if (family === AF_INET6) view.setUint32(SCOPE, scope, true);
  return true;
}

/** The port of either. */
export function readSocketPort(bytes: Uint8Array): number {
  return ((bytes[PORT] ?? 0) << 8) | (bytes[PORT + 1] ?? 0);
}

/** The address as text. */
export function readSocketAddress(bytes: Uint8Array, family: SocketFamily, zones: Zones): string {
  if (family === AF_INET) return addressText(bytes.subarray(ADDRESS4, ADDRESS4 + 4));
  if (isMapped(bytes, ADDRESS6)) return MAPPED + addressText(bytes.subarray(ADDRESS6 + 12, ADDRESS6 + 16));
  const address = addressText(bytes.subarray(ADDRESS6, ADDRESS6 + 16));
  const scope = new DataView(bytes.buffer, bytes.byteOffset).getUint32(SCOPE, true);
  return scope === 0 ? address : `${address}%${zones.nameOf(scope) || scope}`;
}

function isMapped(bytes: Uint8Array, at: number): boolean {
  return MAPPED_PREFIX.every((byte, index) => bytes[at + index] === byte);
}
