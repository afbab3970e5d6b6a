/**
 * How a call of ours begins (RFC 3261 §8.1.1, §13.2.1): who calls, whom, and where the first INVITE goes.
 *
 * What is wrong with it is reported as a call that ended at once: whoever asked waits for the events of a call.
 */
import { FIRST_ATTEMPT } from '../auth/credentials.ts';
import { type Call, changeCall, handlePart } from './call.ts';
import { finishCall } from './call-end.ts';
import type { Account } from './endpoint-config.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { defaultPort, type NextHop } from './flow.ts';
import { nextHop } from './next-hop.ts';
import type { PlaceCall } from './outgoing-invite.ts';
import { openPort } from './own-port.ts';
import { type PreloadedRoute, preloadedRoute } from './preloaded-route.ts';
import { parseSdp } from './sdp.ts';
import { FIRST_INTERVAL } from './session-timer.ts';
import { isSips } from './sips.ts';
import { displayText } from './text.ts';
import type { Turn } from './turn.ts';
import { userOf } from './uri.ts';
import { asAddress, asRequestUri } from './uri-places.ts';
import type { UserAgent } from './user-agent.ts';

/** Who calls without an account (RFC 3323 §4.1). */
const ANONYMOUS = 'sip:anonymous@anonymous.invalid';

/** Places a call. */
export function placeCall(parts: EndpointParts, turn: Turn, action: PlaceCall): void {
  const { agent, calls } = parts;
  const account = accountOf(agent.accounts, action.from);
  const named = /^(?:sips?|tel):/i.test(action.to) ? action.to : `sip:${action.to}`;
  const target = asRequestUri(named) ?? named;
  const preloaded = preloadedRoute(parts, account, action.proxy);
  const hop = firstHop(preloaded, account, target);
  const user = account?.user ?? 'anonymous';
  const call = newCall(agent, turn, action, user, target);
  calls.add(call);
  if (agent.stopping) {
    return finishCall(calls, turn, call, 'this service is going down', undefined, 'cancelled');
  }
  if (hop === undefined) return finishCall(calls, turn, call, `${displayText(target)} is no SIP URI`);
  if (isSips(target) && hop.transport !== 'tls') {
    const way = hop.transport.toUpperCase();
    const why = `${displayText(target)} wants TLS all the way, and ${hop.host} is reached over ${way}`;
    return finishCall(calls, turn, call, why);
  }
  if (account === undefined && action.from !== undefined) {
    return finishCall(calls, turn, call, `there is no account ${displayText(action.from)}`);
  }
  const own = action.sdp === undefined ? undefined : parseSdp(action.sdp);
  if (own?.ok === false) {
    return finishCall(calls, turn, call, `the session description to send: ${own.error.detail}`);
  }
  const from = account?.addressOfRecord ?? ANONYMOUS;
  call.outgoing = {
    action,
    account,
    from: `<${from}>;tag=${agent.identifiers.tag()}`,
    to: `<${asAddress(target) ?? target}>`,
    user,
    offer: undefined,
    interval: FIRST_INTERVAL,
    target,
    hop,
    preloaded,
    resolving: false,
    sequence: 0,
    sent: undefined,
    acknowledgements: new Map(),
    servers: [],
    targets: [],
    tried: [target],
    redirects: 0,
    waited: false,
    explained: false,
    retryAt: undefined,
    early: new Map(),
    provisional: false,
    cancelled: false,
    attempt: FIRST_ATTEMPT,
  };
  // Said before a name is looked up: whoever asked learns the call's handle in the same turn.
  changeCall(turn, call, 'calling');
  if (action.ringTimeoutMs !== undefined) calls.arm(turn, call, 'ring timeout', action.ringTimeoutMs);
  openPort(parts, turn, call, call.outgoing);
}

function newCall(agent: UserAgent, turn: Turn, action: PlaceCall, user: string, target: string): Call {
  const handle = agent.newHandle(handlePart(user), handlePart(userOf(target)));
  return {
    kind: 'call',
    handle,
    direction: 'outgoing',
    callId: action.repeatable === true ? handle : `${handle}-${agent.identifiers.callId()}`,
    peer: target,
    displayName: undefined,
    startedMs: turn.nowMs,
    state: 'idle',
    answeredMs: undefined,
    dialog: undefined,
    invite: undefined,
    offered: undefined,
    answer: undefined,
    unacknowledged: undefined,
    outgoing: undefined,
    media: undefined,
    timers: {},
    ending: undefined,
  };
}

function accountOf(accounts: readonly Account[], from: string | undefined): Account | undefined {
  if (from === undefined) return accounts[0];
  return accounts.find((account) => account.user === from || account.addressOfRecord === from);
}

/** Where the first try goes: by the preloaded route, else to the account's server, else where the URI says. */
function firstHop(
  preloaded: PreloadedRoute | undefined,
  account: Account | undefined,
  target: string,
): NextHop | undefined {
  const named = nextHop(target, 'udp');
  if (named === undefined) return undefined;
  const hop = preloaded?.hop ?? account?.server ?? named;
  // What DNS is still to say is TLS for a `sips:` URI (RFC 3263 §4.1).
  const left = isSips(target) && hop.open === 'transport';
  return left ? { ...hop, transport: 'tls', port: defaultPort('tls') } : hop;
}
