/**
 * What a server transaction keeps of a request that has its final response (RFC 3261 §17.2): nothing.
 *
 * On UDP it lives 32 s longer, to repeat that response or to swallow retransmissions (Timers H, J, L). For this it
 * needs its key, its flow and the bytes to repeat. Whatever was read of the request is cut out of its text and keeps
 * all of it: this was most of the memory of a busy service, and most of the collector's work.
 */
import type { CoreHeaders } from './core-headers.ts';
import { type Flow, isReliable } from './flow.ts';
import { NO_BODY, type SipRequest } from './message.ts';
import type { NameAddr } from './name-addr.ts';
import { NO_PARAMS } from './params.ts';

const NOBODY: NameAddr = { uri: '', params: NO_PARAMS };

/** In the place of a request that was answered. Shared; never written to. */
export const ANSWERED_REQUEST: SipRequest = {
  kind: 'request',
  method: '',
  uri: '',
  headers: [],
  body: NO_BODY,
};

/** In the place of its core header fields, on UDP. Shared; never written to. */
export const ANSWERED_CORE: CoreHeaders = {
  via: { transport: 'UDP', host: '', params: NO_PARAMS },
  viaCount: 0,
  from: NOBODY,
  to: NOBODY,
  callId: '',
  cseq: { number: 0, method: '' },
};

/** On a stream the Via is kept: it says where a new one would go (§18.2.2). */
export function answeredCore(core: CoreHeaders, { transport }: Flow): CoreHeaders {
  return isReliable(transport) ? core : ANSWERED_CORE;
}

/** What is still known of a request; undefined when that is nothing. */
export function knownCore(core: CoreHeaders): CoreHeaders | undefined {
  return core === ANSWERED_CORE ? undefined : core;
}
