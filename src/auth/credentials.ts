/**
 * The client's side of digest (RFC 7616 §3.4, RFC 3261 §22.2 and §22.3): which credentials go with a request,
 * and what a 401 or 407 to it means.
 *
 * It must never loop: every extra try is a message to a server that may be counting failures. So a rejection
 * is judged by what this very request has been through. Credentials sent unasked, on a nonce from before, prove
 * nothing when they are refused: many servers give a nonce for one use and never say stale. Credentials that
 * answered a challenge to this request and are refused mean a wrong password, unless the server says stale, once.
 */
import { parseAuthValues, quote } from './auth-param.ts';
import { type Challenge, parseChallenges, strongest } from './challenge.ts';
import { digestResponse, formatNonceCount, hashUsername, type Qop } from './digest.ts';
import { toWire } from './wire-text.ts';

/** What a digest is made over. */
export interface DigestRequest {
  readonly method: string;
  /** The Request-URI as it stands in the start line. */
  readonly uri: string;
  readonly body: string;
}

/** A header field to put into the request. */
export interface CredentialsField {
  readonly name: 'Authorization' | 'Proxy-Authorization';
  readonly value: string;
}

/** What one request, with its further tries, has been through. Opaque: hand it on. */
export interface Attempt {
  /** Challenges answered for this request. */
  readonly tries: number;
  /** The realms that challenged it, each with how often it called a nonce stale that it had just given. */
  readonly answered: ReadonlyMap<string, number>;
  /** What the last sending carried. */
  readonly sent: readonly { readonly key: string; readonly nonce: string }[];
}

/** For a request that goes out for the first time. */
export const FIRST_ATTEMPT: Attempt = { tries: 0, answered: new Map(), sent: [] };

/** A 401 or 407. */
export interface Rejection {
  readonly status: 401 | 407;
  /** The WWW-Authenticate fields of a 401, the Proxy-Authenticate fields of a 407. */
  readonly challenges: readonly string[];
  /** Fresh from the seeded generator; kept for as long as the nonce is. */
  readonly cnonce: string;
}

/** What to do about it. */
export type Verdict =
  /** Send the request again, as a new transaction with a CSeq one higher, authorized with `attempt`. */
  | { readonly type: 'retry'; readonly attempt: Attempt; readonly challenges: readonly Challenge[] }
  | {
      readonly type: 'refused';
      readonly code:
        | 'credentials-refused'
        | 'nonce-always-stale'
        | 'challenge-missing'
        | 'challenge-unsupported'
        | 'challenges-endless';
      /** For people. */
      readonly reason: string;
    };

/** Challenges that one request answers: a proxy or two on the way, each with a stale nonce. More is a loop. */
const MAX_TRIES = 6;

/** Realms remembered: every one of them is a header field in every request. */
const MAX_REALMS = 8;

interface Realm {
  readonly field: CredentialsField['name'];
  challenge: Challenge;
  cnonce: string;
  /** How often the nonce was used. */
  nc: number;
}

function keyOf(status: 401 | 407, realm: string): string {
  return `${status} ${realm}`;
}

/** The header value that answers a challenge. Every text is latin1 (wire-text.ts). */
function answerChallenge(
  challenge: Challenge,
  request: DigestRequest & { username: string; password: string; cnonce: string; nc: number },
): string {
  const { realm, nonce, opaque, algorithm } = challenge;
  const { method, uri, body, username, password, cnonce, nc } = request;
  const qop = chooseQop(challenge);
  const input = { algorithm, username, realm, password, method, uri, nonce, nc, cnonce, body };
  const response = digestResponse(qop === undefined ? input : { ...input, qop });
  const name = challenge.userhash ? hashUsername(algorithm, username, realm) : username;
  const parts = [
    `username=${quote(name)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `response="${response}"`,
  ];
  if (challenge.algorithmNamed) parts.push(`algorithm=${algorithm}`);
  // §3.4: "-sess" needs the cnonce on the other side, whatever the qop.
  if (qop !== undefined || algorithm.endsWith('-sess')) parts.push(`cnonce=${quote(cnonce)}`);
  if (qop !== undefined) parts.push(`qop=${qop}`, `nc=${formatNonceCount(nc)}`);
  if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`);
  if (challenge.userhash) parts.push('userhash=true');
  return `Digest ${parts.join(', ')}`;
}

/** auth before auth-int: a gateway that rewrites SDP would break the latter, and the server accepts both. */
function chooseQop({ qop }: Challenge): Qop | undefined {
  return qop.includes('auth') ? 'auth' : qop[0];
}

/** The challenges to answer: the strongest of each realm, in the order of the response. */
function onePerRealm(challenges: readonly Challenge[]): Challenge[] {
  const realms = new Set(challenges.map(({ realm }) => realm));
  return [...realms].flatMap((realm) => strongest(challenges.filter((one) => one.realm === realm)) ?? []);
}

/**
 * One user's credentials towards the servers of one account: remembers the nonce of every realm and counts its
 * uses. Use it for requests to that account's servers alone: whoever gets a digest may try passwords on it.
 */
