/**
 * Reads a STUN message (RFC 8489 §5, §6.3, §14). What does not add up is a fault with a place and no message: half an
 * answer would be believed.
 *
 * Credentials are not checked, because there are none: asking for one's own address needs no secret, and whose
 * answer it is the transaction id tells.
 */
import { readAddress, xorMask } from './address.ts';
import { FINGERPRINT_BYTES, fingerprintOf } from './fingerprint.ts';
import {
  ATTRIBUTE,
  CLASS_BITS,
  HEADER_BYTES,
  isStun,
  MAX_ATTRIBUTES,
  MAX_STUN_BYTES,
  MAX_STUN_TEXT,
  MAX_UNKNOWN_ATTRIBUTES,
  type StunClass,
  type StunMessage,
} from './message.ts';

/** Why bytes are no STUN message that can be used. */
export interface StunFault {
  readonly code:
    | 'not-stun'
    | 'message-too-long'
    | 'attribute-truncated'
    | 'attribute-malformed'
    | 'too-many-attributes'
    | 'fingerprint-wrong';
  /** Bytes from the start. */
  readonly offset: number;
  /** For a person. */
  readonly detail: string;
}

/** A message, or why there is none. */
export type StunResult =
  | { readonly ok: true; readonly value: StunMessage }
  | { readonly ok: false; readonly fault: StunFault };

type Mutable = { -readonly [Name in keyof StunMessage]: StunMessage[Name] } & { notUnderstood: number[] };

/** Nothing of these is needed, and who sends them may expect that they are known (§9). */
const KNOWN: ReadonlySet<number> = new Set(Object.values(ATTRIBUTE));
const CLASSES: ReadonlyMap<number, StunClass> = new Map(
  (Object.keys(CLASS_BITS) as StunClass[]).map((name) => [CLASS_BITS[name], name]),
);

/** Reads one datagram. */
export function parseStun(bytes: Uint8Array): StunResult {
  if (!isStun(bytes))
    return fault('not-stun', 0, 'no STUN header, or a length that is not that of the datagram');
  if (bytes.length > MAX_STUN_BYTES) return fault('message-too-long', 2, `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint16(0);
  const message: Mutable = {
    class: CLASSES.get(type & 0x0110) ?? 'request',
    method: (type & 0x000f) | ((type & 0x00e0) >> 1) | ((type & 0x3e00) >> 2),
    transactionId: Buffer.from(bytes.subarray(8, HEADER_BYTES)).toString('hex'),
    fingerprint: false,
    notUnderstood: [],
  };
  let count = 0;
  /** §14.5: what follows the integrity is not covered by it, and not read. */
  let sealed = false;
  for (let offset = HEADER_BYTES; offset < bytes.length; ) {
    if (++count > MAX_ATTRIBUTES) return fault('too-many-attributes', offset, `more than ${MAX_ATTRIBUTES}`);
    if (offset + 4 > bytes.length) return fault('attribute-truncated', offset, 'no room for its header');
    const attribute = view.getUint16(offset);
    const length = view.getUint16(offset + 2);
    const start = offset + 4;
    // §14: padded to four bytes, and the padding is not counted.
    const next = start + ((length + 3) & ~3);
    if (next > bytes.length) return fault('attribute-truncated', offset, `${length} bytes are not there`);
    const value = bytes.subarray(start, start + length);
    if (attribute === ATTRIBUTE.fingerprint) {
      const right = length === 4 && next === bytes.length;
      if (
        !right ||
        view.getUint32(start) !== fingerprintOf(bytes.subarray(0, bytes.length - FINGERPRINT_BYTES))
      ) {
        return fault('fingerprint-wrong', offset, 'the FINGERPRINT is not that of the message');
      }
      message.fingerprint = true;
    } else if (!sealed && !readAttribute(message, attribute, value, bytes)) {
      return fault('attribute-malformed', offset, `attribute 0x${attribute.toString(16).padStart(4, '0')}`);
    }
    sealed ||= attribute === ATTRIBUTE.messageIntegrity || attribute === ATTRIBUTE.messageIntegritySha256;
    offset = next;
  }
  return { ok: true, value: message };
}

/** False when the value is not what its type says. §14: of one that comes twice, the first counts. */
function readAttribute(message: Mutable, type: number, value: Uint8Array, bytes: Uint8Array): boolean {
  switch (type) {
    case ATTRIBUTE.xorMappedAddress: {
      const mapped = readAddress(value, xorMask(bytes));
      // Before or behind a MAPPED-ADDRESS, it is the one to be believed.
      if (mapped !== undefined) message.mapped = mapped;
      return mapped !== undefined;
    }
    case ATTRIBUTE.mappedAddress: {
      const mapped = readAddress(value, undefined);
      if (mapped !== undefined) message.mapped ??= mapped;
      return mapped !== undefined;
    }
    case ATTRIBUTE.alternateServer: {
      const alternate = readAddress(value, undefined);
      if (alternate !== undefined) message.alternateServer ??= alternate;
      return alternate !== undefined;
    }
    case ATTRIBUTE.otherAddress: {
      const other = readAddress(value, undefined);
      if (other !== undefined) message.otherAddress ??= other;
      return other !== undefined;
    }
    case ATTRIBUTE.errorCode: {
      const code = ((value[2] ?? 0) & 0x07) * 100 + (value[3] ?? 0);
      // §14.8: 300 to 699, and the number is below 100.
      if (value.length < 4 || (value[3] as number) > 99 || code < 300 || code > 699) return false;
      message.error ??= { code, reason: textOf(value.subarray(4)) };
      return true;
    }
    case ATTRIBUTE.unknownAttributes:
      message.unknownAttributes ??= Array.from(
        { length: Math.min(value.length >> 1, MAX_UNKNOWN_ATTRIBUTES) },
        (_, index) => ((value[2 * index] as number) << 8) | (value[2 * index + 1] as number),
      );
      return (value.length & 1) === 0;
    case ATTRIBUTE.software:
      message.software ??= textOf(value);
      return true;
    default:
      if (type < 0x8000 && !KNOWN.has(type) && !message.notUnderstood.includes(type)) {
        message.notUnderstood.push(type);
      }
      return true;
  }
}

function textOf(value: Uint8Array): string {
  return new TextDecoder().decode(value).slice(0, MAX_STUN_TEXT);
}

function fault(code: StunFault['code'], offset: number, detail: string): StunResult {
  return { ok: false, fault: { code, offset, detail } };
}
