/**
 * INFO (RFC 6086): what is said in a call beside it. Of its uses we take the old one, keys in a body
 * (dtmf-relay.ts); info packages are agreed on in the INVITE, and we ask for none.
 */
import { readBody, refuseBody } from './body-type.ts';
import type { Call } from './call.ts';
import { DTMF_TYPES, parseDtmfRelay } from './dtmf-relay.ts';
import { field } from './message.ts';
import { refuse } from './refusal.ts';
import { sipError } from './result.ts';
import { displayText } from './text.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/** Serves an INFO; `call` is the one it came in, already checked for its order. */
export function serveInfo(
  agent: UserAgent,
  turn: Turn,
  transaction: ServerTransaction,
  call: Call | undefined,
): void {
  const { request } = transaction;
  if (call === undefined) {
    const detail = 'INFO stands in a call alone (RFC 6086 §4.2.2)';
    return refuse(agent, turn, transaction, sipError('dialog-unknown', 481, detail));
  }
  const named = field(request, 'Info-Package');
  if (named !== undefined) {
    const detail = `the info package ${displayText(named.value).slice(0, 80)} was not asked for`;
    const error = { ...sipError('info-package-unknown', 469, detail), offset: named.offset };
    // §4.2.2: a 469 carries Recv-Info; empty, it says that there is no package.
    return refuse(agent, turn, transaction, error, { headers: [['Recv-Info', '']] });
  }
  const body = readBody(request, DTMF_TYPES);
  if (!body.ok) return refuseBody(agent, turn, transaction, body.error, DTMF_TYPES);
  // §4.2.2: without a body it asks for nothing, and gets its 200. Some phones keep a NAT open with it.
  if (body.value === undefined) return agent.respond(turn, transaction, 200);
  const key = parseDtmfRelay(body.value.text);
  if (!key.ok) return refuse(agent, turn, transaction, key.error);
  agent.respond(turn, transaction, 200);
  turn.emit({ type: 'dtmf.received', call: call.handle, ...key.value, by: 'info' });
}
