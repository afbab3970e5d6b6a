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
import type { EventBody } from '../events.ts';
import type { EndpointConfig } from '../sip/endpoint-config.ts';
import { parseMessage } from '../sip/parse-message.ts';
import { bytesOf, latin1 } from '../sip/text.ts';

/** The password of everybody in a trace. */
const TRACE_PASSWORD = 'replay';

/** The passwords by user, of those whose digests an endpoint judges. */
export type KnownPasswords = ReadonlyMap<string, string>;

/** Whose digests are judged here. */
export function knownPasswords(config: EndpointConfig): KnownPasswords {
  return new Map((config.registrar?.users ?? []).map(({ user, password }) => [user, password]));
}

/** A copy with every `password` in it replaced, however deep; one that is empty stays, as that is told to the user. */
export function withoutPasswords(value: unknown): unknown {
  return copied(value, (key, text) =>
    key === 'password' && text !== '' ? TRACE_PASSWORD : maskKeepingLength(text, () => undefined),
  );
}

/** An event as it may stand in a trace. Its messages and settings were masked when it was made; URIs in it were not. */
export function maskedEvent<E extends EventBody>(event: E): E {
  const masked = copied(event, (key, text) =>
    key === 'raw' || key === 'password' ? text : maskKeepingLength(text, () => undefined),
  );
  return masked as E;
}

/** A copy with every text in it replaced; `key` is the name it stands under. */
function copied(value: unknown, replaced: (key: string, text: string) => string, under = ''): unknown {
  if (typeof value === 'string') return replaced(under, value);
  if (Array.isArray(value)) return value.map((one) => copied(one, replaced, under));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, copied(one, replaced, key)]);
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
