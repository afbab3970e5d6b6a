/**
 * Authorization and Proxy-Authorization as a server reads them (RFC 7616 §3.4, RFC 3261 §22.4).
 *
 * What is missing decides the answer: credentials that cannot be read are a client's bug (400), credentials
 * that do not match are a wrong password (401). So reading and judging (verify.ts) stand apart.
 */
import { parseAuthValues } from './auth-param.ts';
import { type DigestAlgorithm, digestAlgorithm, type Qop } from './digest.ts';

/** Digest credentials. Texts are latin1 of the bytes that came. */
export interface Authorization {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  /** In lower case. */
  readonly response: string;
  readonly algorithm: DigestAlgorithm;
  readonly opaque?: string | undefined;
  readonly cnonce?: string | undefined;
  /** Absent in the old form of RFC 2069; then there is no `nc` either. */
  readonly qop?: Qop | undefined;
  /** 1 to 0xffffffff. */
  readonly nc?: number | undefined;
  /** The user name is hashed (§3.4.4). */
  readonly userhash: boolean;
}

/** The fields, or why they cannot be read: for people. */
export type ParsedAuthorization =
  | { readonly ok: true; readonly value: Authorization }
  | { readonly ok: false; readonly reason: string };

const REQUIRED = ['username', 'realm', 'nonce', 'uri', 'response'] as const;

/** Reads one field value. Never throws; `reason` is for people. */
export function parseAuthorization(text: string): ParsedAuthorization {
  const [value] = parseAuthValues(text, 1);
  if (value === undefined) return bad('the field is empty');
  const { scheme, parameters, problem } = value;
  if (scheme !== 'digest') return bad(`the scheme ${scheme || '(none)'} is not supported`);
  if (problem !== undefined) return bad(problem);
  for (const name of REQUIRED) if (!parameters.has(name)) return bad(`it has no ${name}`);
  const get = (name: string): string => parameters.get(name) ?? '';
  const named = parameters.get('algorithm') ?? 'MD5';
  const algorithm = digestAlgorithm(named);
  if (algorithm === undefined) return bad(`the algorithm ${named} is not supported`);
  const count = readCount(parameters);
  if (typeof count === 'string') return bad(count);
  const cnonce = parameters.get('cnonce');
  if (cnonce === undefined && (count.qop !== undefined || algorithm.endsWith('-sess')))
    return bad('it has no cnonce');
  return {
    ok: true,
    value: {
      username: get('username'),
      realm: get('realm'),
      nonce: get('nonce'),
      uri: get('uri'),
      response: get('response').toLowerCase(),
      algorithm,
      opaque: parameters.get('opaque'),
      cnonce,
      qop: count.qop,
      nc: count.nc,
      userhash: get('userhash').toLowerCase() === 'true',
    },
  };
}

/** qop and nc, which come together or not at all; a text says what is wrong. */
function readCount(parameters: ReadonlyMap<string, string>): { qop?: Qop; nc?: number } | string {
  const qop = parameters.get('qop')?.toLowerCase();
  if (qop === undefined) return {};
  if (qop !== 'auth' && qop !== 'auth-int') return `the qop ${qop} is not supported`;
  const text = parameters.get('nc') ?? '';
  const nc = Number.parseInt(text, 16);
  if (!/^[0-9a-f]{8}$/i.test(text) || nc === 0) return 'nc is not eight hex digits from 00000001 on';
  return { qop, nc };
}

function bad(reason: string): ParsedAuthorization {
  return { ok: false, reason };
}
