/** `ringback hangup`: ends a call by its handle, or all, wherever it is held: by the agent or by an echo. */
import { onAllCalls, onHeldCall } from './held-call.ts';
import type { Invocation } from './invocation.ts';
import { judgeHangup } from './outcome.ts';
import { UsageError } from './usage-error.ts';

export async function run(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const call = flags.get('call-id')?.text;
  if ((call === undefined) !== flags.has('all')) {
    throw new UsageError('ringback hangup needs either --call-id CALL or --all.');
  }
  if (call === undefined) return onAllCalls(invocation, { type: 'hangup-all' }, judgeHangup);
  return onHeldCall(invocation, call, { type: 'hangup', call }, judgeHangup([call]));
}
