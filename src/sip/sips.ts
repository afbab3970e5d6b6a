/**
 * What a `sips:` URI asks for (RFC 3261 §26.2.2, RFC 5630): TLS on every hop, and a Contact that asks for the same.
 *
 * `transport=tls` in a `sip:` URI asks for one hop alone. RFC 5630 §3.1.4 would have it gone; everybody uses it.
 */
import type { Dialog } from './dialog.ts';
import { firstValueEnd } from './list.ts';
import { type SipRequest, value } from './message.ts';

/** Whether it is a `sips:` URI; also in angle brackets, as in Route. */
export function isSips(uri: string): boolean {
  return /^\s*(?:"[^"]*"\s*|[^<"]*)<?sips:/i.test(uri);
}

/** Whether our answer to that request needs a `sips:` Contact (§12.1.1). */
export function asksForSips(request: SipRequest): boolean {
  if (isSips(request.uri)) return true;
  const recorded = value(request, 'Record-Route');
  const first = recorded ?? value(request, 'Contact') ?? '';
  return isSips(first.slice(0, firstValueEnd(first)));
}

/** Whether what we send in that dialog needs one: it is secure, or the way to the peer begins with a `sips:` URI (§8.1.1.8). */
export function isSecured({ secure, routeSet, remoteTarget }: Dialog): boolean {
  return secure || isSips(remoteTarget) || isSips(routeSet[0] ?? '');
}
