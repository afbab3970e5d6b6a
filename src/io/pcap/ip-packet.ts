/**
 * IPv4 (RFC 791) and IPv6 (RFC 8200) packets, put together from their fragments. An INVITE with a long SDP is larger
 * than what one packet on Ethernet carries, so over UDP it comes in pieces.
 */
import { u16, u32 } from './bytes.ts';

/** What one or several packets carry. */
export interface Datagram {
  readonly source: string;
  readonly destination: string;
  /** 6 TCP, 17 UDP. */
  readonly protocol: number;
  readonly payload: Uint8Array;
  /** Bytes that were sent and are not in the capture. */
  readonly missing: number;
  /** The identification field; 0 in most of IPv6. */
  readonly id: number;
}

/** Datagrams in pieces that are waited for; the oldest is given up. */
const MAX_PARTIAL = 1_000;
/** Pieces of one. */
const MAX_PIECES = 64;
const MAX_DATAGRAM = 65_535;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly more: boolean;
}

interface Header extends Omit<Datagram, 'missing'> {
  readonly missing: number;
  readonly offset: number;
  readonly more: boolean;
}

/** A reader that remembers fragments. It gives a datagram once it is whole. */
export function ipReader(): (packet: Uint8Array) => Datagram | undefined {
  const partial = new Map<string, Piece[]>();
  return (packet) => {
    const header = (packet[0] ?? 0) >> 4 === 4 ? readIpv4(packet) : readIpv6(packet);
    if (header === undefined) return undefined;
    const { source, destination, protocol, payload, missing, id, offset, more } = header;
    if (offset === 0 && !more) return { source, destination, protocol, payload, missing, id };
    const key = `${source}|${destination}|${protocol}|${id}`;
    const pieces = partial.get(key) ?? [];
    partial.set(key, pieces);
    const [oldest] = partial.keys();
    if (partial.size > MAX_PARTIAL && oldest !== undefined) partial.delete(oldest);
    if (pieces.length < MAX_PIECES) pieces.push({ offset, bytes: payload, more });
    const whole = assembled(pieces);
    if (whole === undefined) return undefined;
    partial.delete(key);
    return { source, destination, protocol, payload: whole, missing, id };
  };
}

/** All pieces in their places; undefined while one is missing. The first to come wins where two overlap. */
function assembled(pieces: readonly Piece[]): Uint8Array | undefined {
  const last = pieces.find(({ more }) => !more);
  const length = last === undefined ? 0 : last.offset + last.bytes.length;
  if (last === undefined || length > MAX_DATAGRAM) return undefined;
  const whole = new Uint8Array(length);
  let end = 0;
  for (const { offset, bytes } of pieces.toSorted((a, b) => a.offset - b.offset)) {
    if (offset > end) return undefined;
    const fresh = bytes.subarray(Math.max(end - offset, 0), length - offset);
    if (fresh.length === 0) continue;
    whole.set(fresh, end);
    end += fresh.length;
  }
  return end === length ? whole : undefined;
}

function readIpv4(packet: Uint8Array): Header | undefined {
  const headerLength = ((packet[0] ?? 0) & 0x0f) * 4;
  if (headerLength < 20 || packet.length < headerLength) return undefined;
  // 0 where the network card cuts the packet (TSO), after the capture saw it.
  const total = u16(packet, 2) || packet.length;
  const flags = u16(packet, 6);
  const end = Math.min(total, packet.length);
  if (end < headerLength) return undefined;
  return {
    source: ipv4(packet, 12),
    destination: ipv4(packet, 16),
    protocol: packet[9] ?? 0,
    payload: packet.subarray(headerLength, end),
    missing: Math.max(total - packet.length, 0),
    id: u16(packet, 4),
    offset: (flags & 0x1fff) * 8,
    more: (flags & 0x2000) !== 0,
  };
}

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION = 60;
/** Extension headers that are walked. */
const MAX_EXTENSIONS = 8;

function readIpv6(packet: Uint8Array): Header | undefined {
  if (packet.length < 40) return undefined;
  const total = (u16(packet, 4) || packet.length - 40) + 40;
  let protocol = packet[6] ?? 0;
  let at = 40;
  let [id, offset, more] = [0, 0, false];
  for (let count = 0; count < MAX_EXTENSIONS; count++) {
    const length = (packet[at + 1] ?? 0) * 8 + 8;
    if (protocol === FRAGMENT) {
      const flags = u16(packet, at + 2);
      [id, offset, more] = [u32(packet, at + 4), flags & 0xfff8, (flags & 1) !== 0];
      protocol = packet[at] ?? 0;
      at += 8;
    } else if (protocol === HOP_BY_HOP || protocol === ROUTING || protocol === DESTINATION) {
      protocol = packet[at] ?? 0;
      at += length;
    } else if (protocol === AUTHENTICATION) {
      const words = packet[at + 1] ?? 0;
      protocol = packet[at] ?? 0;
      at += (words + 2) * 4;
    } else break;
  }
  const end = Math.min(total, packet.length);
  if (at > end) return undefined;
  return {
    source: ipv6(packet, 8),
    destination: ipv6(packet, 24),
    protocol,
    payload: packet.subarray(at, end),
    missing: Math.max(total - packet.length, 0),
    id,
    offset,
    more,
  };
}

function ipv4(packet: Uint8Array, at: number): string {
  return packet.subarray(at, at + 4).join('.');
}

/** RFC 5952: lower case, the longest run of zeros as "::". */
function ipv6(packet: Uint8Array, at: number): string {
  const words = Array.from({ length: 8 }, (_, index) => u16(packet, at + 2 * index).toString(16));
  const text = words.join(':');
  let longest = '';
  for (const [run] of text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g))
    if (run.length > longest.length) longest = run;
  if (longest === '') return text;
  const [before = '', after = ''] = [
    text.slice(0, text.indexOf(longest)),
    text.slice(text.indexOf(longest) + longest.length),
  ];
  return `${before}::${after.replace(/^:/, '')}`;
}
