/**
 * The transaction layer (RFC 3261 §17): the machine tables (invite-client.ts, invite-server.ts, …) carried out.
 * Which transaction a message belongs to is in transaction-table.ts.
 *
 * It knows nothing of calls and registrations. What the transaction user must hear comes back as an
 * `Indication`; the user hangs its own object on a client transaction and finds it again there.
 */
import { ANSWERED_REQUEST, answeredCore, knownCore } from './answered-request.ts';
import type { CoreHeaders } from './core-headers.ts';
import { defaultPort, type Flow, hopAt, hopOfFlow, type SocketAddress } from './flow.ts';
import { INVITE_CLIENT } from './invite-client.ts';
import { INVITE_SERVER } from './invite-server.ts';
import { isOver, transactionTimers } from './live-timers.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { NON_INVITE_CLIENT } from './non-invite-client.ts';
import { NON_INVITE_SERVER } from './non-invite-server.ts';
import { outgoing } from './outgoing.ts';
import { remembering } from './remembered.ts';
import { ackForRejected } from './requests.ts';
import { serialize } from './serialize-message.ts';
import { endingTimer, type TimerBase, type TimerName } from './timers.ts';
import {
  type ClientTransaction,
  type Indication,
  type ServerTransaction,
  type Transaction,
  timerFired,
  transactionChanged,
} from './transaction.ts';
import {
  type Machine,
  responseInput,
  rowFinder,
  type TransactionAction,
  type TransactionInput,
} from './transaction-machine.ts';
import { clientKey, mergeKey, TransactionTable } from './transaction-table.ts';
import { TransactionTimers } from './transaction-timers.ts';
import type { TransportLayer } from './transport-layer.ts';
import type { Turn } from './turn.ts';
import { type Via, withTopVia } from './via.ts';

const MACHINES: readonly Machine[] = [INVITE_CLIENT, INVITE_SERVER, NON_INVITE_CLIENT, NON_INVITE_SERVER];
const ROWS = new Map(MACHINES.map((machine) => [machine.kind, rowFinder(machine)]));

/** `User` is whatever waits for the responses to our requests; it is handed back untouched. */
/** A timer that fires, as the tables have it. */
const timerInput = remembering((name) => `timer ${name as TimerName}` as const);

export class TransactionLayer<User> {
  private readonly table = new TransactionTable<User>();
  private readonly timers: TransactionTimers;
  private created = 0;

  constructor(
    private readonly transport: TransportLayer,
    timers: TimerBase,
    /** Say which timers run whenever they change. */
    public liveTimers: boolean,
  ) {
    this.timers = new TransactionTimers(timers);
  }

  /** Transactions alive, both sides. */
  get size(): number {
    return this.table.size;
  }

  /** Whether one more request can be taken in. */
  get full(): boolean {
    return this.table.full;
  }

  nextMs(): number | undefined {
    return this.timers.nextMs();
  }

  /** The server transaction a request belongs to: a retransmission, or the ACK to a final response. */
  matchServer(request: SipRequest, core: CoreHeaders): ServerTransaction | undefined {
    return this.table.matchServer(request, core);
  }

  /** The INVITE that a CANCEL means. */
  matchCancelled(request: SipRequest, core: CoreHeaders): ServerTransaction | undefined {
    return this.table.matchCancelled(request, core);
  }

  /** The same request by another way (§8.2.2.2). */
  matchMerged(transaction: ServerTransaction): ServerTransaction | undefined {
    return this.table.matchMerged(transaction);
  }

  /** The client transaction a response belongs to. */
  matchClient(core: CoreHeaders): ClientTransaction<User> | undefined {
    return this.table.matchClient(core);
  }

  /** The one with that branch. */
  matchBranch(branch: string | undefined): ClientTransaction<User> | undefined {
    return this.table.matchBranch(branch);
  }

  /** Opens the server transaction of a request that matched none; `bytes` is the length of the request as it came. */
  openServer(
    turn: Turn,
    request: SipRequest,
    core: CoreHeaders,
    flow: Flow,
    call: string | undefined,
    bytes: number,
  ): ServerTransaction {
    const machine = request.method === 'INVITE' ? INVITE_SERVER : NON_INVITE_SERVER;
    const transaction: ServerTransaction = {
      side: 'server',
      bytes,
      machine,
      serial: ++this.created,
      key: this.table.keyOf(request, core),
      mergeKey: mergeKey(request.method, core),
      method: request.method,
      request,
      core,
      flow,
      state: machine.initial,
      call,
      last: undefined,
      timers: {},
      repeatMs: undefined,
    };
    this.table.add(transaction);
    this.report(turn, transaction, 'none', `${request.method} received`);
    return transaction;
  }

