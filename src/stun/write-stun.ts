/**
 * Writes a STUN message of the method Binding (RFC 8489 §5, §14).
 *
 * Why the answer to a stranger has no SOFTWARE and no reason: it should be hardly longer than the question, so that
 * nobody gains by asking in another's name.
 */
import { writeAddress, xorMask } from './address.ts';
import { FINGERPRINT_BYTES, fingerprintOf } from './fingerprint.ts';
import {
  ATTRIBUTE,
  BINDING,
  CLASS_BITS,
  HEADER_BYTES,
  MAGIC_COOKIE,
  MAX_UNKNOWN_ATTRIBUTES,
  type StunAddress,
  type StunContent,
  type StunMessage,
} from './message.ts';

/** The bytes. An address that is none is left out. */
export function writeStun(content: StunContent): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint16(0, BINDING | CLASS_BITS[content.class]);
  view.setUint32(4, MAGIC_COOKIE);
  header.set(Buffer.from(content.transactionId, 'hex'), 8);
  const attributes = attributesOf(content, xorMask(header));
  const body = attributes.reduce((bytes, attribute) => bytes + attribute.length, 0);
  view.setUint16(2, body + (content.fingerprint === true ? FINGERPRINT_BYTES : 0));
  const message = Buffer.concat([header, ...attributes]);
  if (content.fingerprint !== true) return message;
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, fingerprintOf(message));
  return Buffer.concat([message, attributeOf(ATTRIBUTE.fingerprint, value)]);
}

/** A Binding request: where do you see me? Three words make the transaction id (§6.1: 96 bits, hard to guess). */
export function bindingRequest(words: readonly [number, number, number]): {
  readonly transactionId: string;
  readonly bytes: Uint8Array;
} {
  const transactionId = words.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  return { transactionId, bytes: writeStun({ class: 'request', transactionId, fingerprint: true }) };
}

/**
 * The answer to a Binding request (§6.3.1): its source, or 420 with what was not understood. Undefined for what is not
 * answered. 1.6 times as long as the request at most.
 */
export function bindingAnswer(request: StunMessage, source: StunAddress): Uint8Array | undefined {
  if (request.class !== 'request' || request.method !== BINDING) return undefined;
  const { transactionId, fingerprint, notUnderstood } = request;
  if (notUnderstood.length === 0)
    return writeStun({ class: 'success', transactionId, fingerprint, mapped: source });
  const error = { code: 420, reason: '' };
  return writeStun({ class: 'error', transactionId, fingerprint, error, unknownAttributes: notUnderstood });
}

function attributesOf(content: StunContent, mask: Uint8Array): Uint8Array[] {
  const { error, unknownAttributes, mapped, alternateServer, otherAddress, software } = content;
  const attributes: Uint8Array[] = [];
  if (error !== undefined) {
    const head = Uint8Array.from([0, 0, Math.floor(error.code / 100), error.code % 100]);
    attributes.push(attributeOf(ATTRIBUTE.errorCode, Buffer.concat([head, Buffer.from(error.reason)])));
  }
  if (unknownAttributes !== undefined) {
    const types = unknownAttributes.slice(0, MAX_UNKNOWN_ATTRIBUTES);
    const value = Uint8Array.from(types.flatMap((type) => [type >> 8, type & 0xff]));
    attributes.push(attributeOf(ATTRIBUTE.unknownAttributes, value));
  }
  const address = mapped === undefined ? undefined : writeAddress(mapped, mask);
  if (address !== undefined) attributes.push(attributeOf(ATTRIBUTE.xorMappedAddress, address));
  const alternate = alternateServer === undefined ? undefined : writeAddress(alternateServer, undefined);
  if (alternate !== undefined) attributes.push(attributeOf(ATTRIBUTE.alternateServer, alternate));
  const other = otherAddress === undefined ? undefined : writeAddress(otherAddress, undefined);
  if (other !== undefined) attributes.push(attributeOf(ATTRIBUTE.otherAddress, other));
  if (software !== undefined) attributes.push(attributeOf(ATTRIBUTE.software, Buffer.from(software)));
  return attributes;
}

/** Type, length, value, and padding to four bytes (§14). */
function attributeOf(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + ((value.length + 3) & ~3));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, type);
  view.setUint16(2, value.length);
  bytes.set(value, 4);
  return bytes;
}
