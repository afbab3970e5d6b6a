/**
 * Whose connection gives way when all places are taken by peers that have spoken (connections.ts): one of the host that
 * has most of them.
 *
 * Why: a host that says one word on each of a thousand connections would keep everybody else out, for as long as it
 * likes. Why only where the newcomer has fewer: else two hosts would push each other out for ever.
 */
import { addressBytes, addressText } from '../address-bytes.ts';
import type { SocketAddress } from './flow.ts';

/** Of its connections so many are looked at, the oldest first: each may mean going through all calls. */
const LOOKED_AT = 16;

/** One that a peer opened. */
export interface Standing {
  readonly id: number;
  readonly remote: SocketAddress;
}

/**
 * The one to close; undefined: the newcomer. One that is `needed`, by a call or a registration, stays, and so does the
 * only one of a host. `standing`: the oldest first.
 */
export function givesWay(
  standing: readonly Standing[],
  newcomer: SocketAddress,
  needed: (connection: number) => boolean,
): number | undefined {
  const counts = new Map<string, number>();
  let crowd = '';
  for (const { remote } of standing) {
    const host = hostOf(remote);
    const count = (counts.get(host) ?? 0) + 1;
    counts.set(host, count);
    if (count > (counts.get(crowd) ?? 0)) crowd = host;
  }
  const its = counts.get(crowd) ?? 0;
  if (its <= (counts.get(hostOf(newcomer)) ?? 0) + 1) return undefined;
  return standing
    .filter(({ remote }) => hostOf(remote) === crowd)
    .slice(0, LOOKED_AT)
    .find(({ id }) => !needed(id))?.id;
}

/** Whoever has one IPv6 address has the 2⁶⁴ of its network (RFC 4291 §2.5.1). */
function hostOf({ address }: SocketAddress): string {
  const bytes = address.includes('.') ? undefined : addressBytes(address);
  return bytes === undefined ? address : addressText(bytes.fill(0, 8));
}