  /** Opens a client transaction and sends its request; the top Via must carry a branch of ours. */
  openClient(
    turn: Turn,
    request: SipRequest,
    core: CoreHeaders,
    flow: Flow,
    user: User,
    call: string | undefined,
  ): ClientTransaction<User> {
    const machine = request.method === 'INVITE' ? INVITE_CLIENT : NON_INVITE_CLIENT;
    const transaction: ClientTransaction<User> = {
      side: 'client',
      machine,
      serial: ++this.created,
      key: clientKey(core.via.branch, request.method),
      method: request.method,
      request,
      core,
      flow,
      state: machine.initial,
      call,
      user,
      last: serialize(request),
      timers: {},
      repeatMs: undefined,
    };
    this.table.add(transaction);
    this.report(turn, transaction, 'none', `${request.method} sent`);
    for (const action of machine.start) this.perform(turn, transaction, action, undefined);
    return transaction;
  }

  /** A request came again, or the ACK of a final response came. True when the ACK is the user's to see. */
  receiveAgain(turn: Turn, transaction: ServerTransaction, request: SipRequest): boolean {
    const input = request.method === 'ACK' ? 'ack' : 'request';
    return this.step(turn, transaction, input, `${request.method} received`, undefined) === 'pass';
  }

  /** A response came for a transaction of ours. */
  receiveResponse(
    turn: Turn,
    transaction: ClientTransaction<User>,
    response: SipResponse,
  ): Indication<User> | undefined {
    const cause = `${response.status} received`;
    const told = this.step(turn, transaction, responseInput(response.status), cause, response);
    return told === 'pass' ? { type: 'response', transaction, response } : undefined;
  }

  /** The user answers with these bytes. A second final response is dropped by the table. */
  respond(turn: Turn, transaction: ServerTransaction, status: number, bytes: Uint8Array): void {
    const before = transaction.last;
    transaction.last = bytes;
    const told = this.step(turn, transaction, responseInput(status), `${status} sent`, undefined);
    if (told === 'ignored') transaction.last = before;
    else if (status >= 200) {
      transaction.request = ANSWERED_REQUEST;
      transaction.core = answeredCore(transaction.core, transaction.flow);
    }
  }

  /** The 2xx once more, until its ACK comes (§13.3.1.4). It is the user that repeats it, not the transaction. */
  repeatOk(turn: Turn, transaction: ServerTransaction): void {
    this.step(turn, transaction, '2xx', '2xx repeated', undefined);
  }

  /** The 2xx was acknowledged, or is given up: from now on the transaction only swallows what comes late (RFC 6026 §7.1). */
  settle(transaction: ServerTransaction): void {
    transaction.last = undefined;
  }

  /** Everything whose time has come. */
  advance(turn: Turn): Indication<User>[] {
    const indications: Indication<User>[] = [];
    for (
      let due = this.timers.takeDue(turn.nowMs);
      due !== undefined;
      due = this.timers.takeDue(turn.nowMs)
    ) {
      const { name } = due;
      const transaction = due.owner as Transaction<User>;
      if (isOver(transaction, endingTimer(name), turn.nowMs)) continue;
      if (turn.wants('timer.fired')) turn.emit(timerFired(transaction, name));
      const { side, flow } = transaction;
      if (endingTimer(name) !== undefined && this.transport.sources.withholds(side, flow, turn.nowMs)) {
        this.timers.carryOut(turn, transaction, `double ${name}`);
        continue;
      }
      const told = this.step(turn, transaction, timerInput(name), `Timer ${name}`, undefined);
      if (told === 'timeout') indications.push({ type: 'timeout', transaction });
    }
    return indications;
  }

  /** A stream is gone: each transaction on it hears of it (§17.1.4, §17.2.4, RFC 6026 §8.7). */
  connectionFailed(turn: Turn, connection: number, error: string): Indication<User>[] {
    return this.fail(turn, this.table.onStream(connection), error);
  }

  /**
   * A datagram to that address could not be sent. Only requests of ours are concerned: a response that got lost is
   * asked for again, and looking through all transactions for each of them would be a lever for strangers.
   */
  unreachable(turn: Turn, to: SocketAddress, error: string): Indication<User>[] {
    return this.fail(turn, this.table.clientsTo(to), error);
  }

  private fail(turn: Turn, concerned: readonly Transaction<User>[], error: string): Indication<User>[] {
    return concerned.flatMap((transaction) => this.transportFailed(turn, transaction, error) ?? []);
  }

  /** Who waits for answers on that connection. */
  usersOn(connection: number): User[] {
    return this.table.onStream(connection).flatMap((one) => (one.side === 'client' ? [one.user] : []));
  }

  /** The transport gave up one transaction. */
  transportFailed(turn: Turn, transaction: Transaction<User>, error: string): Indication<User> | undefined {
    const told = this.step(turn, transaction, 'transport error', error, undefined);
    return told === 'failed' ? { type: 'failed', transaction, error } : undefined;
  }

