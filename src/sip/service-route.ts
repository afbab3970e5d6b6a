/**
 * Service-Route: the way that a registrar wants our requests to take (RFC 3608). It stands in the 200 to a REGISTER, and
 * each one replaces what the one before it said, also by saying nothing (§6.1).
 */
import { MAX_PATHS } from './limits.ts';
import { allValues } from './list.ts';
import type { SipResponse } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { fail, ok, type Result } from './result.ts';
import { parseUri } from './uri.ts';

/**
 * Its values, in order; none when there are none. Errors: those of the URIs, `service-route-too-long`, and
 * `service-route-strict` for a router that is no loose one, which §5 does not allow.
 */
export function readServiceRoute(response: SipResponse): Result<readonly string[]> {
  const values = allValues(response, 'Service-Route');
  if (!values.ok) return values;
  if (values.value.length > MAX_PATHS) {
    return fail('service-route-too-long', 0, 400, `more than ${MAX_PATHS} values`, 'Service-Route');
  }
  for (const { text, offset } of values.value) {
    const address = parseNameAddr(text, offset, 'Service-Route');
    const uri = address.ok ? parseUri(address.value.uri, offset, 'Service-Route') : address;
    if (!uri.ok) return uri;
    if (uri.value.kind !== 'sip' || !uri.value.params.has('lr')) {
      return fail('service-route-strict', offset, 400, 'a URI without ;lr', 'Service-Route');
    }
  }
  return ok(values.value.map(({ text }) => text));
}
