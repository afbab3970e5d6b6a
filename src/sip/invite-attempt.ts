/**
 * One try of an INVITE of ours (RFC 3261 §8.1.2, §13.2.1): the name of the next hop looked up, the request made and
 * sent. Each try is a transaction of its own, with a CSeq one higher (§8.1.3.5).
 */
import type { Call } from './call.ts';
import { digestFor } from './call-credentials.ts';
import { finishCall } from './call-end.ts';
import { offerOf } from './call-session.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { addressFamily } from './ip-address.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { serializeSdp } from './sdp.ts';
import type { HeaderLine } from './serialize-message.ts';
import { bytesOf } from './text.ts';
import type { Turn } from './turn.ts';
import { ALLOW } from './user-agent.ts';

/** The next try: to `invite.target`, by way of `invite.hop`. */
export function tryInvite(parts: EndpointParts, turn: Turn, call: Call, invite: OutgoingInvite): void {
  invite.sent = undefined;
  const { host } = invite.hop;
  if (addressFamily(host) === undefined) turn.ask({ type: 'resolve', host });
  else sendInvite(parts, turn, call, invite, host);
}

/** The name of a next hop was looked up. */
export function callResolved(
  parts: EndpointParts,
  turn: Turn,
  host: string,
  addresses: readonly string[],
  error: string | undefined,
): void {
  for (const call of [...parts.calls.all()]) {
    const { outgoing: invite } = call;
    if (invite === undefined || invite.sent !== undefined || invite.hop.host !== host) continue;
    const [address] = addresses;
    if (address === undefined) finishCall(parts.calls, turn, call, error ?? `${host} has no address`);
    else sendInvite(parts, turn, call, invite, address);
  }
}

/** Sends the INVITE to that address, with the credentials that are known by now. */
export function sendInvite(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  address: string,
): void {
  const { agent } = parts;
  const { hop } = invite;
  const flow = agent.transport.flowTo(turn, hop.transport, { address, port: hop.port });
  invite.offer ??= offerOf(parts, invite);
  const body = bytesOf(serializeSdp(invite.offer));
  const digest = digestFor(parts, invite);
  const credentials = digest?.authorize({ method: 'INVITE', uri: invite.target, body }, invite.attempt);
  invite.attempt = credentials?.attempt ?? invite.attempt;
  invite.sequence += 1;
  invite.provisional = false;
  const headers: HeaderLine[] = [
    ['Contact', agent.contact(flow, invite.user)],
    ['Allow', ALLOW],
    ...(credentials?.fields ?? []).map(({ name, value }): HeaderLine => [name, value]),
    ['Content-Type', 'application/sdp'],
  ];
  const request = {
    method: 'INVITE',
    uri: invite.target,
    from: invite.from,
    to: invite.to,
    callId: call.callId,
    sequence: invite.sequence,
    headers,
    body,
  };
  invite.sent = agent.request(turn, request, flow, call, call.handle);
}
