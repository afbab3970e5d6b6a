/**
 * A call that we placed keeps its own way open over UDP (RFC 5626 §3.5): its 200 may come after minutes of ringing, its
 * BYE after an hour, and a NAT or a firewall forgets in half a minute.
 *
 * Line breaks suffice: nobody promised an answer, and the call itself shows when the other side is gone. Where a
 * registration stands on the same flow, that one does it (keepalive.ts).
 */
import type { Call } from './call.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { isReliable } from './flow.ts';
import { isOver } from './session-change.ts';
import type { Turn } from './turn.ts';

/** Of the interval, as the shortest that a registration takes (RFC 5626 §4.4.1); no jitter, as calls begin at any time. */
const SHARE = 0.8;

/** An INVITE of ours has been sent: the next line breaks are due an interval later. */
export function keepCallOpen({ agent, calls }: EndpointParts, turn: Turn, call: Call): void {
  const { keepaliveMs = 0 } = agent.config;
  const flow = call.told?.flow;
  if (keepaliveMs === 0 || flow === undefined || isReliable(flow.transport)) return;
  if (agent.own.isOnLink(flow.remote.address)) return;
  calls.arm(turn, call, 'keepalive', SHARE * keepaliveMs);
}

/** The deadline `keepalive`. */
export function callKeepaliveDue(parts: EndpointParts, turn: Turn, call: Call): void {
  const flow = call.told?.flow;
  if (isOver(call) || flow === undefined) return;
  if (!parts.registrations.standsOn(flow)) parts.agent.transport.ping(turn, flow);
  keepCallOpen(parts, turn, call);
}
