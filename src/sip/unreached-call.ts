/**
 * The end of a call of ours that nobody answered, or that could not be sent at all (RFC 3261 §8.1.3.1, §17.1.1.2): no
 * response tells why, so what was tried is said, and what to look at. Nobody sent a 408 or a 503, so none is told of.
 */
import type { Call } from './call.ts';
import { finishCall } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import type { Turn } from './turn.ts';
import { adviceOnSilence, whereTried } from './unanswered.ts';

/** An INVITE that waited 64·T1 in vain: live and in a capture the same cause, and the same next step. */
export const NO_RESPONSE = {
  cause: 'nobody listens there, or the way there or back is blocked',
  next: 'check the address and the port, and firewalls and NAT in between',
} as const;

/** Ends the call, as Timer B ran out. */
export function endUnanswered(store: CallStore, turn: Turn, call: Call, invite: OutgoingInvite): void {
  const evidence = `the INVITE to ${whereTried(invite.hop, invite.sent?.flow)} got not even a 100 within ${waitedS(store)} s`;
  finishCall(store, turn, call, 'no answer in time', undefined, 'no-answer');
  const code = 'no-response';
  turn.emit({
    type: 'diagnosis.raised',
    call: call.handle,
    code,
    severity: 'error',
    evidence,
    ...NO_RESPONSE,
  });
}

/** 64·T1, the time of Timer B (§17.1.1.2), in seconds. */
function waitedS({ agent }: CallStore): number {
  return Math.round(64 * agent.config.timers.t1Ms) / 1000;
}

/** Why an INVITE did not go out, or went nowhere. */
export interface Unsent {
  readonly reason: string;
  /** It was under way; else no server was found. */
  readonly sent: boolean;
  /** Its connection was explained already (tls-report.ts). */
  readonly explained: boolean;
}

/** Ends the call, as there is no way to the callee, or to the proxy before it. */
export function endUnreached(
  store: CallStore,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  { reason, sent, explained }: Unsent,
): void {
  const flow = sent ? invite.sent?.flow : undefined;
  finishCall(store, turn, call, reason, undefined, 'unreachable');
  if (explained) return;
  const named = invite.preloaded === undefined ? 'the address that is called' : '--proxy, or --server';
  turn.emit({
    type: 'diagnosis.raised',
    call: call.handle,
    code: 'call-unreachable',
    severity: 'error',
    evidence: `INVITE to ${whereTried(invite.hop, flow)}: ${reason}`,
    ...adviceOnSilence({ reason, flow, stood: false }, named),
  });
}
