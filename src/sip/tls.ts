/**
 * What the endpoint is told of a TLS connection (RFC 3261 §26.2.1): what was agreed, whose certificate was shown, and
 * what was wrong with it.
 *
 * The handshake is the world's (io/tls-handshake.ts); what it came to is data, so that it stands in a trace and
 * a test can say it without a certificate.
 */

/** One value of subjectAltName (RFC 5280 §4.2.1.6); other kinds name nothing in SIP and are left out. */
export interface AlternativeName {
  readonly kind: 'URI' | 'DNS' | 'IP';
  readonly value: string;
}

/** A certificate, as a person wants to know it. Texts are a stranger's. */
export interface PeerCertificate {
  /** Distinguished names, "CN=example.org, O=Example". */
  readonly subject: string;
  readonly issuer: string;
  /** Of the subject, when it has exactly one. */
  readonly commonName?: string;
  /** subjectAltName, in its order; absent when the certificate has none. */
  readonly alternatives?: readonly AlternativeName[];
  /** ISO 8601, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** In hexadecimal. */
  readonly serial: string;
}

/** What can be wrong; stable, and the code of the diagnosis after `tls-`. */
export const TLS_FAULT_CODES = [
  'certificate-expired',
  'certificate-not-yet-valid',
  'wrong-name',
  'unknown-issuer',
  'self-signed',
  'incomplete-chain',
  'certificate-refused',
  'protocol-version',
  'no-common-cipher',
  'not-spoken',
  'client-certificate-wanted',
  'certificate-not-taken',
  'no-answer',
  'handshake-failed',
] as const;
export type TlsFaultCode = (typeof TLS_FAULT_CODES)[number];

/** Why a connection over TLS is not used. */
export interface TlsFault {
  readonly code: TlsFaultCode;
  /** The name that was to be shown; absent for a connection that a peer opened. */
  readonly domain?: string;
  /** The peer's, when it showed one. */
  readonly certificate?: PeerCertificate;
  /** Of an issuer above it, when that one is what is wrong. */
  readonly issuer?: PeerCertificate;
  /** What the TLS library said. */
  readonly detail: string;
  /** The clock of this machine when a date was found wrong, ISO 8601, UTC. */
  readonly clock?: string;
}

/** A TLS connection that is up. */
export interface TlsSession {
  /** "TLSv1.3". */
  readonly protocol: string;
  readonly cipher: string;
  /** The name that the peer's certificate was verified for; absent when none was asked for, or none was verified. */
  readonly verified?: string;
  readonly certificate?: PeerCertificate;
  /** What would have been refused, and was not, because verification is off (`--tls-insecure`). */
  readonly ignored?: TlsFault;
}
