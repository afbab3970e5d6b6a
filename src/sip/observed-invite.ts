/**
 * How a call between others goes (RFC 3261 §13, §15, §9): what answers its INVITE, its ACK, and its end, with the
 * diagnosis of what went wrong.
 */
import { diagnosisOfRefusal } from './call-advice.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { changeCall, changeDialog, diagnose, type ObservedCall } from './observed-call.ts';
import { type Direction, type ReadMessage, remoteOf } from './observed-message.ts';
import { described } from './observed-session.ts';
import { statedReason, withStatedReason } from './reason.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';
import { NO_RESPONSE } from './unreached-call.ts';

/** A response to the INVITE that began the call. `retried`: the caller tries again, with credentials or elsewhere. */
export function inviteAnswered(
  turn: Turn,
  call: ObservedCall,
  read: ReadMessage,
  response: SipResponse,
  direction: Direction,
  retried: boolean,
): void {
  const { status } = response;
  const cause = `${status} ${direction}`;
  if (status < 300 && read.core.toTag !== undefined && status > 100 && call.dialog !== 'confirmed') {
    call.toTag = read.core.toTag;
  }
  if (status < 200) {
    if (status === 100) return;
    if (call.toTag !== undefined && call.dialog === 'none') changeDialog(turn, call, 'early', cause);
    described(turn, call, read, direction);
    if (call.state === 'calling' || call.state === 'idle') changeCall(turn, call, 'ringing', { status });
  } else if (status < 300) {
    if (call.answeredMs !== undefined) return;
    call.answeredMs = turn.nowMs;
    changeDialog(turn, call, 'confirmed', cause);
    described(turn, call, read, direction);
    if (call.direction === 'incoming') changeCall(turn, call, 'answered');
  } else if (!retried) {
    call.refusal ??= { response, atMs: turn.nowMs };
    if (call.direction === 'incoming') refused(turn, call);
  }
}

/** Tells a refusal that waits for it. */
export function refused(turn: Turn, call: ObservedCall): void {
  if (call.refusal === undefined || call.state === 'terminated') return;
  const { response } = call.refusal;
  const { status } = response;
  const stated = statedReason(response);
  const said = displayText(response.reason);
  const cancelled = call.cancelled && status === 487;
  const reason = cancelled ? 'cancelled' : stated === undefined ? said : `${said}: ${displayText(stated)}`;
  changeDialog(turn, call, 'terminated', reason);
  const outcome = cancelled ? 'cancelled' : status === 401 || status === 407 ? 'authentication' : 'refused';
  changeCall(turn, call, 'terminated', { reason, status, outcome });
  if (cancelled) return;
  diagnose(turn, call, diagnosisOfRefusal(response));
}

/** The ACK of a 2xx: the caller's side of the dialog stands (§13.2.2.4). */
export function acknowledged(turn: Turn, call: ObservedCall, read: ReadMessage, direction: Direction): void {
  if (call.answeredMs === undefined || call.state === 'terminated') return;
  call.acknowledged = true;
  described(turn, call, read, direction);
  if (call.state !== 'held') changeCall(turn, call, 'established');
}

/** A BYE. The call is over when it is answered; whoever sent it ended the call (§15.1). */
export function ending(turn: Turn, call: ObservedCall, request: SipRequest, direction: Direction): void {
  call.ending ??= withStatedReason(`BYE ${direction}`, request);
  changeDialog(turn, call, 'terminated', `BYE ${direction}`);
}

/** The end that `ending` announced. */
export function ended(turn: Turn, call: ObservedCall): void {
  const outcome = call.unusable ? 'unusable' : 'completed';
  changeCall(turn, call, 'terminated', { reason: call.ending ?? 'ended', outcome });
}

/** Nobody answered within 64·T1 (§17.1.1.2): that counts as a 408 (§8.1.3.1). */
export function unanswered(turn: Turn, call: ObservedCall, to: ReadMessage): void {
  changeCall(turn, call, 'terminated', { reason: 'no answer in time', outcome: 'no-answer' });
  diagnose(turn, call, {
    code: 'no-response',
    severity: 'error',
    evidence: `the INVITE to ${remoteOf(to, 'sent')} got not even a 100 within 32 s`,
    ...NO_RESPONSE,
  });
}

/** What is not as it should be when nothing more is to come. */
export function judgeRest(turn: Turn, call: ObservedCall): void {
  if (call.answeredMs === undefined || call.acknowledged) return;
  diagnose(turn, call, {
    code: 'ack-missing',
    severity: 'warning',
    evidence: 'the 200 was not acknowledged',
    cause: 'the ACK went another way, was lost, or stands behind the end of the file',
    next: 'look whether the 200 came more than once; check Contact and Record-Route in it',
  });
}
