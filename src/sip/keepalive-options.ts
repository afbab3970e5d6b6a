/**
 * OPTIONS as a keepalive (RFC 3261 §11): a request that every server answers, on the flow of a registration.
 *
 * It asks the registrar's domain, and carries credentials to whoever has asked an OPTIONS for them: a 401 is as good a
 * sign of life as a 200, but one every half a minute looks like somebody who tries passwords, and is banned for it. Its
 * identifiers are drawn from a generator of the keepalives' own, so that it changes none of the calls'.
 */
import { type Attempt, type DigestClient, FIRST_ATTEMPT } from '../auth/credentials.ts';
import type { Account } from './endpoint-config.ts';
import type { Flow } from './flow.ts';
import type { Identifiers } from './identifiers.ts';
import { NO_BODY, type SipResponse, values } from './message.ts';
import type { Registration } from './registration-state.ts';
import { newRequest, ownCore } from './requests.ts';
import type { HeaderLine } from './serialize-message.ts';
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
  /** The credentials that it carries; absent: none. */
  readonly attempt?: Attempt;
  transaction: ClientTransaction<unknown> | undefined;
}

/** Who asks, and which domain; the credentials for whoever is at the other end, when there are any. */
export interface Asker extends Pick<Account, 'addressOfRecord' | 'domain' | 'user'> {
  readonly digest?: DigestClient | undefined;
}

/** A registration on the flow. */
export type Registered = Pick<Registration, 'account' | 'digest'>;

/** Without a password there is nothing to answer a challenge with. */
export function askerOf({ account, digest }: Registered): Asker {
  return account.password === '' ? account : { ...account, digest };
}

/** The call that it is for; `attempt`: it carries credentials. */
export type About = Pick<OptionsKeepalive, 'call' | 'attempt'>;

/** Whether its server wants to know who asks. */
export function isChallenge({ status }: SipResponse): boolean {
  return status === 401 || status === 407;
}

/** What a 401 or 407 to it wants of the next one; undefined: nothing that we have. */
export function attemptAfter(
  { digest }: Asker,
  { attempt = FIRST_ATTEMPT }: OptionsKeepalive,
  response: SipResponse,
  own: Identifiers,
): Attempt | undefined {
  const { status } = response;
  if ((status !== 401 && status !== 407) || digest === undefined) return undefined;
  const challenges = values(response, status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate');
  const verdict = digest.challenged({ status, challenges, cnonce: own.cnonce() }, attempt);
  return verdict.type === 'retry' ? verdict.attempt : undefined;
}

/** Sends the next one. */
export function sendKeepaliveOptions(
  agent: UserAgent,
  own: Identifiers,
  turn: Turn,
  { addressOfRecord, domain, user, digest }: Asker,
  flow: Flow,
  before: OptionsKeepalive | undefined,
  { call, attempt }: About = {},
): OptionsKeepalive {
  const secure = isSips(addressOfRecord);
  const uri = `${secure ? 'sips' : 'sip'}:${domain}`;
  const credentials = attempt && digest?.authorize({ method: 'OPTIONS', uri, body: NO_BODY }, attempt);
  const keepalive: OptionsKeepalive = {
    kind: 'keepalive',
    flow,
    callId: before?.callId ?? own.callId(),
    sequence: (before?.sequence ?? 0) + 1,
    ...(call === undefined ? undefined : { call }),
    ...(credentials === undefined ? undefined : { attempt: credentials.attempt }),
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
      ...(credentials?.fields ?? []).map(({ name, value }): HeaderLine => [name, value]),
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
