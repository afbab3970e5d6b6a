/** Transactions as data (RFC 3261 §17): a request, the state of its machine, what to send again, the armed timers. */
import type { EventOf } from '../events.ts';
import type { CoreHeaders } from './core-headers.ts';
import type { Deadline } from './deadlines.ts';
import type { Flow } from './flow.ts';
import type { INVITE_CLIENT } from './invite-client.ts';
import type { INVITE_SERVER } from './invite-server.ts';
import type { SipRequest, SipResponse } from './message.ts';
import type { NON_INVITE_CLIENT } from './non-invite-client.ts';
import type { NON_INVITE_SERVER } from './non-invite-server.ts';
import type { TimerName } from './timers.ts';

interface Common {
  /** Counted from 1, over both sides. */
  readonly serial: number;
  readonly key: string;
  readonly method: string;
  /** Of a server: neither is kept once its final response is out (answered-request.ts). */
  request: SipRequest;
  core: CoreHeaders;
  flow: Flow;
  state: string;
  /** The handle of the call it belongs to, for the log. */
  call: string | undefined;
  /** What `resend` sends. */
  last: Uint8Array | undefined;
  readonly timers: Partial<Record<TimerName, Deadline<Transaction<unknown>>>>;
  /** The last interval of the timer that sends again: A, E or G. */
  repeatMs: number | undefined;
}

/** A request of the peer (§17.2). */
export interface ServerTransaction extends Common {
  readonly side: 'server';
  /** Of the request, which is kept whole until it is answered: its fields are parts of one text. */
  readonly bytes: number;
  /** What is the same on every way that the request took; undefined in a dialog, and for INVITE. */
  readonly mergeKey: string | undefined;
  readonly machine: typeof INVITE_SERVER | typeof NON_INVITE_SERVER;
}

/** A request of ours (§17.1). */
export interface ClientTransaction<User> extends Common {
  readonly side: 'client';
  /** Whoever is to hear of it. */
  readonly user: User;
  readonly machine: typeof INVITE_CLIENT | typeof NON_INVITE_CLIENT;
  /** Where it was to go, when it went over TCP for its size alone (large-request.ts). */
  datagram?: Flow;
}

export type Transaction<User> = ServerTransaction | ClientTransaction<User>;

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

/** "ist-3": short, unique in a session, for people and the log; made when it is said, as most never are. */
export function transactionId({ machine, serial }: Transaction<unknown>): string {
  return `${machine.shortName}-${serial}`;
}

/** The event of a timer whose time has come. */
export function timerFired(transaction: Transaction<unknown>, name: TimerName): EventOf<'timer.fired'> {
  const { call } = transaction;
  const about = call === undefined ? undefined : { call };
  return { type: 'timer.fired', ...about, name, transaction: transactionId(transaction) };
}

/** The event of a transaction that is in its new state. */
export function transactionChanged(
  transaction: Transaction<unknown>,
  from: string,
  cause: string,
): EventOf<'transaction.changed'> {
  const { machine, method, state, call } = transaction;
  const event: EventOf<'transaction.changed'> = {
    type: 'transaction.changed',
    id: transactionId(transaction),
    kind: machine.kind,
    method,
    from,
    to: state,
    cause,
  };
  if (call !== undefined) event.call = call;
  return event;
}
