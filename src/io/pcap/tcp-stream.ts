/**
 * One direction of a TCP connection (RFC 9293) as it was captured: segments put in order, what came twice dropped, and
 * cut into SIP messages by the framer of our own streams.
 *
 * A capture may begin in the middle, or miss a segment. Then nothing is known until a segment starts with a message
 * again, which most do.
 */
import type { SipError } from '../../sip/result.ts';
import { StreamFramer } from '../../sip/stream-framing.ts';
import { looksLikeSip } from './sip-payload.ts';

/** A message, with what is wrong when the stream cannot be read further. */
export interface StreamMessage {
  readonly bytes: Uint8Array;
  readonly error?: SipError;
}

/** One segment. */
export interface Segment {
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly syn: boolean;
}

/** Segments that wait for one before them, and their bytes. Beyond that the one before is given up. */
const MAX_WAITING = 256;
const MAX_WAITING_BYTES = 1_048_576;

export class TcpStream {
  /** Places where segments are missing. */
  gaps = 0;
  private framer = new StreamFramer();
  /** What comes next; undefined until a message was seen to start. */
  private next: number | undefined;
  private waiting: Segment[] = [];
  private waitingBytes = 0;

  /** The messages that this segment completes. */
  push(segment: Segment): StreamMessage[] {
    const { sequence, payload, syn } = segment;
    if (syn) {
      this.restart((sequence + 1) >>> 0);
      return [];
    }
    if (payload.length === 0) return [];
    if (this.next === undefined) {
      if (!looksLikeSip(payload)) return [];
      this.restart(sequence);
    }
    this.waiting.push(segment);
    this.waitingBytes += payload.length;
    const messages = this.drain();
    if (this.waiting.length <= MAX_WAITING && this.waitingBytes <= MAX_WAITING_BYTES) return messages;
    return [...messages, ...this.skipGap()];
  }

  /** What can still be read when nothing more comes. */
  finish(): StreamMessage[] {
    const messages: StreamMessage[] = [];
    while (this.waiting.length > 0) messages.push(...this.skipGap());
    return messages;
  }

  private restart(next: number): void {
    this.framer = new StreamFramer();
    this.next = next;
    this.waiting = [];
    this.waitingBytes = 0;
  }

  /** Hands on everything that is in order. */
  private drain(): StreamMessage[] {
    const messages: StreamMessage[] = [];
    for (let index = this.inOrder(); index !== -1; index = this.inOrder()) {
      const [segment] = this.waiting.splice(index, 1);
      if (segment === undefined || this.next === undefined) break;
      this.waitingBytes -= segment.payload.length;
      const behind = distance(segment.sequence, this.next);
      const fresh = segment.payload.subarray(behind);
      if (fresh.length === 0) continue;
      this.next = (this.next + fresh.length) >>> 0;
      messages.push(...this.frames(fresh));
    }
    return messages;
  }

  /** A segment that starts at, or before, what comes next. */
  private inOrder(): number {
    const { next } = this;
    return next === undefined ? -1 : this.waiting.findIndex(({ sequence }) => distance(sequence, next) >= 0);
  }

  /** Gives up what is missing: goes on at the next segment that starts with a message. */
  private skipGap(): StreamMessage[] {
    this.gaps += 1;
    const { next = 0 } = this;
    const later = this.waiting.toSorted((a, b) => distance(next, a.sequence) - distance(next, b.sequence));
    const at = later.findIndex(({ payload }) => looksLikeSip(payload));
    const [first] = at === -1 ? [] : later.slice(at);
    if (first === undefined) {
      this.next = undefined;
      this.waiting = [];
      this.waitingBytes = 0;
      return [];
    }
    this.restart(first.sequence);
    this.waiting = later.slice(at);
    this.waitingBytes = this.waiting.reduce((sum, { payload }) => sum + payload.length, 0);
    return this.drain();
  }

  private frames(bytes: Uint8Array): StreamMessage[] {
    return this.framer.push(bytes).flatMap((frame): StreamMessage[] => {
      if (frame.type === 'message') return [{ bytes: frame.bytes }];
      return frame.type === 'broken' && looksLikeSip(frame.head)
        ? [{ bytes: frame.head, error: frame.error }]
        : [];
    });
  }
}

/** How far `to` is behind `from`, negative when it is before; sequence numbers wrap at 2^32. */
function distance(from: number, to: number): number {
  return (to - from) | 0;
}
