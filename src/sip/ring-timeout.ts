/**
 * The end of a call that nobody took: how long a phone may ring (RFC 3261 §16.6 no. 11, Timer C), or as long as whoever
 * calls wants to wait, and then a CANCEL (§9.1).
 *
 * Why it is said before the CANCEL and not at the end: the 487 that follows looks like the fault, and without any
 * response to the INVITE no CANCEL may go, so that the end is a while away.
 */
import type { EventOf } from '../events.ts';
import type { Call } from './call.ts';
import type { CallStore } from './call-store.ts';
import { endCall } from './hang-up.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import type { Turn } from './turn.ts';
import { whereTried } from './unanswered.ts';
import { NO_RESPONSE } from './unreached-call.ts';

/** How long a phone may ring, in ms: what a proxy gives it, when no time is set for us. */
export const RING_TIMEOUT_MS = 180_000;

/** Nobody answered in the time that was set. */
export function ringTimedOut(calls: CallStore, turn: Turn, call: Call): void {
  call.outcome ??= 'no-answer';
  const { outgoing: invite } = call;
  if (invite !== undefined && call.ending === undefined) {
    const about = { type: 'diagnosis.raised', call: call.handle, severity: 'error' } as const;
    turn.emit({ ...about, ...diagnosisOf(call, invite, secondsSince(turn, call)) });
  }
  endCall(calls, turn, call, 'nobody answered');
}

function secondsSince({ nowMs }: Turn, { startedMs }: Call): number {
  return Math.round((nowMs - startedMs) / 100) / 10;
}

type Diagnosis = Pick<EventOf<'diagnosis.raised'>, 'code' | 'evidence' | 'cause' | 'next'>;

/** A phone that rings, a server that has the INVITE, and nobody at all are different people's business. */
function diagnosisOf(
  { state }: Call,
  { hop, sent, provisional, resolving }: OutgoingInvite,
  seconds: number,
): Diagnosis {
  if (state === 'ringing') {
    return {
      code: 'no-answer',
      evidence: `it rang, and nobody answered within ${seconds} s`,
      cause: 'nobody is there, or the call rings where nobody hears it',
      next: 'call later; --ring-timeout says how long it may ring, and a voice mailbox may need longer',
    };
  }
  if (provisional) {
    return {
      code: 'no-answer',
      evidence: `${whereTried(hop, sent?.flow)} has the INVITE, and after ${seconds} s nothing rings`,
      cause: 'a server looks for the callee: a phone that is asleep or gone, or a trunk that says nothing',
      next: 'check the registration of the callee, and the log of that server; or wait longer (--ring-timeout)',
    };
  }
  if (sent === undefined) {
    return {
      code: 'no-answer',
      evidence: resolving
        ? `${hop.host} was not found in DNS within ${seconds} s`
        : `no INVITE could go out within ${seconds} s`,
      cause: 'the time that was set for the call is shorter than what goes before it',
      next: 'give it longer with --ring-timeout; ringback doctor shows what DNS answers and how fast',
    };
  }
  return {
    code: 'no-response',
    evidence: `the INVITE to ${whereTried(hop, sent.flow)} got not even a 100 within ${seconds} s; without any response no CANCEL may go (§9.1), so it waits for one`,
    ...NO_RESPONSE,
  };
}
