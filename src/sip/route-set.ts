/**
 * The route set of a dialog (RFC 3261 §12.1): the proxies that want to see every request of it, and how a request is
 * addressed so that it passes them (§12.2.1.1).
 */
import { allValues } from './list.ts';
import type { SipMessage } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { withParams } from './params.ts';
import { ok, type Result } from './result.ts';
import { parseUri, serializeUri } from './uri.ts';

/** The values of Record-Route, in the order of the message: a server takes them so, a client the other way round. */
export function recordedRoutes(message: SipMessage): Result<readonly string[]> {
  const routes = allValues(message, 'Record-Route');
  return routes.ok ? ok(routes.value.map((route) => route.text)) : routes;
}

/** What of a dialog says where its requests go. */
interface Target {
  readonly remoteTarget: string;
  readonly routeSet: readonly string[];
}

/** How the next request in a dialog is addressed. */
export interface Routed {
  readonly requestUri: string;
  /** Route values, in order. */
  readonly routes: readonly string[];
  /** The URI that says where it is sent: the first router's, loose or strict, or the target's. */
  readonly next: string;
}

/** Request-URI and Route of our next request in the dialog, for a loose or a strict first router (§12.2.1.1). */
export function routed({ remoteTarget: target, routeSet }: Target): Routed {
  const first = routeSet[0];
  if (first === undefined) return { requestUri: target, routes: [], next: target };
  const router = parseNameAddr(first);
  const next = router.ok ? router.value.uri : first;
  const uri = parseUri(next);
  if (!uri.ok || uri.value.kind !== 'sip' || uri.value.params.has('lr')) {
    return { requestUri: target, routes: routeSet, next };
  }
  // A strict router takes its own address off the Request-URI, and finds the target at the end of the routes.
  // Headers and `method` may not stand in a Request-URI (§19.1.1, Table 1).
  const params = withParams(uri.value.params, { method: null });
  return {
    requestUri: serializeUri({ ...uri.value, params, headers: [] }),
    routes: [...routeSet.slice(1), `<${target}>`],
    next,
  };
}
