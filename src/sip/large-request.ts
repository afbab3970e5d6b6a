/**
 * Requests that are too large for a datagram go over TCP (RFC 3261 §18.1.1), and in a datagram after all where TCP is
 * refused or silent.
 *
 * The size is known when a request is made, so each is decided anew: an INVITE may take TCP and its BYE not. Contact
 * stays what it was, because it says where we are called, not how large we speak. Not concerned: UDP that was asked
 * for by its name (RFC 3263 §4.1 has this rule for URIs that name no transport), a peer that is answered where it was
 * heard, and REGISTER, because a registrar may call back on whatever carried it (RFC 5626 §5.3).
 *
 * Why a connection gets three seconds and not the 32 of a transaction: a firewall that drops TCP without a word is
 * common where SIP has always been UDP, and a person waits. Nothing was sent until a connection stands, so the same
 * transaction starts again, under the same branch, with a Via that says UDP.
 */
import type { CoreHeaders } from './core-headers.ts';
import { type Deadline, Deadlines } from './deadlines.ts';
import { type Flow, formatAddress } from './flow.ts';
import { LARGEST_DATAGRAM_REQUEST_BYTES, MAX_SERVERS_WITHOUT_TCP } from './limits.ts';
import type { SipRequest } from './message.ts';
import { messageLength } from './serialize-message.ts';
import type { ClientTransaction } from './transaction.ts';
import type { TransactionUser } from './transaction-user.ts';
import type { Turn } from './turn.ts';
import type { RequestParts, UserAgent } from './user-agent.ts';
import { parseVia, type Via, withTopVia } from './via.ts';

/** How long a connection for a large request may take to come up, in ms. */
export const CONNECT_MS = 3_000;
/** How long it is remembered that a server takes no TCP, in ms. */
export const WITHOUT_TCP_MS = 600_000;

/** A request of ours, and its core. */
interface Made {
  readonly request: SipRequest;
  readonly core: CoreHeaders;
}

/** Which requests take TCP, and which servers have none. */
export class LargeRequests {
  /** Servers that take no TCP, and until when that is believed; the one that was tried longest ago first. */
  private readonly withoutUntilMs = new Map<string, number>();
  /** Connections that were opened for a large request, and may still come up. */
  private readonly coming = new Map<number, Deadline<number>>();
  private readonly deadlines = new Deadlines<number>();

  constructor(private readonly agent: UserAgent) {}

  nextMs(): number | undefined {
    return this.deadlines.nextMs();
  }

  /** Opens the client transaction of a request, over TCP where its size asks for it. */
  open(
    turn: Turn,
    made: Made,
    flow: Flow,
    user: TransactionUser,
    call?: string,
  ): ClientTransaction<TransactionUser> {
    const { transactions, transport } = this.agent;
    if (!this.wantsStream(made.request, flow, turn.nowMs)) {
      return transactions.openClient(turn, made.request, made.core, flow, user, call);
    }
    const stream = transport.connections.flowTo(turn, { transport: 'tcp', ...flow.remote });
    const { connection } = stream;
    if (connection !== undefined && !transport.connections.isUp(connection) && !this.coming.has(connection)) {
      this.coming.set(connection, this.deadlines.arm(turn.nowMs + CONNECT_MS, 'connect', connection));
    }
    const { request, core } = this.over(stream, made);
    const transaction = transactions.openClient(turn, request, core, stream, user, call);
    transaction.datagram = flow;
    return transaction;
  }

  /** The ACK to a 2xx, which has no transaction to fall back: over TCP only where a connection stands. */
  acknowledgement(turn: Turn, parts: RequestParts, flow: Flow): Made & { readonly flow: Flow } {
    const made = this.agent.newRequest(parts, flow);
    const stream = this.wantsStream(made.request, flow, turn.nowMs)
      ? this.agent.transport.connections.standing({ transport: 'tcp', ...flow.remote })
      : undefined;
    return stream === undefined ? { ...made, flow } : { ...this.over(stream, made), flow: stream };
  }

