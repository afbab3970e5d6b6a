/**
 * Whether a Contact can be reached: that of a phone that registers (RFC 3261 §18.2.1, RFC 5626 §5.3), and that of a peer
 * in a dialog (§12.2.1.1).
 *
 * A Contact is what a phone believes its address to be. Behind a NAT that is wrong, and a phone on a stream seldom
 * listens for another one. But a Contact may also name a third device, which is right, so only a phone that speaks
 * for itself is called back where it was heard: one whose Contact has the host of its own Via, or of its source.
 *
 * In a dialog without routes the rule is narrower: an address of a private network is as good as nothing outside of it.
 */
import { addressBytes } from '../address-bytes.ts';
import type { LocalInterface } from './endpoint-config.ts';
import { type Flow, isReliable } from './flow.ts';
import { isLinkLocal, isLoopback, isPrivate, isSameAddress } from './ip-address.ts';
import { isOnNetwork } from './local-address.ts';
import { parseUri } from './uri.ts';
import type { Via } from './via.ts';

/** The flow to call a Contact back on; undefined when its own address serves. */
export function reachOfContact(contact: string, via: Via, flow: Flow): Flow | undefined {
  const uri = parseUri(contact);
  if (!uri.ok || uri.value.kind !== 'sip') return undefined;
  const { host } = uri.value;
  const source = flow.remote.address;
  const itself = host === source || host === via.host;
  if (isReliable(flow.transport)) return itself ? flow : undefined;
  // On UDP the Contact is as good as the source unless the phone is mistaken about its address.
  return itself && host !== source ? flow : undefined;
}

/**
 * Whether a Contact at that address is of a network that we are not in, as far as the source of its owner's messages
 * tells: RFC 1918, RFC 6598, RFC 4193, link-local or loopback, and
 *
 * - its messages come from a public address: also when we are in a network of the same numbers, as most homes are;
 * - or they come from a private address of another block (10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7, …), and the
 *   Contact is in no network of ours. Within one block, one network routes to the other, and the Contact is right.
 */
export function isOutOfReach(
  contact: string,
  source: string,
  interfaces: readonly LocalInterface[],
): boolean {
  const block = privateBlock(contact);
  if (block === undefined || isSameAddress(contact, source)) return false;
  const sourceBlock = privateBlock(source);
  if (sourceBlock === undefined) return true;
  if (sourceBlock === block) return false;
  const bytes = addressBytes(contact);
  return bytes === undefined || !interfaces.some((one) => isOnNetwork(bytes, one));
}

/** A name for the private address block of an address; undefined for a public one. */
function privateBlock(address: string): string | undefined {
  if (isLoopback(address)) return 'loopback';
  if (isLinkLocal(address)) return address.includes(':') ? 'link-local IPv6' : 'link-local IPv4';
  if (!isPrivate(address)) return undefined;
  const [first = 0, ...rest] = addressBytes(address) ?? [];
  return rest.length > 3 ? 'fc00::/7' : `${first}/8`;
}
