/**
 * The three lines of a session description that have fields of their own: o= (RFC 8866 §5.2), c= (§5.7) and
 * m= (§5.14).
 *
 * They stand apart from sdp.ts because they are all that an answer depends on: everything else is carried.
 */

import { type AddressFamily, addressFamily } from './ip-address.ts';
import { MAX_SDP_PAYLOADS } from './limits.ts';
import { fail, ok, type Result } from './result.ts';
import type { Connection, MediaLine, Origin } from './sdp.ts';
import { readDigits, skipSpace, wordAt } from './text.ts';

/** The fields of a line: sloppy phones put two spaces, or a tab, where the grammar has one space. */
function words(text: string, first: number, last: number): string[] {
  const found: string[] = [];
  for (let start = skipSpace(text, first, last); start < last; ) {
    let end = start + 1;
    while (end < last && skipSpace(text, end, end + 1) === end) end += 1;
    found.push(wordAt(text, start, end, COMMON_WORDS));
    start = skipSpace(text, end, last);
  }
  return found;
}

/** Of nearly all lines. */
const COMMON_WORDS = ['IN', 'IP4', 'audio', 'RTP/AVP', '0', '8', '101'];

/** "IP4" or "IP6", unless the address itself says otherwise: some gateways write IP4 before an IPv6 address. */
function familyOf(type: string, address: string): AddressFamily | undefined {
  const upper = type.toUpperCase();
  if (upper !== 'IP4' && upper !== 'IP6') return undefined;
  return addressFamily(address) ?? (upper === 'IP4' ? 'ipv4' : 'ipv6');
}

/** IPv6 in brackets is wrong here, and seen. */
function unbracketed(address: string): string {
  if (!address.startsWith('[') || !address.endsWith(']')) return address;
  const inside = address.slice(1, -1);
  return addressFamily(inside) === 'ipv6' ? inside : address;
}

/** The value of o= from `start` to `end`. */
export function parseOrigin(text: string, start: number, end: number): Result<Origin> {
  const parts = words(text, start, end);
  // A display name with spaces in the user name is wrong, and seen: the last five fields are certain.
  const fixed = parts.length - 5;
  const [sessionId, sessionVersion] = [parts[fixed], parts[fixed + 1]];
  const [net, type, host] = [parts[fixed + 2], parts[fixed + 3], parts[fixed + 4]];
  if (!sessionId || !sessionVersion || !net || !type || !host) {
    return fail('sdp-origin-malformed', start, 400, 'o= needs six fields');
  }
  const address = unbracketed(host);
  const family = familyOf(type, address);
  if (net.toUpperCase() !== 'IN' || family === undefined) {
    return fail('sdp-origin-malformed', start, 400, 'o= names a network that is neither IN IP4 nor IN IP6');
  }
  const username = parts.slice(0, fixed).join(' ') || '-';
  return ok({ username, sessionId, sessionVersion, family, address });
}

/** The value of c= from `start` to `end`. */
export function parseConnection(text: string, start: number, end: number): Result<Connection> {
  const parts = words(text, start, end);
  const [net, type, rest] = parts;
  if (!net || !type || !rest || parts.length > 3) {
    return fail('sdp-connection-malformed', start, 400, 'c= needs three fields');
  }
  const slash = rest.indexOf('/');
  const address = unbracketed(slash < 0 ? rest : rest.slice(0, slash));
  const family = familyOf(type, address);
  if (net.toUpperCase() !== 'IN' || family === undefined || address === '') {
    return fail('sdp-connection-malformed', start, 400, 'c= is neither IN IP4 nor IN IP6');
  }
  // TTL and number of multicast addresses: carried, never used.
  return ok(slash < 0 ? { family, address } : { family, address, suffix: rest.slice(slash + 1) });
}

/** The value of m= from `start` to `end`. */
export function parseMediaLine(text: string, start: number, end: number): Result<MediaLine> {
  const parts = words(text, start, end);
  const [kind, ports = '', protocol] = parts;
  const slash = ports.indexOf('/');
  const port = portNumber(ports, slash < 0 ? ports.length : slash);
  const portCount = slash < 0 ? undefined : portNumber(ports.slice(slash + 1));
  if (!kind || !protocol || port < 0 || port > 65_535 || portCount === -1) {
    return fail('sdp-media-malformed', start, 400, 'm= needs a kind, a port, a protocol and formats');
  }
  const formats = parts.slice(3);
  // A refused line without formats is wrong, and seen; in a line that is meant it leaves nothing to agree on.
  if (formats.length === 0 && port !== 0) {
    return fail('sdp-media-malformed', start, 400, 'm= names no format');
  }
  if (formats.length > MAX_SDP_PAYLOADS) {
    return fail('sdp-too-many-payloads', start, 400, `m= names more than ${MAX_SDP_PAYLOADS} formats`);
  }
  return ok({ kind, port, protocol, formats, ...(portCount === undefined ? undefined : { portCount }) });
}

/** One to five digits; -1 when it is something else. */
function portNumber(text: string, end = text.length): number {
  return end > 5 ? -1 : readDigits(text, 0, end);
}
