/**
 * Record-Route: how a proxy stays on the way of a dialog (RFC 3261 §16.6 step 4, §20.30).
 *
 * When the two sides of us differ (UDP here, TCP there, or two networks), each side is written with the address and
 * transport that it can use, the outgoing one on top (RFC 5658 §3). Both come back in Route and are taken out: the last
 * one is that of the side that the request goes to, and its flow token counts (RFC 5626 §5.3).
 */
import type { Flow } from './flow.ts';
import { ROUTE_TOKEN } from './route-token.ts';
import type { UserAgent } from './user-agent.ts';

/** Methods that make a dialog, or refresh its route set in a peer that was restarted (RFC 6665, RFC 3515). */
const RECORDED: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'NOTIFY']);

/** One side of us: the flow to it, and its token where it has to be reached on that very flow (flow-token.ts). */
export interface RecordedSide {
  readonly flow: Flow;
  readonly flowToken: string | undefined;
}

/** The values that a request gets, the topmost first; none when its method makes no dialog. `token`: route-token.ts. */
export function recordRoutes(
  agent: UserAgent,
  method: string,
  { from, to, token }: { readonly from: RecordedSide; readonly to: RecordedSide; readonly token: string },
): readonly string[] {
  if (!RECORDED.has(method)) return [];
  const incoming = ownRoute(agent, from, token);
  const outgoing = ownRoute(agent, to, token);
  return incoming === outgoing ? [outgoing] : [outgoing, incoming];
}

function ownRoute(agent: UserAgent, { flow, flowToken }: RecordedSide, token: string): string {
  const user = flowToken === undefined ? '' : `${flowToken}@`;
  const transport = flow.transport === 'udp' ? '' : `;transport=${flow.transport}`;
  return `<sip:${user}${agent.sentBy(flow)}${transport};lr;${ROUTE_TOKEN}=${token}>`;
}
