/** What all findings together come to. */
import { expect, test } from 'bun:test';
import type { CheckName, Finding, Verdict } from './check.ts';
import { conclude } from './conclusion.ts';

const finding = (check: CheckName, verdict: Verdict): Finding => ({
  check,
  verdict,
  evidence: `${check} was seen`,
  ...(verdict === 'ok' ? {} : { next: `mend ${check}` }),
});
const FINE = ['addresses', 'dns', 'udp'].map((check) => finding(check as CheckName, 'ok'));
const WAY = { server: 'pbx.example', wanted: ['udp', 'tcp'] as const };

test('all good: calls will work', () => {
  expect(conclude(FINE, WAY)).toEqual({
    verdict: 'works',
    summary: 'calls by way of pbx.example will work from here',
    fault: 'none',
  });
});

test('what is in the way first is named, whatever comes after it', () => {
  const found = [finding('credentials', 'failed'), finding('dns', 'failed'), finding('udp', 'failed')];
  expect(conclude(found, WAY)).toEqual({
    verdict: 'fails',
    summary: 'calls by way of pbx.example will not work from here: dns: dns was seen',
    next: 'mend dns',
    fault: 'network',
  });
});

test('one wanted transport that answers is enough, with a weak spot; one that is not wanted does not count', () => {
  const mixed = [finding('udp', 'failed'), finding('tcp', 'ok')];
  expect(conclude(mixed, WAY)).toMatchObject({ verdict: 'limited', fault: 'none', next: 'mend udp' });
  expect(conclude(mixed, { ...WAY, wanted: ['udp'] })).toMatchObject({ verdict: 'fails', fault: 'network' });
});

test('refused credentials have a code of their own, and only where the server is reached', () => {
  expect(conclude([...FINE, finding('credentials', 'failed')], WAY).fault).toBe('credentials');
  expect(conclude([finding('udp', 'failed'), finding('credentials', 'unknown')], WAY).fault).toBe('network');
});

test('nothing found out about the server is no success', () => {
  expect(conclude([finding('udp', 'unknown')], WAY)).toMatchObject({ verdict: 'fails', fault: 'network' });
  expect(conclude([], WAY)).toMatchObject({ verdict: 'fails', fault: 'network' });
});

test('of a certificate that stops everything the short word is said, and the step that mends it', () => {
  const found = [finding('certificate', 'failed'), finding('tls', 'failed')];
  expect(conclude(found, { ...WAY, wanted: ['tls'] })).toMatchObject({
    summary: 'calls by way of pbx.example will not work from here: tls: tls was seen',
    next: 'mend certificate',
  });
});

test('of what stands before TLS and is silent nothing is said where the certificate stops the rest', () => {
  const found = [finding('udp', 'failed'), finding('certificate', 'failed'), finding('tls', 'failed')];
  const shut = [...found, finding('tcp', 'note')];
  expect(conclude(shut, { ...WAY, wanted: ['udp', 'tls', 'tcp'] })).toMatchObject({
    verdict: 'fails',
    summary: 'calls by way of pbx.example will not work from here: tls: tls was seen',
    next: 'mend certificate',
    fault: 'network',
  });
});

test('a bad certificate behind a transport that answers is a weak spot', () => {
  const found = [finding('certificate', 'failed'), finding('tls', 'failed'), finding('udp', 'ok')];
  expect(conclude(found, { ...WAY, wanted: ['udp', 'tls'] })).toMatchObject({
    verdict: 'limited',
    fault: 'none',
  });
});

test('what could not be found out is named where it matters; a note and an unknown clock are not', () => {
  const open = [...FINE, finding('clock', 'unknown'), finding('credentials', 'unknown')];
  expect(conclude(open, WAY).summary).toEndWith('not found out: credentials');
  expect(conclude([...FINE, finding('default-route', 'note')], WAY).verdict).toBe('works');
});

test('without a server the machine is judged alone', () => {
  expect(conclude([finding('addresses', 'ok')], undefined)).toMatchObject({
    verdict: 'works',
    fault: 'none',
  });
  expect(conclude([finding('default-route', 'warning')], undefined).verdict).toBe('limited');
  expect(conclude([finding('sip-port', 'failed')], undefined)).toMatchObject({
    verdict: 'fails',
    fault: 'network',
  });
});
