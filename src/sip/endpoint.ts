/**
 * The endpoint: one owner of all state, at the root. `handle(input, nowMs)` takes one thing that happened and
 * returns what is to be done; `deadlineMs()` says when to come back without one.
 *
 * It sorts: bytes into messages, messages to transactions (transactions.ts), and what transactions do not settle
 * to whoever uses them: calls (answering.ts, calling.ts), registrations, the registrar.
 */
import type { MediaCounters } from '../rtp/session.ts';
import {
  acknowledgementMissing,
  answeringDue,
  declineCall,
  incomingHandle,
  portsArrived,
  receiveAck,
  receiveBye,
  receiveCancel,
  receiveInvite,
  receiveReinvite,
  repeatOk,
} from './answering.ts';
import type { Call, CallTimer } from './call.ts';
import { cancelUnanswered, endCall, finishCall, sendBye } from './call-end.ts';
import { CallStore } from './call-store.ts';
import { callFailed, callResolved, callResponded, placeCall } from './calling.ts';
import { type CoreHeaders, readCoreHeaders } from './core-headers.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import type { Action, Input, Output } from './endpoint-io.ts';
import type { Flow } from './flow.ts';
import type { SipMessage, SipRequest, SipResponse } from './message.ts';
import { parseMessage } from './parse-message.ts';
import { reportBadMessage, reportReceived, reportStray } from './received.ts';
import { refuse, retryAfter } from './refusal.ts';
import { Registrar } from './registrar.ts';
import { Registrations } from './registration.ts';
import { type SipError, sipError } from './result.ts';
import { serveRequest, unsupportedExtension } from './serving.ts';
import type { TransactionUser } from './transaction-user.ts';
import type { Indication, ServerTransaction } from './transactions.ts';
import { Turn } from './turn.ts';
import { ALLOW, responseFlow, UserAgent, withSource } from './user-agent.ts';

/** How long a clean stop may take, in ms. */
const STOP_MS = 5_000;

export class Endpoint {
  private readonly agent: UserAgent;
  private readonly calls: CallStore;
  private readonly registrations: Registrations;
  private readonly registrar: Registrar | undefined;
  private stopping: { readonly reason: string; readonly untilMs: number } | undefined;
  private stopped = false;

  constructor(config: EndpointConfig, readCounters: (slot: number) => MediaCounters) {
    this.agent = new UserAgent(config);
    this.calls = new CallStore(this.agent, readCounters);
    this.registrations = new Registrations(this.agent);
    this.registrar = config.registrar === undefined ? undefined : new Registrar(this.agent, config.registrar);
  }

  /** What is alive: a test and a monitor see here that nothing was left behind. */
  get alive(): { readonly calls: number; readonly transactions: number; readonly connections: number } {
    return {
      calls: this.calls.size,
      transactions: this.agent.transactions.size,
      connections: this.agent.transport.connectionCount,
    };
  }

  /** The earliest time at which `handle` wants to be called, on the clock of `nowMs`. */
  deadlineMs(): number | undefined {
    const stop = this.stopped ? undefined : this.stopping?.untilMs;
    return earliest(
      this.agent.transactions.nextMs(),
      this.calls.nextMs(),
      this.registrations.nextMs(),
      this.agent.transport.nextMs(),
      stop,
    );
  }

  /** One thing that happened. Everything whose time has come by `nowMs` is done as well. */
  handle(input: Input, nowMs: number): readonly Output[] {
    const turn = new Turn(nowMs, this.agent.config.unwantedEvents);
    // What still arrives while the sockets close is for nobody.
    if (this.stopped) return turn.outputs;
    this.take(turn, input);
    this.advance(turn);
    this.finishStop(turn);
    return turn.outputs;
  }

