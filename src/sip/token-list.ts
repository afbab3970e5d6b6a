/**
 * Lists of plain words: Supported, Require, Proxy-Require, Unsupported, Allow, Allow-Events (RFC 3261 §20.5,
 * §20.29, §20.32, §20.37).
 */
import { allValues } from './list.ts';
import type { SipMessage } from './message.ts';
import { fail, ok, type Result } from './result.ts';
import { isToken } from './text.ts';

/**
 * All words of all fields of that canonical name, as they came, each once. Methods (Allow) are compared with
 * regard to case (§7.1). Error: `token-malformed`.
 */
export function parseTokens(message: SipMessage, name: string): Result<string[]> {
  const values = allValues(message, name);
  if (!values.ok) return values;
  const tokens = new Set<string>();
  for (const { text, offset } of values.value) {
    if (!isToken(text)) return fail('token-malformed', offset, 400, 'expected one word', name);
    tokens.add(text);
  }
  return ok([...tokens]);
}

/** Option tags (§19.2) and event packages: the same in lower case, as §7.3.1 compares tokens without it. */
export function parseOptionTags(message: SipMessage, name: string): Result<string[]> {
  const tokens = parseTokens(message, name);
  return tokens.ok ? ok([...new Set(tokens.value.map((token) => token.toLowerCase()))]) : tokens;
}
