/**
 * One try of an INVITE of ours (RFC 3261 §8.1.2, §13.2.1): the name of the next hop looked up, the request made and
 * sent. Each try is a transaction of its own, with a CSeq one higher (§8.1.3.5).
 */
import type { Call } from './call.ts';
import { contactToTell } from './call-contact.ts';
import { digestFor } from './call-credentials.ts';
import { keepCallOpen } from './call-keepalive.ts';
import { offerBody } from './call-session.ts';
import { endEarlyDialogs } from './early-dialog.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { hopAt, type ServerHop } from './flow.ts';
import { addressFamily } from './ip-address.ts';
import { NO_BODY } from './message.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import { routesVia } from './preloaded-route.ts';
import type { HeaderLine } from './serialize-message.ts';
import { queryOf } from './server-location.ts';
import { intervalAsked } from './session-timer.ts';
import { isSips } from './sips.ts';
import { wire } from './text.ts';
import type { Turn } from './turn.ts';
import { ALLOW, SUPPORTED } from './user-agent.ts';

/** The next try: to `invite.target`, by way of `invite.hop`. */
export function tryInvite(parts: EndpointParts, turn: Turn, call: Call, invite: OutgoingInvite): void {
  invite.sent = undefined;
  invite.servers = [];
  const { hop } = invite;
  invite.resolving = addressFamily(hop.host) === undefined;
  if (invite.resolving) turn.ask({ type: 'resolve', ...queryOf(hop) });
  else sendInvite(parts, turn, call, invite, hopAt(hop, hop.host));
}

/** Sends the INVITE to that server, with the credentials that are known by now. */
export function sendInvite(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  server: ServerHop,
): void {
  const { agent } = parts;
  const { hop } = invite;
  const flow = agent.transport.connections.flowTo(turn, server);
  const body = offerBody(parts.calls, call, invite, server.address);
  const digest = digestFor(parts, invite);
  const credentials = digest?.authorize(
    { method: 'INVITE', uri: invite.target, body: body ?? NO_BODY },
    invite.attempt,
  );
  invite.attempt = credentials?.attempt ?? invite.attempt;
  invite.sequence += 1;
  invite.provisional = false;
  endEarlyDialogs(turn, call, 'another try');
  parts.calls.forgetEarly(call);
  call.told = contactToTell(agent.own, flow);
  keepCallOpen(parts, turn, call);
  const headers: HeaderLine[] = [
    ['Contact', agent.dialogContact(flow, invite.user, isSips(invite.target))],
    ['Allow', ALLOW],
    // RFC 6228 §4: we take a 199 as well, which no request asks of us.
    // RFC 5626 §4.3: what asks for the flow says that it speaks of flows.
    ['Supported', `${SUPPORTED}, 199${agent.outbound.has(flow) ? ', outbound' : ''}`],
    ...(credentials?.fields ?? []).map(({ name, value }): HeaderLine => [name, value]),
    ...intervalAsked(invite.interval),
    ...(invite.action.headers ?? []).map(([name, text]): HeaderLine => [name, wire(text)]),
  ];
  if (body !== undefined) headers.push(['Content-Type', 'application/sdp']);
  if (body !== undefined && call.media !== undefined) call.media.offeredMs ??= turn.nowMs;
  const request = {
    method: 'INVITE',
    uri: invite.target,
    from: invite.from,
    to: invite.to,
    callId: call.callId,
    sequence: invite.sequence,
    routes: routesVia(invite.preloaded, hop),
    headers,
    ...(body === undefined ? undefined : { body }),
  };
  invite.sent = agent.request(turn, request, flow, call, call.handle);
}
