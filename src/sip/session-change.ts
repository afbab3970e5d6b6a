/**
 * What we change in a call that stands, or only keep alive: our re-INVITE (RFC 3261 §14.1), and our UPDATE
 * (RFC 3311 §5.1) where it has nothing to offer.
 *
 * A refresh, a hold, a resume and a move to another address are one request with another offer, so they go one way: one
 * at a time, and never while the peer's is open. change-response.ts has what comes back.
 */
import type { Call } from './call.ts';
import { contactToTell, type ToldContact } from './call-contact.ts';
import type { CallStore } from './call-store.ts';
import type { Dialog } from './dialog.ts';
import { dialogFlow } from './dialog-flow.ts';
import { requestWithin } from './dialog-request.ts';
import type { Flow } from './flow.ts';
import { parseNameAddr } from './name-addr.ts';
import type { Outgoing } from './outgoing.ts';
import type { SessionDescription } from './sdp.ts';
import type { HeaderLine } from './serialize-message.ts';
import { serializeSdp } from './serialize-sdp.ts';
import { intervalHeaders } from './session-timer.ts';
import { noteOffered } from './session-version.ts';
import { isSecured } from './sips.ts';
import type { ClientTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { userOf } from './uri.ts';
import { ALLOW, SUPPORTED } from './user-agent.ts';

export type ChangePurpose = 'refresh' | 'hold' | 'resume' | 'move';

/** A change of ours: the one that is out, or the last one. */
export interface SessionChange {
  readonly purpose: ChangePurpose;
  /** The last try: a challenged one goes out again (dialog-challenge.ts). */
  sent: ClientTransaction<unknown>;
  /** It has no final response yet. */
  open: boolean;
  readonly offer: SessionDescription | undefined;
  /** The Contact in it. */
  readonly told: ToldContact;
  /** The ACK to its 2xx, sent again with each retransmission (RFC 3261 §13.2.2.4). */
  acknowledgement: { readonly message: Outgoing; readonly flow: Flow } | undefined;
}

/** Whether an INVITE or an offer of either side is open in the call: then no other may begin (RFC 3261 §14.1). */
export function isBusy(call: Call): boolean {
  if (call.invite !== undefined || call.unacknowledged !== undefined) return true;
  return call.change?.open === true || call.offering !== undefined;
}

/** Sends a re-INVITE with that offer, or an UPDATE without one. The caller has asked `isBusy`. */
export function sendChange(
  store: CallStore,
  turn: Turn,
  call: Call,
  purpose: ChangePurpose,
  offer: SessionDescription | undefined,
): void {
  const { dialog, media } = call;
  if (dialog === undefined) return;
  if (offer !== undefined && media !== undefined) noteOffered(media, offer);
  const flow = dialogFlow(store, turn, dialog);
  const headers: HeaderLine[] = [
    ['Contact', store.agent.dialogContact(flow, localUser(dialog), isSecured(dialog))],
    ['Allow', ALLOW],
    ['Supported', SUPPORTED],
    ...intervalHeaders(call),
  ];
  if (offer !== undefined) headers.push(['Content-Type', 'application/sdp']);
  const method = offer === undefined ? 'UPDATE' : 'INVITE';
  const body = offer === undefined ? undefined : serializeSdp(offer);
  const parts = requestWithin(dialog, method, headers, body);
  const sent = store.agent.request(turn, parts, flow, call, call.handle);
  const told = contactToTell(store.agent.own, flow);
  call.change = { purpose, sent, open: true, offer, told, acknowledgement: undefined };
  // A 100 ends Timer B; the peer's phone asks nobody before it answers a re-INVITE.
  store.arm(turn, call, 'change timeout', 64 * store.agent.config.timers.t1Ms);
}

/**
 * RFC 3261 §14.1, in steps of 10 ms: whoever made the Call-ID waits 2.1 to 4 s before it tries again, the other one
 * up to 2 s.
 */
export function glareMs(store: CallStore, call: Call): number {
  const word = store.agent.identifiers.word();
  return call.direction === 'outgoing' ? 2_100 + 10 * (word % 191) : 10 * (word % 201);
}

/** Whether nothing of the call is to be changed any more: it has ended, or is being ended. */
export function isOver(call: Call): boolean {
  return call.state === 'terminated' || call.dialog?.state === 'terminated' || call.ending !== undefined;
}

function localUser(dialog: Dialog): string | undefined {
  const local = parseNameAddr(dialog.local);
  return local.ok ? userOf(local.value.uri) : undefined;
}
