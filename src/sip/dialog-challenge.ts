/**
 * A 401 or 407 to a request of ours in a dialog: a BYE, a PRACK, an UPDATE, a re-INVITE (RFC 3261 §22.2). It goes out
 * once more with credentials, because a BYE that a proxy turns away leaves the other side in the call.
 */
import { FIRST_ATTEMPT } from '../auth/credentials.ts';
import type { Call } from './call.ts';
import { digestTowards } from './call-credentials.ts';
import { reportChallenges } from './challenge-report.ts';
import type { CoreHeaders } from './core-headers.ts';
import type { Dialog } from './dialog.ts';
import { dialogFlow } from './dialog-flow.ts';
import { requestWithin } from './dialog-request.ts';
import type { EndpointParts } from './endpoint-parts.ts';
import { type SipRequest, type SipResponse, values } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';
import type { ClientTransaction } from './transaction.ts';
import type { TransactionUser } from './transaction-user.ts';
import type { Turn } from './turn.ts';

/** Fields that a request of ours gets anew each time, and those that `requestWithin` and `newRequest` write. */
const WRITTEN: ReadonlySet<string> = new Set([
  'Via',
  'Route',
  'Max-Forwards',
  'From',
  'To',
  'Call-ID',
  'CSeq',
  'User-Agent',
  'Authorization',
  'Proxy-Authorization',
]);

/** The request once more, with credentials; undefined when there are none to give, or they were refused. */
export function authorizeAgain(
  parts: EndpointParts,
  turn: Turn,
  call: Call,
  transaction: ClientTransaction<unknown>,
  response: SipResponse,
): ClientTransaction<TransactionUser> | undefined {
  const { status } = response;
  if (status !== 401 && status !== 407) return undefined;
  const { request, core } = transaction;
  const dialog = dialogOf(call, core);
  if (dialog === undefined) return undefined;
  // §15: our BYE overtook it, and what ended changes no more.
  if (dialog.state === 'terminated' && request.method !== 'BYE') return undefined;
  const flow = dialogFlow(parts.calls, turn, dialog);
  const digest = digestTowards(parts, call, flow);
  if (digest === undefined) return undefined;
  const before = call.challenged?.sequence === core.cseq.number ? call.challenged.attempt : FIRST_ATTEMPT;
  const name = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
  const challenges = values(response, name);
  const cnonce = parts.agent.identifiers.cnonce();
  const verdict = digest.challenged({ status, challenges, cnonce }, before);
  if (verdict.type === 'refused') return undefined;
  reportChallenges(turn, status, verdict.challenges, { call: call.handle });
  const again = requestWithin(dialog, request.method, carriedOver(request), request.body);
  const { uri } = again;
  const authorized = digest.authorize({ method: request.method, uri, body: request.body }, verdict.attempt);
  call.challenged = { sequence: again.sequence, attempt: authorized.attempt };
  const credentials = authorized.fields.map((field): HeaderLine => [field.name, field.value]);
  const headers = [...(again.headers ?? []), ...credentials];
  return parts.agent.request(turn, { ...again, headers }, flow, call, call.handle);
}

/** The call's own dialog, one of a phone whose answer nobody wanted, or one that still rings. */
function dialogOf({ dialog, outgoing }: Call, { toTag = '' }: CoreHeaders): Dialog | undefined {
  if (dialog !== undefined && dialog.remoteTag === toTag) return dialog;
  return (outgoing?.acknowledgements.get(toTag) ?? outgoing?.early.get(toTag))?.dialog;
}

function carriedOver({ headers }: SipRequest): HeaderLine[] {
  return headers.flatMap(({ name, value }): HeaderLine[] => (WRITTEN.has(name) ? [] : [[name, value]]));
}
