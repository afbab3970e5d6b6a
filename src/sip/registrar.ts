/**
 * A small registrar for the lab (RFC 3261 §10.3), with digest authentication, and a redirect server for what is
 * registered (§8.3). It becomes a proxy later.
 *
 * Bindings live in memory. They need no timers: one that has expired is dropped when somebody looks.
 */
import { parseAuthorization } from '../auth/authorization.ts';
import { Nonces } from '../auth/nonces.ts';
import { formatChallenges, verifyCredentials } from '../auth/verify.ts';
import { type Contact, parseContacts } from './contact.ts';
import type { CoreHeaders } from './core-headers.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { MAX_BINDINGS } from './limits.ts';
import { fields, value } from './message.ts';
import { refuse } from './refusal.ts';
import { type SipError, sipError } from './result.ts';
import type { HeaderLine } from './serialize-message.ts';
import { readDigits } from './text.ts';
import type { ServerTransaction } from './transaction.ts';
import type { Turn } from './turn.ts';
import { parseUri } from './uri.ts';
import { uriEquals } from './uri-equals.ts';
import type { UserAgent } from './user-agent.ts';

interface Binding {
  readonly uri: string;
  readonly expiresMs: number;
  /** What set it: a REGISTER of the same Call-ID must count up (§10.3 step 7). */
  readonly callId: string;
  readonly sequence: number;
}

/** What a REGISTER without expiry gets, and the least and the most that is given, in seconds. */
const DEFAULT_EXPIRES_S = 3_600;
const LEAST_EXPIRES_S = 10;
const MOST_EXPIRES_S = 7_200;

export class Registrar {
  private readonly domain: string;
  private readonly passwords: ReadonlyMap<string, string>;
  private readonly bindings = new Map<string, Binding[]>();
  private readonly nonces: Nonces;

  constructor(
    private readonly agent: UserAgent,
    config: NonNullable<EndpointConfig['registrar']>,
  ) {
    this.domain = config.domain;
    this.passwords = new Map(config.users.map(({ user, password }) => [user, password]));
    this.nonces = new Nonces(agent.identifiers.cnonce());
  }

  /** Serves REGISTER, and redirects an INVITE for a user of the domain. False for anything else. */
  serve(turn: Turn, transaction: ServerTransaction): boolean {
    const { method } = transaction.request;
    if (transaction.core.toTag !== undefined) return false;
    if (method === 'REGISTER') this.register(turn, transaction);
    else if (method === 'INVITE') this.redirect(turn, transaction);
    else return false;
    return true;
  }

  private register(turn: Turn, transaction: ServerTransaction): void {
    const { request, core } = transaction;
    const addressOfRecord = parseUri(core.to.uri);
    if (!addressOfRecord.ok || addressOfRecord.value.kind !== 'sip') {
      // §10.3 step 5, RFC 4475 §3.3.4: no registrar has a user of another scheme.
      const error = sipError('address-malformed', 400, 'an address of record is a SIP URI');
      return this.refuse(turn, transaction, { ...error, header: 'To' });
    }
    const user = this.authenticate(turn, transaction);
    if (user === undefined) return;
    const named = addressOfRecord.value.user;
    if (named !== user) {
      return this.refuse(
        turn,
        transaction,
        sipError('not-your-address', 403, `${user} may not register ${named ?? 'that'}`),
      );
    }
    const contacts = parseContacts(request);
    if (!contacts.ok) return this.refuse(turn, transaction, contacts.error);
    const error =
      contacts.value.kind === 'all'
        ? this.unbindAll(turn, user, transaction)
        : this.bind(turn, user, transaction, contacts.value.contacts);
    if (error !== undefined) {
      const headers: HeaderLine[] = error.status === 423 ? [['Min-Expires', String(LEAST_EXPIRES_S)]] : [];
      return refuse(this.agent, turn, transaction, error, { headers });
    }
    const headers = this.current(user, turn.nowMs).map((binding): HeaderLine => {
      const leftS = Math.ceil((binding.expiresMs - turn.nowMs) / 1000);
      return ['Contact', `<${binding.uri}>;expires=${leftS}`];
    });
    this.agent.respond(turn, transaction, 200, { toTag: this.agent.identifiers.tag(), headers });
  }

