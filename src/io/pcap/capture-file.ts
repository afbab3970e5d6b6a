/**
 * Packets out of a capture file: pcap (draft-ietf-opsawg-pcap) in both byte orders and both resolutions, and pcapng
 * (draft-ietf-opsawg-pcapng) with any number of sections and interfaces.
 *
 * Our own, because the packages for it are unmaintained, read one of the two formats, or need libpcap.
 */
import { BIG, LITTLE, type Order } from './bytes.ts';

/** One packet as it was captured. */
export interface Packet {
  /** LINKTYPE_ value (tcpdump.org/linktypes). */
  readonly link: number;
  /** Since some epoch, in ms. */
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** What a file holds. `cut`: in words, why it does not end where it should. */
export interface Capture {
  readonly packets: readonly Packet[];
  readonly cut?: string;
}

/** Packets of one file; the rest is not read. */
const MAX_PACKETS = 5_000_000;

const PCAP_HEADER = 24;
const PCAP_RECORD = 16;
const SECTION_HEADER = 0x0a0d0d0a;
const BYTE_ORDER = 0x1a2b3c4d;
const INTERFACE = 1;
const OLD_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

/** Reads it as far as it goes; undefined when it is neither format. */
export function readCapture(file: Uint8Array): Capture | undefined {
  if (BIG.u32(file, 0) === SECTION_HEADER) return readBlocks(file);
  const format = pcapFormat(file);
  return format === undefined ? undefined : readRecords(file, format);
}

interface PcapFormat {
  readonly order: Order;
  /** Units of the fraction in one ms. */
  readonly perMs: number;
}

function pcapFormat(file: Uint8Array): PcapFormat | undefined {
  for (const order of [BIG, LITTLE]) {
    const magic = order.u32(file, 0);
    if (magic === 0xa1b2c3d4) return { order, perMs: 1_000 };
    if (magic === 0xa1b23c4d) return { order, perMs: 1_000_000 };
  }
  return undefined;
}

function readRecords(file: Uint8Array, { order, perMs }: PcapFormat): Capture {
  const packets: Packet[] = [];
  // The upper bits say how long the frame check sequence is.
  const link = order.u32(file, 20) & 0x0fff_ffff;
  let at = PCAP_HEADER;
  while (at < file.length && packets.length < MAX_PACKETS) {
    const length = order.u32(file, at + 8);
    const start = at + PCAP_RECORD;
    if (start + length > file.length) return { packets, cut: `packet ${packets.length + 1} breaks off` };
    const atMs = order.u32(file, at) * 1000 + order.u32(file, at + 4) / perMs;
    packets.push({ link, atMs, bytes: file.subarray(start, start + length) });
    at = start + length;
  }
  return { packets };
}

interface Interface {
  readonly link: number;
  /** Units of a time stamp in one ms. */
  readonly perMs: number;
  readonly offsetMs: number;
}

function readBlocks(file: Uint8Array): Capture {
  const packets: Packet[] = [];
  let order: Order = LITTLE;
  let interfaces: Interface[] = [];
  let at = 0;
  while (at < file.length && packets.length < MAX_PACKETS) {
    const type = BIG.u32(file, at) === SECTION_HEADER ? SECTION_HEADER : order.u32(file, at);
    if (type === SECTION_HEADER) {
      order = BIG.u32(file, at + 8) === BYTE_ORDER ? BIG : LITTLE;
      if (order.u32(file, at + 8) !== BYTE_ORDER) return { packets, cut: `byte ${at} starts no section` };
      interfaces = [];
    }
    const length = order.u32(file, at + 4);
    if (length < 12 || length % 4 !== 0 || at + length > file.length) {
      return { packets, cut: `the block at byte ${at} breaks off` };
    }
    const block = file.subarray(at, at + length);
    if (type === INTERFACE) interfaces.push(readInterface(block, order));
    else {
      const packet = readPacket(type, block, order, interfaces, packets.at(-1)?.atMs ?? 0);
      if (packet !== undefined) packets.push(packet);
    }
    at += length;
  }
  return { packets };
}

/** Its link type, and the options 9 (if_tsresol) and 14 (if_tsoffset). */
function readInterface(block: Uint8Array, order: Order): Interface {
  let perMs = 1_000;
  let offsetMs = 0;
  let at = 16;
  while (at + 4 <= block.length - 4) {
    const code = order.u16(block, at);
    const length = order.u16(block, at + 2);
    if (code === 0) break;
    if (code === 9) {
      const resolution = block[at + 4] ?? 6;
      const exponent = resolution & 0x7f;
      perMs = resolution & 0x80 ? 2 ** exponent / 1000 : 10 ** (exponent - 3);
    } else if (code === 14) {
      const low = order.u32(block, at + (order === BIG ? 8 : 4));
      offsetMs = low * 1000;
    }
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return { link: order.u16(block, 8), perMs, offsetMs };
}

function readPacket(
  type: number,
  block: Uint8Array,
  order: Order,
  interfaces: readonly Interface[],
  lastMs: number,
): Packet | undefined {
  if (type === SIMPLE_PACKET) {
    const known = interfaces[0];
    const length = Math.min(order.u32(block, 8), block.length - 16);
    // It has no time; that of the one before is the best guess.
    return known && { link: known.link, atMs: lastMs, bytes: block.subarray(12, 12 + length) };
  }
  if (type !== ENHANCED_PACKET && type !== OLD_PACKET) return undefined;
  const known = interfaces[type === ENHANCED_PACKET ? order.u32(block, 8) : order.u16(block, 8)];
  const length = order.u32(block, 20);
  if (known === undefined || 28 + length > block.length - 4) return undefined;
  const { link, perMs, offsetMs } = known;
  const atMs = (order.u32(block, 12) * 0x1_0000_0000) / perMs + order.u32(block, 16) / perMs + offsetMs;
  return { link, atMs, bytes: block.subarray(28, 28 + length) };
}
