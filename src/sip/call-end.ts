/**
 * The end of a call, however it came: letting go of everything that it held. hang-up.ts, bye.ts and cancel.ts lead here.
 */
import { type Call, changeCall, changeDialog } from './call.ts';
import { type CallOutcome, outcomeOf } from './call-outcome.ts';
import type { CallStore } from './call-store.ts';
import { endEarlyDialogs } from './early-dialog.ts';
import type { Turn } from './turn.ts';

/**
 * The call is over, whoever ended it: everything it held goes back. `outcome` where the status does not tell it, and
 * nothing did before (call-outcome.ts).
 */
export function finishCall(
  store: CallStore,
  turn: Turn,
  call: Call,
  reason: string,
  status?: number,
  outcome?: CallOutcome,
): void {
  call.outcome ??= outcome;
  endEarlyDialogs(turn, call, status === undefined ? reason : `${status} received`);
  if (call.dialog !== undefined && call.dialog.state !== 'terminated') {
    changeDialog(turn, call, 'terminated', reason);
  }
  store.audio.release(turn, call);
  store.remove(call);
  const cameTo = call.direction === 'outgoing' ? outcomeOf(call, status) : undefined;
  changeCall(turn, call, 'terminated', { reason, status, outcome: cameTo });
}
