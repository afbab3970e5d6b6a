/**
 * The transaction layer (RFC 3261 §17): which transaction a message belongs to, and the machine tables
 * (invite-client.ts, invite-server.ts, …) carried out.
 *
 * It knows nothing of calls and registrations. What the transaction user must hear comes back as an
 * `Indication`; the user hangs its own object on a client transaction and finds it again there.
 */
import type { EventOf } from '../events.ts';
import { answeredCore, answeredRequest } from './answered-request.ts';
import type { CoreHeaders } from './core-headers.ts';
import type { Deadline } from './deadlines.ts';
import { Deadlines } from './deadlines.ts';
import { defaultPort, type Flow, isReliable, type SocketAddress } from './flow.ts';
import { INVITE_CLIENT } from './invite-client.ts';
import { INVITE_SERVER } from './invite-server.ts';
import { MAX_TRANSACTION_BYTES, MAX_TRANSACTIONS } from './limits.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { NON_INVITE_CLIENT } from './non-invite-client.ts';
import { NON_INVITE_SERVER } from './non-invite-server.ts';
import { ackForRejected } from './requests.ts';
import { doubledMs, type TimerBase, type TimerName, timerMs } from './timers.ts';
import {
  type Machine,
  responseInput,
  rowFinder,
  type TransactionAction,
  type TransactionInput,
} from './transaction-machine.ts';
import { type Outgoing, outgoing, type TransportLayer } from './transport-layer.ts';
import type { Turn } from './turn.ts';
import { MAGIC_COOKIE } from './via.ts';

interface Common {
  /** "ist-3": short, unique in a session, for people and the log. */
  readonly id: string;
  readonly key: string;
  readonly method: string;
  /** Of a server: without header fields and body once its final response is out (answered-request.ts). */
  request: SipRequest;
  core: CoreHeaders;
  flow: Flow;
  state: string;
  /** The handle of the call it belongs to, for the log. */
  call: string | undefined;
  /** What `resend` sends. */
  last: Outgoing | undefined;
  readonly timers: Partial<Record<TimerName, Armed>>;
}

interface Armed {
  readonly deadline: Deadline<TimerOwner>;
  readonly intervalMs: number;
}

export interface ServerTransaction extends Common {
  readonly side: 'server';
  /** Of the request: its fields are parts of one text, so that all of it is kept. */
  readonly bytes: number;
  readonly machine: typeof INVITE_SERVER | typeof NON_INVITE_SERVER;
}

export interface ClientTransaction<User> extends Common {
  readonly side: 'client';
  /** Whoever is to hear of it. */
  readonly user: User;
  readonly machine: typeof INVITE_CLIENT | typeof NON_INVITE_CLIENT;
}

type Transaction<User> = ServerTransaction | ClientTransaction<User>;

interface TimerOwner {
  readonly transaction: Transaction<unknown>;
  readonly name: TimerName;
}

/** What the transaction user must hear. */
export type Indication<User> =
  | {
      readonly type: 'response';
      readonly transaction: ClientTransaction<User>;
      readonly response: SipResponse;
    }
  /** Timer B, F or H: nobody answered, or nobody acknowledged. */
  | { readonly type: 'timeout'; readonly transaction: Transaction<User> }
  | { readonly type: 'failed'; readonly transaction: Transaction<User>; readonly error: string };

const MACHINES: readonly Machine[] = [INVITE_CLIENT, INVITE_SERVER, NON_INVITE_CLIENT, NON_INVITE_SERVER];
const ROWS = new Map(MACHINES.map((machine) => [machine.kind, rowFinder(machine)]));

const SHORT_KIND = {
  'invite-client': 'ict',
  'invite-server': 'ist',
  'non-invite-client': 'nict',
  'non-invite-server': 'nist',
} as const;

