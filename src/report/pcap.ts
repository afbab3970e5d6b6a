/**
 * The messages of a call as a capture that Wireshark and sngrep open: the classic pcap format with raw IP packets
 * (LINKTYPE_RAW, 101), each message one UDP datagram (RFC 768, RFC 791, RFC 8200).
 *
 * It is made from events, not from the wire: credentials stay masked, a message of a stream stands as one datagram,
 * and our own address is the one that was told.
 */
import { isIPv6 } from 'node:net';
import type { Event } from '../events.ts';

/** An address and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const LINKTYPE_RAW = 101;
const UDP = 17;
const UDP_HEADER = 8;
/** What one datagram may carry (RFC 791 §3.1, total length). */
const MAX_MESSAGE = 65_507;

/** The file. `us` is where we are; `startedWallMs` the wall time of `atMs` 0. */
export function pcapOf(events: readonly Event[], us: Endpoint, startedWallMs: number): Uint8Array {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(LINKTYPE_RAW, 20);
  const records = events.flatMap((event) => {
    if ((event.type !== 'sip.sent' && event.type !== 'sip.received') || event.raw === undefined) return [];
    const peer = endpointOf(event.remote);
    const message = Buffer.from(event.raw, 'latin1').subarray(0, MAX_MESSAGE);
    const packet = event.type === 'sip.sent' ? ipPacket(us, peer, message) : ipPacket(peer, us, message);
    return [recordHeader(startedWallMs + event.atMs, packet.length), packet];
  });
  return Buffer.concat([header, ...records]);
}

function recordHeader(wallMs: number, length: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(Math.floor(wallMs / 1000), 0);
  header.writeUInt32LE(Math.floor((wallMs % 1000) * 1000), 4);
  header.writeUInt32LE(length, 8);
  header.writeUInt32LE(length, 12);
  return header;
}

/** "192.0.2.1:5060", "[2001:db8::1]:5060". */
function endpointOf(text: string): Endpoint {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text) ?? [];
  return { address: bracketed ?? plain ?? '0.0.0.0', port: Number(port ?? 0) };
}

/** Both ends of one family: an IPv4 address beside an IPv6 one is written as mapped (RFC 4291 §2.5.5.2). */
function ipPacket(from: Endpoint, to: Endpoint, message: Buffer): Buffer {
  const six = isIPv6(from.address) || isIPv6(to.address);
  const source = six ? bytes6(from.address) : bytes4(from.address);
  const target = six ? bytes6(to.address) : bytes4(to.address);
  const udp = Buffer.alloc(UDP_HEADER);
  udp.writeUInt16BE(from.port, 0);
  udp.writeUInt16BE(to.port, 2);
  udp.writeUInt16BE(UDP_HEADER + message.length, 4);
  const pseudo = Buffer.alloc(4);
  pseudo.writeUInt16BE(UDP, 0);
  pseudo.writeUInt16BE(UDP_HEADER + message.length, 2);
  const sum = checksum(Buffer.concat([source, target, pseudo, udp, message]));
  // RFC 768: a sum of zero is sent as all ones, because zero means none.
  udp.writeUInt16BE(sum === 0 ? 0xffff : sum, 6);
  const ip = six ? header6(source, target, udp, message) : header4(source, target, udp, message);
  return Buffer.concat([ip, udp, message]);
}

function header4(source: Buffer, target: Buffer, udp: Buffer, message: Buffer): Buffer {
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(20 + udp.length + message.length, 2);
  ip[8] = 64;
  ip[9] = UDP;
  source.copy(ip, 12);
  target.copy(ip, 16);
  ip.writeUInt16BE(checksum(ip), 10);
  return ip;
}

function header6(source: Buffer, target: Buffer, udp: Buffer, message: Buffer): Buffer {
  const ip = Buffer.alloc(40);
  ip[0] = 0x60;
  ip.writeUInt16BE(udp.length + message.length, 4);
  ip[6] = UDP;
  ip[7] = 64;
  source.copy(ip, 8);
  target.copy(ip, 24);
  return ip;
}

function bytes4(address: string): Buffer {
  const parts = address.split('.').map(Number);
  return Buffer.from(Array.from({ length: 4 }, (_, place) => parts[place] || 0));
}

function bytes6(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  if (!isIPv6(address)) {
    bytes.fill(0xff, 10, 12);
    bytes4(address).copy(bytes, 12);
    return bytes;
  }
  // Nothing in the runtime expands an IPv6 address; the parser of URLs turns a dotted tail into groups.
  const bare = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1);
  const [head = '', tail] = bare.split('::');
  const groups = (text: string) =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [groups(head), groups(tail ?? '')];
  left.forEach((group, place) => {
    bytes.writeUInt16BE(group, 2 * place);
  });
  right.forEach((group, place) => {
    bytes.writeUInt16BE(group, 2 * (8 - right.length + place));
  });
  return bytes;
}

/** The internet checksum (RFC 1071). */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let place = 0; place < bytes.length; place += 2) {
    sum += ((bytes[place] ?? 0) << 8) | (bytes[place + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
