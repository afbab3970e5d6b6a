/**
 * What the four transaction machines of RFC 3261 §17 have in common: each is a table, state × input → next
 * state and actions, with the section beside the row.
 *
 * Tables are data, so that one test can prove that every row is exercised, the documentation can draw the
 * diagram from them and the screen can light up the live state. transactions.ts carries the actions out.
 * Whatever is armed on the way into `terminated` is disarmed there, so the rows do not say it.
 */
import type { TimerName } from './timers.ts';

/** What can happen to a transaction. `1xx`, `2xx`, `3xx-6xx` are responses, from the network or from us. */
export type TransactionInput =
  | 'request'
  | 'ack'
  | '1xx'
  | '2xx'
  | '3xx-6xx'
  | 'transport error'
  | `timer ${TimerName}`;

/**
 * What a row does, in order.
 * - `pass`: hand the message to the transaction user. `timeout`, `failed`: tell it so.
 * - `send`: transmit what the user gave. `resend`: transmit the last message again. `ack`: the ACK of §17.1.1.3.
 * - `arm`, `double`, `disarm`: a timer. `slow E`: Timer E at T2 (§17.1.2.2).
 */
export type TransactionAction =
  | 'pass'
  | 'timeout'
  | 'failed'
  | 'send'
  | 'resend'
  | 'ack'
  | 'slow E'
  | `arm ${TimerName}`
  | `double ${TimerName}`
  | `disarm ${TimerName}`;

/** In this state, on this input. */
export interface Row<State extends string = string> {
  readonly state: State;
  readonly input: TransactionInput;
  readonly next: State;
  readonly actions: readonly TransactionAction[];
  /** Where the RFC says so. */
  readonly section: string;
}

/** One of the four tables; states that no row leaves are ends. */
export interface Machine<State extends string = string> {
  readonly kind: 'invite-client' | 'invite-server' | 'non-invite-client' | 'non-invite-server';
  /** In the ids of its transactions: `ict-3`. */
  readonly shortName: string;
  /** The state it starts in, and what it does on the way in. */
  readonly initial: State;
  readonly start: readonly TransactionAction[];
  readonly rows: readonly Row<State>[];
}

/** Finds rows in constant time. An input that has no row in a state is ignored there. */
export function rowFinder(machine: Machine): (state: string, input: TransactionInput) => Row | undefined {
  const byState = new Map<string, Map<TransactionInput, Row>>();
  for (const row of machine.rows) {
    const rows = byState.get(row.state) ?? new Map<TransactionInput, Row>();
    if (rows.has(row.input)) throw new Error(`${machine.kind}: two rows for ${row.state} × ${row.input}`);
    byState.set(row.state, rows.set(row.input, row));
  }
  return (state, input) => byState.get(state)?.get(input);
}

/** The input that a response is, by its status. */
export function responseInput(status: number): '1xx' | '2xx' | '3xx-6xx' {
  return status < 200 ? '1xx' : status < 300 ? '2xx' : '3xx-6xx';
}
