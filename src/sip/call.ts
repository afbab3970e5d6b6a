/**
 * A call: the use of a dialog that an INVITE made (RFC 5057 calls it a dialog usage), with its audio.
 *
 * Plain data. answering.ts moves the calls that come in, calling.ts those that we place; hang-up.ts, bye.ts and
 * cancel.ts end both.
 */
import type { Attempt } from '../auth/credentials.ts';
import type { EventOf } from '../events.ts';
import type { MappedPort, MediaCounters, MediaMode, MediaSession } from '../rtp/session.ts';
import type { ToldContact } from './call-contact.ts';
import type { CallKeepalive } from './call-keepalive.ts';
import type { CallOutcome } from './call-outcome.ts';
import type { Deadline } from './deadlines.ts';
import type { Dialog } from './dialog.ts';
import type { Answer } from './offer-answer.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import type { ReliableProvisional } from './reliable-provisional.ts';
import { remembering } from './remembered.ts';
import type { SessionDescription } from './sdp.ts';
import type { SessionChange } from './session-change.ts';
import type { SessionTimer } from './session-timer.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';

export type CallState = EventOf<'call.changed'>['to'];

/** The deadlines a call may have armed. */
export type CallTimer =
  | 'port'
  | 'ring'
  | 'answer'
  | '2xx'
  | 'no ack'
  | 'ring timeout'
  | 'retry'
  | 'duration'
  | 'cancel timeout'
  | 'refresh'
  | 'change'
  | 'change timeout'
  | 'move'
  | 'keepalive'
  | 'session expiry'
  | 'reliable 1xx'
  | 'no prack';

/** One call, placed or taken, as plain data. Mutable; the store owns it. */
export interface Call {
  readonly kind: 'call';
  /** call-<from>-<to>-<nnn>. */
  readonly handle: string;
  readonly direction: 'incoming' | 'outgoing';
  readonly callId: string;
  /** Of a call that came in: what its INVITE had before there was a tag of ours (§8.2.2.2). */
  readonly inviteKey?: string;
  /** The other side, as a URI without parameters. */
  readonly peer: string;
  readonly displayName: string | undefined;
  readonly startedMs: number;
  state: CallState;
  answeredMs: number | undefined;
  dialog: Dialog | undefined;
  /** The INVITE of the peer that we have not answered finally. */
  invite: ServerTransaction | undefined;
  /** The offer of that INVITE, until there is a port to answer it with. */
  offered: SessionDescription | undefined;
  /** The answer to it, judged before anything rang, until it is sent. */
  answer: Answer | undefined;
  /** Our offer, when the INVITE left it to us, until it is answered (§13.2.1). */
  offering?: SessionDescription | undefined;
  /** The session timer, when one was agreed (RFC 4028). */
  session?: SessionTimer | undefined;
  /** Our 180 that waits for its PRACK (RFC 3262). */
  reliable?: ReliableProvisional | undefined;
  /** Our own re-INVITE or UPDATE, the last one. */
  change?: SessionChange | undefined;
  /** It was said already that the audio of the other side has an address that will not do (address-verdict.ts). */
  addressDiagnosed?: boolean;
  /** The Contact that the peer has of us. */
  told?: ToldContact | undefined;
  /** When it was told of another address of ours last (call-move.ts). */
  movedMs?: number;
  /** How its way through a NAT is kept (call-keepalive.ts). */
  keepalive?: CallKeepalive | undefined;
  /** Where the first hop saw us last, while no registration watches it. */
  seenAt?: string | undefined;
  /** What was asked for and does not stand yet (hold.ts). */
  wish?: 'hold' | 'resume' | undefined;
  /** Our 2xx that has not been acknowledged (§13.3.1.4), and the CSeq that its ACK has. */
  unacknowledged:
    | { readonly transaction: ServerTransaction; readonly sequence: number; intervalMs: number }
    | undefined;
  /** The address that holds it and has not shown yet that it hears us (address-validation.ts). */
  heldFor?: string | undefined;
  /** What the last challenged request of ours in the dialog has been through (dialog-challenge.ts). */
  challenged?: { readonly sequence: number; readonly attempt: Attempt } | undefined;
  /** How it came out, once that is known before its end (call-outcome.ts). */
  outcome?: CallOutcome | undefined;
  /** Our INVITE. */
  outgoing: OutgoingInvite | undefined;
  /** INVITEs that may be answered yet, by the key of their transaction (given-up.ts). */
  givenUp?: string[];
  media: CallMedia | undefined;
  /** Those that run, or ran: a place is not taken away, which would cost more than the timer. */
  readonly timers: { [Name in CallTimer]?: Deadline<Call> | undefined };
  /** Why it is being ended by us, once it is: a BYE or CANCEL is out, or waits for the ACK (§15). */
  ending: string | undefined;
}