  /** Connections that did not come up in time; the caller ends them. */
  late(turn: Turn): number[] {
    const late: number[] = [];
    for (
      let due = this.deadlines.takeDue(turn.nowMs);
      due !== undefined;
      due = this.deadlines.takeDue(turn.nowMs)
    ) {
      if (this.agent.transport.connections.isUp(due.owner)) this.coming.delete(due.owner);
      else late.push(due.owner);
    }
    return late;
  }

  /**
   * A connection is lost. If it never came up, what waited for it goes in a datagram; once it was up, somebody may have
   * heard the request, and it fails as on any stream. To be told before the connection is forgotten; `silent` when
   * nobody refused it.
   */
  lost(turn: Turn, connection: number, silent: boolean): void {
    const { transport, transactions } = this.agent;
    const never = this.coming.has(connection) && !transport.connections.isUp(connection);
    this.deadlines.disarm(this.coming.get(connection));
    this.coming.delete(connection);
    if (!never) return;
    for (const transaction of transactions.unanswered(connection)) {
      const { datagram, core } = transaction;
      if (datagram === undefined) continue;
      const { largeOverTcp: _, ...flow } = datagram;
      if (this.remember(flow, turn.nowMs) && silent) reportSilence(turn, transaction, flow);
      transactions.restart(turn, transaction, flow, this.viaOn(flow, core));
    }
  }

  private wantsStream(request: SipRequest, flow: Flow, nowMs: number): boolean {
    if (flow.largeOverTcp !== true || messageLength(request) <= LARGEST_DATAGRAM_REQUEST_BYTES) return false;
    if (!this.agent.transport.connections.mayOpen({ transport: 'tcp', ...flow.remote })) return false;
    return (this.withoutUntilMs.get(formatAddress(flow.remote)) ?? 0) <= nowMs;
  }

  /** False when it was known. */
  private remember({ remote }: Flow, nowMs: number): boolean {
    const key = formatAddress(remote);
    const known = (this.withoutUntilMs.get(key) ?? 0) > nowMs;
    this.withoutUntilMs.delete(key);
    this.withoutUntilMs.set(key, nowMs + WITHOUT_TCP_MS);
    const [oldest] = this.withoutUntilMs.keys();
    if (this.withoutUntilMs.size > MAX_SERVERS_WITHOUT_TCP && oldest !== undefined) {
      this.withoutUntilMs.delete(oldest);
    }
    return !known;
  }

  /** The same request with the Via of another flow (§18.1.1). */
  private over(flow: Flow, { request, core }: Made): Made {
    const via = this.viaOn(flow, core);
    return { request: withTopVia(request, via), core: { ...core, via } };
  }

  private viaOn(flow: Flow, { via: { branch = '' } }: CoreHeaders): Via {
    const via = parseVia(this.agent.via(flow, branch));
    if (!via.ok) throw new Error(`a Via of our own is malformed: ${via.error.detail}`);
    return via.value;
  }
}

/** Where a request was to go, whatever its size made of it: its dialog and its next try begin there. */
export function wayOf({ datagram, flow }: ClientTransaction<unknown>): Flow {
  return datagram ?? flow;
}

/** Somebody waited for it, and the next one waits again in ten minutes. A server that refuses at once costs nothing. */
function reportSilence(turn: Turn, { request, call }: ClientTransaction<unknown>, { remote }: Flow): void {
  turn.emit({
    type: 'diagnosis.raised',
    ...(call === undefined ? undefined : { call }),
    code: 'tcp-silent',
    severity: 'warning',
    evidence: `${request.method} of ${messageLength(request)} bytes: no TCP connection to ${formatAddress(remote)} in ${CONNECT_MS / 1000} s`,
    cause: 'something on the way drops TCP without a word',
    next: 'it went over UDP, in fragments that some networks lose: let TCP through, or set --transport udp so that nobody waits for it',
  });
}
