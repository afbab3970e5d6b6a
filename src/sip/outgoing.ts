/**
 * A message that leaves, and the event of it (RFC 3261 §18.1.1, §18.2.2): what received.ts is for those that come.
 *
 * What the event says of a message is handed along while it is known. A transaction that waits keeps the bytes alone:
 * a repetition that somebody wants to see is read like a message of somebody else's.
 */
import { maskCredentials } from '../auth/mask.ts';
import type { EventOf } from '../events.ts';
import { type CoreHeaders, readCoreHeaders } from './core-headers.ts';
import type { CSeq } from './cseq.ts';
import { type Flow, formatAddress } from './flow.ts';
import type { SipMessage } from './message.ts';
import { parseMessage } from './parse-message.ts';
import { serialize } from './serialize-message.ts';
import { latin1 } from './text.ts';
import type { Turn } from './turn.ts';

/** A message ready to leave, with what its event says of it. */
export interface Outgoing {
  readonly bytes: Uint8Array;
  readonly callId: string;
  /** As text where it could not be read. */
  readonly cseq: CSeq | string;
  readonly branch: string | undefined;
}

/** Serializes a message once, for as many transmissions as it takes. */
export function outgoing(
  message: SipMessage,
  callId: string,
  cseq: CSeq | string,
  branch: string | undefined,
): Outgoing {
  return { bytes: serialize(message), callId, cseq, branch };
}

/** The same of bytes that a transaction holds; `core` is of its request, undefined when nothing of that is left. */
export function outgoingBytes(bytes: Uint8Array, core = coreOf(bytes)): Outgoing {
  return { bytes, callId: core?.callId ?? '', cseq: core?.cseq ?? '', branch: core?.via.branch };
}

/** What a message of ours says of itself. */
function coreOf(bytes: Uint8Array): CoreHeaders | undefined {
  const parsed = parseMessage(bytes);
  const core = parsed.ok ? readCoreHeaders(parsed.value, parsed.text) : parsed;
  return core.ok ? core.value : undefined;
}

/** Says that it was sent. `raw` is there when it was asked for, credentials masked. */
export function reportSent(
  turn: Turn,
  flow: Flow,
  message: Outgoing,
  call: string | undefined,
  rawMessages: boolean,
): void {
  if (!turn.wants('sip.sent')) return;
  const { bytes, cseq, branch } = message;
  const event: EventOf<'sip.sent'> = {
    type: 'sip.sent',
    transport: flow.transport,
    remote: formatAddress(flow.remote),
    startLine: latin1(bytes, 0, bytes.indexOf(CR)),
    callId: message.callId,
    cseq: typeof cseq === 'string' ? cseq : `${cseq.number} ${cseq.method}`,
    bytes: bytes.length,
  };
  if (call !== undefined) event.call = call;
  if (branch !== undefined) event.branch = branch;
  if (rawMessages) event.raw = maskCredentials(latin1(bytes));
  turn.emit(event);
}

const CR = 0x0d;
