/**
 * Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3), and how much strangers may make us hold.
 */
import { knownCore } from './answered-request.ts';
import type { CoreHeaders } from './core-headers.ts';
import { type Flow, isReliable, type SocketAddress } from './flow.ts';
import { MAX_TRANSACTION_BYTES, MAX_TRANSACTIONS } from './limits.ts';
import type { SipRequest } from './message.ts';
import { COMMON_METHODS } from './methods.ts';
import type { ClientTransaction, ServerTransaction, Transaction } from './transaction.ts';
import { MAGIC_COOKIE } from './via.ts';

/** All transactions, both sides, within `MAX_TRANSACTIONS` and `MAX_TRANSACTION_BYTES`. */
export class TransactionTable<User> {
  private readonly servers = new Map<string, ServerTransaction>();
  private readonly clients = new Map<string, ClientTransaction<User>>();
  /** Those of requests outside a dialog, by what is the same on every way that they took (§8.2.2.2). */
  private readonly outside = new Map<string, ServerTransaction>();
  /** By the connection they are on, so that a stream that ends is not looked for in all of them. */
  private readonly onStreams = new Map<number, Set<Transaction<User>>>();
  /** The last request that was looked for. */
  private asked: { readonly core: CoreHeaders; readonly key: string } | undefined;
  /** Of the requests that server transactions hold. */
  private heldBytes = 0;

  /** Transactions alive, both sides. */
  get size(): number {
    return this.servers.size + this.clients.size;
  }

  /** Whether one more request would be one too many. */
  get full(): boolean {
    return this.size >= MAX_TRANSACTIONS || this.heldBytes >= MAX_TRANSACTION_BYTES;
  }

  /** The server transaction a request belongs to (§17.2.3): a retransmission, or the ACK to a final response. */
  matchServer(request: SipRequest, core: CoreHeaders): ServerTransaction | undefined {
    return this.servers.get(this.keyOf(request, core));
  }

  /** The key of the server transaction that a request belongs to: asked for when it is looked for, and when it is new. */
  keyOf(request: SipRequest, core: CoreHeaders): string {
    if (this.asked?.core !== core) {
      const method = request.method === 'ACK' ? 'INVITE' : request.method;
      this.asked = { core, key: serverKey(method, request, core) };
    }
    return this.asked.key;
  }

  /**
   * The INVITE that a CANCEL means (§9.2): the same branch and sent-by, and as §9.1 has it the same Call-ID and From
   * tag, because some phones count their branches, and a stranger can count too. One that is answered cannot be cancelled
   * by anybody any more, so it is matched as §9.2 has it.
   */
  matchCancelled(request: SipRequest, core: CoreHeaders): ServerTransaction | undefined {
    const invite = this.servers.get(serverKey('INVITE', request, core));
    const asked = invite && knownCore(invite.core);
    if (asked === undefined) return invite;
    return asked.callId === core.callId && asked.fromTag === core.fromTag ? invite : undefined;
  }

  /** The same request by another way, still alive (§8.2.2.2): a proxy forked it, and both ways lead here. */
  matchMerged(transaction: ServerTransaction): ServerTransaction | undefined {
    const first = transaction.mergeKey === undefined ? undefined : this.outside.get(transaction.mergeKey);
    return first === transaction ? undefined : first;
  }

  /** The client transaction a response belongs to (§17.1.3): top branch and CSeq method. */
  matchClient(core: CoreHeaders): ClientTransaction<User> | undefined {
    return this.clients.get(clientKey(core.via.branch, core.cseq.method));
  }

  /** One of ours by its branch alone, when the method in the CSeq of its response cannot be read. */
  matchBranch(branch: string | undefined): ClientTransaction<User> | undefined {
    for (const method of COMMON_METHODS) {
      const transaction = this.clients.get(clientKey(branch, method));
      if (transaction !== undefined) return transaction;
    }
    return undefined;
  }

  /** One of ours, by its key. */
  client(key: string): ClientTransaction<User> | undefined {
    return this.clients.get(key);
  }

  /** Requests of ours that go to that address in datagrams. */
  clientsTo(to: SocketAddress): Transaction<User>[] {
    return [...this.clients.values()].filter(({ flow: { transport, remote } }) => {
      return remote.port === to.port && remote.address === to.address && !isReliable(transport);
    });
  }

  /** Those on a connection. */
  onStream(connection: number): Transaction<User>[] {
    return [...(this.onStreams.get(connection) ?? [])];
  }

  all(): Transaction<User>[] {
    return [...this.clients.values(), ...this.servers.values()];
  }

  add(transaction: Transaction<User>): void {
    if (transaction.side === 'server') {
      const { key, mergeKey } = transaction;
      this.servers.set(key, transaction);
      this.heldBytes += transaction.bytes;
      if (mergeKey !== undefined && !this.outside.has(mergeKey)) this.outside.set(mergeKey, transaction);
    } else this.clients.set(transaction.key, transaction);
    this.noteStream(transaction);
  }

  remove(transaction: Transaction<User>): void {
    this.forgetStream(transaction);
    if (transaction.side === 'server') {
      const { key, mergeKey } = transaction;
      if (this.servers.delete(key)) this.heldBytes -= transaction.bytes;
      if (mergeKey !== undefined && this.outside.get(mergeKey) === transaction) this.outside.delete(mergeKey);
    } else this.clients.delete(transaction.key);
  }

  /** It goes on over another flow. */
  move(transaction: Transaction<User>, flow: Flow): void {
    this.forgetStream(transaction);
    transaction.flow = flow;
    this.noteStream(transaction);
  }

  clear(): void {
    this.servers.clear();
    this.clients.clear();
    this.outside.clear();
    this.onStreams.clear();
    this.asked = undefined;
    this.heldBytes = 0;
  }

  private noteStream(transaction: Transaction<User>): void {
    const { connection } = transaction.flow;
    if (connection === undefined) return;
    const others = this.onStreams.get(connection);
    if (others === undefined) this.onStreams.set(connection, new Set([transaction]));
    else others.add(transaction);
  }

  private forgetStream(transaction: Transaction<User>): void {
    const { connection } = transaction.flow;
    if (connection === undefined) return;
    const others = this.onStreams.get(connection);
    others?.delete(transaction);
    if (others?.size === 0) this.onStreams.delete(connection);
  }
}

/**
 * §8.2.2.2: From tag, Call-ID and CSeq of a request that is out of any dialog, and no INVITE, which is merged by its
 * call (call-store.ts).
 */
export function mergeKey(method: string, core: CoreHeaders): string | undefined {
  if (core.toTag !== undefined || method === 'INVITE') return undefined;
  return `${core.callId}|${core.fromTag ?? ''}|${core.cseq.number}|${core.cseq.method}`;
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

/** §17.1.3. */
export function clientKey(branch: string | undefined, method: string): string {
  return `${branch ?? ''}|${method}`;
}
