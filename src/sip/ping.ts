/**
 * OPTIONS as a ping (RFC 3261 §11.1): asks a target once and says what came back, how fast, and what it supports.
 *
 * Why any final response is an answer: a 404 proves as well as a 200 that somebody is there, and whoever asks is told
 * which it was. Why it has a time of its own and does not wait for Timer F: 32 s are right for a call and not for a
 * ping; what still comes after that belongs to nobody.
 */
import { type Attempt, FIRST_ATTEMPT } from '../auth/credentials.ts';
import type { EventOf } from '../events.ts';
import { type Deadline, Deadlines } from './deadlines.ts';
import type { Account } from './endpoint-config.ts';
import type { Action } from './endpoint-io.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { type Flow, formatAddress, hopAt, hopOfFlow, type NextHop, type ServerHop } from './flow.ts';
import { addressFamily } from './ip-address.ts';
import { MAX_PINGS } from './limits.ts';
import { NO_BODY } from './message.ts';
import { nextHop } from './next-hop.ts';
import { abilities, boundContacts } from './ping-answer.ts';
import { challenged, digestOf } from './ping-challenge.ts';
import { PingDiagnoses, type PingEnd } from './ping-diagnosis.ts';
import { preloadedRoute } from './preloaded-route.ts';
import type { HeaderLine } from './serialize-message.ts';
import { serverFailed } from './server-failed.ts';
import { answers, type FoundServers, queryOf } from './server-location.ts';
import { isSips } from './sips.ts';
import { displayText } from './text.ts';
import type { Indication } from './transaction.ts';
import type { Turn } from './turn.ts';
import { ACCEPT } from './user-agent.ts';

/** How long a ping waits for its answer when it is not told otherwise, in ms. */
const PING_TIMEOUT_MS = 5_000;
/** Said of a ping that nobody answered. */
const SILENCE = 'nothing came in time';
/** Who asks without an account (RFC 3323 §4.1). */
const ANONYMOUS = 'sip:anonymous@anonymous.invalid';

/** One OPTIONS that waits for its answer, or a REGISTER that only asks (bindings-query.ts). */
export interface Ping {
  readonly kind: 'ping';
  readonly method: 'OPTIONS' | 'REGISTER';
  /** A `sip:` URI. */
  readonly target: string;
  readonly account: Account | undefined;
  readonly hop: NextHop;
  /** Of our proxy, and of the Service-Route. */
  readonly routes: readonly string[];
  readonly from: string;
  readonly callId: string;
  /** The servers of the hop that were not tried, the next one first. */
  servers: readonly ServerHop[];
  /** Where it went; undefined while a name is being looked up. */
  flow: Flow | undefined;
  sentMs: number;
  sequence: number;
  attempt: Attempt;
  timer: Deadline<Ping> | undefined;
  /** What it comes to needs no words: whoever chose the server judges by himself, or its connection was told of. */
  explained: boolean;
}

/** The pings of an endpoint that wait. */
export class Pings {
  readonly waiting = new Set<Ping>();
  readonly deadlines = new Deadlines<Ping>();
  readonly diagnoses = new PingDiagnoses();

  nextMs(): number | undefined {
    return this.deadlines.nextMs();
  }
}

/** What a ping is made of; the rest begins empty. */
export interface PingStart extends Pick<Ping, 'method' | 'target' | 'account' | 'hop' | 'routes'> {
  /** Goes there, whatever the name of the hop leads to. */
  readonly server?: ServerHop | undefined;
  readonly timeoutMs?: number | undefined;
}

type Answer = Omit<EventOf<'ping.answered'>, 'type' | 'to' | 'transport' | 'remote'> & {
  readonly contacts?: string[];
};

