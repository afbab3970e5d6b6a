/**
 * The RTP fixed header, read and written in place (RFC 3550 §5.1), and how RTP is told from RTCP on one port
 * (RFC 5761 §4).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |                           timestamp                           |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |           synchronization source (SSRC) identifier            |
 *    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
 *    |            contributing source (CSRC) identifiers             |
 *    |                             ....                              |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |  defined by profile (X = 1)   |  length in 32-bit words       |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * Why functions on bytes and no packet object: this runs once per packet of every call, and an object a packet
 * is work for the garbage collector and nothing for the caller.
 */

/** The smallest RTP packet, in bytes. */
export const RTP_HEADER_BYTES = 12;

const MARKER_AND_TYPE = 1;
const SEQUENCE = 2;
const TIMESTAMP = 4;
const SSRC = 8;

const VERSION_MASK = 0xc0;
const VERSION_2 = 0x80;
const PADDING_BIT = 0x20;
const EXTENSION_BIT = 0x10;
const CSRC_COUNT_MASK = 0x0f;

/** A byte that is known to be there: `length` has been checked. */
const at = (bytes: Uint8Array, offset: number): number => bytes[offset] as number;

/** 16 bits, big endian. The caller has checked the length. */
export function readUint16(bytes: Uint8Array, offset: number): number {
  return (at(bytes, offset) << 8) | at(bytes, offset + 1);
}

/** 32 bits, big endian, unsigned. The caller has checked the length. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return (
    ((at(bytes, offset) << 24) |
      (at(bytes, offset + 1) << 16) |
      (at(bytes, offset + 2) << 8) |
      at(bytes, offset + 3)) >>>
    0
  );
}

/** The low 16 bits of `value`, big endian. */
export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

/** The low 32 bits of `value`, big endian. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/**
 * Where the payload starts, in bytes, or −1 when this is no valid RTP packet (RFC 3550 §A.1): version 2, room
 * for the CSRC list and the extension, and a padding count that fits what is left.
 */
export function rtpPayloadOffset(bytes: Uint8Array, length: number): number {
  if (length < RTP_HEADER_BYTES) return -1;
  const first = at(bytes, 0);
  if ((first & VERSION_MASK) !== VERSION_2) return -1;
  let offset = RTP_HEADER_BYTES + (first & CSRC_COUNT_MASK) * 4;
  if ((first & EXTENSION_BIT) !== 0) {
    if (offset + 4 > length) return -1;
    offset += 4 + readUint16(bytes, offset + 2) * 4;
  }
  if (offset > length) return -1;
  if ((first & PADDING_BIT) !== 0) {
    const padding = offset < length ? at(bytes, length - 1) : 0;
    if (padding === 0 || offset + padding > length) return -1;
  }
  return offset;
}

/** Bytes of payload from `offset` to the padding. Only for a packet that `rtpPayloadOffset` has accepted. */
export function rtpPayloadLength(bytes: Uint8Array, length: number, offset: number): number {
  const padding = (at(bytes, 0) & PADDING_BIT) === 0 ? 0 : at(bytes, length - 1);
  return length - offset - padding;
}

/**
 * Whether what came on a muxed port is RTCP: the second byte stands in 192 to 223, which is an RTCP packet type
 * there and would be payload type 64 to 95 with the marker, which nobody may negotiate (RFC 5761 §4).
 */
export function isRtcp(bytes: Uint8Array, length: number): boolean {
  if (length < 2) return false;
  const type = at(bytes, MARKER_AND_TYPE);
  return type >= 192 && type <= 223;
}

/** 0 to 127. */
export function readPayloadType(bytes: Uint8Array): number {
  return at(bytes, MARKER_AND_TYPE) & 0x7f;
}

/** The M bit: in audio, the first packet after silence (RFC 3551 §4.1). */
export function readMarker(bytes: Uint8Array): boolean {
  return (at(bytes, MARKER_AND_TYPE) & 0x80) !== 0;
}

/** 0 to 65535. */
export function readSequence(bytes: Uint8Array): number {
  return readUint16(bytes, SEQUENCE);
}

/** In units of the payload type's clock, modulo 2³². */
export function readTimestamp(bytes: Uint8Array): number {
  return readUint32(bytes, TIMESTAMP);
}

/** The synchronization source. */
export function readSsrc(bytes: Uint8Array): number {
  return readUint32(bytes, SSRC);
}

/** Writes the sequence number, modulo 2¹⁶. */
export function writeSequence(bytes: Uint8Array, sequence: number): void {
  writeUint16(bytes, SEQUENCE, sequence);
}

/** Writes the timestamp, modulo 2³². */
export function writeTimestamp(bytes: Uint8Array, timestamp: number): void {
  writeUint32(bytes, TIMESTAMP, timestamp);
}

/** Writes the synchronization source. */
export function writeSsrc(bytes: Uint8Array, ssrc: number): void {
  writeUint32(bytes, SSRC, ssrc);
}

/** Sets the M bit of a header that was written. */
export function writeMarker(bytes: Uint8Array): void {
  bytes[MARKER_AND_TYPE] = at(bytes, MARKER_AND_TYPE) | 0x80;
}

/** Writes a fixed header: version 2, no padding, no extension, no CSRC, no marker. `bytes` holds at least 12. */
export function writeRtpHeader(
  bytes: Uint8Array,
  payloadType: number,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void {
  bytes[0] = VERSION_2;
  bytes[MARKER_AND_TYPE] = payloadType & 0x7f;
  writeSequence(bytes, sequence);
  writeTimestamp(bytes, timestamp);
  writeSsrc(bytes, ssrc);
}
