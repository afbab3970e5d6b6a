/**
 * Cuts a stream into SIP messages (RFC 3261 §18.3, §7.5) and keep-alives (RFC 5626 §3.5.1).
 *
 * A stream has no message borders but Content-Length. Where that is missing or wrong, nothing that follows can be
 * trusted, so the stream is broken for good and must be closed. Every byte is looked at once, whatever the cut.
 */
import { MAX_MESSAGE_BYTES } from './limits.ts';
import type { SipError } from './result.ts';
import { latin1, readDigits } from './text.ts';

/** What a stream was cut into. */
export type Frame =
  /** One whole message, a view of bytes that the framer does not touch again. */
  | { readonly type: 'message'; readonly bytes: Uint8Array }
  /** Two line breaks: to be answered with one. The first of them was reported as a pong already. */
  | { readonly type: 'ping' }
  /** A line break. Whether it is a pong, or half a ping, or a stray one, cannot be known, and a pong must not wait. */
  | { readonly type: 'pong' }
  /** Nothing more can be read. `head` is what there is of the message, for an answer before the end. */
  | { readonly type: 'broken'; readonly error: SipError; readonly head: Uint8Array };

const LF = 0x0a;
const CR = 0x0d;
const EMPTY = new Uint8Array(0);

/** One for each stream. After a `broken` frame every further `push` gives nothing. */
export class StreamFramer {
  /** What has come and is in no frame yet: `buffer` from `start` to `end`. */
  private buffer: Uint8Array = EMPTY;
  private start = 0;
  private end = 0;
  /** How far the head has been searched, from `start`. */
  private scanned = 0;
  /** Bytes of the message being read, known once its head is complete. */
  private messageLength: number | undefined;
  /** Line breaks since the last message. */
  private lineBreaks = 0;
  /** We have sent a ping: the next line break by itself is its pong, and no half of a ping. */
  private pongDue = false;
  private broken = false;

  /** A ping of ours has gone out. Without this, the second of two pongs would make a ping of the two. */
  expectPong(): void {
    this.pongDue = true;
    this.lineBreaks = 0;
  }

  /** The frames that this chunk completes. The chunk's bytes must not be changed afterwards. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    if (this.broken || chunk.length === 0) return frames;
    this.append(chunk);
    while (!this.broken && this.step(frames));
    this.keepRest();
    return frames;
  }

  /** Takes one thing from the buffer; false when it must wait for more bytes. */
  private step(frames: Frame[]): boolean {
    if (this.messageLength === undefined) {
      if (this.scanned === 0) {
        const skipped = this.skipLineBreak(frames);
        if (skipped !== 'none') return skipped === 'skipped';
      }
      const headLength = this.findHeadEnd();
      if (headLength === undefined) {
        if (this.end - this.start > MAX_MESSAGE_BYTES) {
          this.fail(
            frames,
            'message-too-large',
            `no end of the header fields in ${MAX_MESSAGE_BYTES} bytes`,
            513,
          );
        }
        return false;
      }
      this.measure(headLength, frames);
      if (this.messageLength === undefined) return false;
    }
    if (this.end - this.start < this.messageLength) return false;
    const messageEnd = this.start + this.messageLength;
    frames.push({ type: 'message', bytes: this.buffer.subarray(this.start, messageEnd) });
    this.start = messageEnd;
    this.scanned = 0;
    this.messageLength = undefined;
    this.lineBreaks = 0;
    return true;
  }

  /** §7.5: line breaks before a message are no part of it. */
  private skipLineBreak(frames: Frame[]): 'skipped' | 'wait' | 'none' {
    if (this.start === this.end) return 'wait';
    const first = this.buffer[this.start];
    if (first === LF) {
      this.start += 1;
      return 'skipped';
    }
    if (first !== CR) return 'none';
    if (this.start + 1 === this.end) return 'wait';
    if (this.buffer[this.start + 1] !== LF) return 'none';
    // An even number is pings of the peer's: the pong is still to come.
    if (this.pongDue && this.lineBreaks % 2 === 0 && this.lineBreaksWaiting() % 2 === 1) {
      this.pongDue = false;
      this.lineBreaks = 0;
      this.start += 2;
      frames.push({ type: 'pong' });
      return 'skipped';
    }
    this.start += 2;
    this.lineBreaks += 1;
    frames.push({ type: this.lineBreaks % 2 === 0 ? 'ping' : 'pong' });
    return 'skipped';
  }

