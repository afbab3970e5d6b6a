/**
 * The way to a phone that registers: its Contact's, or the way its REGISTER came (RFC 3261 §18.2.1, RFC 5626 §5.3).
 *
 * A Contact is what a phone believes its address to be. Behind a NAT that is wrong, and a phone on a stream seldom
 * listens for another one. But a Contact may also name a third device, which is right, so only a phone that speaks
 * for itself is called back where it was heard: one whose Contact has the host of its own Via, or of its source.
 */
import { type Flow, isReliable } from './flow.ts';
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
