/**
 * The users of a domain and their passwords: who sends a request, and the challenge for whoever has not said
 * (RFC 3261 §22.2, §22.3; RFC 7616).
 *
 * The registrar asks with 401 and the proxy with 407; both share the nonces, as they are one server.
 */
import { parseAuthorization } from '../auth/authorization.ts';
import type { DigestAlgorithm } from '../auth/digest.ts';
import { Nonces } from '../auth/nonces.ts';
import { formatChallenges, OFFERED_ALGORITHMS, verifyCredentials } from '../auth/verify.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { fields, type HeaderField } from './message.ts';
import type { OwnDomain } from './own-domain.ts';
import { ownTag, reportRefusal } from './refusal.ts';
import { sipError } from './result.ts';
import type { HeaderLine } from './serialize-message.ts';
import { displayText } from './text.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { parseUri } from './uri.ts';
import type { UserAgent } from './user-agent.ts';

/** Which element asks: a registrar is the user agent server of a REGISTER, a proxy only stands in the way. */
const ASKING = {
  registrar: { status: 401, challenge: 'WWW-Authenticate', credentials: 'Authorization' },
  proxy: { status: 407, challenge: 'Proxy-Authenticate', credentials: 'Proxy-Authorization' },
} as const;

/** The users of the domain, and the digest that they are asked for. */
export class Realm {
  private readonly passwords: ReadonlyMap<string, string>;
  private readonly nonces: Nonces;
  private readonly algorithms: readonly DigestAlgorithm[];

  /** `name` is the domain. */
  constructor(
    private readonly agent: UserAgent,
    private readonly own: OwnDomain,
    readonly name: string,
    { users, algorithms = OFFERED_ALGORITHMS }: NonNullable<EndpointConfig['registrar']>,
  ) {
    this.algorithms = algorithms;
    this.passwords = new Map(users.map(({ user, password }) => [user, password]));
    this.nonces = new Nonces(agent.identifiers.cnonce());
  }

  has(user: string): boolean {
    return this.passwords.has(user);
  }

  /** The user whose credentials are right; undefined once a challenge was sent instead. */
  authenticate(turn: Turn, transaction: ServerTransaction, as: keyof typeof ASKING): string | undefined {
    const { request } = transaction;
    const field = fields(request, ASKING[as].credentials).find((header) => this.isOurs(header));
    const given = field === undefined ? undefined : parseAuthorization(field.value);
    if (given === undefined || !given.ok) {
      this.challenge(turn, transaction, as, false);
      return undefined;
    }
    const verdict = verifyCredentials(given.value, {
      method: request.method,
      uri: this.namesUs(given.value.uri) ? given.value.uri : request.uri,
      body: request.body,
      realm: this.name,
      lookupPassword: (user) => this.passwords.get(user),
      nonces: this.nonces,
      nowMs: turn.nowMs,
      algorithms: this.algorithms,
    });
    if (verdict.type === 'ok') return verdict.username;
    if (verdict.type === 'refused') {
      // The peer is told nothing, the person at the server what to look at.
      const detail = displayText(verdict.reason);
      reportRefusal(turn, transaction, sipError(verdict.code, ASKING[as].status, detail));
    }
    this.challenge(turn, transaction, as, verdict.type === 'stale');
    return undefined;
  }

  /** Whether credentials are for this realm, and so for nobody behind us (§22.3). */
  isOurs({ value }: HeaderField): boolean {
    const parsed = parseAuthorization(value);
    return parsed.ok && parsed.value.realm === this.name;
  }

  /**
   * SIPp computes its digests for the address of the server, whatever the Request-URI is. That is us, so nothing is
   * let through that was meant for somebody else (RFC 7616 §3.4.6), and a digest counts once.
   */
  private namesUs(text: string): boolean {
    const uri = parseUri(text);
    return uri.ok && uri.value.kind === 'sip' && uri.value.user === undefined && this.own.isOurs(uri.value);
  }

  private challenge(
    turn: Turn,
    transaction: ServerTransaction,
    as: keyof typeof ASKING,
    stale: boolean,
  ): void {
    const { status, challenge } = ASKING[as];
    const challenges = formatChallenges(this.name, this.nonces.issue(turn.nowMs), stale, this.algorithms);
    const headers = challenges.map((text): HeaderLine => [challenge, text]);
    this.agent.respond(turn, transaction, status, { ...ownTag(this.agent, transaction.core), headers });
  }
}