export class TransactionLayer<User> {
  private readonly servers = new Map<string, ServerTransaction>();
  private readonly clients = new Map<string, ClientTransaction<User>>();
  /** By the connection they are on, so that a stream that ends is not looked for in all of them. */
  private readonly onStreams = new Map<number, Set<Transaction<User>>>();
  private readonly deadlines = new Deadlines<TimerOwner>();
  private created = 0;
  /** Of the requests that server transactions hold. */
  private heldBytes = 0;

  constructor(
    private readonly transport: TransportLayer,
    private readonly timers: TimerBase,
  ) {}

  /** Transactions alive, both sides. */
  get size(): number {
    return this.servers.size + this.clients.size;
  }

  /** Whether one more request can be taken in. */
  get full(): boolean {
    return this.size >= MAX_TRANSACTIONS || this.heldBytes >= MAX_TRANSACTION_BYTES;
  }

  nextMs(): number | undefined {
    return this.deadlines.nextMs();
  }

  /** The server transaction a request belongs to (§17.2.3): a retransmission, or the ACK to a final response. */
  matchServer(request: SipRequest, core: CoreHeaders): ServerTransaction | undefined {
    return this.servers.get(serverKey(request.method === 'ACK' ? 'INVITE' : request.method, request, core));
  }

  /**
   * The INVITE that a CANCEL means (§9.2): the same branch and sent-by, and as §9.1 has it the same Call-ID and From
   * tag, because some phones count their branches, and a stranger can count too.
   */
  matchCancelled(request: SipRequest, core: CoreHeaders): ServerTransaction | undefined {
    const invite = this.servers.get(serverKey('INVITE', request, core));
    const same = invite?.core.callId === core.callId && invite.core.fromTag === core.fromTag;
    return same ? invite : undefined;
  }

