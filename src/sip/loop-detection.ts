/**
 * Loops and spirals (RFC 3261 §16.3 step 4, §16.6 step 8; RFC 5393 §4.2).
 *
 * Every branch of ours ends in a hash of all that a request is routed by. A request that comes back with the same
 * hash would take the same way again, for ever: a loop. With another hash it is a spiral, which is right.
 */
import { createHash } from 'node:crypto';
import type { CoreHeaders } from './core-headers.ts';
import { allValues } from './list.ts';
import type { SipRequest } from './message.ts';
import type { OwnDomain } from './own-domain.ts';
import { parseVia } from './via.ts';

/** Between the part of a branch that is its own and its hash. */
const SEPARATOR = '.';

/** The hash of what the request is routed by, as it came (RFC 5393 §4.2.1: no Via in it). */
export function loopHash(request: SipRequest, core: CoreHeaders): string {
  const parts = [core.callId, core.fromTag ?? '', core.toTag ?? '', String(core.cseq.number), request.uri];
  for (const { name, value } of request.headers) {
    if (name === 'Route' || name === 'Proxy-Require') parts.push(`${name}: ${value}`);
  }
  return createHash('sha256').update(parts.join('\n'), 'latin1').digest('hex').slice(0, 16);
}

/** A branch that can be recognised when the request comes back. */
export function branchWithHash(branch: string, hash: string): string {
  return `${branch}${SEPARATOR}${hash}`;
}

/** Whether the request has been here, on the same way. Via values that cannot be read are not ours. */
export function hasLooped(request: SipRequest, hash: string, own: OwnDomain): boolean {
  const values = allValues(request, 'Via');
  if (!values.ok) return false;
  return values.value.some(({ text }) => {
    if (!text.includes(hash)) return false;
    const via = parseVia(text);
    return via.ok && via.value.branch?.endsWith(`${SEPARATOR}${hash}`) === true && own.isOwnVia(via.value);
  });
}
