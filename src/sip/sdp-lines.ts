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
import { skipSpace } from './text.ts';

/** The fields of a line: sloppy phones put two spaces, or a tab, where the grammar has one space. */
function words(value: string): string[] {
  const found: string[] = [];
  for (let start = skipSpace(value, 0); start < value.length; ) {
    let end = start + 1;
    while (end < value.length && skipSpace(value, end, end + 1) === end) end += 1;
    found.push(value.slice(start, end));
    start = skipSpace(value, end);
  }
  return found;
}

/** "IP4" or "IP6", unless the address itself says otherwise: some gateways write IP4 before an IPv6 address. */
function familyOf(type: string, address: string): AddressFamily | undefined {
  const upper = type.toUpperCase();
  if (upper !== 'IP4' && upper !== 'IP6') return undefined;
  return addressFamily(address) ?? (upper === 'IP4' ? 'ipv4' : 'ipv6');
}

/** IPv6 in brackets is wrong here, and seen. */
function unbracketed(address: string): string {
  const inside = address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : '';
  return addressFamily(inside) === 'ipv6' ? inside : address;
}

/** `offset` is where the value starts in the body. */
export function parseOrigin(value: string, offset: number): Result<Origin> {
  const parts = words(value);
  const [sessionId, sessionVersion, net, type, host] = parts.slice(-5);
  if (parts.length < 5 || !sessionId || !sessionVersion || !net || !type || !host) {
    return fail('sdp-origin-malformed', offset, 400, 'o= needs six fields');
  }
  const address = unbracketed(host);
  const family = familyOf(type, address);
  if (net.toUpperCase() !== 'IN' || family === undefined) {
    return fail('sdp-origin-malformed', offset, 400, 'o= names a network that is neither IN IP4 nor IN IP6');
  }
  // A display name with spaces in the user name is wrong, and seen: the last five fields are certain.
  const username = parts.slice(0, -5).join(' ') || '-';
  return ok({ username, sessionId, sessionVersion, family, address });
}

/** `offset` is where the value starts in the body. */
export function parseConnection(value: string, offset: number): Result<Connection> {
  const [net, type, rest, ...more] = words(value);
  if (!net || !type || !rest || more.length > 0) {
    return fail('sdp-connection-malformed', offset, 400, 'c= needs three fields');
  }
  const slash = rest.indexOf('/');
  const address = unbracketed(slash < 0 ? rest : rest.slice(0, slash));
  const family = familyOf(type, address);
  if (net.toUpperCase() !== 'IN' || family === undefined || address === '') {
    return fail('sdp-connection-malformed', offset, 400, 'c= is neither IN IP4 nor IN IP6');
  }
  // TTL and number of multicast addresses: carried, never used.
  return ok(slash < 0 ? { family, address } : { family, address, suffix: rest.slice(slash + 1) });
}

/** `offset` is where the value starts in the body. */
export function parseMediaLine(value: string, offset: number): Result<MediaLine> {
  const [kind, portText, protocol, ...formats] = words(value);
  const port = /^(\d{1,5})(?:\/(\d{1,5}))?$/.exec(portText ?? '');
  if (!kind || !port || !protocol || Number(port[1]) > 65_535) {
    return fail('sdp-media-malformed', offset, 400, 'm= needs a kind, a port, a protocol and formats');
  }
  const portNumber = Number(port[1]);
  // A refused line without formats is wrong, and seen; in a line that is meant it leaves nothing to agree on.
  if (formats.length === 0 && portNumber !== 0) {
    return fail('sdp-media-malformed', offset, 400, 'm= names no format');
  }
  if (formats.length > MAX_SDP_PAYLOADS) {
    return fail('sdp-too-many-payloads', offset, 400, `m= names more than ${MAX_SDP_PAYLOADS} formats`);
  }
  const line = { kind, port: portNumber, protocol, formats };
  return ok(port[2] === undefined ? line : { ...line, portCount: Number(port[2]) });
}
