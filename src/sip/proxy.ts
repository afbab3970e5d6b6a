/**
 * A stateful proxy (RFC 3261 §16) in front of the lab's registrar: what it takes, what it checks, whom it lets
 * through, and where it goes.
 *
 * It stands between phones that trust nobody, so requests out of a dialog need the digest of a user of the domain,
 * whoever is called; what belongs to a dialog that went through us is for the phones to judge, which know their tags.
 */
import { createHash } from 'node:crypto';
import type { CoreHeaders } from './core-headers.ts';
import { Deadlines } from './deadlines.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { type Flow, formatHost } from './flow.ts';
import { flowOfToken } from './flow-token.ts';
import { launchAck } from './forwarding.ts';
import { MAX_RESPONSE_CONTEXTS } from './limits.ts';
import { LocationService } from './location-service.ts';
import { branchWithHash, loopHash } from './loop-detection.ts';
import { maxBreadth, withinBreadth } from './max-breadth.ts';
import { fields, type SipRequest } from './message.ts';
import { OwnDomain } from './own-domain.ts';
import {
  branchDue,
  branchIndicated,
  cancelAll,
  finishIfDone,
  nameResolved,
  tryNext,
} from './proxied-responses.ts';
import type { ProxyState } from './proxy-state.ts';
import { isOutOfHops, proxyRequired, validateForProxy } from './proxy-validation.ts';
import { Realm } from './realm.ts';
import { refuse, retryAfter } from './refusal.ts';
import { Registrar } from './registrar.ts';
import type { ProxyBranch, ResponseContext } from './response-context.ts';
import { fail, ok, type Result, type SipError, sipError } from './result.ts';
import { preprocessRoute, type Routing } from './route-preprocessing.ts';
import { withSource } from './rport.ts';
import type { HeaderLine } from './serialize-message.ts';
import type { FoundServers } from './server-location.ts';
import { findTargets, ownUser, type Target } from './target-set.ts';
import type { Indication, ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { parseUri } from './uri.ts';
import type { UserAgent } from './user-agent.ts';
import { MAGIC_COOKIE } from './via.ts';

/** Is offered every request outside of our own calls, and serves those for the domain or for others. */
export class StatefulProxy {
  private readonly state: ProxyState;
  private readonly registrar: Registrar;

  constructor(agent: UserAgent, config: NonNullable<EndpointConfig['registrar']>) {
    const { domain } = config;
    const own = new OwnDomain(agent, domain);
    const realm = new Realm(agent, own, domain, config);
    const location = new LocationService(formatHost(domain));
    this.registrar = new Registrar(agent, realm, own, location);
    this.state = {
      agent,
      routeSecret: agent.identifiers.cnonce(),
      own,
      realm,
      location,
      contexts: new Map(),
      deadlines: new Deadlines(),
      waiting: new Set(),
    };
  }

  /** Requests whose answer is waited for. */
  get size(): number {
    return this.state.contexts.size + this.state.waiting.size;
  }

  nextMs(): number | undefined {
    const [branches, bindings] = [this.state.deadlines.nextMs(), this.state.location.nextMs()];
    return branches === undefined || (bindings !== undefined && bindings < branches) ? bindings : branches;
  }

  advance(turn: Turn): void {
    const { deadlines, location } = this.state;
    for (let due = deadlines.takeDue(turn.nowMs); due !== undefined; due = deadlines.takeDue(turn.nowMs)) {
      branchDue(this.state, turn, due.owner);
    }
    location.advance(turn);
  }

  /** A connection is gone, and the bindings of its flow. */
  connectionLost(turn: Turn, connection: number): void {
    this.state.location.connectionLost(turn, connection);
  }

  /** Whether a phone is reached over that connection. */
  uses(connection: number): boolean {
    return this.state.location.uses(connection);
  }

  resolved(turn: Turn, found: FoundServers): void {
    nameResolved(this.state, turn, found);
  }

  indicated(turn: Turn, branch: ProxyBranch, indication: Indication<unknown>): void {
    branchIndicated(this.state, turn, branch, indication);
  }

  /** Takes a request that opened a server transaction. False when it is for this element itself, and no REGISTER. */
  serve(turn: Turn, transaction: ServerTransaction): boolean {
    const { request } = transaction;
    const routed = preprocessRoute(request, this.state.own, this.state.routeSecret);
    if (!routed.ok) this.refuse(turn, transaction, routed.error);
    else if (this.isForUs(request, routed.value)) {
      if (request.method !== 'REGISTER') return false;
      this.registrar.register(turn, transaction);
    } else if (request.method === 'OPTIONS' && isOutOfHops(request)) return false;
    else this.forward(turn, transaction, routed.value);
    return true;
  }

  /** A CANCEL of a request that we know (§16.10): answered here, and passed on as CANCELs of our own. */
  cancel(turn: Turn, transaction: ServerTransaction, cancelled: ServerTransaction): boolean {
    const context = this.state.contexts.get(cancelled);
    if (context === undefined) return false;
    const { agent } = this.state;
    const reason = fields(transaction.request, 'Reason').map(({ value }): HeaderLine => ['Reason', value]);
    agent.respond(turn, transaction, 200, { toTag: agent.identifiers.tag() });
    cancelAll(this.state, turn, context, reason);
    finishIfDone(this.state, turn, context);
    return true;
  }

  /** The ACK to a 2xx, which goes end to end (§16.7 step 10): sent on without a transaction, or dropped. */
  acknowledge(turn: Turn, request: SipRequest, core: CoreHeaders, flow: Flow): void {
    const { own, routeSecret } = this.state;
    const hash = loopHash(request, core);
    const routed = preprocessRoute(request, own, routeSecret);
    if (!routed.ok || this.isForUs(request, routed.value)) return;
    if (validateForProxy(request, core, hash, own) !== undefined) return;
    const { uri, routes, recorded } = routed.value;
    if (!recorded && (routes.length > 0 || ownUser(this.state, uri) === undefined)) return;
    const targets = this.targets(turn, routed.value);
    const target = targets.ok ? targets.value[0]?.[0] : undefined;
    if (target === undefined) return;
    const ack = { kind: 'ack', request: withSource(request, core, flow), core } as const;
    launchAck(this.state, turn, { ...ack, branch: statelessBranch(core, hash) }, target, routes);
  }

  /** Everything that waits is answered, as this server goes down. */
  stop(turn: Turn): void {
    for (const [server, context] of [...this.state.contexts]) {
      cancelAll(this.state, turn, context, []);
      this.state.contexts.delete(server);
      context.answered = true;
      this.refuse(turn, server, STOPPING);
    }
  }

  /** No Route leads on, and the Request-URI is us: no user of ours, or one that the echo beside us answers for. */
  private isForUs({ method }: SipRequest, { uri, routes }: Routing): boolean {
    if (routes.length > 0) return false;
    if (method === 'REGISTER') return true;
    const { own, realm, agent } = this.state;
    const user = ownUser(this.state, uri);
    if (user !== undefined) return agent.config.echo && !realm.has(user);
    const parsed = parseUri(uri);
    return parsed.ok && parsed.value.kind === 'sip' && own.isOurs(parsed.value);
  }

  private forward(turn: Turn, transaction: ServerTransaction, routing: Routing): void {
    const { agent, own, contexts } = this.state;
    const { request, core } = transaction;
    const hash = loopHash(request, core);
    const wrong = validateForProxy(request, core, hash, own) ?? this.overload();
    if (wrong !== undefined) return this.refuse(turn, transaction, wrong);
    if (!this.admits(turn, transaction, routing)) return;
    const targets = this.targets(turn, routing);
    if (!targets.ok) return this.refuse(turn, transaction, targets.error);
    const breadth = maxBreadth(request);
    const context: ResponseContext = {
      server: transaction,
      request,
      core,
      routes: routing.routes,
      hash,
      branches: [],
      breadth,
      untried: withinBreadth(targets.value, breadth),
      finals: [],
      answered: false,
    };
    contexts.set(transaction, context);
    // §17.2.1: nobody knows how long the next hop takes.
    if (request.method === 'INVITE') agent.respond(turn, transaction, 100);
    tryNext(this.state, turn, context);
  }

  /**
   * Where a request goes: over the flow that our own Route names (RFC 5626 §5.3), else where its URI says. Errors: those
   * of `findTargets`, and `flow-failed` (430) for a flow that is gone, unless the phone has come back on another.
   */
  private targets(
    turn: Turn,
    { uri, recorded, flowToken, routes }: Routing,
  ): Result<readonly (readonly Target[])[]> {
    const { agent, location, routeSecret } = this.state;
    const flow = recorded ? flowOfToken(routeSecret, flowToken, agent.transport) : 'none';
    if (flow === 'none' || routes.length > 0) return findTargets(this.state, uri, turn.nowMs);
    const now = flow === 'gone' ? undefined : location.flowNow(flow);
    const stands =
      now?.connection === undefined || agent.transport.connections.flowOf(now.connection) !== undefined;
    const reach = stands && now !== undefined ? now : location.newFlowOf(uri);
    if (reach !== undefined) return ok([[{ uri, q: 1, path: [], reach }]]);
    return fail('flow-failed', 0, 430, 'the connection to the phone is gone, and it has not come back');
  }

  private overload(): SipError | undefined {
    if (this.state.agent.stopping) return STOPPING;
    if (this.state.contexts.size < MAX_RESPONSE_CONTEXTS) return undefined;
    return sipError('too-many-requests', 503, `${MAX_RESPONSE_CONTEXTS} requests wait for answers`);
  }

  /** §16.3 step 6, §22.3. False once the request was answered. */
  private admits(turn: Turn, transaction: ServerTransaction, { uri, routes, recorded }: Routing): boolean {
    const { realm } = this.state;
    const { core } = transaction;
    if (core.toTag !== undefined) {
      if (recorded || (routes.length === 0 && ownUser(this.state, uri) !== undefined)) return true;
      // A dialog from before this server was started again, or a relay for a stranger: a user of ours can say so.
    }
    const user = realm.authenticate(turn, transaction, 'proxy');
    if (user === undefined) return false;
    const claimed = ownUser(this.state, core.from.uri);
    if (claimed === undefined || claimed === user || !realm.has(claimed)) return true;
    this.refuse(turn, transaction, sipError('not-your-address', 403, `${user} may not call as ${claimed}`));
    return false;
  }

  private refuse(turn: Turn, transaction: ServerTransaction, error: SipError): void {
    const headers: HeaderLine[] = error.status === 503 ? [retryAfter(10)] : [];
    const unsupported = error.status === 420 ? proxyRequired(transaction.request) : undefined;
    if (unsupported !== undefined) headers.push(['Unsupported', unsupported]);
    refuse(this.state.agent, turn, transaction, error, { headers });
  }
}

const STOPPING = sipError('stopping', 503, 'this service is going down');

/** §16.11: no state, so the branch is made of the request, and a retransmission gets the same one. */
function statelessBranch({ via, callId, cseq }: CoreHeaders, hash: string): string {
  const parts = [via.branch ?? '', via.host, String(via.port ?? ''), callId, String(cseq.number)];
  const own = createHash('sha256').update(parts.join('\n'), 'latin1').digest('hex').slice(0, 16);
  return branchWithHash(`${MAGIC_COOKIE}${own}`, hash);
}
