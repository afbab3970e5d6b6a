/**
 * A 180 that has to arrive (RFC 3262 §3): repeated until its PRACK comes, and the INVITE refused when none does.
 *
 * There is one in a call, so its RSeq needs no successor. It has our offer when the INVITE left that to us (§5); the
 * answer to an offer of the caller stays in the 200.
 */
import { contactOf } from './accepting.ts';
import { type Call, toTagOf } from './call.ts';
import { finishCall } from './call-end.ts';
import type { CallStore } from './call-store.ts';
import { lateOffer } from './late-offer.ts';
import { field, type SipRequest } from './message.ts';
import { refuse } from './refusal.ts';
import { sipError } from './result.ts';
import type { HeaderLine, ResponseParts } from './serialize-message.ts';
import { serializeSdp } from './serialize-sdp.ts';
import { parseOptionTags } from './token-list.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { ALLOW } from './user-agent.ts';

/** The response that waits for its PRACK. */
export interface ReliableProvisional {
  readonly responseNumber: number;
  /** CSeq of the INVITE. */
  readonly sequence: number;
  readonly parts: ResponseParts;
  intervalMs: number;
}

/** Whether the caller demands reliable provisional responses, or can take them and we are to send them (§3). */
export function wantsReliable(request: SipRequest, offered: boolean): boolean {
  return names(request, 'Require') || (offered && names(request, 'Supported'));
}

function names(request: SipRequest, header: 'Require' | 'Supported'): boolean {
  if (field(request, header) === undefined) return false;
  const tags = parseOptionTags(request, header);
  return tags.ok && tags.value.includes('100rel');
}

/** Sends the 180 and begins to wait. */
export function ringReliably(store: CallStore, turn: Turn, call: Call, invite: ServerTransaction): void {
  const { agent } = store;
  // §3: between 1 and 2^31 − 1.
  const responseNumber = 1 + (agent.identifiers.word() % (2 ** 31 - 1));
  const headers: HeaderLine[] = [
    ['Contact', contactOf(store, call)],
    ['Allow', ALLOW],
    ['Require', '100rel'],
    ['RSeq', `${responseNumber}`],
  ];
  const late = call.answer === undefined ? lateOffer(store, call) : undefined;
  const offer = late?.ok === true ? late.value.description : undefined;
  if (offer !== undefined && call.media !== undefined) {
    call.media.description = offer;
    call.media.offeredMs ??= turn.nowMs;
    call.offering = offer;
    headers.push(['Content-Type', 'application/sdp']);
  }
  const body = offer === undefined ? undefined : serializeSdp(offer);
  const { t1Ms } = agent.config.timers;
  const parts = { ...toTagOf(call), headers, body };
  call.reliable = { responseNumber, sequence: invite.core.cseq.number, parts, intervalMs: t1Ms };
  agent.respond(turn, invite, 180, parts);
  store.arm(turn, call, 'reliable 1xx', t1Ms);
  store.arm(turn, call, 'no prack', 64 * t1Ms);
}

/** The same again, at intervals that double without a bound, also on a stream: it is end to end (§3). */
export function repeatProvisional(store: CallStore, turn: Turn, call: Call): void {
  const { invite, reliable } = call;
  if (invite === undefined || reliable === undefined) return;
  const { sources } = store.agent.transport;
  if (sources.mayRepeat(invite.flow, turn.nowMs)) store.agent.respond(turn, invite, 180, reliable.parts);
  reliable.intervalMs *= 2;
  store.arm(turn, call, 'reliable 1xx', reliable.intervalMs);
}

/** No PRACK for 64·T1 (§3): the INVITE is refused. */
export function prackMissing(store: CallStore, turn: Turn, call: Call): void {
  const { invite } = call;
  if (invite === undefined) return;
  const error = sipError('prack-missing', 504, 'our reliable 180 was never acknowledged with a PRACK');
  refuse(store.agent, turn, invite, error, { ...toTagOf(call) });
  call.invite = undefined;
  finishCall(store, turn, call, 'no PRACK', 504);
}
