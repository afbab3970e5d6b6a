/** The events of what was received: a message, bytes that are none, a response that nobody waits for. */
import { maskCredentials } from '../auth/mask.ts';
import type { EventOf } from '../events.ts';
import type { CoreHeaders } from './core-headers.ts';
import { type Flow, formatAddress } from './flow.ts';
import { field, type SipMessage, type SipResponse, startLine } from './message.ts';
import type { SipError } from './result.ts';
import { displayText, latin1 } from './text.ts';
import type { Turn } from './turn.ts';

/** One message that could be read. `raw` is there when it was asked for, credentials masked. */
export function reportReceived(
  turn: Turn,
  flow: Flow,
  bytes: Uint8Array,
  message: SipMessage,
  core: CoreHeaders,
  call: string | undefined,
  rawMessages: boolean,
): void {
  if (!turn.wants('sip.received')) return;
  const event: EventOf<'sip.received'> = {
    type: 'sip.received',
    transport: flow.transport,
    remote: formatAddress(flow.remote),
    startLine: displayText(startLine(message)),
    callId: core.callId,
    cseq: `${core.cseq.number} ${core.cseq.method}`,
    bytes: bytes.length,
  };
  if (call !== undefined) event.call = call;
  if (core.via.branch !== undefined) event.branch = core.via.branch;
  if (rawMessages) event.raw = maskCredentials(latin1(bytes));
  turn.emit(event);
}

/** Bytes that could not be read; `status` is what was answered, if anything was; `call` is the one that a response was for. */
export function reportBadMessage(
  turn: Turn,
  flow: Flow,
  error: SipError,
  status: number | undefined,
  call?: string,
): void {
  turn.emit({
    type: 'sip.rejected',
    ...(call === undefined ? undefined : { call }),
    transport: flow.transport,
    remote: formatAddress(flow.remote),
    code: error.code,
    offset: error.offset,
    ...(error.header === undefined ? undefined : { header: error.header }),
    ...(status === undefined ? undefined : { status }),
    detail: displayText(error.detail),
    hint:
      status === undefined && call === undefined
        ? 'there was nothing to answer to'
        : 'the sender must mend the message',
  });
}

/** A response that matches no transaction of ours: dropped (§18.1.2), with a line. */
export function reportStray(turn: Turn, flow: Flow, response: SipResponse): void {
  turn.emit({
    type: 'sip.rejected',
    transport: flow.transport,
    remote: formatAddress(flow.remote),
    code: 'response-unexpected',
    offset: 0,
    detail: displayText(`${response.status} ${response.reason} answers nothing that we sent`),
    hint: 'a late retransmission, or a response meant for somebody else',
  });
}

/** A response to a request of ours that is not like it: dropped as well, because it would answer for somebody else. */
export function reportForeign(
  turn: Turn,
  flow: Flow,
  response: SipResponse,
  header: string,
  call: string | undefined,
): void {
  turn.emit({
    type: 'sip.rejected',
    ...(call === undefined ? undefined : { call }),
    transport: flow.transport,
    remote: formatAddress(flow.remote),
    code: 'response-mismatched',
    offset: field(response, header)?.offset ?? 0,
    header,
    detail: displayText(`${response.status} ${response.reason} has our branch, and differs from our request`),
    hint: 'the sender must copy Via, From, Call-ID and CSeq as they came (RFC 3261 §8.2.6.2)',
  });
}
