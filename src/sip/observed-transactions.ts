/**
 * The transactions of others, followed by the same tables as our own (RFC 3261 §17): a message that was seen is the
 * input, and what a row would do is left to those who did it.
 *
 * The wait for a final response is known from outside (Timers B and F). The timers that only forget are not followed:
 * nothing that can be seen depends on them.
 */
import { Deadlines } from './deadlines.ts';
import { INVITE_CLIENT } from './invite-client.ts';
import { INVITE_SERVER } from './invite-server.ts';
import type { SipRequest } from './message.ts';
import { NON_INVITE_CLIENT } from './non-invite-client.ts';
import { NON_INVITE_SERVER } from './non-invite-server.ts';
import type { Direction, ReadMessage } from './observed-message.ts';
import { RFC_TIMERS, timerMs } from './timers.ts';
import { type Machine, responseInput, rowFinder, type TransactionInput } from './transaction-machine.ts';
import type { Turn } from './turn.ts';

const MACHINES: readonly Machine[] = [INVITE_CLIENT, INVITE_SERVER, NON_INVITE_CLIENT, NON_INVITE_SERVER];
const ROWS = new Map(MACHINES.map((machine) => [machine.kind, rowFinder(machine)]));
const SHORT = {
  'invite-client': 'ict',
  'invite-server': 'ist',
  'non-invite-client': 'nict',
  'non-invite-server': 'nist',
} as const;

/** One of them. */
export interface ObservedTransaction {
  readonly id: string;
  readonly machine: Machine;
  readonly request: SipRequest;
  readonly read: ReadMessage;
  /** Of its request. */
  readonly direction: Direction;
  readonly call: string | undefined;
  state: string;
  /** The final response that was seen first. */
  final: number | undefined;
}

/** All of one observation. */
export class ObservedTransactions {
  private readonly byKey = new Map<string, ObservedTransaction>();
  private readonly waits = new Deadlines<ObservedTransaction>();

  /** The one that a message belongs to (§17.1.3, §17.2.3); an ACK to a refusal is part of its INVITE's. */
  find({ core, message }: ReadMessage): ObservedTransaction | undefined {
    const method = message.kind === 'request' && message.method === 'ACK' ? 'INVITE' : core.cseq.method;
    return this.byKey.get(keyOf(core.via.branch, core.callId, core.cseq.number, method));
  }

  /** Opens the one of a request that was seen for the first time. */
  open(
    turn: Turn,
    read: ReadMessage,
    request: SipRequest,
    direction: Direction,
    call: string | undefined,
  ): ObservedTransaction {
    const invite = request.method === 'INVITE';
    const client = invite ? INVITE_CLIENT : NON_INVITE_CLIENT;
    const server = invite ? INVITE_SERVER : NON_INVITE_SERVER;
    const machine: Machine = direction === 'sent' ? client : server;
    const { core } = read;
    const transaction: ObservedTransaction = {
      id: `${SHORT[machine.kind]}-${this.byKey.size + 1}`,
      machine,
      request,
      read,
      direction,
      call,
      state: machine.initial,
      final: undefined,
    };
    this.byKey.set(keyOf(core.via.branch, core.callId, core.cseq.number, request.method), transaction);
    report(turn, transaction, 'none', `${request.method} ${direction}`);
    if (direction === 'sent') {
      const wait = timerMs(invite ? 'B' : 'F', false, RFC_TIMERS) ?? 0;
      this.waits.arm(read.atMs + wait, invite ? 'B' : 'F', transaction);
    }
    return transaction;
  }

  /** A response, or a request that came again. */
  step(turn: Turn, transaction: ObservedTransaction, input: TransactionInput, cause: string): void {
    const row = ROWS.get(transaction.machine.kind)?.(transaction.state, input);
    if (row === undefined || row.next === transaction.state) return;
    const before = transaction.state;
    transaction.state = row.next;
    report(turn, transaction, before, cause);
  }

  responded(turn: Turn, transaction: ObservedTransaction, status: number, direction: Direction): void {
    if (status >= 200) transaction.final ??= status;
    this.step(turn, transaction, responseInput(status), `${status} ${direction}`);
  }

  /** The next that waited too long by `nowMs` for its answer, and when that was. */
  overdue(nowMs: number): { readonly transaction: ObservedTransaction; readonly atMs: number } | undefined {
    for (;;) {
      const atMs = this.waits.nextMs();
      const due = this.waits.takeDue(nowMs);
      if (due === undefined || atMs === undefined) return undefined;
      const { name, owner } = due;
      // A provisional response ends Timer B, and not Timer F.
      const waiting = name === 'B' ? owner.state === 'calling' : owner.final === undefined;
      if (waiting) return { transaction: owner, atMs };
    }
  }
}

function report(turn: Turn, transaction: ObservedTransaction, from: string, cause: string): void {
  const { call, id, machine, request, state } = transaction;
  turn.emit({
    type: 'transaction.changed',
    ...(call === undefined ? undefined : { call }),
    id,
    kind: machine.kind,
    method: request.method,
    from,
    to: state,
    cause,
  });
}

function keyOf(branch: string | undefined, callId: string, number: number, method: string): string {
  return `${branch ?? ''}|${callId}|${number}|${method}`;
}
