/** What is said of a chain in which an issuer is the one that is wrong (RFC 5280 §6.1.3). */
import { expect, test } from 'bun:test';
import type { PeerCertificate, TlsFault } from './tls.ts';
import { faultText, tlsDiagnosis } from './tls-diagnosis.ts';

const certificate = (subject: string, issuer: string, notAfter: string): PeerCertificate => ({
  subject,
  issuer,
  notBefore: '2020-01-01T00:00:00Z',
  notAfter,
  serial: '01',
});
const faultOf = (issuer: PeerCertificate): TlsFault => ({
  code: 'certificate-expired',
  domain: 'lab.local',
  certificate: certificate('CN=lab.local', 'CN=Old CA', '2116-01-01T00:00:00Z'),
  issuer,
  detail: 'CERT_HAS_EXPIRED',
});

test('an issuer that expired is the one that is said to have, with its own date', () => {
  const fault = faultOf(certificate('CN=Old CA', 'CN=Root', '2021-01-01T00:00:00Z'));
  expect(faultText(fault)).toBe(
    'TLS: the certificate of CN=Old CA, an issuer above that of lab.local, expired on 2021-01-01',
  );
  const { evidence, next } = tlsDiagnosis(fault, '192.0.2.1:5061');
  expect(evidence).toContain('; above it certificate CN=Old CA by CN=Root');
  expect(next).toContain('let the server send the current certificate of CN=Old CA');
});

test('a root that expired is this machine’s to replace', () => {
  const { next } = tlsDiagnosis(
    faultOf(certificate('CN=Root', 'CN=Root', '2021-01-01T00:00:00Z')),
    '192.0.2.1:5061',
  );
  expect(next).toContain('put the new root into --tls-ca');
});
