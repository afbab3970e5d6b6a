/**
 * What a SIP URI may have where (RFC 3261 §19.1.1, Table 1): a link that somebody was given, or a Contact, has more in
 * it than a Request-URI or a To may carry.
 */
import { NO_PARAMS, withParams } from './params.ts';
import { parseUri, type SipUri, serializeUri } from './uri.ts';

/** The URI as a Request-URI: no headers, no `method`. Undefined when it is no SIP URI. */
export function asRequestUri(text: string): string | undefined {
  return changed(text, (uri) => ({ params: withParams(uri.params, { method: null }), headers: [] }));
}

/** The URI as whom we call, in To: nothing of where and how it is reached. Undefined when it is no SIP URI. */
export function asAddress(text: string): string | undefined {
  return changed(text, ({ params }) => {
    const user = params.get('user');
    return {
      port: undefined,
      params: user === undefined ? NO_PARAMS : new Map([['user', user]]),
      headers: [],
    };
  });
}

function changed(text: string, how: (uri: SipUri) => Partial<SipUri>): string | undefined {
  const uri = parseUri(text);
  if (!uri.ok || uri.value.kind !== 'sip') return undefined;
  return serializeUri({ ...uri.value, ...how(uri.value) });
}
