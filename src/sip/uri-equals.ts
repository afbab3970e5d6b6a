/**
 * When two URIs are the same (RFC 3261 §19.1.4).
 *
 * It is no comparison of strings: hosts and parameters ignore case, users do not, escapes of ordinary characters
 * count as the characters, and a few parameters matter even when only one of the two has them.
 */
import type { SipUri, Uri } from './uri.ts';

/** These must agree even when one URI lacks them. */
const STRICT_PARAMETERS = ['user', 'ttl', 'method', 'maddr'];

/** Whether the two mean the same. It is not transitive, as §19.1.4 says itself. */
export function uriEquals(a: Uri, b: Uri): boolean {
  if (a.kind === 'sip' && b.kind === 'sip') return sipUriEquals(a, b);
  return a.kind === 'opaque' && b.kind === 'opaque' && a.scheme === b.scheme && a.rest === b.rest;
}

function sipUriEquals(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme || a.port !== b.port) return false;
  if (a.host.toLowerCase() !== b.host.toLowerCase()) return false;
  if (normalOrAbsent(a.user) !== normalOrAbsent(b.user)) return false;
  if (normalOrAbsent(a.password) !== normalOrAbsent(b.password)) return false;
  return paramsEqual(a, b) && headersEqual(a, b);
}

function paramsEqual(a: SipUri, b: SipUri): boolean {
  for (const [name, raw] of a.params) {
    if (b.params.has(name) && !sameValue(raw, b.params.get(name))) return false;
  }
  return STRICT_PARAMETERS.every((name) => a.params.has(name) === b.params.has(name));
}

function sameValue(a: string | undefined, b: string | undefined): boolean {
  return normalOrAbsent(a)?.toLowerCase() === normalOrAbsent(b)?.toLowerCase();
}

/** Headers are never ignored, whatever their order. */
function headersEqual(a: SipUri, b: SipUri): boolean {
  return sortedHeaders(a) === sortedHeaders(b);
}

function sortedHeaders(uri: SipUri): string {
  const pairs = uri.headers.map(([name, value]) => `${normal(name).toLowerCase()}=${normal(value)}`);
  return pairs.sort().join('&');
}

function normalOrAbsent(text: string | undefined): string | undefined {
  return text === undefined ? undefined : normal(text);
}

/** §19.1.4: an escape of a character that is not reserved is that character; other escapes in upper case. */
function normal(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9a-fA-F]{2})/g, (escaped, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return /[A-Za-z0-9\-_.!~*'()]/.test(character) ? character : escaped.toUpperCase();
  });
}
