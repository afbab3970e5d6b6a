/**
 * Our Contact in the messages of a call, and whether it still holds (RFC 3261 §12.1.1, §12.1.2, §12.2).
 *
 * The peer sends its BYE there until a re-INVITE of ours tells another one, so what it was told is kept with the call.
 */
import { type Flow, formatAddress } from './flow.ts';
import type { OwnAddresses } from './own-address.ts';

/** Host and port of a Contact, and the flow that it was made for. */
export interface ToldContact {
  readonly flow: Flow;
  readonly at: string;
  /** The connection that the peer's requests came by is gone, and the Contact says nothing of another one. */
  readonly cut?: true;
}

/** What our Contact says on that flow now. */
export function contactToTell(own: OwnAddresses, flow: Flow): ToldContact {
  return { flow, at: formatAddress(own.contactAt(flow)) };
}

/** Whether we are reached elsewhere now; false while no way leads to the peer at all. */
export function isOutdated(own: OwnAddresses, { flow, at, cut }: ToldContact): boolean {
  return own.hasRouteTo(flow.remote.address) && (cut === true || contactToTell(own, flow).at !== at);
}
