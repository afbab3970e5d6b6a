/**
 * What is wrong with a TLS connection, for people (RFC 3261 §26.3, RFC 5922): one diagnosis for each kind, because each
 * has another person who can mend it. The evidence is always the same: who, whose certificate, by whom, until when.
 */

import type { EventOf } from '../events.ts';
import type { Advice } from './diagnosis.ts';
import { hasWildcardFor, sipDomains } from './domain-identity.ts';
import { displayText } from './text.ts';
import type { PeerCertificate, TlsFault, TlsFaultCode } from './tls.ts';

/** Names of a certificate that are said; the rest is counted. */
const MOST_NAMES = 6;

/** One sentence: the reason of a call or a registration that failed by it. */
export function faultText({ code, domain = 'the peer', certificate, issuer, detail }: TlsFault): string {
  const own = displayText(domain);
  // The one whose dates are wrong.
  const dated = issuer ?? certificate;
  const name = issuer === undefined ? own : `${displayText(issuer.subject)}, an issuer above that of ${own},`;
  const texts: Record<TlsFaultCode, string> = {
    'certificate-expired': `the certificate of ${name} expired on ${day(dated?.notAfter)}`,
    'certificate-not-yet-valid': `the certificate of ${name} is not valid before ${day(dated?.notBefore)}`,
    'wrong-name': `the certificate is not for ${name}`,
    'unknown-issuer': `the certificate of ${name} is from an issuer that is not trusted here`,
    'self-signed': `the certificate of ${name} is signed by itself and not trusted here`,
    'incomplete-chain': `${name} does not send the certificate of its issuer`,
    'certificate-refused': `the certificate of ${name} is not accepted (${displayText(detail)})`,
    'protocol-version': `${name} and this machine have no version of TLS in common`,
    'no-common-cipher': `${name} and this machine have no cipher in common`,
    'not-spoken': `${name} does not speak TLS there`,
    'client-certificate-wanted': `${name} wants a certificate from us`,
    'certificate-not-taken': `${name} does not take our certificate`,
    'no-answer': `${name} accepts the connection and says nothing to TLS`,
    'handshake-failed': `the TLS handshake with ${name} failed (${displayText(detail)})`,
  };
  return `TLS: ${texts[code]}`;
}

/** The flag that named the server; absent where a URI did. */
export type LedBy = '--server' | '--proxy' | undefined;

/** The diagnosis, an error; `remote` is address and port. */
export function tlsDiagnosis(fault: TlsFault, remote: string, ledBy?: LedBy): EventOf<'diagnosis.raised'> {
  return {
    type: 'diagnosis.raised',
    code: `tls-${fault.code}`,
    severity: 'error',
    evidence: evidenceOf(fault, remote),
    ...adviceOn(fault, ledBy),
  };
}

/** The same when `--tls-insecure` let it pass: the connection is used, and nobody knows who is at its other end. */
export function insecureDiagnosis(fault: TlsFault, remote: string): EventOf<'diagnosis.raised'> {
  return {
    type: 'diagnosis.raised',
    code: 'tls-not-verified',
    severity: 'warning',
    evidence: `${faultText(fault).replace(/^TLS: /, '')}; ${evidenceOf(fault, remote)}`,
    cause: '--tls-insecure takes any certificate: whoever is in between can read and change everything',
    next: `leave --tls-insecure out, and ${adviceOn(fault).next}`,
  };
}

/** "192.0.2.1:5061, asked for example.org: CN=example.org by CN=Test CA, for example.org, valid … to …". */
function evidenceOf({ domain, certificate, issuer, detail, clock }: TlsFault, remote: string): string {
  const asked = domain === undefined ? '' : `, asked for ${displayText(domain)}`;
  const shown = certificate === undefined ? '' : `: ${describeCertificate(certificate)}`;
  const above = issuer === undefined ? '' : `; above it ${describeCertificate(issuer)}`;
  const now = clock === undefined ? '' : `; the clock here says ${clock}`;
  return `${remote}${asked}${shown}${above}${now} (${displayText(detail)})`;
}

/** What a person compares: subject, issuer, names, dates, serial number. */
function describeCertificate(certificate: PeerCertificate): string {
  const { subject, issuer, alternatives, notBefore, notAfter, serial } = certificate;
  const names = (alternatives ?? []).map(({ kind, value }) => `${kind}:${value}`);
  const left = names.length - MOST_NAMES;
  const said = [...names.slice(0, MOST_NAMES), ...(left > 0 ? [`${left} more`] : [])].join(', ');
  const named = names.length === 0 ? 'no subjectAltName' : `subjectAltName ${said}`;
  return displayText(
    `certificate ${subject} by ${issuer}, ${named}, valid ${notBefore} to ${notAfter}, serial ${serial}`,
  );
}

