/**
 * The shape of a STUN message (RFC 8489 §5, §14): what is read from one, and what one is made of.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |0 0|     STUN Message Type     |         Message Length        |
 *     |                         Magic Cookie                          |
 *     |                     Transaction ID (96 bits)                  |
 *
 * Why a leaf of its own: SIP sockets and RTP sockets both speak it, and neither has to know the other.
 */

/** §5. It tells STUN from SIP and RTP on one socket, beside the two zero bits in front. */
export const MAGIC_COOKIE = 0x2112a442;
/** Type, length, cookie and transaction id (§5). */
export const HEADER_BYTES = 20;
/** The one method of ours (§18.2). */
export const BINDING = 0x001;
/** The port of a server whose address names none (§18.6). */
export const STUN_PORT = 3478;

/** A longer message is not read, in bytes: an answer has to fit a datagram (§6.1), and ours are below 100. */
export const MAX_STUN_BYTES = 1_500;
/** Attributes read from one message; more are damage. */
export const MAX_ATTRIBUTES = 32;
/** SOFTWARE and the reason of an error, in characters (§14.14, §14.8). */
export const MAX_STUN_TEXT = 128;
/** What of UNKNOWN-ATTRIBUTES is read, and what a 420 of ours names. */
export const MAX_UNKNOWN_ATTRIBUTES = 8;

/** The attributes that are read (§18.3). Below 0x8000, whoever does not understand one may not go on (§14). */
export const ATTRIBUTE = {
  mappedAddress: 0x0001,
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  realm: 0x0014,
  nonce: 0x0015,
  messageIntegritySha256: 0x001c,
  passwordAlgorithm: 0x001d,
  userhash: 0x001e,
  xorMappedAddress: 0x0020,
  software: 0x8022,
  alternateServer: 0x8023,
  fingerprint: 0x8028,
  otherAddress: 0x802c,
} as const;

/**
 * What servers of RFC 3489 add to an answer, below 0x8000: addresses of their own, and who asked them to answer elsewhere
 * (§18.3 has them as reserved). Nothing is lost by not knowing them.
 */
export const CLASSIC_ATTRIBUTES: ReadonlySet<number> = new Set([0x0002, 0x0004, 0x0005, 0x000b]);

/** §5: the two bits that say what a message is. */
export type StunClass = 'request' | 'indication' | 'success' | 'error';

/** A numeric address, IPv6 without brackets, and a port. */
export interface StunAddress {
  readonly address: string;
  readonly port: number;
}

/** What was read from a message; what is absent did not stand in it. */
export interface StunMessage {
  readonly class: StunClass;
  /** 12 bits; BINDING is the only one of use here. */
  readonly method: number;
  /** 24 hexadecimal digits. */
  readonly transactionId: string;
  /** Where the server saw us: XOR-MAPPED-ADDRESS, else the MAPPED-ADDRESS of an RFC 3489 server (§14.1). */
  readonly mapped?: StunAddress;
  /** ERROR-CODE: 300 to 699, and what its sender says of it, not yet fit for a terminal. */
  readonly error?: { readonly code: number; readonly reason: string };
  /** What a 420 says was not understood. */
  readonly unknownAttributes?: readonly number[];
  /** Where a 300 sends us (§14.15). */
  readonly alternateServer?: StunAddress;
  /** Another address of the same server, for whoever asks how a NAT behaves (RFC 5780 §7.4). */
  readonly otherAddress?: StunAddress;
  /** What the other side runs, not yet fit for a terminal. */
  readonly software?: string;
  /** A FINGERPRINT that is right stood at the end; a wrong one is a fault (§7). */
  readonly fingerprint: boolean;
  /** Types of attributes that have to be understood and are not (§14); each once. */
  readonly notUnderstood: readonly number[];
}

/** What is written: the method is Binding, and `mapped` becomes an XOR-MAPPED-ADDRESS. */
export type StunContent = Omit<StunMessage, 'method' | 'fingerprint' | 'notUnderstood'> & {
  /** End with a FINGERPRINT. */
  readonly fingerprint?: boolean;
};

/** §5, the interleaved bits: M11 to M7, C1, M6 to M4, C0, M3 to M0. */
export const CLASS_BITS: Readonly<Record<StunClass, number>> = {
  request: 0x0000,
  indication: 0x0010,
  success: 0x0100,
  error: 0x0110,
};

/**
 * Whether a datagram is STUN rather than SIP, RTP or RTCP: two zero bits, the magic cookie, and a length that is right
 * (RFC 8489 §6.3, RFC 5626 §8). Cheap enough for every packet: SIP and RTP fail at the first byte.
 */
export function isStun(bytes: Uint8Array, length = bytes.length): boolean {
  if (length < HEADER_BYTES || ((bytes[0] as number) & 0xc0) !== 0) return false;
  return (
    bytes[4] === 0x21 &&
    bytes[5] === 0x12 &&
    bytes[6] === 0xa4 &&
    bytes[7] === 0x42 &&
    (((bytes[2] as number) << 8) | (bytes[3] as number)) + HEADER_BYTES === length
  );
}
