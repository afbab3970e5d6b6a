/**
 * The INVITE of a call that we place, over all its tries (RFC 3261 §13.2): plain data.
 *
 * It outlives each try, because a challenge or a redirection goes on as the same call: same Call-ID and From, CSeq
 * one higher (§8.1.3.4, §8.1.3.5, §22.2).
 */
import type { Attempt } from '../auth/credentials.ts';
import type { OwnHalf } from './accepting.ts';
import type { Dialog } from './dialog.ts';
import type { EarlyDialog } from './early-dialog.ts';
import type { Account } from './endpoint-config.ts';
import type { Action } from './endpoint-io.ts';
import type { Flow, NextHop, ServerHop } from './flow.ts';
import type { Outgoing } from './outgoing.ts';
import type { PreloadedRoute } from './preloaded-route.ts';
import type { Result } from './result.ts';
import type { SessionDescription } from './sdp.ts';
import type { ClientTransaction } from './transaction.ts';

/** What asks for a call. */
export type PlaceCall = Extract<Action, { type: 'call' }>;

/** One place to call: the Contact that named it, the Request-URI, and where the INVITE goes. */
export interface Target {
  readonly contact: string;
  readonly uri: string;
  readonly hop: NextHop;
}

/** A fork whose 2xx was acknowledged: its dialog, and the ACK, which goes out again as often as the 2xx comes. */
export interface AcknowledgedFork {
  readonly dialog: Dialog;
  readonly message: Outgoing;
  readonly flow: Flow;
}

/** What our INVITE needs for its ACK, its CANCEL, and its next try. */
export interface OutgoingInvite {
  /** What was asked for. */
  readonly action: PlaceCall;
  readonly account: Account | undefined;
  /** From with our tag, and To without one: the same in every try (§8.1.3.5). */
  readonly from: string;
  readonly to: string;
  readonly user: string;
  /** Our half of the session, once there is one: our offer, or our answer when the offer was left to the peer. */
  offer: SessionDescription | undefined;
  /** What became of an offer that was left to the peer, and of which fork it is (§13.2.1). */
  late?: { readonly toTag: string; readonly half: Result<OwnHalf> };
  /** What the next try asks of the session timer, in seconds, and how often it was too little (RFC 4028 §7.3). */
  interval: { readonly intervalS: number; readonly minIntervalS: number; readonly refused: number };
  /** The Request-URI of the next try, and where it goes. */
  target: string;
  hop: NextHop;
  /** The route that a try by way of our proxy, or of the Service-Route, begins with: that of the moment it was placed. */
  readonly preloaded: PreloadedRoute | undefined;
  /** The name of `hop` is being looked up. */
  resolving: boolean;
  sequence: number;
  /** The try that is out; undefined while a name is looked up, or a Retry-After waited for. */
  sent: ClientTransaction<unknown> | undefined;
  /** Whoever answered, by tag: the call, other phones, and tries that were given up. */
  readonly acknowledgements: Map<string, AcknowledgedFork>;
  /** Why the connection of this try failed has been said (tls-report.ts). */
  explained: boolean;
  /** The servers of `hop` that were not tried (RFC 3263 §4.2). */
  servers: readonly ServerHop[];
  /** The Contacts of redirections that were not tried, the next one first, and all that ever were to be. */
  targets: readonly Target[];
  readonly tried: string[];
  redirects: number;
  /** A Retry-After was waited for, or is: the server that asked for it. */
  waited: boolean;
  retryAt: ServerHop | undefined;
  /** The phones that ring now, by their tag. */
  readonly early: Map<string, EarlyDialog>;
  /** Set once a provisional response came: before that no CANCEL may go (§9.1). */
  provisional: boolean;
  /** A CANCEL is out. */
  cancelled: boolean;
  /** What its credentials have been through. */
  attempt: Attempt;
}
