/**
 * The proof that a Route value is one that we recorded (RFC 3261 §16.6 step 4, §26.1.5).
 *
 * What belongs to a dialog passes without credentials, and a To tag and our address in Route are written by anybody:
 * without this the proxy would send, and repeat, whatever a stranger wants to whomever he names. So each Record-Route
 * has a parameter that only we can make, for the Call-ID of its dialog.
 */
import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SipUri } from './uri.ts';

/** The parameter of a Record-Route URI; a peer sends it back as it is (§12.1.1). */
export const ROUTE_TOKEN = 'dialog';

/** What stands in it: 64 bits of a keyed hash. `secret`: 128 bits or more. */
export function routeToken(secret: string, callId: string): string {
  return createHmac('sha256', secret).update(callId, 'latin1').digest('hex').slice(0, 16);
}

/** Whether we recorded that URI for a dialog of that Call-ID. */
export function isRecordedFor(uri: SipUri, secret: string, callId: string): boolean {
  const given = Buffer.from(uri.params.get(ROUTE_TOKEN) ?? '', 'latin1');
  const right = Buffer.from(routeToken(secret, callId), 'latin1');
  return given.length === right.length && timingSafeEqual(given, right);
}
