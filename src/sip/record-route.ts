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

/** What they are made of. */
export interface Recorded {
  readonly from: RecordedSide;
  readonly to: RecordedSide;
  /** See route-token.ts. */
  readonly token: string;
  /** The Request-URI is a `sips:` one. */
  readonly secure: boolean;
}

/** The values that a request gets, the topmost first; none when its method makes no dialog. */
export function recordRoutes(
  agent: UserAgent,
  method: string,
  { from, to, token, secure }: Recorded,
): readonly string[] {
  if (!RECORDED.has(method)) return [];
  const incoming = ownRoute(agent, from, token, secure);
  const outgoing = ownRoute(agent, to, token, secure);
  return incoming === outgoing ? [outgoing] : [outgoing, incoming];
}

/** `sips:` when the request is for a `sips:` URI (§16.6 step 4): all of its dialog stays on TLS. */
function ownRoute(
  agent: UserAgent,
  { flow, flowToken }: RecordedSide,
  token: string,
  secure: boolean,
): string {
  const user = flowToken === undefined ? '' : `${flowToken}@`;
  const at = `${user}${agent.sentBy(flow)}`;
  if (secure && flow.transport === 'tls') return `<sips:${at};lr;${ROUTE_TOKEN}=${token}>`;
  const transport = flow.transport === 'udp' ? '' : `;transport=${flow.transport}`;
  return `<sip:${at}${transport};lr;${ROUTE_TOKEN}=${token}>`;
}
