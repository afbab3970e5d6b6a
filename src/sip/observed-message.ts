/**
 * A message that was seen on its way between two others: in a capture, or in a file of raw messages. It is read by the
 * same parser as one of our own (RFC 3261 §7), and its event is the same.
 */
import { maskCredentials } from '../auth/mask.ts';
import { type CoreHeaders, readCoreHeaders } from './core-headers.ts';
import { formatAddress, type SocketAddress, type Transport } from './flow.ts';
import { type SipMessage, startLine } from './message.ts';
import { parseMessage } from './parse-message.ts';
import type { SipError } from './result.ts';
import { displayText, latin1 } from './text.ts';
import type { Turn } from './turn.ts';

/** As it was seen. What a file does not say is absent. */
export interface ObservedMessage {
  /** Since the first one. */
  readonly atMs: number;
  readonly transport: Transport;
  readonly source?: SocketAddress;
  readonly destination?: SocketAddress;
  /** From the view of whoever wrote the file. */
  readonly direction?: Direction;
  readonly bytes: Uint8Array;
  /** Bytes of it that a capture left out. */
  readonly missing?: number;
  /** Why nobody knows where it ends: it broke its stream (§18.3). */
  readonly error?: SipError;
}

/** From the view of the one whose story is told. */
export type Direction = 'sent' | 'received';

/** One that could be read. */
export interface ReadMessage extends ObservedMessage {
  readonly message: SipMessage;
  readonly core: CoreHeaders;
}

/** Reads it, or says what is wrong with it. */
export function readObserved(observed: ObservedMessage): ReadMessage | SipError {
  if (observed.error !== undefined) return observed.error;
  const { missing = 0 } = observed;
  // What a capture left out of the body was there: its head can be understood all the same.
  const parsed = parseMessage(missing === 0 ? observed.bytes : padded(observed.bytes, missing));
  if (!parsed.ok) return parsed.error;
  const core = readCoreHeaders(parsed.value, parsed.text);
  return core.ok ? { ...observed, message: parsed.value, core: core.value } : core.error;
}

function padded(bytes: Uint8Array, missing: number): Uint8Array {
  const whole = new Uint8Array(bytes.length + missing).fill(0x20);
  whole.set(bytes);
  return whole;
}

/** The other direction. */
export function opposite(direction: Direction): Direction {
  return direction === 'sent' ? 'received' : 'sent';
}

/** `sip.sent` or `sip.received`, as a run of our own would have said it. */
export function reportObserved(turn: Turn, read: ReadMessage, direction: Direction, call?: string): void {
  const { message, core, bytes, transport } = read;
  turn.emit({
    type: direction === 'sent' ? 'sip.sent' : 'sip.received',
    transport,
    remote: remoteOf(read, direction),
    startLine: displayText(startLine(message)),
    callId: core.callId,
    cseq: `${core.cseq.number} ${core.cseq.method}`,
    bytes: bytes.length,
    ...(call === undefined ? undefined : { call }),
    ...(core.via.branch === undefined ? undefined : { branch: core.via.branch }),
    raw: maskCredentials(latin1(bytes)),
  });
}

/** The other side, where it is known. */
export function remoteOf({ source, destination }: ObservedMessage, direction: Direction): string {
  const remote = direction === 'sent' ? destination : source;
  return remote === undefined ? 'unknown' : formatAddress(remote);
}
