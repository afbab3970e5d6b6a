/**
 * The endpoint: one owner of all state, at the root. `handle(input, nowMs)` takes one thing that happened and
 * returns what is to be done; `deadlineMs()` says when to come back without one.
 *
 * What arrives goes through reception.ts, what transactions say through indications.ts; calls, registrations and the
 * registrar are the users of both.
 */
import type { MediaCounters } from '../rtp/session.ts';
import { acknowledgementMissing, repeatOk } from './accepting.ts';
import { followMove } from './address-move.ts';
import { answeringDue, declineCall, portsArrived } from './answering.ts';
import { queryBindings } from './bindings-query.ts';
import { sendBye } from './bye.ts';
import type { Call, CallTimer } from './call.ts';
import { finishCall } from './call-end.ts';
import { callKeepaliveDue } from './call-keepalive.ts';
import { tryMove } from './call-move.ts';
import { CallStore } from './call-store.ts';
import { cancelUnanswered } from './cancel.ts';
import { changeUnanswered } from './change-response.ts';
import { pressKeys } from './dtmf-keys.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import type { Action, Input, Output } from './endpoint-io.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import type { Flow, SocketAddress } from './flow.ts';
import { endCall } from './hang-up.ts';
import { tryHold, wishHold } from './hold.ts';
import {
  advanceKeepalives,
  advanceLargeRequests,
  connectionGone,
  connectionUp,
  failDatagram,
  indicate,
} from './indications.ts';
import type { RouteTo } from './local-address.ts';
import { callResolved, retryAfterWait } from './next-server.ts';
import { PORT_WAIT_MS, portDue, portsForCalls } from './own-port.ts';
import { advancePings, Pings, ping, pingResolved } from './ping.ts';
import { placeCall } from './placing.ts';
import { diagnosePortsTaken } from './ports-taken.ts';
import { StatefulProxy } from './proxy.ts';
import { receive, receiveStream } from './reception.ts';
import { Registrations } from './registration.ts';
import { RejectionLimit } from './rejection-limit.ts';
import { prackMissing, repeatProvisional } from './reliable-provisional.ts';
import { ringTimedOut } from './ring-timeout.ts';
import { refreshSession } from './session-refresh.ts';
import { sessionExpired } from './session-timer.ts';
import { StunDiscovery } from './stun-discovery.ts';
import { StunAnswers } from './stun-reception.ts';
import { displayText } from './text.ts';
import { Turn } from './turn.ts';
import { UserAgent } from './user-agent.ts';

/** How long a clean stop may take, in ms. */
const STOP_MS = 5_000;

/** The one owner of the state: an input and the time go in, what is to be done comes out. */
export class Endpoint {
  private readonly agent: UserAgent;
  private readonly calls: CallStore;
  private readonly registrations: Registrations;
  private readonly parts: EndpointParts;
  private readonly rejections = new RejectionLimit();
  private stopping: { readonly reason: string; readonly untilMs: number } | undefined;
  private stopped = false;
  /** The flow of the last datagram. */
  private heard: Flow | undefined;

  /** `readCounters` and `routeTo` (local-address.ts) read what only the machine knows; a trace holds what they said. */
  constructor(config: EndpointConfig, readCounters: (slot: number) => MediaCounters, routeTo?: RouteTo) {
    this.agent = new UserAgent(config, routeTo);
    this.calls = new CallStore(this.agent, readCounters);
    this.registrations = new Registrations(this.agent);
    const { agent, calls, registrations } = this;
    const proxy = config.registrar === undefined ? undefined : new StatefulProxy(agent, config.registrar);
    const stun = { stun: new StunDiscovery(agent), stunAnswers: new StunAnswers() };
    this.parts = {
      agent,
      calls,
      registrations,
      proxy,
      messageEchoes: new Set(),
      pings: new Pings(),
      ...stun,
    };
  }

  /** What is alive: a test and a monitor see here that nothing was left behind. */
  get alive(): { readonly calls: number; readonly transactions: number; readonly connections: number } {
    return {
      calls: this.calls.size,
      transactions: this.agent.transactions.size,
      connections: this.agent.transport.connections.size,
    };
  }

