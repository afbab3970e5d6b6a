/**
 * OPTIONS as a keepalive (RFC 3261 §11): a request that every server answers, on the flow of a registration.
 *
 * It asks the registrar's domain and carries no credentials: a 401 is as good a sign of life as a 200. Its identifiers
 * are drawn from a generator of the keepalives' own, so that it changes none of the calls'.
 */
import type { Account } from './endpoint-config.ts';
import type { Flow } from './flow.ts';
import type { Identifiers } from './identifiers.ts';
import { newRequest, ownCore } from './requests.ts';
import { isSips } from './sips.ts';
import type { ClientTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { ACCEPT, type UserAgent } from './user-agent.ts';

/** One OPTIONS that is out, or was: the next one on its flow goes on with its Call-ID. */
export interface OptionsKeepalive {
  readonly kind: 'keepalive';
  readonly flow: Flow;
  readonly callId: string;
  readonly sequence: number;
  /** The call whose way it keeps (call-keepalive.ts); absent: a registration's. */
  readonly call?: string;
  transaction: ClientTransaction<unknown> | undefined;
}

/** Who asks, and which domain. */
export type Asker = Pick<Account, 'addressOfRecord' | 'domain' | 'user'>;

/** Sends the next one. */
export function sendKeepaliveOptions(
  agent: UserAgent,
  own: Identifiers,
  turn: Turn,
  { addressOfRecord, domain, user }: Asker,
  flow: Flow,
  before: OptionsKeepalive | undefined,
  call?: string,
): OptionsKeepalive {
  const secure = isSips(addressOfRecord);
  const uri = `${secure ? 'sips' : 'sip'}:${domain}`;
  const keepalive: OptionsKeepalive = {
    kind: 'keepalive',
    flow,
    callId: before?.callId ?? own.callId(),
    sequence: (before?.sequence ?? 0) + 1,
    ...(call === undefined ? undefined : { call }),
    transaction: undefined,
  };
  const request = newRequest({
    method: 'OPTIONS',
    uri,
    via: agent.via(flow, own.branch()),
    from: `<${addressOfRecord}>;tag=${own.tag()}`,
    to: `<${uri}>`,
    callId: keepalive.callId,
    sequence: keepalive.sequence,
    routes: [],
    headers: [
      ['User-Agent', agent.config.product],
      ['Contact', agent.contact(flow, user, secure)],
      ['Accept', ACCEPT],
    ],
  });
  keepalive.transaction = agent.transactions.openClient(
    turn,
    request,
    ownCore(request),
    flow,
    keepalive,
    undefined,
  );
  return keepalive;
}