/** The audio of a call. */
export interface CallMedia {
  readonly slot: number;
  /** Our RTP port; RTCP on the next one. */
  readonly port: number;
  /** How a NAT shows that port, by a STUN server's word (RFC 8489). */
  mapped?: MappedPort | undefined;
  /** Names the session in o= for as long as the call lasts: decimal digits. */
  readonly sessionId: string;
  /** What is done with the audio; absent: the caller's own voice goes back. */
  readonly mode?: MediaMode;
  /** The description that we sent last, refused offers apart. */
  description: SessionDescription | undefined;
  /** The highest version of an offer in a re-INVITE of ours, whether or not it was taken (session-version.ts). */
  offeredVersion?: number;
  /** What the media thread was told last; undefined until it was opened. */
  session: MediaSession | undefined;
  codec: string;
  /** Not both ways, whoever wants it so. */
  held: boolean;
  /** We hold the peer: it is to send nothing. */
  holding: boolean;
  openedMs: number;
  /** When an offer of ours first named the port: its answer may come after the first packet. */
  offeredMs?: number;
  /** From how many addresses the audio has come, one after the other. */
  sources?: number;
  /** When the last packet is known to have come. */
  heardMs: number;
  sampledMs: number;
  counters: MediaCounters | undefined;
  /** Packets a second, both ways, at the last sample. */
  rate: number;
  /** It was said already that nothing is heard. */
  diagnosed: boolean;
}

/** The address that the other side of a call is signalled at: which of ours it can reach depends on it. */
export function peerAddress({ dialog, outgoing }: Call): string {
  const flow = dialog?.flow ?? outgoing?.sent?.flow;
  return flow?.remote.address ?? '127.0.0.1';
}

/** What is said of a call when it moves: of ours, and of one between others. */
type Moving = Pick<Call, 'handle' | 'callId' | 'direction' | 'peer' | 'displayName' | 'state' | 'answeredMs'>;

/** Why it moved, and how it came out. */
interface About {
  readonly reason?: string | undefined;
  readonly status?: number | undefined;
  readonly outcome?: CallOutcome | undefined;
}
const NOTHING_ABOUT: About = {};

/** Moves a call and says so. */
export function changeCall(turn: Turn, call: Moving, to: CallState, about: About = NOTHING_ABOUT): void {
  const from = call.state;
  if (from === to) return;
  call.state = to;
  if (!turn.wants('call.changed')) return;
  const { handle, callId, direction, peer, displayName, answeredMs } = call;
  const event: EventOf<'call.changed'> =
    displayName === undefined
      ? { type: 'call.changed', call: handle, callId, direction, peer, from, to }
      : { type: 'call.changed', call: handle, callId, direction, peer, displayName, from, to };
  const { reason, status, outcome } = about;
  if (reason !== undefined) event.reason = reason;
  if (status !== undefined) event.status = status;
  if (outcome !== undefined) event.outcome = outcome;
  if (to === 'terminated' && answeredMs !== undefined) {
    event.durationMs = Math.round(turn.nowMs - answeredMs);
  }
  turn.emit(event);
}

/** Says that a dialog came to be, or moved. */
export function reportDialog(
  turn: Turn,
  call: Call,
  { callId, localTag, remoteTag }: Dialog,
  from: EventOf<'dialog.changed'>['from'],
  to: EventOf<'dialog.changed'>['to'],
  cause: string,
): void {
  if (!turn.wants('dialog.changed')) return;
  turn.emit({
    type: 'dialog.changed',
    call: call.handle,
    callId,
    localTag,
    ...(remoteTag === '' ? undefined : { remoteTag }),
    from,
    to,
    cause,
  });
}

/** Moves the call's dialog and says so. */
export function changeDialog(
  turn: Turn,
  call: Call,
  to: 'early' | 'confirmed' | 'terminated',
  cause: string,
): void {
  const { dialog } = call;
  if (dialog === undefined) return;
  reportDialog(turn, call, dialog, dialog.state, to, cause);
  dialog.state = to;
}

/** The user part of an address as it may stand in a handle: short, and nothing a shell would trip over. */
export function handlePart(user: string | undefined): string {
  return plainUser(user ?? '');
}

const plainUser = remembering((user: string): string => {
  const plain = user.replace(/[^A-Za-z0-9_.+]/g, '').slice(0, 32);
  return plain === '' ? 'anonymous' : plain;
});

/** Our tag in the dialog of the call, as responses need it; undefined before there is one. */
export function toTagOf(call: Call): { toTag: string } | undefined {
  return call.dialog === undefined ? undefined : { toTag: call.dialog.localTag };
}