  /** Requests that a proxy in here has sent on, and whose answer is waited for. */
  get proxied(): number {
    return this.parts.proxy?.size ?? 0;
  }

  /** The earliest time at which `handle` wants to be called, on the clock of `nowMs`. */
  deadlineMs(): number | undefined {
    // A re-INVITE that its call did not wait for may still have a deadline.
    if (this.stopped) return undefined;
    const { agent, calls, registrations, parts } = this;
    let first = earlier(agent.transactions.nextMs(), calls.nextMs());
    first = earlier(first, registrations.nextMs());
    first = earlier(first, registrations.keepalives.nextMs());
    first = earlier(first, parts.pings.nextMs());
    first = earlier(first, parts.stun.nextMs());
    first = earlier(first, parts.proxy?.nextMs());
    first = earlier(first, agent.transport.connections.nextMs());
    first = earlier(first, agent.large.nextMs());
    first = earlier(first, this.rejections.nextMs());
    return earlier(first, this.stopping?.untilMs);
  }

  /** One thing that happened. Everything whose time has come by `nowMs` is done as well. */
  handle(input: Input, nowMs: number): readonly Output[] {
    const turn = new Turn(nowMs, this.agent.unwantedEvents, this.rejections);
    // What still arrives while the sockets close is for nobody.
    if (this.stopped) return turn.outputs;
    this.take(turn, input);
    this.advance(turn);
    this.follow(turn);
    this.agent.own.sayNew(turn);
    this.parts.stun.compare(turn);
    this.giveUpWaiting(turn);
    this.calls.reportTimers(turn);
    this.finishStop(turn);
    return turn.outputs;
  }

  private take(turn: Turn, input: Input): void {
    switch (input.type) {
      case 'datagram':
        return receive(this.parts, turn, this.flowFrom(input.remote), input.bytes);
      case 'stream':
        return receiveStream(this.parts, turn, input.connection, input.bytes);
      case 'listening':
        this.agent.own.listening(input.transport, input.local);
        turn.emit({ type: 'listener.opened', transport: input.transport, ...input.local });
        if (input.transport !== 'udp' || this.agent.config.stun === undefined) return;
        this.parts.stun.start(turn);
        this.calls.audio.mappingUntilMs = turn.nowMs + PORT_WAIT_MS;
        return;
      case 'connected':
        return connectionUp(this.parts, turn, input, (connection) => this.isNeeded(connection));
      case 'disconnected':
        return connectionGone(this.parts, turn, input);
      case 'unreachable':
        return failDatagram(this.parts, turn, input.remote, input.error);
      case 'addresses':
        return this.agent.own.update(input);
      case 'resolved':
        this.registrations.resolved(turn, input);
        this.parts.proxy?.resolved(turn, input);
        callResolved(this.parts, turn, input);
        pingResolved(this.parts, turn, input);
        this.parts.stun.resolved(turn, input);
        return;
      case 'media':
        return this.media(turn, input.report);
      case 'sample':
        for (const call of this.calls.all()) this.sample(turn, call);
        return;
      case 'action':
        return this.act(turn, input.action);
      case 'time':
        return;
    }
  }

  /**
   * The driver gives the same object for the same source in a row (io/udp-listener.ts), so their flows are one object
   * too: transactions keep it for 32 s, in tens of thousands.
   */
  private flowFrom(remote: SocketAddress): Flow {
    if (this.heard?.remote !== remote) this.heard = { transport: 'udp', remote };
    return this.heard;
  }

