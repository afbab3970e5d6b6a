/**
 * The kinds of numeric addresses that signalling and SDP must know: which family one is of, and who can be reached by it.
 *
 * Why by their bytes (address-bytes.ts): IPv6 has many spellings, and an address from a stranger decides where packets go.
 */
import { addressBytes } from '../address-bytes.ts';

export type AddressFamily = 'ipv4' | 'ipv6';

/** The family of a numeric address without brackets; undefined for a host name and for anything malformed. */
export function addressFamily(text: string): AddressFamily | undefined {
  const bytes = addressBytes(text);
  return bytes === undefined ? undefined : bytes.length === 4 ? 'ipv4' : 'ipv6';
}

/** "0.0.0.0" and "::" in any spelling: an address that says "nowhere" (RFC 3264 §8.4 for SDP). */
export function isUnspecified(text: string): boolean {
  return addressBytes(text)?.every((byte) => byte === 0) ?? false;
}

/** 224.0.0.0/4 and ff00::/8: never an address for one call's audio. */
export function isMulticast(text: string): boolean {
  const bytes = addressBytes(text);
  if (bytes === undefined) return false;
  const first = bytes[0] ?? 0;
  return bytes.length === 4 ? first >= 224 && first <= 239 : first === 0xff;
}

/** 255.255.255.255: everybody on the link (RFC 919). */
export function isBroadcast(text: string): boolean {
  return addressBytes(text)?.every((byte) => byte === 255) ?? false;
}

/** 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291 §2.5.6), with or without a zone: one cable far. */
export function isLinkLocal(text: string): boolean {
  const [first, second = 0, ...rest] = addressBytes(text.split('%', 1)[0] ?? '') ?? [];
  if (rest.length === 2) return first === 169 && second === 254;
  return first === 0xfe && (second & 0xc0) === 0x80;
}

/** 10/8, 172.16/12 and 192.168/16 (RFC 1918), 100.64/10 (RFC 6598), fc00::/7 (RFC 4193): not routed on the Internet. */
export function isPrivate(text: string): boolean {
  const [first = 0, second = 0, ...rest] = addressBytes(text) ?? [];
  if (rest.length > 2) return (first & 0xfe) === 0xfc;
  if (first === 172) return second >= 16 && second <= 31;
  if (first === 100) return second >= 64 && second <= 127;
  return first === 10 || (first === 192 && second === 168);
}

/** 127.0.0.0/8, also mapped to IPv6 (::ffff:127.0.0.1), and ::1. */
export function isLoopback(text: string): boolean {
  const bytes = addressBytes(text);
  if (bytes === undefined) return false;
  if (bytes.length === 4) return bytes[0] === 127;
  const mapped = bytes.every((byte, index) => index >= 12 || byte === (index < 10 ? 0 : 0xff));
  if (mapped) return bytes[12] === 127;
  return bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** An IPv4 address that came in through an IPv6 socket, as IPv4 (RFC 4291 §2.5.5.2). */
export function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** Whether two texts name one address: IPv6 has many spellings. */
export function isSameAddress(one: string, other: string): boolean {
  if (one === other) return true;
  const [left, right] = [addressBytes(one), addressBytes(other)];
  if (left === undefined || left.length !== right?.length) return false;
  return left.every((byte, index) => byte === right[index]);
}
