/**
 * Reliable provisional responses to an INVITE of ours (RFC 3262 §4): each is acknowledged with a PRACK in its early
 * dialog, once and in order, because until then the other side repeats it and may not go on.
 */

import type { Call } from './call.ts';
import { knownCredentials } from './call-credentials.ts';
import { answerLate } from './call-session.ts';
import type { CoreHeaders } from './core-headers.ts';
import { dialogFlow } from './dialog-flow.ts';
import { requestWithin } from './dialog-request.ts';
import type { EarlyDialog } from './early-dialog.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { MAX_RELIABLE_RESPONSES } from './limits.ts';
import { field, type SipResponse, value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';
import { readDigits } from './text.ts';
import { parseOptionTags } from './token-list.ts';
import type { Turn } from './turn.ts';

/**
 * Takes a provisional response of an early dialog. False when it is not to be looked at: one that came before, or one
 * whose predecessor is still missing and that will come again (§4).
 */
export function takeReliable(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  early: EarlyDialog,
  response: SipResponse,
  core: CoreHeaders,
): boolean {
  const number = reliableNumber(response);
  if (number === undefined) return true;
  const last = early.responseNumber;
  if (last !== undefined && number !== last + 1) return false;
  if (early.acknowledged >= MAX_RELIABLE_RESPONSES) return false;
  early.acknowledged += 1;
  early.responseNumber = number;
  // RFC 3262 §5: an offer in it, which our INVITE left to the other side, is answered in the PRACK.
  const { outgoing } = call;
  const answer =
    outgoing === undefined || response.body.length === 0
      ? undefined
      : answerLate(parts.calls, call, outgoing, response, early.dialog.remoteTag);
  acknowledge(parts, turn, call, early, `${number} ${core.cseq.number} INVITE`, answer);
  return true;
}

/** RSeq of a response that demands a PRACK; undefined when it demands none, or gives no number to name in it. */
function reliableNumber(response: SipResponse): number | undefined {
  if (field(response, 'Require') === undefined) return undefined;
  const required = parseOptionTags(response, 'Require');
  if (!required.ok || !required.value.includes('100rel')) return undefined;
  const number = readDigits(value(response, 'RSeq')?.trim() ?? '');
  return number >= 0 && number < 2 ** 32 ? number : undefined;
}

function acknowledge(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  { dialog }: EarlyDialog,
  rack: string,
  answer: string | undefined,
): void {
  const flow = dialogFlow(parts.calls, turn, dialog);
  const type: HeaderLine[] = answer === undefined ? [] : [['Content-Type', 'application/sdp']];
  const prack = requestWithin(dialog, 'PRACK', [['RAck', rack], ...type], answer);
  const headers = [...(prack.headers ?? []), ...knownCredentials(parts, call, flow, prack)];
  parts.agent.request(turn, { ...prack, headers }, flow, call, call.handle);
}
