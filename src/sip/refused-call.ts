/**
 * A final response that refuses a call of ours for good (RFC 3261 §8.1.3, §21): the call is over, and the status is
 * explained, live in the same words as in a capture. Most people have to look up what a status means.
 */
import type { Call } from './call.ts';
import { type Advice, diagnosisOfRefusal } from './call-advice.ts';
import { finishCall } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import type { SipResponse } from './message.ts';
import type { Turn } from './turn.ts';

/** Ends the call with that reason, then says what is likely and what to look at; `advice` where more is known than the status. */
export function refuseCall(
  store: CallStore,
  turn: Turn,
  call: Call,
  response: SipResponse,
  reason: string,
  advice?: Omit<Advice, 'code'>,
): void {
  finishCall(store, turn, call, reason, response.status);
  turn.emit({ type: 'diagnosis.raised', call: call.handle, ...diagnosisOfRefusal(response), ...advice });
}
