/**
 * RTCP compound packets, read and written (RFC 3550 §6): SR, RR, SDES CNAME and BYE; other types are skipped.
 *
 * Why reading is all or nothing: a compound whose lengths do not add up to the datagram is damage or no RTCP at
 * all (§A.2), and half a report is worse than none.
 */
import { readUint16, readUint32, writeUint32 } from './rtp-packet.ts';

/** Room for anything that `writeRtcp` writes, in bytes: SR with one block, SDES with the longest CNAME, BYE. */
export const MAX_RTCP_BYTES = 328;
/** Packets read from one compound; a longer one is no RTCP. */
export const MAX_RTCP_PACKETS = 32;

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const GOODBYE = 203;
const CNAME = 1;
const BLOCK_BYTES = 24;
/** Seconds between the NTP epoch, 1900, and the Unix epoch. */
const NTP_EPOCH_S = 2_208_988_800;

/** What a receiver says about one source (§6.4.1). */
export interface ReportBlock {
  /** The source it is about. */
  readonly ssrc: number;
  /** Of 256, since the last report. */
  readonly fractionLost: number;
  /** Since the start, −2²³ to 2²³ − 1; duplicates can make it negative. */
  readonly cumulativeLost: number;
  readonly extendedHighest: number;
  /** In units of the source's clock. */
  readonly jitter: number;
  /** The middle 32 bits of the NTP time in the last SR from that source, 0 when there was none. */
  readonly lastSenderReport: number;
  /** Since that SR came, in 1/65536 s. */
  readonly delaySinceLastSenderReport: number;
}

/** What a sender says about its own stream (§6.4.1). */
export interface SenderInfo {
  /** The middle 32 bits of its NTP time. */
  readonly ntpMiddle: number;
  readonly rtpTimestamp: number;
  readonly packets: number;
  readonly payloadBytes: number;
}

/** What one compound packet said. */
export interface RtcpCompound {
  /** Who wrote its first report. */
  readonly ssrc: number;
  readonly sender?: SenderInfo;
  readonly blocks: readonly ReportBlock[];
  readonly cname?: string;
  /** The sources that left. */
  readonly byes: readonly number[];
}

/** Reads one datagram; undefined when it is no valid compound (§A.2). */
export function parseRtcp(bytes: Uint8Array, length: number): RtcpCompound | undefined {
  if (length < 8 || !isCompound(bytes, length)) return undefined;
  const blocks: ReportBlock[] = [];
  const byes: number[] = [];
  let sender: SenderInfo | undefined;
  let cname: string | undefined;
  for (let offset = 0; offset < length; ) {
    const type = bytes[offset + 1] as number;
    const count = (bytes[offset] as number) & 0x1f;
    const end = offset + 4 + readUint16(bytes, offset + 2) * 4;
    if (type === SENDER_REPORT || type === RECEIVER_REPORT) {
      const first = offset + (type === SENDER_REPORT ? 28 : 8);
      if (first + count * BLOCK_BYTES > end) return undefined;
      if (type === SENDER_REPORT) sender = readSenderInfo(bytes, offset + 8);
      for (let i = 0; i < count; i++) blocks.push(readBlock(bytes, first + i * BLOCK_BYTES));
    } else if (type === SOURCE_DESCRIPTION && count > 0) {
      cname ??= readCname(bytes, offset + 8, end);
    } else if (type === GOODBYE) {
      if (offset + 4 + count * 4 > end) return undefined;
      for (let i = 0; i < count; i++) byes.push(readUint32(bytes, offset + 4 + i * 4));
    }
    offset = end;
  }
  const compound = { ssrc: readUint32(bytes, 4), blocks, byes };
  return {
    ...compound,
    ...(sender === undefined ? {} : { sender }),
    ...(cname === undefined ? {} : { cname }),
  };
}

/** §A.2: version 2 throughout, a report first and without padding, lengths that add up to the datagram. */
function isCompound(bytes: Uint8Array, length: number): boolean {
  const first = bytes[1] as number;
  if (first !== SENDER_REPORT && first !== RECEIVER_REPORT) return false;
  if (((bytes[0] as number) & 0x20) !== 0) return false;
  let offset = 0;
  for (let packets = 0; offset < length; packets++) {
    if (packets === MAX_RTCP_PACKETS || offset + 4 > length) return false;
    if (((bytes[offset] as number) & 0xc0) !== 0x80) return false;
    offset += 4 + readUint16(bytes, offset + 2) * 4;
  }
  return offset === length;
}

function readSenderInfo(bytes: Uint8Array, offset: number): SenderInfo {
  return {
    ntpMiddle: readUint32(bytes, offset + 2),
    rtpTimestamp: readUint32(bytes, offset + 8),
    packets: readUint32(bytes, offset + 12),
    payloadBytes: readUint32(bytes, offset + 16),
  };
}

