/**
 * The address attributes of STUN: MAPPED-ADDRESS, XOR-MAPPED-ADDRESS and ALTERNATE-SERVER (RFC 8489 §14.1, §14.2, §14.15).
 *
 * Why one of them is XORed: NATs were seen to rewrite every four bytes that look like the address inside.
 */
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

/** The one text of an address: dotted quad, or IPv6 as RFC 5952 §4 writes it. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => {
    return (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16);
  });
  // §4.2: the longest run of zeros, the first of several, and never a single one.
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length === 1) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

/** The bytes of an address as sockets write it, its zone left out; undefined for anything else. */
function bytesOf(address: string): number[] | undefined {
  const text = address.split('%', 1)[0] ?? '';
  const quad = text.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!quad.includes(':')) {
    const parts = quad.split('.');
    const right = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
    return right ? parts.map(Number) : undefined;
  }
  const [head = '', tail, ...more] = text.split('::');
  const groupsOf = (half: string | undefined) => (half === undefined || half === '' ? [] : half.split(':'));
  const before = groupsOf(head);
  const after = groupsOf(tail);
  const missing = 8 - before.length - after.length;
  if (more.length > 0 || (tail === undefined ? missing !== 0 : missing < 1)) return undefined;
  const groups = [...before, ...new Array<string>(missing).fill('0'), ...after];
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16)).flatMap((group) => [group >> 8, group & 0xff]);
}