  private take(turn: Turn, input: Input): void {
    switch (input.type) {
      case 'datagram':
        return this.receive(turn, { transport: 'udp', remote: input.remote }, input.bytes);
      case 'stream':
        return this.receiveStream(turn, input.connection, input.bytes);
      case 'listening':
        this.agent.listening(input.transport, input.local);
        turn.emit({ type: 'listener.opened', transport: input.transport, ...input.local });
        return;
      case 'connected':
        this.agent.transport.connected(turn, input.connection, input.transport, input.remote);
        return;
      case 'disconnected':
        return this.disconnected(turn, input.connection, input.error ?? 'connection closed');
      case 'unreachable':
        return this.unreachable(turn, input.remote.address, input.remote.port, input.error);
      case 'resolved':
        this.registrations.resolved(turn, input.host, input.addresses, input.error);
        callResolved(this.calls, this.registrations, turn, input.host, input.addresses, input.error);
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

  private act(turn: Turn, action: Action): void {
    switch (action.type) {
      case 'register':
        return this.registrations.start(turn, action.account);
      case 'call':
        return placeCall(this.calls, this.registrations, turn, action);
      case 'hangup': {
        const call = this.calls.find(action.call);
        if (call !== undefined) this.hangUp(turn, call, 'hung up');
        return;
      }
      case 'hangup-all':
        for (const call of [...this.calls.all()]) this.hangUp(turn, call, 'hung up');
        return;
      case 'stop':
        if (this.stopping !== undefined) return;
        this.stopping = { reason: action.reason, untilMs: turn.nowMs + STOP_MS };
        this.agent.stopping = true;
        for (const call of [...this.calls.all()]) this.hangUp(turn, call, action.reason);
        this.registrations.stop(turn);
    }
  }

  private hangUp(turn: Turn, call: Call, reason: string): void {
    if (call.direction === 'incoming' && call.answeredMs === undefined) {
      declineCall(this.calls, turn, call, reason);
    } else endCall(this.calls, turn, call, reason);
  }

  private receiveStream(turn: Turn, connection: number, bytes: Uint8Array): void {
    const received = this.agent.transport.receive(turn, connection, bytes);
    if (received === undefined) return;
    for (const frame of received.frames) {
      if (frame.type === 'message') this.receive(turn, received.flow, frame.bytes);
      else if (frame.type === 'ping') this.agent.transport.write(turn, received.flow, PONG);
      else if (frame.type === 'broken') {
        // §18.3: without a length nobody knows where the next message starts.
        const head = parseMessage(frame.head);
        const request = head.ok ? head.value : head.partial;
        this.refuseUnparsed(
          turn,
          received.flow,
          frame.error,
          request?.kind === 'request' ? request : undefined,
        );
        this.agent.transport.close(turn, connection);
        return this.disconnected(turn, connection, frame.error.detail);
      }
    }
  }

  /** One message, from its bytes to whoever it is for. */
  private receive(turn: Turn, flow: Flow, bytes: Uint8Array): void {
    if (isKeepalive(bytes)) return;
    const parsed = parseMessage(bytes);
    if (!parsed.ok) return this.refuseUnparsed(turn, flow, parsed.error, parsed.partial);
    const core = readCoreHeaders(parsed.value);
    if (!core.ok) {
      const request = parsed.value.kind === 'request' ? parsed.value : undefined;
      return this.refuseUnparsed(turn, flow, core.error, request);
    }
    if (parsed.value.kind === 'response') this.receiveResponse(turn, flow, bytes, parsed.value, core.value);
    else this.receiveRequest(turn, flow, bytes, parsed.value, core.value);
  }

  private receiveResponse(
    turn: Turn,
    flow: Flow,
    bytes: Uint8Array,
    response: SipResponse,
    core: CoreHeaders,
  ): void {
    const transaction = this.agent.transactions.matchClient(core);
    this.report(turn, flow, bytes, response, core, transaction?.call);
    if (transaction === undefined) return reportStray(turn, flow, response);
    const indication = this.agent.transactions.receiveResponse(turn, transaction, response);
    if (indication !== undefined) this.indicate(turn, indication, core);
  }

  private receiveRequest(
    turn: Turn,
    flow: Flow,
    bytes: Uint8Array,
    request: SipRequest,
    core: CoreHeaders,
  ): void {
    const { transactions } = this.agent;
    const known = transactions.matchServer(request, core);
    const call = known === undefined ? this.calls.findByRequest(core) : undefined;
    if (known !== undefined || request.method === 'ACK') {
      this.report(turn, flow, bytes, request, core, known?.call ?? call?.handle);
      if (known === undefined || transactions.receiveAgain(turn, known, request)) {
        const acknowledged = call ?? this.calls.findByRequest(core);
        if (acknowledged !== undefined) receiveAck(this.calls, turn, acknowledged, core, flow);
      }
      return;
    }
    const fresh = request.method === 'INVITE' && core.toTag === undefined;
    const handle =
      call?.handle ??
      (fresh && this.agent.config.echo ? incomingHandle(this.calls, request, core) : undefined);
    const cancelled = request.method === 'CANCEL' ? transactions.matchCancelled(request, core) : undefined;
    this.report(turn, flow, bytes, request, core, handle ?? cancelled?.call);
    const noted = withSource(request, core, flow);
    const back = responseFlow(core.via, flow);
    if (transactions.full) {
      const about = {
        callId: core.callId,
        cseq: `${core.cseq.number} ${request.method}`,
        branch: core.via.branch,
      };
      this.agent.respondStateless(turn, noted, back, about, 503, { headers: [retryAfter(10)] });
      return;
    }
    const transaction = transactions.openServer(turn, noted, core, back, handle ?? cancelled?.call);
    this.serve(turn, transaction, call, cancelled);
  }

  /** A request that is new to us (§8.2, §12.2.2). */
  private serve(
    turn: Turn,
    transaction: ServerTransaction,
    call: Call | undefined,
    cancelled: ServerTransaction | undefined,
  ): void {
    const { request, core } = transaction;
    const { method } = request;
    if (method === 'CANCEL') {
      if (cancelled !== undefined) return receiveCancel(this.calls, turn, transaction, cancelled);
      return this.refuse(
        turn,
        transaction,
        sipError('dialog-unknown', 481, 'there is no such INVITE to cancel'),
      );
    }
    const extension = unsupportedExtension(request);
    if (extension !== undefined) {
      const error = sipError('extension-unsupported', 420, `Require asks for ${extension}`);
      return refuse(this.agent, turn, transaction, error, { headers: [['Unsupported', extension]] });
    }
    // §15.1.2: a BYE that matches no dialog has missed one, with a To tag or without.
    const within = method === 'BYE' || (core.toTag !== undefined && method !== 'REGISTER');
    if (within && call === undefined) {
      return this.refuse(
        turn,
        transaction,
        sipError('dialog-unknown', 481, 'no call has that Call-ID and those tags'),
      );
    }
    if (this.registrar?.serve(turn, transaction) === true) return;
    if (method === 'INVITE') {
      if (call === undefined) receiveInvite(this.calls, turn, transaction);
      else receiveReinvite(this.calls, turn, call, transaction);
    } else if (method === 'BYE' && call !== undefined) receiveBye(this.calls, turn, call, transaction);
    else if (!serveRequest(this.calls, turn, transaction, call)) {
      const error = sipError('method-not-allowed', 405, `${method} is not served here`);
      refuse(this.agent, turn, transaction, error, { headers: [['Allow', ALLOW]] });
    }
  }

  private indicate(turn: Turn, indication: Indication<TransactionUser>, core?: CoreHeaders): void {
    const { transaction } = indication;
    if (transaction.side === 'server') {
      // Timer H: our refusal was not acknowledged. There is nothing left to end.
      return;
    }
    const { user } = transaction;
    if (user.kind === 'registration') {
      if (indication.type === 'response')
        this.registrations.response(turn, transaction, user, indication.response);
      else
        this.registrations.failed(
          turn,
          user,
          indication.type === 'timeout' ? 'no answer in time' : indication.error,
        );
    } else if (indication.type === 'response' && core !== undefined) {
      callResponded(this.calls, this.registrations, turn, user, transaction, indication.response, core);
    } else {
      const error = indication.type === 'failed' ? indication.error : undefined;
      callFailed(this.calls, turn, user, transaction, error);
    }
  }

  private advance(turn: Turn): void {
    // A deadline may arm another one that is due at once (Timer K on a stream), so look until nothing is.
    for (let next = this.deadlineMs(); next !== undefined && next <= turn.nowMs; next = this.deadlineMs()) {
      for (const indication of this.agent.transactions.advance(turn)) this.indicate(turn, indication);
      for (
        let due = this.calls.takeDue(turn.nowMs);
        due !== undefined;
        due = this.calls.takeDue(turn.nowMs)
      ) {
        this.callDue(turn, due.owner, due.name);
      }
      this.registrations.advance(turn);
      this.agent.transport.advance(turn, (connection) => this.isNeeded(connection));
      if (this.stopping !== undefined && this.stopping.untilMs <= turn.nowMs) return;
    }
  }

  private callDue(turn: Turn, call: Call, name: CallTimer): void {
    if (name === '2xx') repeatOk(this.calls, turn, call);
    else if (name === 'no ack') acknowledgementMissing(this.calls, turn, call);
    else if (name === 'ring timeout') endCall(this.calls, turn, call, 'nobody answered');
    else if (name === 'cancel timeout') cancelUnanswered(this.calls, turn, call);
    else answeringDue(this.calls, turn, call, name);
  }

  private media(turn: Turn, report: Extract<Input, { type: 'media' }>['report']): void {
    switch (report.type) {
      case 'ports':
        this.calls.audio.addPorts(report.ports);
        return portsArrived(this.calls, turn);
      case 'ports-exhausted':
        this.calls.audio.exhausted = report.detail;
        return portsArrived(this.calls, turn);
      case 'latched':
      case 'dtmf':
        return this.calls.audio.report(turn, report);
    }
  }

  private sample(turn: Turn, call: Call): void {
    if (this.calls.audio.sample(turn, call)) endCall(this.calls, turn, call, 'no audio received');
  }

  private disconnected(turn: Turn, connection: number, error: string): void {
    this.agent.transport.disconnected(connection);
    const failed = this.agent.transactions.flowFailed(turn, (flow) => flow.connection === connection, error);
    for (const indication of failed) this.indicate(turn, indication);
    this.registrations.connectionLost(turn, connection, error);
  }

  private unreachable(turn: Turn, address: string, port: number, error: string): void {
    const concerned = ({ transport, remote }: Flow) =>
      transport === 'udp' && remote.address === address && remote.port === port;
    for (const indication of this.agent.transactions.flowFailed(turn, concerned, error)) {
      this.indicate(turn, indication);
    }
  }

  private refuse(turn: Turn, transaction: ServerTransaction, error: SipError): void {
    refuse(this.agent, turn, transaction, error);
  }

  /** What could not be understood: the status it deserves, when there is enough to answer (§8.2). */
  private refuseUnparsed(turn: Turn, flow: Flow, error: SipError, request: SipRequest | undefined): void {
    const answered = request !== undefined && this.agent.respondMalformed(turn, request, flow, error);
    reportBadMessage(turn, flow, error, answered ? error.status : undefined);
  }

  private report(
    turn: Turn,
    flow: Flow,
    bytes: Uint8Array,
    message: SipMessage,
    core: CoreHeaders,
    call: string | undefined,
  ): void {
    reportReceived(turn, flow, bytes, message, core, call, this.agent.config.rawMessages);
  }

  /** A connection that carries a registration or a call stays, however silent. */
  private isNeeded(connection: number): boolean {
    if (this.registrations.uses(connection)) return true;
    for (const { dialog } of this.calls.all()) if (dialog?.flow.connection === connection) return true;
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
      finishCall(this.calls, turn, call, stopping.reason);
    }
    this.agent.transactions.clear();
    this.agent.transport.closeAll(turn);
    this.stopped = true;
    turn.ask({ type: 'stopped', reason: stopping.reason });
  }
}

/** The answer to a keepalive ping on a stream (RFC 5626 §3.5.1). */
const PONG = new Uint8Array([0x0d, 0x0a]);

/** CRLFs, or nothing, in a datagram: a keepalive (RFC 5626 §3.5.1), no message. */
function isKeepalive(bytes: Uint8Array): boolean {
  return bytes.length <= 4 && bytes.every((byte) => byte === 0x0d || byte === 0x0a || byte === 0);
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  let first: number | undefined;
  for (const time of times) if (time !== undefined && (first === undefined || time < first)) first = time;
  return first;
}
