/**
 * A request of a phone that rings, in its early dialog (RFC 3261 §12.2.2, RFC 3311 §5.2): servers say in an UPDATE who
 * is called, and hang up when that gets 481.
 */
import type { Call } from './call.ts';
import { acceptRequest, refreshTarget } from './dialog.ts';
import { type EarlyDialog, endEarlyDialog } from './early-dialog.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { readOffer } from './offer-body.ts';
import { refuse } from './refusal.ts';
import { sipError } from './result.ts';
import { serveRequest } from './serving.ts';
import { isSips } from './sips.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { ALLOW, SUPPORTED } from './user-agent.ts';

/** An early dialog of a call of ours. */
export interface EarlyCall {
  readonly call: Call;
  readonly early: EarlyDialog;
}

/** Answers it; the INVITE stays open, whatever it was. */
export function receiveEarly(
  parts: EndpointParts,
  turn: Turn,
  { call, early }: EarlyCall,
  transaction: ServerTransaction,
): void {
  const { agent } = parts;
  const { request, core, flow } = transaction;
  const accepted = acceptRequest(early.dialog, core, flow);
  if (!accepted.ok) return refuse(agent, turn, transaction, accepted.error);
  switch (request.method) {
    case 'UPDATE':
      return update(parts, turn, { call, early }, transaction);
    case 'BYE':
      // §15: not allowed, and clear all the same.
      agent.respond(turn, transaction, 200);
      early.hungUp = true;
      return endEarlyDialog(turn, call, early.dialog.remoteTag, 'BYE received');
    case 'INVITE':
      // §14.2: ours is not answered yet.
      return refuse(
        agent,
        turn,
        transaction,
        sipError('invite-pending', 491, 'our own INVITE is not answered'),
      );
    default:
      if (serveRequest(parts, turn, transaction, call)) return;
      refuse(agent, turn, transaction, sipError('dialog-unknown', 481, `no ${request.method} belongs here`));
  }
}

function update(
  { agent }: EndpointParts,
  turn: Turn,
  { call, early }: EarlyCall,
  transaction: ServerTransaction,
): void {
  const { request, flow } = transaction;
  const offer = readOffer(request);
  if (!offer.ok) return refuse(agent, turn, transaction, offer.error);
  if (offer.value !== undefined) {
    // RFC 3311 §5.2: an offer of our own is open until the 2xx, or a reliable 1xx, answers it.
    const error = sipError('offer-pending', 491, 'our own offer is not answered yet');
    return refuse(agent, turn, transaction, error);
  }
  refreshTarget(early.dialog, request);
  agent.respond(turn, transaction, 200, {
    headers: [
      ['Contact', agent.dialogContact(flow, call.outgoing?.user, isSips(call.outgoing?.target ?? ''))],
      ['Allow', ALLOW],
      ['Supported', SUPPORTED],
    ],
  });
}
