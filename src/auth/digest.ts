/**
 * The digest itself (RFC 7616 §3.4.1, RFC 8760 §2, and RFC 2617 §3.2.2 for servers that offer no qop).
 *
 * Every text is latin1 of its bytes (wire-text.ts). The caller passes nonce, cnonce and count: nothing here
 * knows the time or draws a number.
 */
import { createHash } from 'node:crypto';

/** Spelled as RFC 8760 §2.1 and the IANA registry do. */
export type DigestAlgorithm =
  | 'MD5'
  | 'MD5-sess'
  | 'SHA-256'
  | 'SHA-256-sess'
  | 'SHA-512-256'
  | 'SHA-512-256-sess';

/** Quality of protection (RFC 7616 §3.3): without the body, or with it. */
export type Qop = 'auth' | 'auth-int';

/** All that goes into a response. */
export interface DigestInput {
  readonly algorithm: DigestAlgorithm;
  readonly username: string;
  readonly realm: string;
  readonly password: string;
  readonly method: string;
  /** The Request-URI as it stands in the `uri` parameter. */
  readonly uri: string;
  readonly nonce: string;
  /** How often this nonce was used, from 1 on. Not used without qop. */
  readonly nc: number;
  readonly cnonce: string;
  /** Absent: the old form of RFC 2069. */
  readonly qop?: Qop;
  /** Used with auth-int alone. */
  readonly body?: string;
}

/** The name node:crypto has for the hash, without "-sess". */
const HASHES = new Map<string, string>([
  ['MD5', 'md5'],
  ['SHA-256', 'sha256'],
  // SHA-512/256 of FIPS 180-4, which is not SHA-512 cut short; RFC 7616 §3.9.2 shows the latter by mistake.
  ['SHA-512-256', 'sha512-256'],
]);

/**
 * All of them, from weak to strong. The hash counts first: SHA-512/256 over SHA-256 over MD5 (RFC 8760 §2.1). A "-sess"
 * variant is stronger than the plain one of its hash, because its key depends on our own nonce too.
 */
export const ALGORITHMS: readonly DigestAlgorithm[] = [
  'MD5',
  'MD5-sess',
  'SHA-256',
  'SHA-256-sess',
  'SHA-512-256',
  'SHA-512-256-sess',
];

/** The algorithm of that name in any case; undefined for one that we do not have. */
export function digestAlgorithm(name: string): DigestAlgorithm | undefined {
  return BY_LOWER_CASE.get(name.toLowerCase());
}

const BY_LOWER_CASE: ReadonlyMap<string, DigestAlgorithm> = new Map(
  ALGORITHMS.map((name) => [name.toLowerCase(), name]),
);

/** H(data), in lower-case hex. */
function hash(algorithm: DigestAlgorithm, data: string): string {
  const hasher = createHash(HASHES.get(algorithm.replace('-sess', '')) ?? 'md5');
  return hasher.update(data, 'latin1').digest('hex');
}

/** `nc` on the wire: eight hex digits (§3.4). */
export function formatNonceCount(nc: number): string {
  return nc.toString(16).padStart(8, '0');
}

/** The user name as `username` carries it when the server asked for userhash (§3.4.4). */
export function hashUsername(algorithm: DigestAlgorithm, username: string, realm: string): string {
  return hash(algorithm, `${username}:${realm}`);
}

/** The `response` parameter, in lower-case hex (§3.4.1). */
export function digestResponse(input: DigestInput): string {
  const { algorithm, nonce, nc, cnonce, qop } = input;
  const secret = hash(algorithm, a1(input));
  const request = hash(algorithm, a2(input.algorithm, input.method, input.uri, qop, input.body));
  return hash(
    algorithm,
    qop === undefined
      ? `${secret}:${nonce}:${request}`
      : `${secret}:${nonce}:${formatNonceCount(nc)}:${cnonce}:${qop}:${request}`,
  );
}

/** §3.4.2. */
function a1({ algorithm, username, realm, password, nonce, cnonce }: DigestInput): string {
  const plain = `${username}:${realm}:${password}`;
  return algorithm.endsWith('-sess') ? `${hash(algorithm, plain)}:${nonce}:${cnonce}` : plain;
}

/** §3.4.3. */
function a2(
  algorithm: DigestAlgorithm,
  method: string,
  uri: string,
  qop: Qop | undefined,
  body: string | undefined,
): string {
  const plain = `${method}:${uri}`;
  return qop === 'auth-int' ? `${plain}:${hash(algorithm, body ?? '')}` : plain;
}
