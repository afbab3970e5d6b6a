/**
 * Route information, as a proxy reads it and as it writes it (RFC 3261 §16.4, §16.6 steps 6 and 7).
 *
 * A strict router of RFC 2543 puts the next hop into the Request-URI and what stood there at the end of Route; both
 * directions of that are undone and done here, so that nothing else has to know of it.
 */
import { allValues } from './list.ts';
import { type SipRequest, value } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import type { OwnDomain } from './own-domain.ts';
import { withParams } from './params.ts';
import { ok, type Result } from './result.ts';
import { isRecordedFor, ROUTE_TOKEN } from './route-token.ts';
import { parseUri, type SipUri, serializeUri, type Uri } from './uri.ts';

/** Where a request wants to go. */
export interface Routing {
  /** What the Request-URI is, or was before a strict router took its place. */
  readonly uri: string;
  /** Route values after ours. */
  readonly routes: readonly string[];
  /** It came by a Record-Route of ours, in its Route or its Request-URI: its dialog is one that went through us. */
  readonly recorded: boolean;
  /** What the last Record-Route of ours says of the flow to take (flow-token.ts), not looked into yet. */
  readonly flowToken?: string;
}

/** §16.4. `secret`: of our Record-Routes. Errors: those of `allValues` and of the URIs that have to be read. */
export function preprocessRoute(request: SipRequest, own: OwnDomain, secret: string): Result<Routing> {
  const values = allValues(request, 'Route');
  if (!values.ok) return values;
  const routes = values.value.map(({ text }) => text);
  let { uri } = request;
  const callId = value(request, 'Call-ID') ?? '';
  let recorded = false;
  let flowToken: string | undefined;
  const requestUri = parseUri(uri, request.method.length + 1);
  if (!requestUri.ok) return requestUri;
  if (routes.length > 0 && isOwnRoute(requestUri.value, own)) {
    const last = routeUri(routes.pop() ?? '');
    if (!last.ok) return last;
    uri = serializeUri(last.value);
    recorded = isRecordedFor(requestUri.value, secret, callId);
    flowToken = requestUri.value.user;
  } else uri = withoutOwnMaddr(uri, requestUri.value, own);
  for (let [top] = routes; top !== undefined; [top] = routes) {
    const first = routeUri(top);
    if (!first.ok) return first;
    // Twice, when the two sides of us were recorded apart (record-route.ts).
    if (first.value.kind !== 'sip' || !own.isOurs(first.value)) break;
    routes.shift();
    recorded ||= isRecordedFor(first.value, secret, callId);
    flowToken = first.value.user;
  }
  return ok({ uri, routes, recorded, ...(flowToken === undefined ? undefined : { flowToken }) });
}

/** A Request-URI that looks as our Record-Routes do (record-route.ts), put there by a strict router. */
function isOwnRoute(uri: Uri, own: OwnDomain): uri is SipUri {
  return uri.kind === 'sip' && uri.params.has(ROUTE_TOKEN) && uri.params.has('lr') && own.isOurs(uri);
}

/** §16.4: a maddr that only led to us has done its work, and so have the port and the transport beside it. */
function withoutOwnMaddr(text: string, uri: Uri, own: OwnDomain): string {
  const maddr = uri.kind === 'sip' ? uri.params.get('maddr') : undefined;
  if (uri.kind !== 'sip' || maddr === undefined || !own.isOurs({ host: maddr, port: uri.port })) return text;
  const params = withParams(uri.params, { maddr: null, transport: null });
  return serializeUri({ ...uri, port: undefined, params });
}

function routeUri(text: string): Result<Uri> {
  const address = parseNameAddr(text, 0, 'Route');
  return address.ok ? parseUri(address.value.uri, 0, 'Route') : address;
}

/** A request on its way out: its Request-URI, its Route, and the URI that says where it is sent. */
export interface Onward {
  readonly uri: string;
  readonly routes: readonly string[];
  readonly hop: string;
}

/** §16.6 steps 6 and 7: to the first Route, which takes the Request-URI when it is no loose router. */
export function routeOnward(uri: string, routes: readonly string[]): Onward {
  const [first, ...rest] = routes;
  const next = first === undefined ? undefined : routeUri(first);
  if (first === undefined || next?.ok !== true || next.value.kind !== 'sip') return { uri, routes, hop: uri };
  const hop = serializeUri(next.value);
  if (next.value.params.has('lr')) return { uri, routes, hop };
  return { uri: asRequestUri(next.value), routes: [...rest, `<${uri}>`], hop };
}

/** §19.1.1, Table 1: what may stand in a Request-URI. */
function asRequestUri(uri: SipUri): string {
  return serializeUri({ ...uri, headers: [], params: withParams(uri.params, { method: null }) });
}
