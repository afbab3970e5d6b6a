/**
 * Early dialogs of a call that we place (RFC 3261 §12.1.2, §13.2.2.1): one for each phone that rings, told apart by
 * the To tag of its provisional response.
 *
 * A proxy that forks lets several ring. The first 2xx makes one of them the call; the others are over for us then,
 * and whoever answers all the same is acknowledged and ended (answered.ts).
 */
import { type Call, reportDialog } from './call.ts';
import type { CallStore } from './call-store.ts';
import type { CoreHeaders } from './core-headers.ts';
import { type Dialog, dialogAsClient, dialogWithoutContact } from './dialog.ts';
import { wayOf } from './large-request.ts';
import { MAX_FORKS } from './limits.ts';
import type { SipResponse } from './message.ts';
import type { OutgoingInvite } from './outgoing-invite.ts';
import type { ClientTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';

/** One phone that rings, or did: a fork that answers late goes on with the numbers of its early dialog. */
export interface EarlyDialog {
  readonly dialog: Dialog;
  /** RSeq of the last reliable response that was taken (RFC 3262 §4). */
  responseNumber: number | undefined;
  /** PRACKs that were sent: where they go is the phone's to say, so they are bounded. */
  acknowledged: number;
  /** The phone said BYE before its 2xx came, which may have lost its way and come yet. */
  hungUp: boolean;
  /** Its last response with a session description: early media, or the answer when it was reliable. */
  described: SipResponse | undefined;
}

/**
 * The early dialog of a provisional response, made if it is a new one. None without a To tag (§12.1), with a Contact
 * or routes that cannot be read, or when it is one too many.
 */
export function earlyDialogOf(
  store: CallStore,
  turn: Turn,
  call: Call,
  invite: OutgoingInvite,
  transaction: ClientTransaction<unknown>,
  response: SipResponse,
  core: CoreHeaders,
): EarlyDialog | undefined {
  const { toTag } = core;
  if (toTag === undefined) return undefined;
  const known = invite.early.get(toTag);
  if (known !== undefined) return known;
  const { request, core: asked } = transaction;
  const flow = wayOf(transaction);
  const made = dialogAsClient(request, asked, response, core, flow);
  if (!made.ok && made.error.code !== 'contact-missing') return undefined;
  if (invite.early.size >= MAX_FORKS) return undefined;
  const dialog = made.ok ? made.value : dialogWithoutContact(request, asked, response, core, flow);
  const early: EarlyDialog = {
    dialog,
    responseNumber: undefined,
    acknowledged: 0,
    hungUp: false,
    described: undefined,
  };
  invite.early.set(toTag, early);
  store.addEarly(call, early);
  reportDialog(turn, call, dialog, 'none', 'early', `${response.status} received`);
  return early;
}

/** One of them is over: its phone refused, and the proxy goes on ringing others (199, RFC 6228 §4). */
export function endEarlyDialog(turn: Turn, call: Call, toTag: string | undefined, cause: string): void {
  const early = call.outgoing?.early.get(toTag ?? '');
  if (early?.dialog.state !== 'early') return;
  early.dialog.state = 'terminated';
  reportDialog(turn, call, early.dialog, 'early', 'terminated', cause);
}

/** All of them are over: with the final response (§12.3), or because one has become the call. */
export function endEarlyDialogs(turn: Turn, call: Call, cause: string): void {
  for (const toTag of call.outgoing?.early.keys() ?? []) endEarlyDialog(turn, call, toTag, cause);
}
