/**
 * What a TLS handshake came to: a session that may be used, or what was wrong (RFC 3261 §26.3.1, RFC 5922 §7.3).
 *
 * Bun's TLS checks signatures, dates and the chain; names are ours to check (sip/domain-identity.ts), because its
 * rules are those of the web. So it refuses nothing by itself, and everything is decided here.
 */
import type { PeerCertificate as LibraryCertificate } from 'node:tls';
import type { Socket } from 'bun';
import { speaksFor } from '../sip/domain-identity.ts';
import type { AlternativeName, PeerCertificate, TlsFault, TlsFaultCode, TlsSession } from '../sip/tls.ts';

/** Texts of a certificate are cut here, and its names counted: a stranger may send 64 KB of them. */
const MAX_TEXT = 512;
const MAX_NAMES = 1_000;
/** Certificates of a chain that are looked at; those of public authorities are four at most. */
const MAX_CHAIN = 10;

/** What the library says of a chain; a name that it does not like is no fault here. */
const CHAIN_FAULTS: Readonly<Record<string, TlsFaultCode>> = {
  CERT_HAS_EXPIRED: 'certificate-expired',
  CERT_NOT_YET_VALID: 'certificate-not-yet-valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown-issuer',
  UNABLE_TO_GET_ISSUER_CERT: 'unknown-issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown-issuer',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown-issuer',
};
const NAME_FAULT = 'ERR_TLS_CERT_ALTNAME_INVALID';

/** Alerts and errors of the handshake, by the words of the library (BoringSSL). */
const HANDSHAKE_FAULTS: readonly (readonly [RegExp, TlsFaultCode])[] = [
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|INAPPROPRIATE_FALLBACK/, 'protocol-version'],
  [
    /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|ALERT_CERTIFICATE|ACCESS_DENIED/,
    'client-certificate-wanted',
  ],
  [/NO_SHARED_CIPHER|NO_CIPHER_MATCH|INSUFFICIENT_SECURITY|NO_COMMON_SIGNATURE/, 'no-common-cipher'],
  [/WRONG_VERSION_NUMBER|HTTP_REQUEST|HTTPS_PROXY_REQUEST|INVALID_COMMAND|UNEXPECTED_RECORD/, 'not-spoken'],
];

/**
 * A client's alert on our own certificate. OpenSSL sends it in the clear in TLS 1.3, which the library takes for an
 * encrypted record that is too short.
 */
const NOT_TAKEN = /BAD_CERTIFICATE|UNKNOWN_CA|ALERT_CERTIFICATE|ACCESS_DENIED|BAD_PACKET_LENGTH/;

/** A handshake that is through, on a connection of ours to `domain`, or on one that a peer opened. */
export function judgeHandshake(
  socket: Socket<unknown>,
  error: Error | null,
  domain: string | undefined,
): { readonly session: TlsSession; readonly fault: TlsFault | undefined } {
  const library = socket.getPeerCertificate();
  const certificate = certificateOf(library);
  const session: TlsSession = {
    protocol: socket.getTLSVersion(),
    cipher: socket.getCipher().name,
    ...(certificate === undefined ? undefined : { certificate }),
  };
  // Who connects to us shows none, and need not: it proves itself by digest (RFC 3261 §26.3.2.1).
  if (domain === undefined) return { session, fault: undefined };
  const code = codeOf(error);
  const shown = certificate === undefined ? {} : { certificate };
  const chain = chainFault(code, library);
  if (chain !== undefined) {
    const fault = { code: chain, domain, ...shown, detail: code };
    return { session, fault: { ...fault, ...(chain.startsWith('certificate-') ? timesOf(socket) : {}) } };
  }
  if (certificate === undefined || !speaksFor(certificate, domain)) {
    return { session, fault: { code: 'wrong-name', domain, ...shown, detail: 'RFC 5922 section 7.2' } };
  }
  return { session: { ...session, verified: domain }, fault: undefined };
}

/** A handshake that failed, or an alert after it: in TLS 1.3 a server asks for a certificate when we believe it is over. */
export function handshakeFault(
  socket: Socket<unknown> | undefined,
  error: Error | null | undefined,
  domain: string | undefined,
): TlsFault {
  const text = error?.message ?? 'the connection was closed';
  const certificate = socket === undefined ? undefined : certificateOf(socket.getPeerCertificate());
  const about = {
    ...(domain === undefined ? undefined : { domain }),
    ...(certificate === undefined ? undefined : { certificate }),
    detail: readable(text).slice(0, MAX_TEXT),
  };
  if (domain === undefined && NOT_TAKEN.test(text)) return { code: 'certificate-not-taken', ...about };
  const known = HANDSHAKE_FAULTS.find(([words]) => words.test(text))?.[1];
  if (known !== undefined) return { code: known, ...about };
  // "handshake failure" says nothing of its reason. Once the server has shown its certificate, a cipher was agreed.
  if (/HANDSHAKE_FAILURE/.test(text)) {
    return { code: certificate === undefined ? 'no-common-cipher' : 'client-certificate-wanted', ...about };
  }
  // Whoever does not understand the first message hangs up.
  const hungUp = codeOf(error) === 'ECONNRESET' && certificate === undefined;
  return { code: hungUp && domain !== undefined ? 'not-spoken' : 'handshake-failed', ...about };
}

