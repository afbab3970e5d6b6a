/**
 * The INVITE of a call that we place, over all its tries (RFC 3261 §13.2): plain data.
 *
 * It outlives each try, because a challenge or a redirection goes on as the same call: same Call-ID and From, CSeq
 * one higher (§8.1.3.4, §8.1.3.5, §22.2).
 */
import type { Attempt } from '../auth/credentials.ts';
import type { Account } from './endpoint-config.ts';
import type { Action } from './endpoint-io.ts';
import type { Flow, NextHop } from './flow.ts';
import type { SessionDescription } from './sdp.ts';
import type { ClientTransaction } from './transaction.ts';
import type { Outgoing } from './transport-layer.ts';

/** What our INVITE needs for its ACK, its CANCEL, and its next try. */
export interface OutgoingInvite {
  /** What was asked for. */
  readonly action: Extract<Action, { type: 'call' }>;
  readonly account: Account | undefined;
  /** From with our tag, and To without one: the same in every try (§8.1.3.5). */
  readonly from: string;
  readonly to: string;
  readonly user: string;
  /** Our offer, once the first try made it: every try carries the same. */
  offer: SessionDescription | undefined;
  /** The Request-URI of the next try, and where it goes. */
  target: string;
  hop: NextHop;
  sequence: number;
  /** The try that is out; undefined while a name is looked up. */
  sent: ClientTransaction<unknown> | undefined;
  /** The ACK to each fork's 2xx by its tag, sent again with each retransmission. The first fork is the call. */
  readonly acknowledgements: Map<string, { readonly message: Outgoing; readonly flow: Flow }>;
  redirects: number;
  /** Set once a provisional response came: before that no CANCEL may go (§9.1). */
  provisional: boolean;
  /** A CANCEL is out. */
  cancelled: boolean;
  /** What its credentials have been through. */
  attempt: Attempt;
}
