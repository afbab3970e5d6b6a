/**
 * Hanging up: a BYE or a CANCEL, or neither yet (RFC 3261 §15, §9.1).
 */
import { sendBye } from './bye.ts';
import type { Call } from './call.ts';
import { finishCall } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import { sendCancel } from './cancel.ts';
import type { Turn } from './turn.ts';

/**
 * Ends a call from our side: BYE once its dialog is confirmed, CANCEL while our INVITE rings. A callee waits for
 * the ACK first (§15); a caller waits for the first provisional response (§9.1).
 */
export function endCall(store: CallStore, turn: Turn, call: Call, reason: string): void {
  if (call.state === 'terminated' || call.dialog?.state === 'terminated') return;
  call.ending ??= reason;
  if (call.unacknowledged !== undefined) return;
  const { outgoing } = call;
  if (outgoing !== undefined && call.answeredMs === undefined) {
    if (outgoing.sent === undefined) finishCall(store, turn, call, reason);
    else if (outgoing.provisional) sendCancel(store, turn, call);
    return;
  }
  sendBye(store, turn, call);
}