  /** How many line breaks have come before anything else. */
  private lineBreaksWaiting(): number {
    let at = this.start;
    while (at + 1 < this.end && this.buffer[at] === CR && this.buffer[at + 1] === LF) at += 2;
    return (at - this.start) / 2;
  }

  /** Length of the head with its empty line; undefined while it is not complete. */
  private findHeadEnd(): number | undefined {
    const waiting = this.buffer.subarray(this.start, this.end);
    let lineFeed = waiting.indexOf(LF, this.scanned);
    while (lineFeed !== -1) {
      const next = waiting[lineFeed + 1];
      const afterNext = waiting[lineFeed + 2];
      if (next === LF) return lineFeed + 2;
      if (next === CR && afterNext === LF) return lineFeed + 3;
      if (next === undefined || (next === CR && afterNext === undefined)) {
        this.scanned = lineFeed;
        return undefined;
      }
      lineFeed = waiting.indexOf(LF, lineFeed + 1);
    }
    this.scanned = waiting.length;
    return undefined;
  }

  /** Sets the length of the message from its head, or breaks. */
  private measure(headLength: number, frames: Frame[]): void {
    const head = latin1(this.buffer, this.start, this.start + headLength);
    const length = contentLength(head);
    if (length === 'missing') {
      this.fail(frames, 'content-length-missing', 'a message on a stream must have a Content-Length', 400);
    } else if (length === 'malformed') {
      this.fail(frames, 'content-length-malformed', 'expected digits, once', 400);
    } else if (headLength + length > MAX_MESSAGE_BYTES) {
      this.fail(frames, 'message-too-large', `more than ${MAX_MESSAGE_BYTES} bytes`, 513);
    } else {
      this.messageLength = headLength + length;
    }
  }

  private fail(frames: Frame[], code: string, detail: string, status: number): void {
    const head = this.buffer.slice(this.start, Math.min(this.end, this.start + MAX_MESSAGE_BYTES));
    frames.push({ type: 'broken', error: { code, offset: 0, status, detail }, head });
    this.broken = true;
    this.start = this.end;
  }

  /**
   * Adds a chunk. It is not copied when nothing is waiting; else the buffer grows by doubling. Only a buffer of ours
   * has room after `end`, so a chunk, and a view left over from a frame, is never written to.
   */
  private append(chunk: Uint8Array): void {
    const waiting = this.end - this.start;
    if (waiting === 0) {
      this.buffer = chunk;
      this.start = 0;
      this.end = chunk.length;
      return;
    }
    const needed = this.end + chunk.length;
    if (needed > this.buffer.length) {
      const grown = new Uint8Array(Math.max(2 * (waiting + chunk.length), this.messageLength ?? 0));
      grown.set(this.buffer.subarray(this.start, this.end));
      this.buffer = grown;
      this.start = 0;
      this.end = waiting;
    }
    this.buffer.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** Frames are views of the buffer, so what is left of one that gave a frame has no room to be written to. */
  private keepRest(): void {
    if (this.start === 0 && this.end > 0) return;
    this.buffer = this.broken ? EMPTY : this.buffer.subarray(this.start, this.end);
    this.end -= this.start;
    this.start = 0;
  }
}

/** The value of Content-Length in a whole head. Two that differ would let two elements see two messages. */
function contentLength(head: string): number | 'missing' | 'malformed' {
  let found: number | 'missing' = 'missing';
  let lineFeed = head.indexOf('\n');
  while (lineFeed !== -1) {
    const first = head.charCodeAt(lineFeed + 1) | 0x20;
    const match = first === 0x63 || first === 0x6c ? contentLengthValue(head, lineFeed + 1) : undefined;
    if (match !== undefined) {
      const length = readDigits(match);
      if (length < 0 || (found !== 'missing' && found !== length)) return 'malformed';
      found = length;
    }
    lineFeed = head.indexOf('\n', lineFeed + 1);
  }
  return found;
}

/** The trimmed value, folds included, if the field at `start` is a Content-Length. */
function contentLengthValue(head: string, start: number): string | undefined {
  const colon = head.indexOf(':', start);
  if (colon === -1 || colon - start > 32) return undefined;
  const name = head.slice(start, colon).trimEnd().toLowerCase();
  if (name !== 'content-length' && name !== 'l') return undefined;
  let end = head.indexOf('\n', colon);
  while (head[end + 1] === ' ' || head[end + 1] === '\t') end = head.indexOf('\n', end + 1);
  return head.slice(colon + 1, end).trim();
}