  /** Requests of ours on a stream that have had no response. */
  unanswered(connection: number): ClientTransaction<User>[] {
    const all = this.table.onStream(connection);
    return all.flatMap((one) => (one.side === 'client' && one.state === one.machine.initial ? [one] : []));
  }

  /** Begins again over another flow, with its Via. The state is the first, and stays it. */
  restart(turn: Turn, transaction: ClientTransaction<User>, flow: Flow, via: Via): void {
    this.timers.disarmAll(transaction);
    this.table.move(transaction, flow);
    const core = { ...transaction.core, via };
    Object.assign(transaction, { request: withTopVia(transaction.request, via), core, repeatMs: undefined });
    transaction.last = serialize(transaction.request);
    for (const action of transaction.machine.start) this.perform(turn, transaction, action, undefined);
  }

  /** Ends a transaction that its user has given up: a cancelled INVITE without a final response (§9.1). */
  abandon(turn: Turn, transaction: ClientTransaction<unknown>, cause: string): void {
    const known = this.table.client(transaction.key);
    if (known) this.end(turn, known, cause);
  }

  /** Ends a request of a peer that gets no answer (RFC 4320 §4.2): one that waits, and is no INVITE. */
  abandonServer(turn: Turn, transaction: ServerTransaction, cause: string): void {
    this.end(turn, transaction, cause);
  }

  /** Drops everything without a word, when the endpoint ends. */
  clear(): void {
    for (const transaction of this.table.all()) this.timers.disarmAll(transaction);
    this.table.clear();
  }

  /** One row of a table. Says what the user must hear, or that the state has no row for the input. */
  private step(
    turn: Turn,
    transaction: Transaction<User>,
    input: TransactionInput,
    cause: string,
    response: SipResponse | undefined,
  ): 'pass' | 'timeout' | 'failed' | 'ignored' | undefined {
    const row = ROWS.get(transaction.machine.kind)?.(transaction.state, input);
    if (row === undefined) return 'ignored';
    const before = transaction.state;
    transaction.state = row.next;
    let told: 'pass' | 'timeout' | 'failed' | undefined;
    for (const action of row.actions) {
      if (action === 'pass' || action === 'timeout' || action === 'failed') told = action;
      else this.perform(turn, transaction, action, response);
    }
    if (row.next !== before) this.report(turn, transaction, before, cause);
    if (row.next === 'terminated') this.drop(transaction);
    else if (this.liveTimers) turn.emit(transactionTimers(transaction, turn.nowMs));
    return told;
  }

  private perform(
    turn: Turn,
    transaction: Transaction<User>,
    action: TransactionAction,
    response: SipResponse | undefined,
  ): void {
    switch (action) {
      case 'pass':
      case 'timeout':
      case 'failed':
        return;
      case 'send':
      case 'resend':
        if (transaction.last !== undefined) {
          const flow = this.flowOf(turn, transaction);
          this.transport.send(turn, flow, transaction.last, knownCore(transaction.core), transaction.call);
        }
        return;
      case 'ack':
        if (response !== undefined) this.acknowledge(turn, transaction, response);
        return;
      default:
        this.timers.carryOut(turn, transaction, action);
    }
  }

  /**
   * The way out. A response whose stream is gone goes over a new one (§18.2.2): to the server that we had connected to
   * by name, else to where the request came from at the port of its sent-by; a proxy that was restarted still gets it.
   */
  private flowOf(turn: Turn, transaction: Transaction<User>): Flow {
    const { flow, core } = transaction;
    if (transaction.side === 'client' || this.transport.connections.isOpen(flow)) return flow;
    const { host, port = defaultPort(flow.transport) } = core.via;
    const sentBy = hopAt({ transport: flow.transport, host, port }, flow.remote.address);
    const hop = flow.domain === undefined ? sentBy : hopOfFlow(flow);
    const again = this.transport.connections.flowTo(turn, hop);
    this.table.move(transaction, again);
    return again;
  }

  /** The ACK to a 3xx–6xx is the transaction's own: same branch, To of the response (§17.1.1.3). */
  private acknowledge(turn: Turn, transaction: Transaction<User>, response: SipResponse): void {
    const { core } = transaction;
    const ack = outgoing(
      ackForRejected(transaction.request, response),
      core.callId,
      `${core.cseq.number} ACK`,
      core.via.branch,
    );
    this.transport.transmit(turn, transaction.flow, ack, transaction.call);
  }

  private end(turn: Turn, transaction: Transaction<User>, cause: string): void {
    const before = transaction.state;
    if (before === 'terminated') return;
    transaction.state = 'terminated';
    this.report(turn, transaction, before, cause);
    this.drop(transaction);
  }

  private drop(transaction: Transaction<User>): void {
    this.timers.disarmAll(transaction);
    this.table.remove(transaction);
  }

  private report(turn: Turn, transaction: Transaction<User>, from: string, cause: string): void {
    if (!turn.wants('transaction.changed')) return;
    turn.emit(transactionChanged(transaction, from, cause));
  }
}
