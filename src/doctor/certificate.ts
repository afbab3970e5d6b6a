/**
 * The certificate that a server showed over TLS, and until when it is good (RFC 5922). What is wrong with it is said by
 * the engine (tls-diagnosis.ts); here it becomes a finding.
 */
import type { EventOf } from '../events.ts';
import type { Finding } from './check.ts';

/** What came of the TLS connections to one server, and our clock, in ms since 1970. */
export interface CertificateFacts {
  readonly secured: readonly EventOf<'connection.secured'>[];
  /** Diagnoses whose code begins with `tls-`. */
  readonly faults: readonly EventOf<'diagnosis.raised'>[];
  readonly nowMs: number;
  /** Whether calls go over TLS here; else it was tried for comparison. */
  readonly wanted: boolean;
}

const DAY_MS = 86_400_000;
/** Who renews by hand needs so long; automatic renewal comes a month before the end. */
const SOON_DAYS = 14;

/** Undefined when no server spoke TLS at all: then the transport says it. */
export function judgeCertificate({ secured, faults, nowMs, wanted }: CertificateFacts): Finding | undefined {
  const check = 'certificate';
  const fault = faults.find(({ code }) => !NO_CERTIFICATE.has(code));
  if (fault !== undefined) {
    const { evidence, cause, next, severity } = fault;
    if (!wanted) return { check, verdict: 'note', evidence: `${evidence}; not needed here` };
    // With --tls-insecure the connection is used all the same.
    return { check, verdict: severity === 'error' ? 'failed' : 'warning', evidence, cause, next };
  }
  const [shown] = secured;
  if (shown === undefined) return undefined;
  const { remote, protocol, verified, subject, issuer, notAfter } = shown;
  const days = notAfter === undefined ? undefined : Math.floor((Date.parse(notAfter) - nowMs) / DAY_MS);
  const whose = `${subject ?? 'no subject'} by ${issuer ?? 'nobody'}`;
  const good = verified === undefined ? 'verified for no name' : `good for ${verified}`;
  const left = days === undefined ? '' : `, ${days} days left`;
  const evidence = `${remote} ${protocol}: ${whose}, ${good}${left}`;
  if (days !== undefined && days < SOON_DAYS) {
    const verdict = wanted ? 'warning' : 'note';
    return {
      check,
      verdict,
      evidence,
      cause: 'nobody has renewed it yet',
      next: 'tell whoever runs the server when it ends',
    };
  }
  return { check, verdict: 'ok', evidence };
}

/** The connection failed before any certificate was shown: the transport says it. */
const NO_CERTIFICATE: ReadonlySet<string> = new Set(['tls-not-spoken', 'tls-no-answer']);