  /** The client transaction a response belongs to (§17.1.3): top branch and CSeq method. */
  matchClient(core: CoreHeaders): ClientTransaction<User> | undefined {
    return this.clients.get(clientKey(core.via.branch, core.cseq.method));
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
      id: this.newId(machine),
      key: serverKey(request.method, request, core),
      method: request.method,
      request,
      core,
      flow,
      state: machine.initial,
      call,
      last: undefined,
      timers: {},
    };
    this.servers.set(transaction.key, transaction);
    this.noteStream(transaction);
    this.heldBytes += bytes;
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
    const { branch } = core.via;
    const transaction: ClientTransaction<User> = {
      side: 'client',
      machine,
      id: this.newId(machine),
      key: clientKey(branch, request.method),
      method: request.method,
      request,
      core,
      flow,
      state: machine.initial,
      call,
      user,
      last: outgoing(request, core.callId, `${core.cseq.number} ${core.cseq.method}`, branch),
      timers: {},
    };
    this.clients.set(transaction.key, transaction);
    this.noteStream(transaction);
    this.report(turn, transaction, 'none', `${request.method} sent`);
    for (const action of machine.start) this.perform(turn, transaction, action, undefined);
    return transaction;
  }

  /** A request came again, or the ACK of a final response came. True when the ACK is the user's to see. */
  receiveAgain(turn: Turn, transaction: ServerTransaction, request: SipRequest): boolean {
    const ack = request.method === 'ACK';
    return (
      this.step(turn, transaction, ack ? 'ack' : 'request', `${request.method} received`, undefined) ===
      'pass'
    );
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

  /** The user answers. A second final response is dropped by the table. */
  respond(turn: Turn, transaction: ServerTransaction, response: SipResponse): void {
    const { core } = transaction;
    const cause = `${response.status} sent`;
    const before = transaction.last;
    transaction.last = outgoing(
      response,
      core.callId,
      `${core.cseq.number} ${core.cseq.method}`,
      core.via.branch,
    );
    const told = this.step(turn, transaction, responseInput(response.status), cause, undefined);
    if (told === 'ignored') transaction.last = before;
    else if (response.status >= 200) {
      transaction.request = answeredRequest(transaction.request);
      transaction.core = answeredCore(core);
    }
  }

  /** The 2xx once more, until its ACK comes (§13.3.1.4). It is the user that repeats it, not the transaction. */
  repeatOk(turn: Turn, transaction: ServerTransaction): void {
    this.step(turn, transaction, '2xx', '2xx repeated', undefined);
  }

  /** Everything whose time has come. */
  advance(turn: Turn): Indication<User>[] {
    const indications: Indication<User>[] = [];
    for (
      let due = this.deadlines.takeDue(turn.nowMs);
      due !== undefined;
      due = this.deadlines.takeDue(turn.nowMs)
    ) {
      const { name } = due.owner;
      const transaction = due.owner.transaction as Transaction<User>;
      turn.emit({
        type: 'timer.fired',
        ...(transaction.call === undefined ? undefined : { call: transaction.call }),
        name,
        transaction: transaction.id,
      });
      const told = this.step(turn, transaction, `timer ${name}`, `Timer ${name}`, undefined);
      if (told === 'timeout') indications.push({ type: 'timeout', transaction });
    }
    return indications;
  }

  /** A stream is gone: each transaction on it hears of it (§17.1.4, §17.2.4, RFC 6026 §8.7). */
  connectionFailed(turn: Turn, connection: number, error: string): Indication<User>[] {
    const concerned = [...(this.onStreams.get(connection) ?? [])];
    return this.fail(
      turn,
      concerned.filter(({ flow }) => flow.connection === connection),
      error,
    );
  }

  /**
   * A datagram to that address could not be sent. Only requests of ours are concerned: a response that got lost is
   * asked for again, and looking through all transactions for each of them would be a lever for strangers.
   */
  unreachable(turn: Turn, to: SocketAddress, error: string): Indication<User>[] {
    const concerned: Transaction<User>[] = [];
    for (const transaction of this.clients.values()) {
      const { transport, remote } = transaction.flow;
      const same = remote.port === to.port && remote.address === to.address;
      if (same && !isReliable(transport)) concerned.push(transaction);
    }
    return this.fail(turn, concerned, error);
  }

  private fail(turn: Turn, concerned: readonly Transaction<User>[], error: string): Indication<User>[] {
    return concerned.flatMap((transaction) => this.transportFailed(turn, transaction, error) ?? []);
  }

  /** The transport gave up one transaction. */
  transportFailed(turn: Turn, transaction: Transaction<User>, error: string): Indication<User> | undefined {
    const told = this.step(turn, transaction, 'transport error', error, undefined);
    return told === 'failed' ? { type: 'failed', transaction, error } : undefined;
  }

  private noteStream(transaction: Transaction<User>): void {
    const { connection } = transaction.flow;
    if (connection === undefined) return;
    const others = this.onStreams.get(connection);
    if (others === undefined) this.onStreams.set(connection, new Set([transaction]));
    else others.add(transaction);
  }

  private forgetStream(transaction: Transaction<User>, connection: number | undefined): void {
    if (connection === undefined) return;
    const others = this.onStreams.get(connection);
    others?.delete(transaction);
    if (others?.size === 0) this.onStreams.delete(connection);
  }

  /** Ends a transaction that its user has given up: a cancelled INVITE without a final response (§9.1). */
  abandon(turn: Turn, transaction: ClientTransaction<unknown>, cause: string): void {
    const known = this.clients.get(transaction.key);
    if (known === undefined || known.state === 'terminated') return;
    const before = known.state;
    known.state = 'terminated';
    this.report(turn, known, before, cause);
    this.drop(known);
  }

  /** Drops everything without a word, when the endpoint ends. */
  clear(): void {
    for (const transaction of [...this.clients.values(), ...this.servers.values()])
      this.disarmAll(transaction);
    this.servers.clear();
    this.clients.clear();
    this.onStreams.clear();
    this.heldBytes = 0;
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
          this.transport.transmit(turn, this.flowOf(turn, transaction), transaction.last, transaction.call);
        }
        return;
      case 'ack':
        if (response !== undefined) this.acknowledge(turn, transaction, response);
        return;
      case 'slow E':
        this.arm(turn, transaction, 'E', this.timers.t2Ms);
        return;
      default:
        this.time(turn, transaction, action);
    }
  }

  /**
   * The way out. A response whose stream is gone goes over a new one, to where the request came from at the port
   * of its sent-by (§18.2.2): a proxy that was restarted while we rang still gets it.
   */
  private flowOf(turn: Turn, transaction: Transaction<User>): Flow {
    const { flow, core } = transaction;
    if (transaction.side === 'client' || this.transport.isOpen(flow)) return flow;
    const port = core.via.port ?? defaultPort(flow.transport);
    this.forgetStream(transaction, flow.connection);
    transaction.flow = this.transport.flowTo(turn, flow.transport, { address: flow.remote.address, port });
    this.noteStream(transaction);
    return transaction.flow;
  }

  /** `arm X`, `double X`, `disarm X`. */
  private time(turn: Turn, transaction: Transaction<User>, action: `${string} ${string}`): void {
    const space = action.indexOf(' ');
    const name = action.slice(space + 1) as TimerName;
    const verb = action.slice(0, space);
    if (verb === 'disarm') {
      this.deadlines.disarm(transaction.timers[name]?.deadline);
    } else if (verb === 'double') {
      const lastMs = transaction.timers[name]?.intervalMs ?? this.timers.t1Ms;
      this.arm(turn, transaction, name, doubledMs(name, lastMs, this.timers));
    } else {
      const intervalMs = timerMs(name, isReliable(transaction.flow.transport), this.timers);
      if (intervalMs !== undefined) this.arm(turn, transaction, name, intervalMs);
    }
  }

  private arm(turn: Turn, transaction: Transaction<User>, name: TimerName, intervalMs: number): void {
    const owner: TimerOwner = { transaction, name };
    const deadline = this.deadlines.arm(turn.nowMs + intervalMs, name, owner);
    transaction.timers[name] = { deadline, intervalMs };
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

  private drop(transaction: Transaction<User>): void {
    this.disarmAll(transaction);
    this.forgetStream(transaction, transaction.flow.connection);
    if (transaction.side === 'server') {
      if (this.servers.delete(transaction.key)) this.heldBytes -= transaction.bytes;
    } else this.clients.delete(transaction.key);
  }

  private disarmAll(transaction: Transaction<User>): void {
    for (const name in transaction.timers) {
      this.deadlines.disarm(transaction.timers[name as TimerName]?.deadline);
    }
  }

  private newId(machine: Machine): string {
    this.created += 1;
    return `${SHORT_KIND[machine.kind]}-${this.created}`;
  }

  private report(turn: Turn, transaction: Transaction<User>, from: string, cause: string): void {
    if (!turn.wants('transaction.changed')) return;
    const event: EventOf<'transaction.changed'> = {
      type: 'transaction.changed',
      id: transaction.id,
      kind: transaction.machine.kind,
      method: transaction.method,
      from,
      to: transaction.state,
      cause,
    };
    if (transaction.call !== undefined) event.call = transaction.call;
    turn.emit(event);
  }
}

/**
 * §17.2.3: branch and sent-by when the branch is RFC 3261's; what RFC 2543 peers give otherwise. The cookie with
 * nothing after it is in every such request of its sender, so it identifies none (RFC 4475 §3.2.1).
 */
function serverKey(method: string, request: SipRequest, core: CoreHeaders): string {
  const { via } = core;
  const { branch = '' } = via;
  if (branch.length > MAGIC_COOKIE.length && branch.startsWith(MAGIC_COOKIE))
    return `${branch}|${via.host}|${via.port ?? ''}|${method}`;
  // The ACK's To tag is ours and the INVITE's was empty, so the To tag stays out for both.
  const toTag = method === 'INVITE' ? '' : (core.toTag ?? '');
  const top = `${via.host}:${via.port ?? ''};${branch}`;
  return `2543|${request.uri}|${core.fromTag ?? ''}|${toTag}|${core.callId}|${core.cseq.number}|${top}|${method}`;
}

function clientKey(branch: string | undefined, method: string): string {
  return `${branch ?? ''}|${method}`;
}
