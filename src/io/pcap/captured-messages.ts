/**
 * The SIP messages in a capture, over UDP and TCP, with both addresses, in the order of their times. Any port will do
 * when the bytes are SIP; on 5060 they are taken for SIP when they are not, because there they should be.
 */
import type { ObservedMessage } from '../../sip/observed-message.ts';
import { u16, u32 } from './bytes.ts';
import { type Capture, type Packet, readCapture } from './capture-file.ts';
import { type Datagram, ipReader } from './ip-packet.ts';
import { ipPacketIn } from './link-layer.ts';
import { isKeepalive, looksLikeSip } from './sip-payload.ts';
import { TcpStream } from './tcp-stream.ts';

/** What was found. */
export interface CapturedMessages {
  readonly messages: readonly ObservedMessage[];
  /** The last packet, in ms since the first. */
  readonly endMs: number;
  readonly packets: number;
  /** Sentences about what the capture does not hold. */
  readonly faults: readonly string[];
}

const TCP = 6;
const UDP = 17;
const SIP_PORT = 5060;
/** Connections that are followed; the oldest is forgotten. */
const MAX_STREAMS = 50_000;
/** The same datagram within this time was captured twice, on two interfaces. */
const TWICE_MS = 50;
const MAX_REMEMBERED = 1_000;

/** Reads a capture; undefined when it is none. */
export function capturedMessages(file: Uint8Array): CapturedMessages | undefined {
  const capture = readCapture(file);
  return capture === undefined ? undefined : messagesIn(capture);
}

function messagesIn({ packets, cut }: Capture): CapturedMessages {
  const firstMs = packets.reduce((least, { atMs }) => Math.min(least, atMs), Number.POSITIVE_INFINITY);
  const lastMs = packets.reduce((most, { atMs }) => Math.max(most, atMs), firstMs);
  const reader = new MessageReader();
  const readIp = ipReader();
  for (const { link, atMs, bytes } of packets as readonly Packet[]) {
    const packet = ipPacketIn(link, bytes);
    const datagram = packet === undefined ? undefined : readIp(packet);
    if (datagram !== undefined) reader.take(datagram, atMs - firstMs);
  }
  reader.finish(lastMs - firstMs);
  const faults = [...reader.faults(), ...(cut === undefined ? [] : [`the file is not whole: ${cut}`])];
  const messages = reader.messages.toSorted((a, b) => a.atMs - b.atMs);
  return { messages, endMs: packets.length === 0 ? 0 : lastMs - firstMs, packets: packets.length, faults };
}

/** One direction of one connection. */
interface Followed {
  readonly stream: TcpStream;
  readonly about: Pick<ObservedMessage, 'source' | 'destination'>;
}

class MessageReader {
  readonly messages: ObservedMessage[] = [];
  private readonly streams = new Map<string, Followed>();
  private readonly seen = new Map<string, number>();
  private cut = 0;

  take(datagram: Datagram, atMs: number): void {
    if (datagram.protocol === UDP) this.takeUdp(datagram, atMs);
    else if (datagram.protocol === TCP) this.takeTcp(datagram, atMs);
  }

  finish(atMs: number): void {
    for (const { stream, about } of this.streams.values()) this.add(stream.finish(), about, atMs);
  }

  /** What is missing, in words. */
  faults(): string[] {
    const gaps = [...this.streams.values()].reduce((sum, { stream }) => sum + stream.gaps, 0);
    const faults: string[] = [];
    if (this.cut > 0) {
      faults.push(`${this.cut} packets were cut off when they were captured; record with tcpdump -s 0`);
    }
    if (gaps > 0) faults.push(`TCP segments are missing in ${gaps} places; messages may be, too`);
    return faults;
  }

  private takeUdp({ payload, source, destination, missing, id }: Datagram, atMs: number): void {
    if (payload.length < 8) return;
    const [from, to, length] = [u16(payload, 0), u16(payload, 2), u16(payload, 4)];
    const bytes = payload.subarray(8, Math.max(length, 8));
    const sip = looksLikeSip(bytes) || ((from === SIP_PORT || to === SIP_PORT) && !isKeepalive(bytes));
    if (!sip) return;
    if (missing > 0) this.cut += 1;
    if (id !== 0 && this.isTwice(`${source}:${from}|${destination}:${to}|${id}|${bytes.length}`, atMs))
      return;
    this.messages.push({
      atMs,
      transport: 'udp',
      source: { address: source, port: from },
      destination: { address: destination, port: to },
      ...(missing > 0 ? { missing } : undefined),
      bytes,
    });
  }

  private takeTcp({ payload, source, destination, missing }: Datagram, atMs: number): void {
    const headerLength = ((payload[12] ?? 0) >> 4) * 4;
    if (headerLength < 20 || payload.length < headerLength) return;
    const [from, to, flags] = [u16(payload, 0), u16(payload, 2), payload[13] ?? 0];
    const key = `${source}:${from}|${destination}:${to}`;
    const known = this.streams.get(key);
    const bytes = payload.subarray(headerLength);
    // A connection that carries anything else is not worth remembering.
    if (known === undefined && !looksLikeSip(bytes)) return;
    const about = {
      source: { address: source, port: from },
      destination: { address: destination, port: to },
    };
    const followed = known ?? { stream: new TcpStream(), about };
    if (known === undefined) this.streams.set(key, followed);
    const [oldest] = this.streams.keys();
    if (this.streams.size > MAX_STREAMS && oldest !== undefined) this.streams.delete(oldest);
    if (missing > 0) this.cut += 1;
    const segment = { sequence: u32(payload, 4), payload: bytes, syn: (flags & 0x02) !== 0 };
    this.add(followed.stream.push(segment), about, atMs);
  }

  private add(
    found: ReturnType<TcpStream['push']>,
    about: Pick<ObservedMessage, 'source' | 'destination'>,
    atMs: number,
  ): void {
    for (const { bytes, error } of found) {
      this.messages.push({
        atMs,
        transport: 'tcp',
        ...about,
        bytes,
        ...(error === undefined ? undefined : { error }),
      });
    }
  }

  private isTwice(key: string, atMs: number): boolean {
    const lastMs = this.seen.get(key);
    this.seen.delete(key);
    this.seen.set(key, atMs);
    const [oldest] = this.seen.keys();
    if (this.seen.size > MAX_REMEMBERED && oldest !== undefined) this.seen.delete(oldest);
    return lastMs !== undefined && atMs - lastMs <= TWICE_MS;
  }
}
