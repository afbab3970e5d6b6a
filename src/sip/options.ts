/**
 * OPTIONS (RFC 3261 §11): what we can do, and the status that an INVITE would get now.
 *
 * Why Accept lists more than an INVITE takes: it speaks for every method (§11.2).
 */
import type { Call } from './call.ts';
import type { CallStore } from './call-store.ts';
import { DTMF_TYPES } from './dtmf-relay.ts';
import { SUMMARY_TYPE } from './event-package.ts';
import { TEXT_TYPE } from './pager-message.ts';
import { ownTag, refuse, retryAfter } from './refusal.ts';
import { sipError } from './result.ts';
import { asksForSips } from './sips.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { parseUri } from './uri.ts';
import { ACCEPT, ALLOW, SUPPORTED } from './user-agent.ts';

/** Every body that some method of ours takes, for OPTIONS (§11.2). */
const ACCEPTED = [ACCEPT, ...DTMF_TYPES, SUMMARY_TYPE, TEXT_TYPE].join(', ');

/** §11.2: the status an INVITE would get now, and what we can do. */
export function serveOptions(
  store: CallStore,
  turn: Turn,
  transaction: ServerTransaction,
  call: Call | undefined,
): void {
  const { agent } = store;
  if (call === undefined && agent.stopping) {
    const error = sipError('stopping', 503, 'this service is going down');
    return refuse(agent, turn, transaction, error, { headers: [retryAfter(10)] });
  }
  const full = call === undefined && agent.config.echo && store.size >= agent.config.maxCalls;
  const uri = parseUri(transaction.request.uri);
  const user = uri.ok && uri.value.kind === 'sip' ? uri.value.user : undefined;
  agent.respond(turn, transaction, full ? 486 : 200, {
    ...ownTag(agent, transaction.core),
    headers: [
      ['Contact', agent.contact(transaction.flow, user, asksForSips(transaction.request))],
      ['Allow', agent.config.registrar === undefined ? ALLOW : `${ALLOW}, REGISTER`],
      ['Accept', ACCEPTED],
      ['Accept-Encoding', 'identity'],
      ['Accept-Language', 'en'],
      ['Supported', agent.config.registrar === undefined ? SUPPORTED : `${SUPPORTED}, path, outbound`],
    ],
  });
}
