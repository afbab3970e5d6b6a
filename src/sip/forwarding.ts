/**
 * Sending a request on: where its next hop is, and the copy that goes there (RFC 3261 §16.6 steps 5 to 11).
 */
import { parseTargetContact } from './contact.ts';
import type { CoreHeaders } from './core-headers.ts';
import { type Flow, hopAt, type ServerHop } from './flow.ts';
import { flowToken } from './flow-token.ts';
import { forwardedRequest } from './forwarded-request.ts';
import { addressFamily } from './ip-address.ts';
import { MAX_WAITING_NAMES } from './limits.ts';
import { branchWithHash } from './loop-detection.ts';
import type { SipRequest } from './message.ts';
import { nextHop } from './next-hop.ts';
import { outgoing } from './outgoing.ts';
import type { ProxyState, StatelessAck } from './proxy-state.ts';
import { recordRoutes } from './record-route.ts';
import type { ProxyBranch } from './response-context.ts';
import { type Onward, routeOnward } from './route-preprocessing.ts';
import { routeToken } from './route-token.ts';
import { queryOf } from './server-location.ts';
import { isSips } from './sips.ts';
import type { Target } from './target-set.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';
import { parseUri } from './uri.ts';
import { parseVia } from './via.ts';

/** More than 3 minutes (§16.6 step 11), in ms: how long a phone may ring after its last word. */
export const TIMER_C_MS = 181_000;

/** Sends a branch on its way, or asks for the address of its next hop. What is wrong, in words, when it cannot go. */
export function launch(proxy: ProxyState, turn: Turn, branch: ProxyBranch): string | undefined {
  return send(proxy, turn, branch, branch.target, branch.context.routes);
}

/** The same for the ACK to a 2xx. */
export function launchAck(
  proxy: ProxyState,
  turn: Turn,
  ack: StatelessAck,
  target: Target,
  routes: readonly string[],
): string | undefined {
  return send(proxy, turn, ack, target, routes);
}

function send(
  proxy: ProxyState,
  turn: Turn,
  what: ProxyBranch | StatelessAck,
  { uri, path, reach }: Target,
  beyond: readonly string[],
): string | undefined {
  const { transport } = proxy.agent;
  const onward = routeOnward(uri, [...path, ...beyond]);
  // §26.2.2: what is for a `sips:` URI leaves over TLS or not at all.
  const secure = isSips(onward.uri);
  const reachable = reach !== undefined && (!secure || reach.transport === 'tls');
  if (reachable && onward.hop === uri && transport.connections.isOpen(reach)) {
    sendOn(proxy, turn, what, onward, reach);
    return undefined;
  }
  const hop = nextHop(onward.hop, 'udp');
  if (hop === undefined) return `${displayText(onward.hop)} is no SIP URI`;
  if (secure && hop.transport !== 'tls')
    return `${displayText(onward.hop)} does not lead over TLS, as sips: wants it`;
  if (addressFamily(hop.host) !== undefined) {
    sendTo(proxy, turn, what, onward, hopAt(hop, hop.host));
    return undefined;
  }
  if (proxy.waiting.size >= MAX_WAITING_NAMES) return 'too many names are being looked up';
  proxy.waiting.add({ hop, onward, what });
  turn.ask({ type: 'resolve', ...queryOf(hop) });
  return undefined;
}

/** The next hop has an address. */
export function sendTo(
  proxy: ProxyState,
  turn: Turn,
  what: ProxyBranch | StatelessAck,
  onward: Onward,
  server: ServerHop,
): void {
  const flow = proxy.agent.transport.connections.flowTo(turn, server);
  sendOn(proxy, turn, what, onward, flow);
}

function sendOn(
  proxy: ProxyState,
  turn: Turn,
  what: ProxyBranch | StatelessAck,
  onward: Onward,
  flow: Flow,
): void {
  if (what.kind === 'branch') sendBranch(proxy, turn, what, onward, flow);
  else sendAck(proxy, turn, what, onward, flow);
}

function sendBranch(proxy: ProxyState, turn: Turn, branch: ProxyBranch, onward: Onward, flow: Flow): void {
  const { agent } = proxy;
  const { server, request, core, hash } = branch.context;
  const via = agent.via(flow, branchWithHash(agent.identifiers.branch(), hash));
  const token = routeToken(proxy.routeSecret, core.callId);
  const tokenOf = (wanted: boolean, side: Flow) => ({
    flow: side,
    flowToken: wanted ? flowToken(proxy.routeSecret, side) : undefined,
  });
  const recorded = recordRoutes(agent, request.method, {
    from: tokenOf(asksForFlow(request, core), server.flow),
    to: tokenOf(branch.target.registered !== undefined && branch.target.path.length === 0, flow),
    token,
    secure: isSips(onward.uri),
  });
  const copy = forward(proxy, request, core, onward, via, { recorded, breadth: branch.breadth });
  branch.state = 'calling';
  if (request.method === 'INVITE') {
    branch.timer = proxy.deadlines.arm(turn.nowMs + TIMER_C_MS, 'C', branch);
  }
  branch.transaction = agent.large.open(turn, copy, flow, branch);
}

/** RFC 5626 §4.3, §5.3: the phone next to us wants what belongs to the dialog on the flow that it speaks on. */
function asksForFlow(request: SipRequest, { viaCount }: CoreHeaders): boolean {
  if (viaCount !== 1) return false;
  const contact = parseTargetContact(request);
  const uri = contact.ok && contact.value !== undefined ? parseUri(contact.value.uri) : undefined;
  return uri?.ok === true && uri.value.kind === 'sip' && uri.value.params.has('ob');
}

function sendAck(proxy: ProxyState, turn: Turn, ack: StatelessAck, onward: Onward, flow: Flow): void {
  const via = proxy.agent.via(flow, ack.branch);
  const { request, core } = forward(proxy, ack.request, ack.core, onward, via, {
    recorded: [],
    breadth: undefined,
  });
  const message = outgoing(request, core.callId, `${core.cseq.number} ACK`, ack.branch);
  proxy.agent.transport.transmit(turn, flow, message, undefined);
}

/** The copy, and its core headers: those that came, under a Via of ours. */
function forward(
  { realm }: ProxyState,
  request: SipRequest,
  core: CoreHeaders,
  { uri, routes }: Onward,
  via: string,
  { recorded, breadth }: { readonly recorded: readonly string[]; readonly breadth: number | undefined },
): { readonly request: SipRequest; readonly core: CoreHeaders } {
  const top = parseVia(via);
  if (!top.ok) throw new Error(`a Via of our own is malformed: ${top.error.detail}`);
  return {
    request: forwardedRequest(request, { uri, via, recordRoutes: recorded, routes, breadth, realm }),
    core: { ...core, via: top.value, viaCount: core.viaCount + 1 },
  };
}
