/** `ringback hold`: asks the other side of a call to send nothing for a while (RFC 3264 §8.4). */
import { callId, onHeldCall } from './held-call.ts';
import type { Invocation } from './invocation.ts';
import { judgeChange } from './outcome.ts';

export async function run(invocation: Invocation): Promise<number> {
  const call = callId(invocation, 'hold');
  return onHeldCall(invocation, call, { type: 'hold', call }, judgeChange('held'));
}
