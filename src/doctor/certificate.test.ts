/** What is made of the certificate of a server. */
import { expect, test } from 'bun:test';
import type { EventOf } from '../events.ts';
import { judgeCertificate } from './certificate.ts';

const NOW = Date.UTC(2026, 10, 22);
const shown = (notAfter: string): EventOf<'connection.secured'> => ({
  type: 'connection.secured',
  direction: 'outgoing',
  remote: '198.51.100.1:5061',
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  verified: 'pbx.example',
  subject: 'CN=pbx.example',
  issuer: 'CN=Test CA',
  notAfter,
});
const fault = (code: string): EventOf<'diagnosis.raised'> => ({
  type: 'diagnosis.raised',
  code,
  severity: 'error',
  evidence: 'what was seen',
  cause: 'why',
  next: 'what to do',
});
const judge = (about: Partial<Parameters<typeof judgeCertificate>[0]>) =>
  judgeCertificate({ secured: [], faults: [], nowMs: NOW, wanted: true, ...about });

test('a certificate that was verified says for whom, by whom and for how long (RFC 5922)', () => {
  expect(judge({ secured: [shown('2027-01-01T00:00:00.000Z')] })).toEqual({
    check: 'certificate',
    verdict: 'ok',
    evidence: '198.51.100.1:5061 TLSv1.3: CN=pbx.example by CN=Test CA, good for pbx.example, 40 days left',
  });
});

test('one that ends within two weeks is a weak spot', () => {
  expect(judge({ secured: [shown('2026-12-01T12:00:00.000Z')] })).toMatchObject({
    verdict: 'warning',
    evidence: expect.stringContaining('9 days left'),
  });
});

test('a fault is what the engine says of it, and no fault of calls that go another way', () => {
  const faults = [fault('tls-certificate-expired')];
  expect(judge({ faults })).toEqual({
    check: 'certificate',
    verdict: 'failed',
    evidence: 'what was seen',
    cause: 'why',
    next: 'what to do',
  });
  expect(judge({ faults, wanted: false })?.verdict).toBe('note');
  const passed = [{ ...fault('tls-not-verified'), severity: 'warning' as const }];
  expect(judge({ faults: passed, secured: [shown('2027-01-01T00:00:00.000Z')] })?.verdict).toBe('warning');
});

test('where TLS is not spoken there is no certificate to speak of', () => {
  expect(judge({})).toBeUndefined();
  expect(judge({ faults: [fault('tls-not-spoken')] })).toBeUndefined();
});
