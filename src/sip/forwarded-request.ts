/**
 * The copy of a request that a proxy sends on (RFC 3261 §16.6 steps 1 to 8).
 *
 * Whatever it does not have to change stays as it came, to the byte and in its order: what a proxy does not know it
 * must not break (§16.6 step 1).
 */
import { INITIAL_MAX_FORWARDS, parseMaxForwards } from './max-forwards.ts';
import type { HeaderField, SipRequest } from './message.ts';
import type { Realm } from './realm.ts';

/** What a forwarded request has of ours. */
export interface ForwardedParts {
  readonly uri: string;
  /** The whole Via value. */
  readonly via: string;
  readonly recordRoutes: readonly string[];
  readonly routes: readonly string[];
  /** Max-Breadth; an ACK has none. */
  readonly breadth: number | undefined;
  /** Its credentials are taken out (§22.3). */
  readonly realm: Realm;
}

/** The copy for one target; the request itself is left as it came. */
export function forwardedRequest(request: SipRequest, parts: ForwardedParts): SipRequest {
  const headers: HeaderField[] = [own('Via', parts.via)];
  const routing = [
    ...parts.recordRoutes.map((value) => own('Record-Route', value)),
    ...parts.routes.map((value) => own('Route', value)),
  ];
  let counted = false;
  for (const header of request.headers) {
    // The Vias stay together, and ours is before every other Record-Route.
    if (header.name !== 'Via') headers.push(...routing.splice(0));
    if (header.name === 'Route' || header.name === 'Max-Breadth') continue;
    if (header.name === 'Proxy-Authorization' && parts.realm.isOurs(header)) continue;
    if (header.name !== 'Max-Forwards') headers.push(header);
    else if (!counted) {
      counted = true;
      headers.push(own('Max-Forwards', `${hopsLeft(header)}`));
    }
  }
  if (!counted) headers.push(own('Max-Forwards', `${INITIAL_MAX_FORWARDS}`));
  if (parts.breadth !== undefined) headers.push(own('Max-Breadth', `${parts.breadth}`));
  return { ...request, uri: parts.uri, headers };
}

/** §16.6 step 3; it was found to be right and above 0 before. */
function hopsLeft({ value }: HeaderField): number {
  const hops = parseMaxForwards(value);
  return hops.ok ? Math.max(0, hops.value - 1) : INITIAL_MAX_FORWARDS;
}

function own(name: string, value: string): HeaderField {
  return { name, value, offset: 0 };
}
