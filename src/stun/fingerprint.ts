/**
 * FINGERPRINT (RFC 8489 §14.7): a CRC-32 over the message, XORed with "STUN". It tells STUN from whatever else shares
 * the socket more surely than the cookie does.
 */

const MASK = 0x5354554e;
/** The attribute with its header, in bytes. */
export const FINGERPRINT_BYTES = 8;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/**
 * The value for a message of which everything up to the attribute is given. The length in its header has to count the
 * attribute already.
 */
export function fingerprintOf(before: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of before) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] as number);
  return (crc ^ 0xffffffff ^ MASK) >>> 0;
}