export class DigestClient {
  readonly #username: string;
  readonly #password: string;
  readonly #realms = new Map<string, Realm>();

  /** Text as people write it; it goes out as UTF-8 (RFC 7616 §4). */
  constructor(username: string, password: string) {
    this.#username = toWire(username);
    this.#password = toWire(password);
  }

  /**
   * The fields for one sending of a request: none while no realm is known. Not for a retransmission, which
   * repeats the bytes; an ACK to a 2xx takes the fields of its INVITE (RFC 3261 §22.1).
   */
  authorize(
    request: DigestRequest,
    attempt: Attempt = FIRST_ATTEMPT,
  ): { readonly fields: readonly CredentialsField[]; readonly attempt: Attempt } {
    const fields: CredentialsField[] = [];
    const sent: Attempt['sent'][number][] = [];
    for (const [key, realm] of this.#realms) {
      realm.nc += 1;
      const { challenge, cnonce, nc } = realm;
      const credentials = { username: this.#username, password: this.#password, cnonce, nc };
      fields.push({ name: realm.field, value: answerChallenge(challenge, { ...request, ...credentials }) });
      sent.push({ key, nonce: challenge.nonce });
    }
    return { fields, attempt: { ...attempt, sent } };
  }

  /** A 401 or 407 to a request that carried `attempt`, as `authorize` gave it. */
  challenged({ status, challenges: values, cnonce }: Rejection, attempt: Attempt): Verdict {
    const { challenges, skipped } = parseChallenges(values);
    const answerable = onePerRealm(challenges);
    if (answerable.length === 0) return unanswerable(status, skipped[0]?.reason);
    if (attempt.tries >= MAX_TRIES) {
      const reason = `the server challenged one request ${attempt.tries} times`;
      return { type: 'refused', code: 'challenges-endless', reason };
    }
    const answered = new Map(attempt.answered);
    for (const challenge of answerable) {
      const key = keyOf(status, challenge.realm);
      const stale = answered.get(key);
      const refusal = stale === undefined ? undefined : judge(challenge, stale);
      if (refusal !== undefined) {
        // A later request starts afresh: the password may have been mended on the server.
        this.#realms.delete(key);
        return refusal;
      }
      answered.set(key, stale === undefined ? 0 : stale + 1);
    }
    for (const challenge of answerable) this.#learn(status, challenge, cnonce);
    return {
      type: 'retry',
      attempt: { tries: attempt.tries + 1, answered, sent: [] },
      challenges: answerable,
    };
  }

  #learn(status: 401 | 407, challenge: Challenge, cnonce: string): void {
    const key = keyOf(status, challenge.realm);
    const known = this.#realms.get(key);
    if (known?.challenge.nonce === challenge.nonce) {
      // Given before, to this request or to another one: its count goes on (§3.4).
      known.challenge = challenge;
      return;
    }
    const oldest = this.#realms.keys().next().value;
    if (known === undefined && this.#realms.size >= MAX_REALMS && oldest !== undefined)
      this.#realms.delete(oldest);
    const field = status === 401 ? 'Authorization' : 'Proxy-Authorization';
    this.#realms.set(key, { field, challenge, cnonce, nc: 0 });
  }

  /**
   * A final response that is no challenge: takes the next nonce from its Authentication-Info (or
   * Proxy-Authentication-Info) fields, if there is one.
   */
  accepted(attempt: Attempt, authenticationInfo: readonly string[] = []): void {
    const [only, ...more] = attempt.sent;
    // Authentication-Info names no realm: with several it is not certain whose the next nonce is.
    if (only === undefined || more.length > 0) return;
    const realm = this.#realms.get(only.key);
    const next = nextNonce(authenticationInfo);
    if (realm === undefined || next === undefined || next === realm.challenge.nonce) return;
    realm.challenge = { ...realm.challenge, nonce: next, stale: false };
    realm.nc = 0;
  }
}

/** For a challenge of a realm that this request has answered before; undefined when it deserves one more answer. */
function judge(challenge: Challenge, stale: number): Verdict | undefined {
  if (!challenge.stale) {
    const reason = `realm "${challenge.realm}" refused the user name or the password`;
    return { type: 'refused', code: 'credentials-refused', reason };
  }
  if (stale === 0) return undefined;
  const reason = `realm "${challenge.realm}" calls every nonce stale, even one it has just given`;
  return { type: 'refused', code: 'nonce-always-stale', reason };
}

function unanswerable(status: 401 | 407, why: string | undefined): Verdict {
  if (why === undefined) {
    const reason = `the ${status} carries no challenge`;
    return { type: 'refused', code: 'challenge-missing', reason };
  }
  return {
    type: 'refused',
    code: 'challenge-unsupported',
    reason: `the challenge cannot be answered: ${why}`,
  };
}

/** RFC 7616 §3.5: the nonce that the server wants for the next request. */
function nextNonce(values: readonly string[]): string | undefined {
  for (const value of values) {
    const next = parseAuthValues(value, 1)[0]?.parameters.get('nextnonce');
    if (next) return next;
  }
  return undefined;
}