function readBlock(bytes: Uint8Array, offset: number): ReportBlock {
  const loss = readUint32(bytes, offset + 4);
  return {
    ssrc: readUint32(bytes, offset),
    fractionLost: loss >>> 24,
    cumulativeLost: (loss << 8) >> 8,
    extendedHighest: readUint32(bytes, offset + 8),
    jitter: readUint32(bytes, offset + 12),
    lastSenderReport: readUint32(bytes, offset + 16),
    delaySinceLastSenderReport: readUint32(bytes, offset + 20),
  };
}

/** The CNAME among the items of one chunk (§6.5), which start at `offset`. */
function readCname(bytes: Uint8Array, offset: number, end: number): string | undefined {
  for (let item = offset; item + 2 <= end && bytes[item] !== 0; ) {
    const next = item + 2 + (bytes[item + 1] as number);
    if (next > end) return undefined;
    if (bytes[item] === CNAME) return new TextDecoder().decode(bytes.subarray(item + 2, next));
    item = next;
  }
  return undefined;
}

/** What `writeRtcp` is to say. */
export interface RtcpReport {
  /** Ours. */
  readonly ssrc: number;
  readonly cname: string;
  /** Wall time, ms since 1970, for the NTP time of an SR. */
  readonly unixMs: number;
  /** Present when we have sent lately: an SR, or else an RR. */
  readonly sender?: Omit<SenderInfo, 'ntpMiddle'>;
  readonly block?: ReportBlock;
  /** We leave (§6.6). */
  readonly bye: boolean;
}

/** Writes one compound: SR or RR, SDES CNAME, and BYE when we leave. `bytes` holds MAX_RTCP_BYTES. Returns its length. */
export function writeRtcp(bytes: Uint8Array, report: RtcpReport): number {
  const { sender, block } = report;
  let offset = 8;
  if (sender !== undefined) {
    const seconds = report.unixMs / 1000 + NTP_EPOCH_S;
    writeUint32(bytes, 8, Math.floor(seconds));
    writeUint32(bytes, 12, Math.floor((seconds % 1) * 0x1_0000_0000));
    writeUint32(bytes, 16, sender.rtpTimestamp);
    writeUint32(bytes, 20, sender.packets);
    writeUint32(bytes, 24, sender.payloadBytes);
    offset = 28;
  }
  if (block !== undefined) offset = writeBlock(bytes, offset, block);
  writeHeader(
    bytes,
    0,
    block === undefined ? 0 : 1,
    sender === undefined ? RECEIVER_REPORT : SENDER_REPORT,
    offset,
  );
  writeUint32(bytes, 4, report.ssrc);
  offset = writeCname(bytes, offset, report.ssrc, report.cname);
  if (!report.bye) return offset;
  writeHeader(bytes, offset, 1, GOODBYE, 8);
  writeUint32(bytes, offset + 4, report.ssrc);
  return offset + 8;
}

function writeHeader(bytes: Uint8Array, offset: number, count: number, type: number, length: number): void {
  writeUint32(bytes, offset, (0x80 << 24) | (count << 24) | (type << 16) | (length / 4 - 1));
}

function writeBlock(bytes: Uint8Array, offset: number, block: ReportBlock): number {
  writeUint32(bytes, offset, block.ssrc);
  writeUint32(bytes, offset + 4, (block.fractionLost << 24) | (block.cumulativeLost & 0xff_ffff));
  writeUint32(bytes, offset + 8, block.extendedHighest);
  writeUint32(bytes, offset + 12, block.jitter);
  writeUint32(bytes, offset + 16, block.lastSenderReport);
  writeUint32(bytes, offset + 20, block.delaySinceLastSenderReport);
  return offset + BLOCK_BYTES;
}

/** One chunk with one item, closed by at least one null and filled up to 32 bits (§6.5). */
function writeCname(bytes: Uint8Array, offset: number, ssrc: number, cname: string): number {
  const text = new TextEncoder().encode(cname).subarray(0, 255);
  const length = (8 + 2 + text.length + 1 + 3) & ~3;
  bytes.fill(0, offset, offset + length);
  writeHeader(bytes, offset, 1, SOURCE_DESCRIPTION, length);
  writeUint32(bytes, offset + 4, ssrc);
  bytes[offset + 8] = CNAME;
  bytes[offset + 9] = text.length;
  bytes.set(text, offset + 10);
  return offset + length;
}

/** The middle 32 bits of the NTP time, in 1/65536 s (§4). */
export function ntpMiddle(unixMs: number): number {
  return Math.floor(((unixMs / 1000 + NTP_EPOCH_S) % 0x1_0000) * 0x1_0000) >>> 0;
}

/** The round trip that a block about us shows (§6.4.1), in ms; undefined when it has had no SR, or its clock jumped. */
export function roundTripMs(block: ReportBlock, unixMs: number): number | undefined {
  if (block.lastSenderReport === 0) return undefined;
  const units = (ntpMiddle(unixMs) - block.lastSenderReport - block.delaySinceLastSenderReport) | 0;
  return units < 0 ? undefined : (units * 1000) / 0x1_0000;
}
