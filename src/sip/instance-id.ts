/**
 * The instance id of a user agent (RFC 5626 §4.1): a UUID URN that stays the same when it is started again, so that a
 * registrar replaces the binding that a crash has left behind instead of ringing at both.
 *
 * It is computed, not drawn and stored: the same machine and the same account give the same id, and nothing has to be
 * found again. UUID version 8 is the one for ids of one's own making (RFC 9562 §5.8).
 */
import { createHash } from 'node:crypto';

/** `urn:uuid:…` for an account. `instance` tells this user agent from every other; it cannot be read back. */
export function instanceUrn(instance: string, addressOfRecord: string): string {
  const hash = createHash('sha256').update(`${instance}\n${addressOfRecord}`, 'utf8').digest();
  hash.writeUInt8(((hash[6] ?? 0) & 0x0f) | 0x80, 6);
  hash.writeUInt8(((hash[8] ?? 0) & 0x3f) | 0x80, 8);
  const hex = hash.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)];
  return `urn:uuid:${parts.join('-')}`;
}
