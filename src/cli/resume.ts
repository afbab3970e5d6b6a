/** `ringback resume`: goes on with a call that was held. */
import { callId, onHeldCall } from './held-call.ts';
import type { Invocation } from './invocation.ts';
import { judgeChange } from './outcome.ts';

export async function run(invocation: Invocation): Promise<number> {
  const call = callId(invocation, 'resume');
  return onHeldCall(invocation, call, { type: 'resume', call }, judgeChange('established'));
}
