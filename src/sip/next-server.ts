/**
 * What is tried when a try of our INVITE failed (RFC 3263 §4.3, RFC 3261 §8.1.3.4, §21.5.4): the next address of the
 * same server, the same server after the time that it asked for, the next Contact of a redirection.
 *
 * Only where another try can help, and never more often than the bounds say: whoever is turned away a second time
 * wants no third call.
 */
import type { Call } from './call.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { hopOfFlow } from './flow.ts';
import { sendInvite, tryInvite } from './invite-attempt.ts';
import { wayOf } from './large-request.ts';
import { type SipResponse, value } from './message.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { parseRetryAfter } from './retry-after.ts';
import { serverFailed } from './server-failed.ts';
import { answers, type FoundServers } from './server-location.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';
import { endUnreached } from './unreached-call.ts';

/** Addresses of one server that a call tries: each may take 64·T1 to prove silent. */
const MAX_ADDRESSES = 4;
/** The longest Retry-After that a call waits for, in seconds: a person with a phone waits no longer. */
const LONGEST_WAIT_S = 32;

/** Why a try failed: a final response, or what stands for one (§8.1.3.1). */
export interface FailedTry {
  readonly status: number;
  /** For people: a reason phrase, an error of the network. */
  readonly reason: string;
  /** Absent when nobody answered, or nothing could be sent. */
  readonly response?: SipResponse;
}

/** Whether another try is under way. */
export function tryNext(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  failed: FailedTry,
): boolean {
  // RFC 3263 §4.3: a server that is overloaded, silent or gone may have a brother.
  const down = failed.response === undefined || failed.status === 503;
  if (down && nextAddress(parts, turn, call, invite, failed)) return true;
  if (failed.status === 503 && waitForServer(parts, turn, call, invite, failed)) return true;
  // §16.7 no. 5: a 6xx speaks for all places where the callee might be.
  return failed.status < 600 && nextTarget(parts, turn, call, invite);
}

function nextAddress(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  { status, reason, response }: FailedTry,
): boolean {
  const [server, ...rest] = invite.servers;
  if (server === undefined) return false;
  const what = response === undefined ? displayText(reason) : `${status} ${displayText(reason)}`;
  const failed = serverFailed('INVITE', invite.hop, invite.sent?.flow, what, server);
  turn.emit({ type: 'diagnosis.raised', ...failed, call: call.handle });
  invite.servers = rest;
  // The same request with another branch (RFC 3263 §4.3): should both servers know it, it is one call, not two.
  invite.sequence -= 1;
  sendInvite(parts, turn, call, invite, server);
  return true;
}

/** §21.5.4: 503 with Retry-After, once. */
function waitForServer(
  { calls }: EndpointParts,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  { response, reason }: FailedTry,
): boolean {
  const after = response === undefined ? undefined : parseRetryAfter(value(response, 'Retry-After') ?? '');
  if (after?.ok !== true || after.value.seconds > LONGEST_WAIT_S || invite.waited) return false;
  invite.waited = true;
  invite.retryAt = invite.sent === undefined ? undefined : hopOfFlow(wayOf(invite.sent));
  invite.sent = undefined;
  raise(turn, call, 'server-busy', {
    evidence: `503 ${displayText(reason)}, Retry-After: ${after.value.seconds}`,
    cause: 'the server takes no calls at the moment',
    next: `nothing to do: the call is placed once more after ${after.value.seconds} s`,
  });
  calls.arm(turn, call, 'retry', after.value.seconds * 1000);
  return true;
}

/** The time that the server asked for is over. */
export function retryAfterWait(parts: EndpointParts, turn: Turn, call: Call): void {
  const { outgoing: invite } = call;
  if (invite?.retryAt === undefined || invite.sent !== undefined) return;
  sendInvite(parts, turn, call, invite, invite.retryAt);
}

/** The name of a next hop was looked up. */
export function callResolved(parts: EndpointParts, turn: Turn, found: FoundServers): void {
  for (const call of [...parts.calls.all()]) {
    const { outgoing: invite } = call;
    if (invite?.resolving !== true || !answers(found, invite.hop)) continue;
    invite.resolving = false;
    const [first, ...others] = parts.agent.serversOf(turn, invite.hop, found);
    invite.servers = others.slice(0, MAX_ADDRESSES - 1);
    if (first !== undefined) sendInvite(parts, turn, call, invite, first);
    else if (!nextTarget(parts, turn, call, invite)) {
      const reason = found.error ?? `${found.host} has no address`;
      endUnreached(parts.calls, turn, call, invite, { reason, sent: false, explained: false });
    }
  }
}

/** The next Contact of a redirection (§8.1.3.4), the one most wanted first. */
export function nextTarget(parts: EndpointParts, turn: Turn, call: Call, invite: OutgoingInvite): boolean {
  const [target, ...rest] = invite.targets;
  if (target === undefined) return false;
  invite.targets = rest;
  invite.target = target.uri;
  invite.hop = target.hop;
  tryInvite(parts, turn, call, invite);
  return true;
}

function raise(
  turn: Turn,
  call: Call,
  code: string,
  about: { readonly evidence: string; readonly cause: string; readonly next: string },
): void {
  turn.emit({ type: 'diagnosis.raised', call: call.handle, code, severity: 'warning', ...about });
}