/** Sends one. What is wrong with it is reported as its answer: whoever asked waits for that event. */
export function ping(parts: EndpointParts, turn: Turn, action: Extract<Action, { type: 'ping' }>): void {
  const { agent, pings } = parts;
  const { from } = action;
  const target = /^(?:sips?|tel):/i.test(action.to) ? action.to : `sip:${action.to}`;
  const failed = (detail: string) =>
    turn.emit({ type: 'ping.answered', to: displayText(target), failure: 'network', detail });
  const account =
    from === undefined
      ? agent.accounts[0]
      : agent.accounts.find((one) => one.user === from || one.addressOfRecord === from);
  if (account === undefined && from !== undefined) return failed(`there is no account ${displayText(from)}`);
  const { server, timeoutMs } = action;
  const preloaded = server === undefined ? preloadedRoute(parts, account) : undefined;
  const named = nextHop(target, 'udp');
  // To its target, or by the preloaded route; not to the account's server, which is another.
  const leads = named === undefined ? undefined : (preloaded?.hop ?? named);
  const hop = server === undefined ? leads : hopOfServer(server);
  if (hop === undefined) return failed('it is no SIP URI');
  if (pings.waiting.size >= MAX_PINGS) return failed(`${MAX_PINGS} pings are out`);
  const { routes = [] } = preloaded ?? {};
  beginPing(parts, turn, { method: 'OPTIONS', target, account, hop, routes, server, timeoutMs });
}

/** A server that was found already, as a next hop that leaves nothing open. */
export function hopOfServer({ transport, address, port, domain }: ServerHop): NextHop {
  return { transport, host: address, port, ...(domain === undefined ? undefined : { domain }) };
}

/** Sends it, or asks for the address of its next hop first. */
export function beginPing(parts: EndpointParts, turn: Turn, about: PingStart): void {
  const { agent, pings } = parts;
  const { server, timeoutMs, ...rest } = about;
  const { account, hop } = rest;
  const one: Ping = {
    kind: 'ping',
    ...rest,
    from: `<${account?.addressOfRecord ?? ANONYMOUS}>;tag=${agent.identifiers.tag()}`,
    callId: agent.identifiers.callId(),
    servers: [],
    flow: undefined,
    sentMs: turn.nowMs,
    sequence: 0,
    attempt: FIRST_ATTEMPT,
    timer: undefined,
    explained: server !== undefined || rest.method === 'REGISTER',
  };
  pings.waiting.add(one);
  one.timer = pings.deadlines.arm(turn.nowMs + (timeoutMs ?? PING_TIMEOUT_MS), 'ping timeout', one);
  if (server !== undefined) send(parts, turn, one, server);
  else if (addressFamily(hop.host) === undefined) turn.ask({ type: 'resolve', ...queryOf(hop) });
  else send(parts, turn, one, hopAt(hop, hop.host));
}

/** The name of a next hop was looked up. */
export function pingResolved(parts: EndpointParts, turn: Turn, found: FoundServers): void {
  for (const one of [...parts.pings.waiting]) {
    if (one.flow !== undefined || !answers(found, one.hop)) continue;
    const [first, ...others] = parts.agent.serversOf(turn, one.hop, found);
    one.servers = others;
    if (first !== undefined) {
      send(parts, turn, one, first);
      continue;
    }
    unanswered(parts, turn, one, 'network', found.error ?? `${found.host} has no address`);
  }
}

/** Pings that have waited long enough. */
export function advancePings(parts: EndpointParts, turn: Turn): void {
  const { deadlines } = parts.pings;
  for (let due = deadlines.takeDue(turn.nowMs); due !== undefined; due = deadlines.takeDue(turn.nowMs)) {
    const { flow, hop } = due.owner;
    if (flow !== undefined) unanswered(parts, turn, due.owner, 'no-answer', SILENCE);
    else unanswered(parts, turn, due.owner, 'network', `${hop.host} could not be looked up in DNS in time`);
  }
}

