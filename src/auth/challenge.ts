/**
 * WWW-Authenticate and Proxy-Authenticate (RFC 7616 §3.3, RFC 3261 §22, RFC 8760 §2.3).
 *
 * A response may carry several challenges, over several fields or in one. What we cannot answer is put aside
 * with a reason, because "the server wanted NTLM" is what the person in front of the screen has to know.
 */
import { type AuthValue, parseAuthValues } from './auth-param.ts';
import { ALGORITHMS, type DigestAlgorithm, digestAlgorithm, type Qop } from './digest.ts';

/** Challenges read from one response; the rest is not looked at (sip/limits.ts has the same bound). */
const MAX_CHALLENGES = 8;

/** One challenge that we can answer. Texts are latin1 of the bytes that came. */
export interface Challenge {
  readonly scheme: 'Digest';
  readonly realm: string;
  readonly nonce: string;
  readonly opaque?: string;
  readonly algorithm: DigestAlgorithm;
  /** Whether the challenge named its algorithm; MD5 counts when it did not, and then we name none either. */
  readonly algorithmNamed: boolean;
  /** In the server's order; empty for the old form without qop. */
  readonly qop: readonly Qop[];
  /** The nonce was too old, the password was right (§3.3). */
  readonly stale: boolean;
  readonly domain?: string;
  /** The server wants the user name hashed (§3.4.4). */
  readonly userhash: boolean;
}

/** One challenge that we cannot answer, and why. */
export interface SkippedChallenge {
  readonly scheme: string;
  readonly reason: string;
}

/** What can be answered, and what cannot with its reason. */
export interface ChallengeList {
  /** In the order of the response. */
  readonly challenges: readonly Challenge[];
  readonly skipped: readonly SkippedChallenge[];
}

/** Reads every challenge of the fields of one response, up to 8. Never throws. */
export function parseChallenges(values: readonly string[]): ChallengeList {
  const challenges: Challenge[] = [];
  const skipped: SkippedChallenge[] = [];
  const found: AuthValue[] = [];
  for (const value of values) {
    const room = MAX_CHALLENGES - found.length;
    if (room > 0) found.push(...parseAuthValues(value, room));
  }
  for (const value of found) {
    const challenge = readChallenge(value);
    if (typeof challenge === 'string') skipped.push({ scheme: value.scheme, reason: challenge });
    else challenges.push(challenge);
  }
  return { challenges, skipped };
}

/** The challenge, or the reason why it cannot be answered. */
function readChallenge({ scheme, parameters, problem }: AuthValue): Challenge | string {
  if (scheme !== 'digest') return `the scheme ${scheme || '(none)'} is not supported`;
  if (problem !== undefined) return problem;
  const realm = parameters.get('realm');
  const nonce = parameters.get('nonce');
  if (realm === undefined) return 'it has no realm';
  if (nonce === undefined) return 'it has no nonce';
  const named = parameters.get('algorithm');
  const algorithm = digestAlgorithm(named ?? 'MD5');
  if (algorithm === undefined) return `the algorithm ${named} is not supported`;
  const offered = parameters.get('qop');
  const qop = readQop(offered);
  // An unknown qop cannot be answered as if none had been offered: that would be a downgrade.
  if (offered?.trim() && qop.length === 0) return `the qop ${offered} is not supported`;
  const opaque = parameters.get('opaque');
  const domain = parameters.get('domain');
  return {
    scheme: 'Digest',
    realm,
    nonce,
    ...(opaque === undefined ? {} : { opaque }),
    algorithm,
    algorithmNamed: named !== undefined,
    qop,
    stale: parameters.get('stale')?.toLowerCase() === 'true',
    ...(domain === undefined ? {} : { domain }),
    userhash: parameters.get('userhash')?.toLowerCase() === 'true',
  };
}

function readQop(text = ''): Qop[] {
  const words = text.split(',').map((word) => word.trim().toLowerCase());
  return words.filter((word): word is Qop => word === 'auth' || word === 'auth-int');
}

/**
 * The strongest challenge; the first one listed wins among equals (RFC 8760 §2.4). RFC 8760 lets a client go by
 * the server's order or by a policy of its own: ours is strength, so that a list that somebody on the way turned
 * round makes no difference.
 */
export function strongest(challenges: readonly Challenge[]): Challenge | undefined {
  let best: Challenge | undefined;
  for (const challenge of challenges)
    if (best === undefined || strength(challenge) > strength(best)) best = challenge;
  return best;
}

function strength({ algorithm }: Challenge): number {
  return ALGORITHMS.indexOf(algorithm);
}