  /** The user whose credentials are right; undefined once a 401, 403 or 400 was sent instead. */
  private authenticate(turn: Turn, transaction: ServerTransaction): string | undefined {
    const { request } = transaction;
    const ours = fields(request, 'Authorization')
      .map(({ value: text }) => parseAuthorization(text))
      .find((parsed) => parsed.ok && parsed.value.realm === this.domain);
    if (ours === undefined || !ours.ok) {
      this.challenge(turn, transaction, false);
      return undefined;
    }
    const verdict = verifyCredentials(ours.value, {
      method: request.method,
      uri: request.uri,
      body: request.body,
      realm: this.domain,
      lookupPassword: (user) => this.passwords.get(user),
      nonces: this.nonces,
      nowMs: turn.nowMs,
    });
    if (verdict.type === 'ok') return verdict.username;
    this.challenge(turn, transaction, verdict.type === 'stale');
    return undefined;
  }

  private challenge(turn: Turn, transaction: ServerTransaction, stale: boolean): void {
    const challenges = formatChallenges(this.domain, this.nonces.issue(turn.nowMs), stale);
    const headers = challenges.map((text): HeaderLine => ['WWW-Authenticate', text]);
    this.agent.respond(turn, transaction, 401, { toTag: this.agent.identifiers.tag(), headers });
  }

  /** All contacts of a request, or none (§10.3 step 7). */
  private bind(
    turn: Turn,
    user: string,
    transaction: ServerTransaction,
    contacts: readonly Contact[],
  ): SipError | undefined {
    const { request, core } = transaction;
    let next = this.current(user, turn.nowMs);
    const otherwise = readDigits(value(request, 'Expires') ?? '');
    for (const contact of contacts) {
      const wantedS = contact.expiresS ?? (otherwise >= 0 ? otherwise : DEFAULT_EXPIRES_S);
      if (wantedS > 0 && wantedS < LEAST_EXPIRES_S)
        return sipError('expires-too-brief', 423, `${wantedS} s is too brief`);
      const known = next.find((binding) => sameUri(binding.uri, contact.uri));
      if (known !== undefined && isOlder(core, known)) return OUT_OF_ORDER;
      next = next.filter((binding) => binding !== known);
      if (wantedS === 0) continue;
      const expiresMs = turn.nowMs + Math.min(wantedS, MOST_EXPIRES_S) * 1000;
      next.push({ uri: contact.uri, expiresMs, callId: core.callId, sequence: core.cseq.number });
      // Counted here: each further Contact is compared with all of them.
      if (next.length > MAX_BINDINGS)
        return sipError('too-many-bindings', 403, `more than ${MAX_BINDINGS} bindings`);
    }
    this.bindings.set(user, next);
    return undefined;
  }

  /** "Contact: *" with "Expires: 0" and nothing else (§10.2.2, §10.3 step 6). */
  private unbindAll(turn: Turn, user: string, { request, core }: ServerTransaction): SipError | undefined {
    if (value(request, 'Expires') !== '0') return sipError('contact-malformed', 400, '"*" needs Expires: 0');
    const late = this.current(user, turn.nowMs).some((binding) => isOlder(core, binding));
    if (late) return OUT_OF_ORDER;
    this.bindings.set(user, []);
    return undefined;
  }

  private redirect(turn: Turn, transaction: ServerTransaction): void {
    const { request } = transaction;
    const uri = parseUri(request.uri);
    const user = uri.ok && uri.value.kind === 'sip' ? (uri.value.user ?? '') : '';
    const bound = this.passwords.has(user) ? this.current(user, turn.nowMs) : [];
    if (bound.length === 0) {
      const error = this.passwords.has(user)
        ? sipError('not-registered', 480, `${this.addressOf(user)} is not registered`)
        : sipError('user-unknown', 404, 'no such user here');
      return this.refuse(turn, transaction, error);
    }
    const headers = bound.map((binding): HeaderLine => ['Contact', `<${binding.uri}>`]);
    this.agent.respond(turn, transaction, 302, { toTag: this.agent.identifiers.tag(), headers });
  }

  /** What is bound and has not expired. */
  private current(user: string, nowMs: number): Binding[] {
    return (this.bindings.get(user) ?? []).filter(({ expiresMs }) => expiresMs > nowMs);
  }

  private addressOf(user: string): string {
    return `sip:${user}@${this.domain}`;
  }

  private refuse(turn: Turn, transaction: ServerTransaction, error: SipError): void {
    refuse(this.agent, turn, transaction, error);
  }
}

const OUT_OF_ORDER = sipError(
  'cseq-out-of-order',
  500,
  'an older REGISTER than the one that set the binding',
);

/** §10.3 steps 6 and 7: a REGISTER of the same Call-ID that went before the one that set the binding. */
function isOlder({ callId, cseq }: CoreHeaders, binding: Binding): boolean {
  return binding.callId === callId && binding.sequence >= cseq.number;
}

function sameUri(a: string, b: string): boolean {
  const left = parseUri(a);
  const right = parseUri(b);
  return left.ok && right.ok && uriEquals(left.value, right.value);
}
