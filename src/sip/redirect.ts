/** A 3xx to an INVITE of ours (RFC 3261 §8.1.3.4): followed as the same call, within a bound. */
import type { Call } from './call.ts';
import { finishCall } from './call-end.ts';
import { parseTargetContact } from './contact.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { tryInvite } from './invite-attempt.ts';
import type { SipResponse } from './message.ts';
import { nextHop } from './next-hop.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import type { Turn } from './turn.ts';

/** Redirections that one call follows (§8.1.3.4 asks for a bound). */
const MAX_REDIRECTS = 5;

/** Tries the first Contact. */
export function redirected(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  response: SipResponse,
): void {
  const contact = parseTargetContact(response);
  const uri = contact.ok ? contact.value?.uri : undefined;
  const hop = uri === undefined ? undefined : nextHop(uri, invite.hop.transport);
  if (uri === undefined || hop === undefined || invite.redirects >= MAX_REDIRECTS) {
    const why = hop === undefined ? 'redirected to nowhere' : `redirected more than ${MAX_REDIRECTS} times`;
    return finishCall(parts.calls, turn, call, why, response.status);
  }
  invite.redirects += 1;
  invite.target = uri;
  invite.hop = hop;
  tryInvite(parts, turn, call, invite);
}
