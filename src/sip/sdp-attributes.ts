/**
 * What the attributes of a media description say: rtpmap and fmtp (RFC 8866 §6.6, §6.15), direction (§6.7),
 * ptime (§6.4), rtcp (RFC 3605), rtcp-mux (RFC 5761).
 *
 * They are read when somebody asks: most descriptions carry dozens that no one here needs. One that is
 * malformed counts as absent, because every one of them has a default.
 */

import { type AddressFamily, addressFamily, isBroadcast, isMulticast, isUnspecified } from './ip-address.ts';
import { remembering } from './remembered.ts';
import type { Attribute, Connection, MediaDescription, SessionDescription } from './sdp.ts';

/** Of the one who wrote the description. */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

const DIRECTIONS: ReadonlySet<string> = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive']);

function isDirection(text: string): text is Direction {
  return DIRECTIONS.has(text);
}

/** One a=rtpmap. */
export interface RtpMap {
  /** As it was written; encoding names are compared without case (RFC 8866 §6.6). */
  readonly name: string;
  readonly clockRate: number;
  /** `2` in `opus/48000/2`. */
  readonly parameters?: string;
}

/** Names are compared without case; nearly all are in lower case as they come. */
function isNamed({ name }: Attribute, lower: string): boolean {
  return name === lower || (name.length === lower.length && name.toLowerCase() === lower);
}

/** The value of the first attribute of that lower-case name; '' for one without a value. */
export function attribute(attributes: readonly Attribute[], name: string): string | undefined {
  for (const one of attributes) if (isNamed(one, name)) return (one.value ?? '').trim();
  return undefined;
}

/** The media's own direction, else the session's, else sendrecv (RFC 3264 §6.1). */
export function directionOf(session: SessionDescription, media: MediaDescription): Direction {
  return directionIn(media.attributes) ?? directionIn(session.attributes) ?? 'sendrecv';
}

function directionIn(attributes: readonly Attribute[]): Direction | undefined {
  for (const { name, value } of attributes) {
    if (value !== undefined) continue;
    const lower = name.toLowerCase();
    if (isDirection(lower)) return lower;
  }
  return undefined;
}

/** Payload type to encoding, of every a=rtpmap of the media. The first one counts. */
export function rtpMaps(media: MediaDescription): ReadonlyMap<number, RtpMap> {
  let maps: Map<number, RtpMap> | undefined;
  for (const one of media.attributes) {
    const read = isNamed(one, 'rtpmap') ? readRtpMap(one.value ?? '') : null;
    if (read === null || maps?.has(read.type) === true) continue;
    maps = (maps ?? new Map<number, RtpMap>()).set(read.type, read.map);
  }
  return maps ?? NO_MAPS;
}

/** Payload type to format parameters, of every a=fmtp of the media. The first one counts. */
export function formatParameters(media: MediaDescription): ReadonlyMap<number, string> {
  let found: Map<number, string> | undefined;
  for (const one of media.attributes) {
    const match = isNamed(one, 'fmtp') ? /^\s*(\d{1,3})\s+(\S.*)$/s.exec(one.value ?? '') : null;
    if (!match?.[1] || !match[2]) continue;
    const type = Number(match[1]);
    if (type > 127 || found?.has(type) === true) continue;
    found = (found ?? new Map<number, string>()).set(type, match[2]);
  }
  return found ?? NO_PARAMETERS;
}

const NO_MAPS: ReadonlyMap<number, RtpMap> = new Map();
const NO_PARAMETERS: ReadonlyMap<number, string> = new Map();

/** The value of an a=rtpmap. */
const readRtpMap = remembering((value): { readonly type: number; readonly map: RtpMap } | null => {
  const match = /^\s*(\d{1,3})\s+([^\s/]+)\/(\d{1,7})(?:\/(\S+))?/.exec(value);
  if (!match?.[1] || !match[2] || !match[3]) return null;
  const type = Number(match[1]);
  const clockRate = Number(match[3]);
  if (type > 127 || clockRate === 0) return null;
  const map = { name: match[2], clockRate };
  return { type, map: match[4] === undefined ? map : { ...map, parameters: match[4] } };
});

/** a=ptime or a=maxptime, in ms, 1 to 1000; RFC 8866 §6.4 allows fractions and phones write them. */
export function packetTimeMs(media: MediaDescription, name: 'ptime' | 'maxptime'): number | undefined {
  const text = attribute(media.attributes, name);
  if (text === undefined || !/^\d{1,4}(\.\d{1,6})?$/.test(text)) return undefined;
  const timeMs = Number(text);
  return timeMs >= 1 && timeMs <= 1000 ? timeMs : undefined;
}

/** The c= that holds for the media: its own, else the session's (RFC 8866 §5.7). */
export function connectionOf(session: SessionDescription, media: MediaDescription): Connection | undefined {
  return media.connection ?? session.connection;
}

/** a=rtcp (RFC 3605 §2.1); the address is absent when it is the one of c=. */
export function rtcpAttribute(media: MediaDescription): { port: number; address?: string } | undefined {
  const text = attribute(media.attributes, 'rtcp');
  if (text === undefined) return undefined;
  const [portText = '', net, , address, ...more] = text.split(/\s+/);
  if (!/^\d{1,5}$/.test(portText) || more.length > 0) return undefined;
  const port = Number(portText);
  if (port === 0 || port > 65_535) return undefined;
  if (net === undefined) return { port };
  return net.toUpperCase() === 'IN' && address !== undefined && reachable(address)
    ? { port, address }
    : undefined;
}

/**
 * Whether packets for one call can be sent there: numeric, not 0.0.0.0, no multicast, no broadcast. A host name is not
 * looked up: symmetric RTP finds the peer as soon as it speaks.
 */
export function reachable(address: string): boolean {
  if (addressFamily(address) === undefined || isBroadcast(address)) return false;
  return !isUnspecified(address) && !isMulticast(address);
}

/** The family of an address as SDP needs it; a host name counts as IPv4. */
export function familyForSdp(address: string): AddressFamily {
  return addressFamily(address) ?? 'ipv4';
}
