/**
 * What comes to an RTP port before the media thread is told of its call: a second of a few streams.
 *
 * Why they are held: a phone behind a NAT shows where it is with its first packet, and that is often quicker than the
 * 200 that opens the call. Why the time a stream began is held as well: one that was there before the port was told to
 * anybody is not the call's, however well it looks (latch.ts). Why a second, and no number of packets: how many come
 * meanwhile is a matter of how busy the machine is, and no audio of the call's may be lost for that.
 */
import { RESTART_SILENCE_MS, type Stream } from '../rtp/latch.ts';
import { RTP_HEADER_BYTES, readSsrc } from '../rtp/rtp-packet.ts';
import type { MediaAddress } from '../rtp/session.ts';
import { EARLY_PACKET_BYTES, MAX_EARLY_BYTES, MAX_EARLY_MS, MAX_EARLY_STREAMS } from '../sip/limits.ts';

/** A packet that came before its call. */
export interface EarlyPacket extends MediaAddress {
  readonly bytes: Buffer;
  readonly atMs: number;
}

interface EarlyStream extends Stream {
  readonly firstMs: number;
  lastMs: number;
  /** The newest last. */
  readonly packets: EarlyPacket[];
  /** Of those together, as `cost` has it. */
  bytes: number;
}

/** What one port has heard while it served no call; the stream that was heard longest ago comes first. */
export type EarlyPackets = EarlyStream[];

/** Holds one packet, and forgets what there is no room for. */
export function holdEarly(
  early: EarlyPackets,
  bytes: Buffer,
  port: number,
  address: string,
  nowMs: number,
): void {
  if (bytes.length < RTP_HEADER_BYTES) return;
  const ssrc = readSsrc(bytes);
  const found = early.findIndex(
    (each) => each.ssrc === ssrc && each.port === port && each.address === address,
  );
  const [before] = found < 0 ? [] : early.splice(found, 1);
  // After a pause it is a new stream: a phone may call twice with the same numbers.
  const goesOn = before !== undefined && nowMs - before.lastMs < RESTART_SILENCE_MS;
  const stream = goesOn
    ? before
    : { ssrc, port, address, firstMs: nowMs, lastMs: nowMs, packets: [], bytes: 0 };
  stream.lastMs = nowMs;
  stream.packets.push({ bytes: Buffer.from(bytes), port, address, atMs: nowMs });
  stream.bytes += cost(bytes);
  makeRoom(stream, nowMs);
  if (early.length === MAX_EARLY_STREAMS) early.shift();
  early.push(stream);
}

/** Forgets what is too old, and the oldest when it is too much. */
function makeRoom(stream: EarlyStream, nowMs: number): void {
  const { packets } = stream;
  for (let [oldest] = packets; oldest !== undefined; [oldest] = packets) {
    if (stream.bytes <= MAX_EARLY_BYTES && nowMs - oldest.atMs < MAX_EARLY_MS) return;
    stream.bytes -= cost(oldest.bytes);
    packets.shift();
  }
}

/** What a packet counts for: one of nothing but a header takes as much memory of ours as one with some audio. */
function cost({ length }: Buffer): number {
  return Math.max(length, EARLY_PACKET_BYTES);
}

const NOTHING = { packets: [], strangers: [] } as const;

/**
 * Empties it for a call whose port was told at `toldMs`: the packets that may be the call's, those of the negotiated
 * address first, and the streams that cannot be.
 */
export function takeEarly(
  early: EarlyPackets,
  toldMs: number,
  negotiated: MediaAddress | undefined,
): { readonly packets: readonly EarlyPacket[]; readonly strangers: readonly Stream[] } {
  if (early.length === 0) return NOTHING;
  const lately = early.splice(0).filter(({ lastMs }) => lastMs >= toldMs - RESTART_SILENCE_MS);
  const isNegotiated = ({ address, port }: MediaAddress) =>
    address === negotiated?.address && port === negotiated.port;
  const strangers = lately.filter((stream) => stream.firstMs < toldMs);
  const packets = lately
    .filter((stream) => stream.firstMs >= toldMs || isNegotiated(stream))
    .flatMap((stream) => stream.packets)
    .filter(({ atMs }) => atMs >= toldMs)
    .sort((a, b) => Number(isNegotiated(b)) - Number(isNegotiated(a)) || a.atMs - b.atMs);
  return { packets, strangers };
}
