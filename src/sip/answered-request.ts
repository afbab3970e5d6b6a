/**
 * What a server transaction keeps of a request that has its final response (RFC 3261 §17.2).
 *
 * On UDP it lives 32 s longer, to repeat that response or to swallow retransmissions (Timers H, J, L). For this it
 * needs its key, its flow and the bytes to repeat; the parsed request was most of the memory of a busy service, and
 * most of the collector's work.
 */
import type { CoreHeaders } from './core-headers.ts';
import { type HeaderField, NO_BODY, type SipRequest } from './message.ts';
import type { NameAddr } from './name-addr.ts';
import { NO_PARAMS } from './params.ts';

const NOBODY: NameAddr = { uri: '', params: NO_PARAMS };
const NONE: readonly HeaderField[] = [];

/** Method and URI; header fields and body are gone. */
export function answeredRequest({ method, uri }: SipRequest): SipRequest {
  return { kind: 'request', method, uri, headers: NONE, body: NO_BODY };
}

/** The names of the dialog and of the transaction, and where a new stream would go (§18.2.2); addresses are gone. */
export function answeredCore({ via, fromTag, toTag, callId, cseq }: CoreHeaders): CoreHeaders {
  const { transport, host, port, branch } = via;
  const slim = { transport, host, port, branch, params: NO_PARAMS };
  return { via: slim, viaCount: 0, from: NOBODY, fromTag, to: NOBODY, toTag, callId, cseq };
}
