/**
 * A 401 or 407 to an INVITE of ours (RFC 3261 §22.2, §22.3): answered once a realm, with credentials that go to the
 * account's own server and our proxy alone.
 */
import type { Call } from './call.ts';
import { digestFor } from './call-credentials.ts';
import { reportChallenges } from './challenge-report.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { hopOfFlow } from './flow.ts';
import { sendInvite } from './invite-attempt.ts';
import { wayOf } from './large-request.ts';
import { type SipResponse, values } from './message.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { refuseCall } from './refused-call.ts';
import type { Turn } from './turn.ts';

/** Tries again with credentials, or ends the call when there are none or they were refused. */
export function challenged(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  response: SipResponse,
  status: 401 | 407,
): void {
  const { agent, calls } = parts;
  const digest = digestFor(parts, invite);
  if (digest === undefined || invite.sent === undefined) {
    const why = invite.account === undefined ? 'there is no account' : 'the account is with another server';
    return refuseCall(calls, turn, call, response, `${status} asks for credentials, and ${why}`);
  }
  const name = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
  const challenges = values(response, name);
  const cnonce = agent.identifiers.cnonce();
  const verdict = digest.challenged({ status, challenges, cnonce }, invite.attempt);
  if (verdict.type === 'refused') return refuseCall(calls, turn, call, response, verdict.reason);
  reportChallenges(turn, status, verdict.challenges, { call: call.handle });
  invite.attempt = verdict.attempt;
  sendInvite(parts, turn, call, invite, hopOfFlow(wayOf(invite.sent)));
}
