/**
 * The address attributes of STUN: MAPPED-ADDRESS, XOR-MAPPED-ADDRESS and ALTERNATE-SERVER (RFC 8489 §14.1, §14.2, §14.15).
 *
 * Why one of them is XORed: NATs were seen to rewrite every four bytes that look like the address inside.
 */
import { addressBytes, addressText } from '../address-bytes.ts';
import { MAGIC_COOKIE, type StunAddress } from './message.ts';

const IPV4 = 0x01;
const IPV6 = 0x02;

/**
 * Reads the value of an address attribute; undefined when family and length do not go together. `mask` is what it is
 * XORed with: cookie and transaction id, or nothing.
 */
export function readAddress(value: Uint8Array, mask: Uint8Array | undefined): StunAddress | undefined {
  const [, family, high = 0, low = 0] = value;
  const wanted = family === IPV4 ? 8 : family === IPV6 ? 20 : 0;
  if (value.length !== wanted) return undefined;
  const bytes = value.slice(4).map((byte, index) => byte ^ (mask?.[index] ?? 0));
  const port = ((high << 8) | low) ^ (mask === undefined ? 0 : MAGIC_COOKIE >>> 16);
  return { address: addressText(bytes), port };
}

/** The value of an address attribute; undefined for what is no numeric address. IPv4 in IPv6 is written as IPv4. */
export function writeAddress(
  { address, port }: StunAddress,
  mask: Uint8Array | undefined,
): Uint8Array | undefined {
  const bytes = bytesOf(address);
  if (bytes === undefined) return undefined;
  const masked = port ^ (mask === undefined ? 0 : MAGIC_COOKIE >>> 16);
  return Uint8Array.from([
    0,
    bytes.length === 4 ? IPV4 : IPV6,
    masked >> 8,
    masked & 0xff,
    ...bytes.map((byte, index) => byte ^ (mask?.[index] ?? 0)),
  ]);
}

/** Whether packets can come from there at all: no port 0, no 0.0.0.0, no group, no broadcast. */
export function isSource({ address, port }: StunAddress): boolean {
  const bytes = bytesOf(address);
  if (bytes === undefined || port === 0 || bytes.every((byte) => byte === 0)) return false;
  const [first = 0] = bytes;
  return bytes.length === 4 ? first < 224 : first !== 0xff;
}

/** What an XOR is made with (§14.2): the cookie, and behind it, for IPv6, the transaction id. */
export function xorMask(message: Uint8Array): Uint8Array {
  return message.subarray(4, 20);
}

/** The bytes of an address as sockets write it: without its zone, and IPv4 that came in through an IPv6 socket as IPv4. */
function bytesOf(address: string): Uint8Array | undefined {
  const bare = address.split('%', 1)[0] ?? '';
  return addressBytes(bare.replace(/^::ffff:(?=\d+\.)/i, ''));
}
