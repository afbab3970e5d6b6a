/**
 * What a trace must not tell: passwords, and digests on which passwords can be tried (RFC 7616 §5.11).
 *
 * A replay has to come to the same verdicts all the same. So every password becomes a word that everybody knows, and
 * a digest that was right is replaced by the one of that word: the same engine finds it right again, and a wrong one,
 * now zeros, wrong. Lengths stay as they were, because offsets and sizes are in the events.
 */
import { parseAuthorization } from '../auth/authorization.ts';
import { maskKeepingLength } from '../auth/mask.ts';
import { rightResponse } from '../auth/verify.ts';
import type { EndpointConfig } from '../sip/endpoint-config.ts';
import { parseMessage } from '../sip/parse-message.ts';
import { bytesOf, latin1 } from '../sip/text.ts';

/** The password of everybody in a trace. */
export const TRACE_PASSWORD = 'replay';

/** The passwords by user, of those whose digests an endpoint judges. */
export type KnownPasswords = ReadonlyMap<string, string>;

/** Whose digests are judged here. */
export function knownPasswords(config: EndpointConfig): KnownPasswords {
  return new Map((config.registrar?.users ?? []).map(({ user, password }) => [user, password]));
}

/**
 * A copy with every `password` in it replaced, however deep; one that is empty stays, as that is told to the user.
 * `raw` was masked when it was made (auth/mask.ts).
 */
export function withoutPasswords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPasswords);
  if (typeof value === 'string') return maskKeepingLength(value, () => undefined);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).map(([key, one]) => {
    const secret = key === 'password' && typeof one === 'string' && one !== '';
    if (secret) return [key, TRACE_PASSWORD];
    return [key, key === 'raw' ? one : withoutPasswords(one)];
  });
  return Object.fromEntries(entries);
}

/** The bytes of one message (or of none) as they may stand in a trace: as many as before. */
export function withoutSecrets(bytes: Uint8Array, passwords: KnownPasswords): Uint8Array {
  const text = latin1(bytes);
  const masked = maskKeepingLength(text, (value) => signedAnew(value, bytes, passwords));
  return masked === text ? bytes : bytesOf(masked);
}

/** The digest that the user's password in the trace would give, when the one that stands there was right. */
function signedAnew(value: string, bytes: Uint8Array, passwords: KnownPasswords): string | undefined {
  const authorization = parseAuthorization(value);
  if (!authorization.ok) return undefined;
  const password = passwords.get(authorization.value.username);
  const message = parseMessage(bytes);
  if (password === undefined || !message.ok || message.value.kind !== 'request') return undefined;
  const right = rightResponse(authorization.value, password, message.value);
  if (right !== authorization.value.response) return undefined;
  return rightResponse(authorization.value, TRACE_PASSWORD, message.value);
}
