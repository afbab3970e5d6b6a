/**
 * Captures for tests: pcap and pcapng files around frames that are made by hand, so that every link type, byte order
 * and cut can be had without a machine that has it. Nothing outside the tests imports it.
 */
import { Buffer } from 'node:buffer';

/** A frame and its time, in ms. */
export interface Frame {
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** UDP in IPv4. */
export function udp4(from: string, to: string, payload: Uint8Array, id = 0): Buffer {
  return ipv4(17, from, to, udp(from, to, payload), id);
}

/** UDP in IPv6, with a hop-by-hop header before it. */
export function udp6(from: string, to: string, payload: Uint8Array): Buffer {
  const datagram = udp(from, to, payload);
  const header = Buffer.alloc(48);
  header[0] = 0x60;
  header.writeUInt16BE(datagram.length + 8, 4);
  header[6] = 0;
  header[40] = 17;
  addressOf(from).copy(header, 8);
  addressOf(to).copy(header, 24);
  return Buffer.concat([header, datagram]);
}

/** One TCP segment in IPv4. */
export function tcp4(from: string, to: string, sequence: number, payload: Uint8Array, flags = 0x18): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(portOf(from), 0);
  header.writeUInt16BE(portOf(to), 2);
  header.writeUInt32BE(sequence >>> 0, 4);
  header[12] = 0x50;
  header[13] = flags;
  return ipv4(6, from, to, Buffer.concat([header, payload]));
}

/** The same packet in pieces of at most `size` bytes, a multiple of 8. */
export function fragmented(packet: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  const payload = packet.subarray(20);
  for (let at = 0; at < payload.length; at += size) {
    const part = payload.subarray(at, at + size);
    const header = Buffer.from(packet.subarray(0, 20));
    const more = at + size < payload.length ? 0x2000 : 0;
    header.writeUInt16BE(20 + part.length, 2);
    header.writeUInt16BE(more | (at / 8), 6);
    pieces.push(Buffer.concat([header, part]));
  }
  return pieces;
}

/** An Ethernet frame around a packet, with VLAN tags when they are given. */
export function ethernet(packet: Buffer, ...tags: readonly number[]): Buffer {
  const type = (packet[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800;
  const tagged = tags.flatMap((tag) => [tag >> 8, tag & 0xff, 0, 7]);
  return Buffer.concat([Buffer.alloc(12), Buffer.from([...tagged, type >> 8, type & 0xff]), packet]);
}

/** A pcap file. */
export function pcap(
  link: number,
  frames: readonly Frame[],
  { big = false, nanoseconds = false }: { readonly big?: boolean; readonly nanoseconds?: boolean } = {},
): Buffer {
  const word = words(big);
  const head = [nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 0x0004_0002, 0, 0, 65_535, link].map(word);
  const perMs = nanoseconds ? 1_000_000 : 1_000;
  const records = frames.flatMap(({ atMs, bytes }) => [
    ...[Math.floor(atMs / 1000), Math.round((atMs % 1000) * perMs), bytes.length, bytes.length].map(word),
    bytes,
  ]);
  return Buffer.concat([...head, ...records]);
}

/** A pcapng file with one interface, times in microseconds. */
export function pcapng(link: number, frames: readonly Frame[], big = false): Buffer {
  const word = words(big);
  const block = (type: number, ...parts: readonly Uint8Array[]) => {
    const body = Buffer.concat(parts);
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    const length = word(padded.length + 12);
    return Buffer.concat([word(type), length, padded, length]);
  };
  const section = block(0x0a0d0d0a, word(0x1a2b3c4d), word(1), word(0xffffffff), word(0xffffffff));
  const description = block(1, big ? Buffer.concat([half(link, big), half(0, big)]) : word(link), word(0));
  const packets = frames.map(({ atMs, bytes }) => {
    const units = Math.round(atMs * 1000);
    const [high, low] = [Math.floor(units / 2 ** 32), units % 2 ** 32];
    return block(6, word(0), word(high), word(low), word(bytes.length), word(bytes.length), bytes);
  });
  return Buffer.concat([section, description, ...packets]);
}

function half(value: number, big: boolean): Buffer {
  const bytes = Buffer.alloc(2);
  if (big) bytes.writeUInt16BE(value);
  else bytes.writeUInt16LE(value);
  return bytes;
}

function words(big: boolean): (value: number) => Buffer {
  return (value) => {
    const bytes = Buffer.alloc(4);
    if (big) bytes.writeUInt32BE(value >>> 0);
    else bytes.writeUInt32LE(value >>> 0);
    return bytes;
  };
}

function ipv4(protocol: number, from: string, to: string, payload: Uint8Array, id = 0): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(id, 4);
  header[9] = protocol;
  addressOf(from).copy(header, 12);
  addressOf(to).copy(header, 16);
  return Buffer.concat([header, payload]);
}

function udp(from: string, to: string, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(portOf(from), 0);
  header.writeUInt16BE(portOf(to), 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** "192.0.2.1:5060", "[2001:db8:0:0:0:0:0:1]:5060" with all eight words. */
function addressOf(text: string): Buffer {
  const host = text.slice(0, text.lastIndexOf(':'));
  if (!host.startsWith('[')) return Buffer.from(host.split('.').map(Number));
  const numbers = host
    .slice(1, -1)
    .split(':')
    .map((part) => Number.parseInt(part, 16));
  return Buffer.from(numbers.flatMap((number) => [number >> 8, number & 0xff]));
}

function portOf(text: string): number {
  return Number(text.slice(text.lastIndexOf(':') + 1));
}
