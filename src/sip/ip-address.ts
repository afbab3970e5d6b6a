/**
 * The kinds of numeric addresses that signalling and SDP must know: which family one is of, and who can be reached by it.
 *
 * Why by their bytes (address-bytes.ts): IPv6 has many spellings, and an address from a stranger decides where packets go.
 */
import { addressBytes } from '../address-bytes.ts';
import { remembering } from './remembered.ts';

export type AddressFamily = 'ipv4' | 'ipv6';

/** What an address is. */
interface AddressFacts {
  readonly family: AddressFamily;
  readonly isUnspecified: boolean;
  readonly isMulticast: boolean;
  readonly isBroadcast: boolean;
  readonly isLinkLocal: boolean;
  readonly isPrivate: boolean;
  readonly isLoopback: boolean;
}

/**
 * What is known of a numeric address without brackets; null for a host name and for anything malformed. One call asks
 * twenty times about two or three of them.
 */
const factsOf = remembering((text): AddressFacts | null => {
  const bytes = addressBytes(text);
  if (bytes === undefined) return null;
  return bytes.length === 4 ? ipv4Facts(bytes) : ipv6Facts(bytes);
});

function ipv4Facts(bytes: Uint8Array): AddressFacts {
  const [first = 0, second = 0] = bytes;
  const isShared = first === 100 && second >= 64 && second <= 127;
  return {
    family: 'ipv4',
    isUnspecified: bytes.every((byte) => byte === 0),
    isMulticast: first >= 224 && first <= 239,
    isBroadcast: bytes.every((byte) => byte === 255),
    isLinkLocal: first === 169 && second === 254,
    isPrivate:
      isShared ||
      first === 10 ||
      (first === 172 && second >= 16 && second <= 31) ||
      (first === 192 && second === 168),
    isLoopback: first === 127,
  };
}

function ipv6Facts(bytes: Uint8Array): AddressFacts {
  const [first = 0, second = 0] = bytes;
  const mapped = bytes.every((byte, index) => index >= 12 || byte === (index < 10 ? 0 : 0xff));
  return {
    family: 'ipv6',
    isUnspecified: bytes.every((byte) => byte === 0),
    isMulticast: first === 0xff,
    isBroadcast: bytes.every((byte) => byte === 255),
    isLinkLocal: first === 0xfe && (second & 0xc0) === 0x80,
    isPrivate: (first & 0xfe) === 0xfc,
    isLoopback: mapped ? bytes[12] === 127 : bytes.every((byte, index) => byte === (index === 15 ? 1 : 0)),
  };
}

/** The family of a numeric address without brackets; undefined for a host name and for anything malformed. */
export function addressFamily(text: string): AddressFamily | undefined {
  return factsOf(text)?.family;
}

/** "0.0.0.0" and "::" in any spelling: an address that says "nowhere" (RFC 3264 §8.4 for SDP). */
export function isUnspecified(text: string): boolean {
  return factsOf(text)?.isUnspecified === true;
}

/** 224.0.0.0/4 and ff00::/8: never an address for one call's audio. */
export function isMulticast(text: string): boolean {
  return factsOf(text)?.isMulticast === true;
}

/** 255.255.255.255: everybody on the link (RFC 919). */
export function isBroadcast(text: string): boolean {
  return factsOf(text)?.isBroadcast === true;
}

/** 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291 §2.5.6), with or without a zone: one cable far. */
export function isLinkLocal(text: string): boolean {
  const zone = text.indexOf('%');
  return factsOf(zone < 0 ? text : text.slice(0, zone))?.isLinkLocal === true;
}

/** 10/8, 172.16/12 and 192.168/16 (RFC 1918), 100.64/10 (RFC 6598), fc00::/7 (RFC 4193): not routed on the Internet. */
export function isPrivate(text: string): boolean {
  return factsOf(text)?.isPrivate === true;
}

/** 127.0.0.0/8, also mapped to IPv6 (::ffff:127.0.0.1), and ::1. */
export function isLoopback(text: string): boolean {
  return factsOf(text)?.isLoopback === true;
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