function adviceOn(fault: TlsFault, ledBy?: LedBy): Advice {
  const { certificate, domain = '' } = fault;
  const host = displayText(domain);
  const issuer = displayText(certificate?.issuer ?? 'its issuer');
  const trust = `give the certificate of ${issuer} with --tls-ca FILE`;
  switch (fault.code) {
    case 'certificate-expired':
      if (fault.issuer !== undefined) return expiredIssuer(fault.issuer);
      return {
        cause:
          'nobody renewed it, or the server was not reloaded since; or the clock of this machine is ahead',
        next: 'compare the clock (date -u) with notAfter; if it is right, whoever runs the server renews it',
      };
    case 'certificate-not-yet-valid':
      return {
        cause: 'the clock of this machine is behind, or the certificate was made for later',
        next: 'compare the clock (date -u) with notBefore, and set it if it is wrong',
      };
    case 'wrong-name':
      return wrongName(certificate, domain, ledBy);
    case 'unknown-issuer':
      return {
        cause: `${issuer} is not among the trusted issuers: a private one, or somebody is in between`,
        next: `if that issuer is yours, ${trust}; if not, do not use this connection`,
      };
    case 'self-signed':
      return {
        cause:
          'the server made its certificate by itself, so nobody vouches for it; or somebody is in between',
        next: 'if the server is yours, give that certificate with --tls-ca FILE, or let an issuer sign one',
      };
    case 'incomplete-chain':
      return {
        cause: `the server sends its own certificate without that of ${issuer}, an intermediate one`,
        next: `let the server send the whole chain (its certificate, then the intermediate ones); or ${trust}`,
      };
    case 'certificate-refused':
      return {
        cause: 'the certificate, or one above it, is not fit for this use',
        next: `look at it: openssl s_client -connect ${host} -showcerts`,
      };
    case 'protocol-version':
      return {
        cause:
          'the other side speaks a version of TLS that is older than 1.2 alone, which is not safe any more',
        next: 'let the server offer TLS 1.2 or 1.3',
      };
    case 'no-common-cipher':
      return {
        cause: 'the other side offers no cipher that is taken here, or wants what was not offered',
        next: 'let the server offer the default ciphers of its library (ECDHE with AES-GCM or ChaCha20)',
      };
    case 'not-spoken':
      return {
        cause: 'that port speaks SIP without TLS, or something else: 5060 is plain, 5061 is TLS as a rule',
        next: 'check the port: most servers speak TLS on one of its own (--port 5061)',
      };
    case 'client-certificate-wanted':
      return {
        cause: 'the server lets in those alone whose certificate it knows, and took none of ours',
        next: 'give the certificate that it knows with --tls-cert FILE and --tls-key FILE',
      };
    case 'no-answer':
      return {
        cause: 'that port speaks SIP without TLS, or the server is stuck',
        next: 'check the port: most servers speak TLS on one of its own (--port 5061)',
      };
    // The first is said of clients alone (tls-stranger.ts).
    case 'certificate-not-taken':
    case 'handshake-failed':
      return {
        cause: 'the two sides did not come to terms',
        next: 'look at it from outside: openssl s_client -connect HOST:PORT; the log of the server may say more',
      };
  }
}

/** Not the server's own: one that it sends along, or the root that is trusted here. */
function expiredIssuer({ subject, issuer }: PeerCertificate): Advice {
  const whose = displayText(subject);
  if (subject === issuer) {
    return {
      cause: `${whose} is a root that is trusted here, and its time is over; or the clock of this machine is ahead`,
      next: 'compare the clock (date -u) with notAfter; if it is right, put the new root into --tls-ca, or update the trusted issuers of this machine',
    };
  }
  return {
    cause: `the server sends an old certificate of ${whose} along; or the clock of this machine is ahead`,
    next: `compare the clock (date -u) with notAfter; if it is right, let the server send the current certificate of ${whose}`,
  };
}

function wrongName(certificate: PeerCertificate | undefined, domain: string, ledBy: LedBy): Advice {
  const use = ledBy === undefined ? 'reach it by a name' : 'use a name';
  const as = ledBy === undefined ? '' : ` as ${ledBy}`;
  const whom = ledBy === '--proxy' ? 'proxy' : 'server';
  const next = `${use} of the certificate${as}, or give the ${whom} one for ${displayText(domain)}`;
  if (certificate !== undefined && hasWildcardFor(certificate, domain)) {
    return { cause: `a wildcard does not count in SIP, unlike on the web (RFC 5922 §7.2)`, next };
  }
  const names = certificate === undefined ? [] : sipDomains(certificate);
  const shown = displayText(names.slice(0, MOST_NAMES).join(', '));
  const who = names.length === 0 ? 'for no SIP domain at all' : `for ${shown}`;
  return { cause: `it is ${who}: another server answers there, or its certificate lacks the name`, next };
}

function day(date: string | undefined): string {
  return date?.slice(0, 10) ?? 'an unknown day';
}
