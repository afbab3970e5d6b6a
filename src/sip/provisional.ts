/**
 * A 1xx to an INVITE of ours (RFC 3261 §13.2.2.1): somebody works on it, a phone rings, or already speaks.
 *
 * It is what allows a CANCEL (§9.1), and what makes early dialogs; a reliable one is acknowledged by prack-client.ts.
 */
import { type Call, changeCall } from './call.ts';
import { takeEarlyMedia } from './call-session.ts';
import type { CoreHeaders } from './core-headers.ts';
import { earlyDialogOf, endEarlyDialog } from './early-dialog.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { endCall } from './hang-up.ts';
import type { SipResponse } from './message.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { takeReliable } from './prack-client.ts';
import { RING_TIMEOUT_MS } from './ring-timeout.ts';
import type { ClientTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';

/** A provisional response to the try that is out. */
export function provisional(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  transaction: ClientTransaction<unknown>,
  response: SipResponse,
  core: CoreHeaders,
): void {
  const { calls } = parts;
  const { status } = response;
  invite.provisional = true;
  if (call.ending !== undefined) return endCall(calls, turn, call, call.ending);
  if (call.timers['ring timeout'] === undefined) calls.arm(turn, call, 'ring timeout', RING_TIMEOUT_MS);
  if (status === 100) return;
  const early = earlyDialogOf(calls, turn, call, invite, transaction, response, core);
  if (early !== undefined) {
    if (!takeReliable(parts, turn, call, early, response, core)) return;
    takeEarlyMedia(calls, turn, call, invite, early, response);
  }
  // RFC 6228 §4: that phone is out of it, and the call goes on.
  if (status === 199) endEarlyDialog(turn, call, core.toTag, '199 received');
  else changeCall(turn, call, 'ringing', { status });
}
