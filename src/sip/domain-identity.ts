/**
 * Which SIP domains a certificate speaks for, and whether one of them is the one that we want (RFC 5922 §7.1, §7.2).
 *
 * SIP has rules of its own: a `sip:` URI in subjectAltName outranks DNS names, and nothing is matched by a wildcard.
 * Libraries for HTTPS do neither, so what they say of a name does not count here.
 */
import { addressBytes } from '../address-bytes.ts';
import type { PeerCertificate } from './tls.ts';
import { parseUri } from './uri.ts';

/** The names of a certificate that count. */
export type NamedCertificate = Pick<PeerCertificate, 'alternatives' | 'commonName'>;

/** The domains that a certificate speaks for, in lower case, in the order of §7.1. */
export function sipDomains({ alternatives, commonName }: NamedCertificate): readonly string[] {
  if (alternatives === undefined) {
    // §7.1 no. 2: the common name, if and only if there is no subjectAltName at all.
    return commonName === undefined || !isDnsName(commonName) ? [] : [bareHost(commonName)];
  }
  const uris = alternatives.flatMap(({ kind, value }) => (kind === 'URI' ? domainOf(value) : []));
  if (uris.length > 0) return uris;
  return alternatives.flatMap(({ kind, value }) => (kind === 'DNS' ? [bareHost(value)] : []));
}

/**
 * Whether it speaks for that host: the whole of it, letters of either case alike, no wildcards (§7.2). For a numeric
 * address an iPAddress counts as well (RFC 9525 §6.4): RFC 5922 knows names alone, a lab often has none.
 */
export function speaksFor(certificate: NamedCertificate, domain: string): boolean {
  const wanted = bareHost(domain);
  if (wanted === '' || wanted.includes('*')) return false;
  if (sipDomains(certificate).includes(wanted)) return true;
  const bytes = addressBytes(wanted);
  if (bytes === undefined) return false;
  return (certificate.alternatives ?? []).some(({ kind, value }) => {
    const own = kind === 'IP' ? addressBytes(value.toLowerCase()) : undefined;
    return own?.length === bytes.length && own.every((byte, index) => byte === bytes[index]);
  });
}

/** Whether a wildcard of the certificate would cover that host elsewhere: worth saying when it is refused here. */
export function hasWildcardFor({ alternatives = [], commonName }: NamedCertificate, domain: string): boolean {
  const parent = bareHost(domain).replace(/^[^.]+/, '*');
  return [commonName ?? '', ...alternatives.map(({ value }) => value)].some(
    (one) => bareHost(one) === parent,
  );
}

/** §7.1: a `sip:` URI without a user speaks for its host; `sips:`, a user or anything else for nobody. */
function domainOf(text: string): string[] {
  const uri = parseUri(text);
  if (!uri.ok || uri.value.kind !== 'sip' || uri.value.scheme !== 'sip') return [];
  return uri.value.user === undefined ? [bareHost(uri.value.host)] : [];
}

/** Lower case, without brackets, without the dot that ends an absolute name. */
function bareHost(host: string): string {
  return host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
}

function isDnsName(text: string): boolean {
  return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(text);
}
