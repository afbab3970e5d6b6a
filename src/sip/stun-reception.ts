/**
 * STUN on the SIP socket (RFC 5626 §8, RFC 8489 §6.3): answers to questions of ours, and questions of others, which are
 * answered: that is how a phone behind a NAT keeps its way to us open (RFC 5626 §3.5.2).
 *
 * Why answers to strangers are counted: 32 bytes for 20 are no gain for who asks in another's name, but many of them
 * are a nuisance to him.
 */
import { isStun } from '../stun/message.ts';
import { parseStun } from '../stun/parse-stun.ts';
import { bindingAnswer } from '../stun/write-stun.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import type { Flow } from './flow.ts';
import { replaceDeadFlows } from './indications.ts';
import { STUN_ANSWERS_PER_S } from './limits.ts';
import type { Turn } from './turn.ts';

/** How many answers may go out now: refilled with time, for one second at most. */
export class StunAnswers {
  private left = STUN_ANSWERS_PER_S;
  private atMs = 0;

  /** Whether one more may be sent. */
  take(nowMs: number): boolean {
    const refill = ((nowMs - this.atMs) / 1000) * STUN_ANSWERS_PER_S;
    this.left = Math.min(STUN_ANSWERS_PER_S, this.left + refill);
    this.atMs = nowMs;
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}

/** Takes a datagram that is STUN; false for anything else. What is damaged, or answers nobody, is dropped (§6.3). */
export function receiveStun(parts: EndpointParts, turn: Turn, flow: Flow, bytes: Uint8Array): boolean {
  if (flow.transport !== 'udp' || !isStun(bytes)) return false;
  const parsed = parseStun(bytes);
  if (!parsed.ok) return true;
  const message = parsed.value;
  if (message.class === 'success' || message.class === 'error') {
    if (parts.registrations.keepalives.heardStun(turn, message, flow.remote)) replaceDeadFlows(parts, turn);
    else parts.stun.received(turn, message, flow.remote);
    return true;
  }
  const answer = bindingAnswer(message, flow.remote);
  if (answer !== undefined && parts.stunAnswers.take(turn.nowMs))
    turn.ask({ type: 'send', flow, bytes: answer });
  return true;
}