  private act(turn: Turn, action: Action): void {
    switch (action.type) {
      case 'watch':
        return this.agent.watch(action.on);
      case 'register':
        return this.registrations.start(turn);
      case 'add-account':
        if (this.stopping === undefined) this.registrations.add(turn, action);
        return;
      case 'remove-account':
        if (!this.registrations.remove(turn, action.account)) reportUnknownAccount(turn, action.account);
        return;
      case 'seed':
        return this.agent.reseed(action.words, this.calls.size);
      case 'call':
        return placeCall(this.parts, turn, action);
      case 'ping':
        return ping(this.parts, turn, action);
      case 'query-bindings':
        return queryBindings(this.parts, turn, action);
      case 'hangup': {
        const call = this.calls.find(action.call);
        if (call === undefined) return reportUnknownCall(turn, action.call);
        return this.hangUp(turn, call, 'hung up');
      }
      case 'hold':
      case 'resume': {
        const call = this.calls.find(action.call);
        if (call === undefined) return reportUnknownCall(turn, action.call);
        return wishHold(this.calls, turn, call, action.type);
      }
      case 'dtmf': {
        const call = this.calls.find(action.call);
        if (call === undefined) return reportUnknownCall(turn, action.call);
        return pressKeys(turn, call, action.digits);
      }
      case 'hangup-all':
        for (const call of [...this.calls.all()]) this.hangUp(turn, call, 'hung up');
        return;
      case 'stop':
        if (this.stopping !== undefined) return;
        this.stopping = { reason: action.reason, untilMs: turn.nowMs + STOP_MS };
        this.agent.stopping = true;
        for (const call of [...this.calls.all()]) this.hangUp(turn, call, action.reason);
        this.parts.proxy?.stop(turn);
        this.registrations.stop(turn);
    }
  }

  private hangUp(turn: Turn, call: Call, reason: string): void {
    if (call.direction === 'incoming' && call.answeredMs === undefined) {
      declineCall(this.calls, turn, call, reason);
    } else endCall(this.calls, turn, call, reason);
  }

  private advance(turn: Turn): void {
    // A deadline may arm another one that is due at once (Timer K on a stream), so look until nothing is.
    for (let next = this.deadlineMs(); next !== undefined && next <= turn.nowMs; next = this.deadlineMs()) {
      for (const indication of this.agent.transactions.advance(turn)) indicate(this.parts, turn, indication);
      for (
        let due = this.calls.takeDue(turn.nowMs);
        due !== undefined;
        due = this.calls.takeDue(turn.nowMs)
      ) {
        this.callDue(turn, due.owner, due.name);
      }
      this.registrations.advance(turn);
      advanceKeepalives(this.parts, turn);
      advanceLargeRequests(this.parts, turn);
      advancePings(this.parts, turn);
      this.parts.stun.advance(turn);
      this.parts.proxy?.advance(turn);
      this.agent.transport.connections.advance(turn, (connection) => this.isNeeded(connection));
      const leftOut = this.rejections.count(turn.nowMs);
      if (leftOut !== undefined) turn.say(leftOut);
      if (this.stopping !== undefined && this.stopping.untilMs <= turn.nowMs) return;
    }
  }

  /** Calls that wait for what STUN says of their port: there is nothing to wait for. */
  private giveUpWaiting(turn: Turn): void {
    const { audio } = this.calls;
    if (audio.mappingUntilMs === 0 || !this.parts.stun.failed) return;
    audio.mappingUntilMs = 0;
    portsForCalls(this.parts, turn);
  }

  /** What this turn showed of our address is followed in it; a REGISTER that cannot be sent shows no more. */
  private follow(turn: Turn): void {
    const moved = this.agent.own.takeMoved();
    if (moved === undefined) return;
    followMove(this.parts, turn, moved);
    this.advance(turn);
  }

  private callDue(turn: Turn, call: Call, name: CallTimer): void {
    if (name === '2xx') repeatOk(this.calls, turn, call);
    else if (name === 'no ack') acknowledgementMissing(this.calls, turn, call);
    else if (name === 'ring timeout') ringTimedOut(this.calls, turn, call);
    else if (name === 'retry') retryAfterWait(this.parts, turn, call);
    else if (name === 'duration') endCall(this.calls, turn, call, 'the time is over');
    else if (name === 'cancel timeout') cancelUnanswered(this.calls, turn, call);
    else if (name === 'reliable 1xx') repeatProvisional(this.calls, turn, call);
    else if (name === 'no prack') prackMissing(this.calls, turn, call);
    else if (name === 'refresh') refreshSession(this.calls, turn, call);
    else if (name === 'change') tryHold(this.calls, turn, call);
    else if (name === 'move') tryMove(this.calls, turn, call);
    else if (name === 'keepalive') callKeepaliveDue(this.parts, turn, call);
    else if (name === 'change timeout') changeUnanswered(this.calls, turn, call);
    else if (name === 'session expiry') sessionExpired(this.calls, turn, call);
    else if (name === 'port' && call.direction === 'outgoing') portDue(this.parts, turn, call);
    else answeringDue(this.calls, turn, call, name);
  }

