/**
 * What a REGISTER says (RFC 3261 §10.2, RFC 5626 §4.2.1): the binding that is wanted, and the one of ours that it replaces.
 *
 * A binding is known by its Contact, so one whose address has changed does not go away by itself: until it expires,
 * every call would ring at the old address as well. The same REGISTER removes it (§10.2.2).
 */
import { outboundParams } from './outbound.ts';
import type { Registration } from './registration-state.ts';
import type { HeaderLine } from './serialize-message.ts';
import type { RequestParts } from './user-agent.ts';

/** The REGISTER for what the registration says now: its Contact, its CSeq, and whether it is to end. */
export function registerRequest(
  registration: Registration,
  uri: string,
  credentials: readonly { readonly name: string; readonly value: string }[],
): RequestParts {
  const { account, bound, contact, ending, instance } = registration;
  const params = instance === undefined ? '' : outboundParams(instance);
  const headers: HeaderLine[] = [['Contact', `${contact}${params}`]];
  // A binding of a flow is known by instance and reg-id, whatever its address was (RFC 5626 §6).
  if (bound !== '' && bound !== contact && !registration.outbound) {
    headers.push(['Contact', `${bound};expires=0`]);
  }
  headers.push(['Expires', ending ? '0' : String(registration.expiresS)]);
  // RFC 3327 §5.1, RFC 5626 §4.2.1.
  headers.push(['Supported', instance === undefined ? 'path' : 'path, outbound']);
  for (const { name, value } of credentials) headers.push([name, value]);
  return {
    method: 'REGISTER',
    uri,
    from: `<${account.addressOfRecord}>;tag=${registration.fromTag}`,
    to: `<${account.addressOfRecord}>`,
    callId: registration.callId,
    sequence: registration.sequence,
    headers,
  };
}
