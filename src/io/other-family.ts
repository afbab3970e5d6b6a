/**
 * Two addresses of which one is IPv4 and the other IPv6: nothing can be sent from one to the other.
 *
 * Why it is found here and not read from the system's error: that is EAFNOSUPPORT, ENETUNREACH or "connection refused",
 * by family, transport and library, and names neither the address nor the flag that it comes from. A socket on `::`
 * carries both families (RFC 3493 §3.7): what fails there to an IPv4 address has another reason.
 */
import { addressFamily, isUnspecified } from '../sip/ip-address.ts';

/** Why nothing gets there from a socket that is bound to `from`, for people; undefined where both are of one family. */
export function otherFamily(from: string, to: string): string | undefined {
  const [ours, theirs] = [addressFamily(from), addressFamily(to)];
  if (ours === undefined || theirs === undefined || ours === theirs) return undefined;
  if (ours === 'ipv6' && isUnspecified(from)) return undefined;
  const name = { ipv4: 'IPv4', ipv6: 'IPv6' } as const;
  const here = isUnspecified(from)
    ? `this machine has no ${name[theirs]}`
    : `we are bound to ${from}, which is ${name[ours]}`;
  return `no route to the host: it is ${name[theirs]}, and ${here}`;
}
