/**
 * What a proxy checks before it sends a request on (RFC 3261 §16.3), beyond what is checked of every request.
 */
import type { CoreHeaders } from './core-headers.ts';
import { MAX_LIST_VALUES } from './limits.ts';
import { allValues } from './list.ts';
import { hasLooped } from './loop-detection.ts';
import { maxBreadth } from './max-breadth.ts';
import { parseMaxForwards } from './max-forwards.ts';
import { type SipRequest, value } from './message.ts';
import type { OwnDomain } from './own-domain.ts';
import { type SipError, sipError } from './result.ts';

/** Whether the request may go no further (§16.3 step 3). */
export function isOutOfHops(request: SipRequest): boolean {
  const text = value(request, 'Max-Forwards');
  const hops = text === undefined ? undefined : parseMaxForwards(text);
  return hops?.ok === true && hops.value === 0;
}

/**
 * What is wrong; undefined when nothing is. Errors: `too-many-hops` (483), `breadth-exceeded` (440), `loop-detected` (482),
 * `proxy-extension-unsupported` (420, with all option tags of Proxy-Require, as we know none).
 */
export function validateForProxy(
  request: SipRequest,
  { viaCount }: CoreHeaders,
  hash: string,
  own: OwnDomain,
): SipError | undefined {
  if (isOutOfHops(request)) return sipError('too-many-hops', 483, 'Max-Forwards is 0');
  // With ours there would be more than anybody reads, so nobody could tell a loop.
  if (viaCount >= MAX_LIST_VALUES) return sipError('too-many-hops', 483, `${viaCount} Via values`);
  if (maxBreadth(request) === 0) return sipError('breadth-exceeded', 440, 'Max-Breadth is 0');
  if (hasLooped(request, hash, own)) {
    return sipError('loop-detected', 482, 'the request was here before, on the same way');
  }
  const tags = proxyRequired(request);
  return tags === undefined
    ? undefined
    : sipError('proxy-extension-unsupported', 420, `Proxy-Require asks for ${tags}`);
}

/** The option tags of Proxy-Require, as Unsupported lists them (§20.29); undefined when there are none. */
export function proxyRequired(request: SipRequest): string | undefined {
  const values = allValues(request, 'Proxy-Require');
  if (!values.ok || values.value.length === 0) return undefined;
  return values.value.map(({ text }) => text).join(', ');
}
