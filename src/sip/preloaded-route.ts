/**
 * The route that a request of ours begins with, out of any dialog (RFC 3261 §8.1.2, RFC 3608 §6.1): our own proxy, and
 * behind it the Service-Route that the registrar of the account has given.
 *
 * The proxy stands first, because it was set by whoever knows this network; a registrar knows only its own. A proxy
 * that is the first of the Service-Route as well is written once.
 */
import type { Account } from './endpoint-config.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { isSameNextHop, type NextHop } from './flow.ts';
import { parseNameAddr } from './name-addr.ts';
import { nextHop, routeTo } from './next-hop.ts';

/** Where a request goes first, and the Route that it carries: the first value names that hop. */
export interface PreloadedRoute {
  readonly hop: NextHop;
  readonly routes: readonly string[];
}

/** For a request of that account; `asked`: a proxy for this one alone. Undefined: it goes where its URI says. */
export function preloadedRoute(
  { agent, registrations }: EndpointParts,
  account: Account | undefined,
  asked?: Account['proxy'],
): PreloadedRoute | undefined {
  const proxy = agent.proxyFor(account, asked);
  const given = account === undefined ? [] : registrations.serviceRouteOf(account);
  const first = given[0] === undefined ? undefined : hopOfRoute(given[0], account);
  if (proxy === undefined) return first === undefined ? undefined : { hop: first, routes: given };
  const same = first !== undefined && isSameNextHop(first, proxy);
  return { hop: proxy, routes: same ? given : [routeTo(proxy), ...given] };
}

/** Whether a request that goes to that hop carries the route: a redirection may lead elsewhere. */
export function routesVia(preloaded: PreloadedRoute | undefined, hop: NextHop): readonly string[] {
  return preloaded !== undefined && isSameNextHop(hop, preloaded.hop) ? preloaded.routes : [];
}

/** The transport of the registration serves where the URI names none: the same server is often the first hop. */
function hopOfRoute(route: string, account: Account | undefined): NextHop | undefined {
  const address = parseNameAddr(route);
  return address.ok ? nextHop(address.value.uri, account?.server.transport ?? 'udp') : undefined;
}