  private media(turn: Turn, report: Extract<Input, { type: 'media' }>['report']): void {
    if (report.type === 'port-mapped') {
      this.calls.audio.mapped(report.port, report.mapped);
      return portsForCalls(this.parts, turn);
    }
    if (report.type !== 'ports' && report.type !== 'ports-exhausted') {
      return this.calls.audio.report(turn, report);
    }
    const { audio } = this.calls;
    if (report.type === 'ports') audio.addPorts(report.ports);
    else audio.exhausted = report.detail;
    if (report.type === 'ports-exhausted' && audio.neverAny) diagnosePortsTaken(turn, report.detail);
    portsArrived(this.calls, turn);
    portsForCalls(this.parts, turn);
  }

  private sample(turn: Turn, call: Call): void {
    if (this.calls.audio.sample(turn, call)) return endCall(this.calls, turn, call, 'no audio received');
    // Looked at here and not armed: a deadline for each call would cost every call that ends in time.
    const { maxCallMs = 0 } = this.agent.config;
    if (maxCallMs === 0 || call.answeredMs === undefined || call.ending !== undefined) return;
    if (turn.nowMs - call.answeredMs >= maxCallMs) {
      endCall(this.calls, turn, call, 'it has lasted as long as a call may');
    }
  }

  /** A connection that carries a registration or a call stays, however silent. */
  private isNeeded(connection: number): boolean {
    if (this.registrations.uses(connection) || this.parts.proxy?.uses(connection) === true) return true;
    for (const { dialog, outgoing } of this.calls.all()) {
      // A peer may send its requests on what brought our INVITE, whatever our own take.
      const brought = outgoing?.sent?.flow.connection === connection;
      if (brought || dialog?.flow.connection === connection) return true;
    }
    return false;
  }

  /** Says `stopped` once nothing is left to wait for, or the time is up. */
  private finishStop(turn: Turn): void {
    const { stopping } = this;
    if (stopping === undefined || this.stopped) return;
    const late = turn.nowMs >= stopping.untilMs;
    if (!late && (this.calls.size > 0 || !this.registrations.ended)) return;
    for (const call of [...this.calls.all()]) {
      // The ACK that a BYE waits for did not come in time: better a BYE too early than a peer left alone.
      if (call.unacknowledged !== undefined) sendBye(this.calls, turn, call);
      finishCall(this.calls, turn, call, call.ending ?? stopping.reason);
    }
    this.agent.transactions.clear();
    this.agent.transport.connections.closeAll(turn);
    this.stopped = true;
    turn.ask({ type: 'stopped', reason: stopping.reason });
  }
}

/** The same for an account. */
function reportUnknownAccount(turn: Turn, addressOfRecord: string): void {
  turn.emit({
    type: 'diagnosis.raised',
    account: addressOfRecord,
    code: 'account-unknown',
    severity: 'warning',
    evidence: `there is no account ${displayText(addressOfRecord)}`,
    cause: 'it was removed already, or its address is another one',
    next: 'take the address from the account field of the events',
  });
}

/** Somebody asks for a call that is not there: a script has to know. */
function reportUnknownCall(turn: Turn, handle: string): void {
  turn.emit({
    type: 'diagnosis.raised',
    code: 'call-unknown',
    severity: 'warning',
    evidence: `there is no call ${displayText(handle)}`,
    cause: 'it is over, or its name is another one',
    next: 'take the name from the call field of the events',
  });
}

/** The earlier of two times, where either may be none. */
function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined) return other;
  return other === undefined || one < other ? one : other;
}