/** What became of an OPTIONS of ours. */
export function pingIndicated(
  parts: EndpointParts,
  turn: Turn,
  one: Ping,
  indication: Indication<unknown>,
): void {
  // Given up before.
  if (!parts.pings.waiting.has(one)) return;
  if (indication.type === 'timeout') return unanswered(parts, turn, one, 'no-answer', SILENCE);
  if (indication.type === 'failed') {
    if (sendNext(parts, turn, one, displayText(indication.error))) return;
    return unanswered(parts, turn, one, 'network', displayText(indication.error));
  }
  const { response } = indication;
  const { status } = response;
  if (status < 200) return;
  // RFC 3263 §4.3: a server that is overloaded may have a brother.
  if (status === 503 && sendNext(parts, turn, one, `503 ${displayText(response.reason)}`)) return;
  const rttMs = Math.round((turn.nowMs - one.sentMs) * 100) / 100;
  const told = one.method === 'REGISTER' ? { contacts: boundContacts(response) } : abilities(response);
  const said = { status, reason: displayText(response.reason), rttMs, ...told };
  const verdict =
    status === 401 || status === 407 ? challenged(parts, turn, one, response, status) : undefined;
  if (verdict === 'again') {
    if (one.flow !== undefined) send(parts, turn, one, hopOfFlow(one.flow));
    return;
  }
  if (verdict !== undefined) {
    const { code, reason: detail } = verdict;
    answer(parts, turn, one, { ...said, failure: 'authentication', detail });
    return explain(parts, turn, one, { type: 'challenged', response, code });
  }
  answer(parts, turn, one, said);
  if (status < 300) parts.pings.diagnoses.fine(one.hop);
  else explain(parts, turn, one, { type: 'refused', response });
}

/** It ends without an answer. */
function unanswered(
  parts: EndpointParts,
  turn: Turn,
  one: Ping,
  failure: 'network' | 'no-answer',
  detail: string,
): void {
  answer(parts, turn, one, { failure, detail });
  explain(parts, turn, one, { type: 'unanswered', reason: detail });
}

/** Says what that means, to whoever has nobody else to say it. */
function explain({ pings }: EndpointParts, turn: Turn, one: Ping, end: PingEnd): void {
  if (one.explained) return;
  const { hop, flow, routes, target } = one;
  pings.diagnoses.raise(turn, { hop, flow, routes, user: target.includes('@') }, end);
}

/** To the next server, if there is one; `what` was wrong with this one. */
function sendNext(parts: EndpointParts, turn: Turn, one: Ping, what: string): boolean {
  const [server, ...rest] = one.servers;
  if (server === undefined) return false;
  parts.pings.diagnoses.say(turn, serverFailed('OPTIONS', one.hop, one.flow, what, server));
  one.servers = rest;
  send(parts, turn, one, server);
  return true;
}

/** One try, with the credentials that are known by then. */
function send(parts: EndpointParts, turn: Turn, one: Ping, server: ServerHop): void {
  const { agent } = parts;
  const { target } = one;
  const flow = agent.transport.connections.flowTo(turn, server);
  one.flow = flow;
  one.sentMs = turn.nowMs;
  one.sequence += 1;
  const { method } = one;
  const credentials = digestOf(parts, one)?.authorize({ method, uri: target, body: NO_BODY }, one.attempt);
  one.attempt = credentials?.attempt ?? one.attempt;
  // §10.2.3: a REGISTER without a Contact binds nothing.
  const about: HeaderLine[] =
    method === 'REGISTER'
      ? []
      : [
          ['Contact', agent.contact(flow, one.account?.user, isSips(target))],
          ['Accept', ACCEPT],
        ];
  const headers: HeaderLine[] = [
    ...about,
    ...(credentials?.fields ?? []).map(({ name, value: text }): HeaderLine => [name, text]),
  ];
  const request = {
    method,
    uri: target,
    from: one.from,
    to: method === 'REGISTER' ? `<${one.account?.addressOfRecord ?? target}>` : `<${target}>`,
    callId: one.callId,
    sequence: one.sequence,
    routes: one.routes,
    headers,
  };
  agent.request(turn, request, flow, one);
}

function answer({ pings }: EndpointParts, turn: Turn, one: Ping, what: Answer): void {
  pings.waiting.delete(one);
  pings.deadlines.disarm(one.timer);
  const { flow, account } = one;
  const where =
    flow === undefined ? undefined : { transport: flow.transport, remote: formatAddress(flow.remote) };
  const whom =
    one.method === 'REGISTER'
      ? ({ type: 'registration.queried', account: displayText(account?.addressOfRecord ?? '') } as const)
      : ({ type: 'ping.answered', to: displayText(one.target) } as const);
  turn.emit({ ...whom, ...where, ...what });
}
