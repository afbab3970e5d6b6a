/**
 * The server's side of digest (RFC 7616 §3.4.6, RFC 3261 §22.4): whether credentials are right, and the
 * challenges that ask for them.
 *
 * The digest is checked before the nonce. Only who knows the password is told that a nonce is stale, and only
 * a right digest is remembered, so that a stranger can neither probe nor fill the memory. A right digest on any
 * nonce that is no longer good is stale and not refused (§3.3): a client that is refused gives up its password.
 */
import { Buffer } from 'node:buffer';
import { timingSafeEqual } from 'node:crypto';
import { quote } from './auth-param.ts';
import type { Authorization } from './authorization.ts';
import { type DigestAlgorithm, digestResponse } from './digest.ts';
import type { Nonces } from './nonces.ts';
import { fromWire, toWire } from './wire-text.ts';

/** What credentials are judged by. */
export interface VerifyContext {
  readonly method: string;
  /** The Request-URI. */
  readonly uri: string;
  readonly body: string;
  readonly realm: string;
  /** The password as people write it; undefined for an unknown user. */
  readonly lookupPassword: (username: string) => string | undefined;
  readonly nonces: Nonces;
  readonly nowMs: number;
  /** What the challenges offered: answering with another one is refused. */
  readonly algorithms?: readonly DigestAlgorithm[];
}

/** What credentials come to, and so what is answered. */
export type Verification =
  /** `username` as people write it. */
  | { readonly type: 'ok'; readonly username: string }
  /**
   * The password is right, the request is not let through: challenge again with stale=true and a new nonce.
   * `foreign`: given out by another server, or by this one before it was started again.
   */
  | { readonly type: 'stale'; readonly cause: 'expired' | 'foreign' | 'replayed' }
  | {
      readonly type: 'refused';
      readonly code:
        | 'realm-mismatch'
        | 'uri-mismatch'
        | 'algorithm-not-offered'
        | 'user-unknown'
        | 'response-wrong';
      /** For our own log: the client hears the same 401 for each. */
      readonly reason: string;
    };

/** What the lab's registrar offers, the strongest first (RFC 8760 §2.3). */
export const OFFERED_ALGORITHMS: readonly DigestAlgorithm[] = ['SHA-256', 'MD5'];

/** Judges credentials that `parseAuthorization` has read. */
export function verifyCredentials(authorization: Authorization, context: VerifyContext): Verification {
  const { algorithm, nonce, nc } = authorization;
  if (authorization.realm !== toWire(context.realm)) return refused('realm-mismatch', 'another realm');
  if (!(context.algorithms ?? OFFERED_ALGORITHMS).includes(algorithm)) {
    return refused('algorithm-not-offered', `${algorithm} was not offered`);
  }
  if (!sameTarget(authorization.uri, context.uri)) {
    return refused('uri-mismatch', `the digest is for ${authorization.uri}, the request for ${context.uri}`);
  }
  const username = fromWire(authorization.username);
  // A hashed user name (§3.4.4) is one that nobody has: we never ask for it.
  const password = context.lookupPassword(username);
  // An unknown user costs the same work as a wrong password, so that time does not tell who exists.
  const right = sameDigest(authorization, password ?? '', context);
  if (password === undefined) return refused('user-unknown', `no user ${username}`);
  if (!right) return refused('response-wrong', `wrong password for ${username}`);
  const check = context.nonces.use(nonce, nc, context.nowMs);
  if (check === 'ok') return { type: 'ok', username };
  return { type: 'stale', cause: check === 'stale' ? 'expired' : check };
}

type Refusal = Extract<Verification, { type: 'refused' }>;

function refused(code: Refusal['code'], reason: string): Refusal {
  return { type: 'refused', code, reason };
}

function sameDigest(authorization: Authorization, password: string, context: VerifyContext): boolean {
  const expected = Buffer.from(rightResponse(authorization, password, context));
  const given = Buffer.from(authorization.response);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The response that these credentials would have with that password (§3.4.1), in lower case. */
export function rightResponse(
  authorization: Authorization,
  password: string,
  { method, body }: Pick<VerifyContext, 'method' | 'body'>,
): string {
  const { algorithm, username, realm, nonce, uri, nc = 0, cnonce = '', qop } = authorization;
  const input = {
    algorithm,
    username,
    realm,
    password: toWire(password),
    method,
    uri,
    nonce,
    nc,
    cnonce,
    body,
  };
  return digestResponse(qop === undefined ? input : { ...input, qop });
}

/**
 * RFC 3261 §22.4 no. 6 lets the two differ, because a proxy on the way may have rewritten the Request-URI: its
 * parameters, its port, the case of its host. User and host must be those that the password was given for.
 */
function sameTarget(a: string, b: string): boolean {
  return a === b || target(a) === target(b);
}

/** Without headers, parameters and port; the host in lower case. */
function target(uri: string): string {
  const at = uri.indexOf('@');
  const rest = uri.slice(at + 1);
  const end = rest.search(/[;?]/);
  const host = (end < 0 ? rest : rest.slice(0, end)).replace(/(?<!^sips?):\d{1,5}$/i, '').toLowerCase();
  return `${uri.slice(0, at + 1)}${host}`;
}

/** The values of the WWW-Authenticate fields of one 401, one an algorithm (RFC 8760 §2.3). */
export function formatChallenges(
  realm: string,
  nonce: string,
  stale = false,
  algorithms: readonly DigestAlgorithm[] = OFFERED_ALGORITHMS,
): string[] {
  return algorithms.map((algorithm) => {
    const parts = [
      `realm=${quote(toWire(realm))}`,
      `nonce=${quote(nonce)}`,
      `algorithm=${algorithm}`,
      'qop="auth,auth-int"',
    ];
    if (stale) parts.push('stale=true');
    return `Digest ${parts.join(', ')}`;
  });
}