/**
 * Whether a handshake that is not through has broken off. Where the library only dislikes a certificate or its name,
 * the two sides have come to terms; its codes for that are words (CERT_HAS_EXPIRED), those of a socket are not (EPROTO).
 */
export function isBroken(error: Error | null): boolean {
  return !codeOf(error).includes('_');
}

/** Whether an error of a socket comes from TLS. */
export function isTlsError(error: Error | null): boolean {
  return codeOf(error) === 'EPROTO';
}

/** Nothing came in time. */
export function silentFault(domain: string | undefined, waitedMs: number): TlsFault {
  const detail = `no answer to the handshake within ${waitedMs / 1000} s`;
  return { code: 'no-answer', ...(domain === undefined ? undefined : { domain }), detail };
}

/** One of a chain; the types of the library end with the first. */
interface Link extends LibraryCertificate {
  readonly issuerCertificate?: Link;
}

/** Our clock, and the first issuer whose time is not now, when the peer's own certificate is good. */
function timesOf(socket: Socket<unknown>): Pick<TlsFault, 'clock' | 'issuer'> {
  const now = new Date();
  const clock = now.toISOString();
  // Bun takes it, and its types do not know it: `false` is for the whole chain.
  const peer: { getPeerCertificate(abbreviated: boolean): Link | undefined } = socket;
  let one = peer.getPeerCertificate(false);
  for (let height = 0; one !== undefined && height < MAX_CHAIN; height++) {
    if (now < new Date(one.valid_from) || now > new Date(one.valid_to)) {
      const issuer = height === 0 ? undefined : certificateOf(one);
      return issuer === undefined ? { clock } : { clock, issuer };
    }
    // A root has issued itself.
    one = one.issuerCertificate === one ? undefined : one.issuerCertificate;
  }
  return { clock };
}

function chainFault(code: string, certificate: LibraryCertificate): TlsFaultCode | undefined {
  if (code === '' || code === NAME_FAULT) return undefined;
  // One certificate came and its issuer is not known. Where it says who issued it (RFC 5280 §4.2.2.1), as those of
  // public authorities do, it is nearly always the server that leaves an intermediate one out.
  const alone = code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';
  if (alone && certificate.infoAccess?.['CA Issuers - URI'] !== undefined) return 'incomplete-chain';
  return CHAIN_FAULTS[code] ?? 'certificate-refused';
}

/** As an event says it; undefined when the peer showed none. */
function certificateOf(given: Partial<LibraryCertificate> | undefined): PeerCertificate | undefined {
  const { subject, issuer, valid_from: from, valid_to: to, serialNumber } = given ?? {};
  if (from === undefined || to === undefined) return undefined;
  const commonName: unknown = subject?.CN;
  const text = given?.subjectaltname;
  return {
    subject: distinguished(subject),
    issuer: distinguished(issuer),
    ...(typeof commonName === 'string' ? { commonName: commonName.slice(0, MAX_TEXT) } : undefined),
    ...(text === undefined ? undefined : { alternatives: readAlternativeNames(text) }),
    notBefore: isoDate(from),
    notAfter: isoDate(to),
    serial: (serialNumber ?? '').slice(0, 64),
  };
}

/**
 * subjectAltName as the library writes it, `DNS:a, URI:"sip:b\u002c c", IP Address:192.0.2.1`. A value that has a comma or
 * a quote stands in quotes as in JSON, so that one name cannot pass for two.
 */
export function readAlternativeNames(text: string): readonly AlternativeName[] {
  const names: AlternativeName[] = [];
  const one = /([^:,]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;
  while (one.lastIndex < text.length && names.length < MAX_NAMES) {
    const [, label = '', value = ''] = one.exec(text) ?? [];
    // Not as it should be: then nothing of it counts.
    if (label === '') return [];
    const kind = label === 'IP Address' ? 'IP' : label;
    if (kind !== 'URI' && kind !== 'DNS' && kind !== 'IP') continue;
    const plain = value.startsWith('"') ? unquoted(value) : value;
    // What was cut short must not look like a name: it is left out.
    if (plain === undefined || plain.length > MAX_TEXT) continue;
    names.push({ kind, value: plain });
  }
  return names;
}

function unquoted(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** "CN=example.org, O=Example". */
function distinguished(name: object | undefined): string {
  const parts = Object.entries(name ?? {}).map(
    ([key, value]) => `${key}=${Array.isArray(value) ? value.join('+') : value}`,
  );
  return parts.join(', ').slice(0, MAX_TEXT);
}

/** "Feb  1 00:00:00 2025 GMT" as ISO 8601; as it came when it is no date. */
function isoDate(text: string): string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text.slice(0, 64) : date.toISOString().replace('.000Z', 'Z');
}

/** "error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER" as "WRONG_VERSION_NUMBER". */
function readable(text: string): string {
  return /:([A-Z][A-Z0-9_]+)$/.exec(text)?.[1] ?? text;
}

function codeOf(error: Error | null | undefined): string {
  return error != null && 'code' in error ? String(error.code) : '';
}
