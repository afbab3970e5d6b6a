import { expect, test } from 'bun:test';
import { sipFixture } from '../../fixtures/sip/read.ts';
import { type Contact, parseContacts, parseTargetContact } from './contact.ts';
import type { SipRequest } from './message.ts';
import { NO_BODY } from './message.ts';
import { parseMessage } from './parse-message.ts';

function withContacts(...values: string[]): SipRequest {
  const headers = values.map((value, index) => ({ name: 'Contact', value, offset: 100 * (index + 1) }));
  return { kind: 'request', method: 'REGISTER', uri: 'sip:a', headers, body: NO_BODY };
}

function contacts(...values: string[]): readonly Contact[] | string {
  const parsed = parseContacts(withContacts(...values));
  if (!parsed.ok) return parsed.error.code;
  return parsed.value.kind === 'all' ? 'all' : parsed.value.contacts;
}

test('a Contact has its expiry in seconds and its preference (§20.10)', () => {
  const [first, second] = contacts('<sip:a@b>;expires=7200;q=0.5', 'sip:c@d;q=1.000') as Contact[];
  expect([first?.uri, first?.expiresS, first?.q]).toEqual(['sip:a@b', 7200, 0.5]);
  expect([second?.uri, second?.expiresS, second?.q]).toEqual(['sip:c@d', undefined, 1]);
});

test('* means every binding, and stands alone (§10.2.2)', () => {
  expect(contacts('*')).toBe('all');
  expect(contacts('*', '<sip:a@b>')).toBe('contact-malformed');
  expect(contacts('<sip:a@b>, *')).toBe('contact-malformed');
  expect(contacts('*;expires=0')).toBe('address-malformed');
});

test('no Contact is an empty list: REGISTER asks what there is (§10.2.3)', () => {
  expect(contacts()).toEqual([]);
});

test('a malformed expires is 3600 (§20.10), a malformed q is none', () => {
  const read = contacts(
    '<sip:a@b>;expires=soon;q=2',
    '<sip:a@b>;expires=99999999999',
    '<sip:a@b>;expires;q=.5',
  );
  expect((read as Contact[]).map(({ expiresS, q }) => [expiresS, q])).toEqual([
    [3600, undefined],
    [3600, undefined],
    [3600, undefined],
  ]);
});

test('the Contact that makes a dialog is the first, and its URI is valid (§12.1)', () => {
  const target = parseTargetContact(withContacts('"E" <sip:e@192.0.2.1:5060;ob>'));
  expect(target.ok && target.value?.uri).toBe('sip:e@192.0.2.1:5060;ob');
  expect(parseTargetContact(withContacts())).toEqual({ ok: true, value: undefined });
  const failures = ['<sip:e@192.0.2.1:99999>', '*', '<sip:@>', '<mailto:e@example.org>', '<tel:+1>'].map(
    (text) => parseTargetContact(withContacts(text)),
  );
  expect(failures.map((failed) => (failed.ok ? 'ok' : failed.error.code))).toEqual([
    'port-malformed',
    'contact-malformed',
    'uri-malformed',
    'contact-not-sip',
    'contact-not-sip',
  ]);
});

test('of several Contacts the first makes the dialog (leniency contacts-several)', () => {
  const target = parseTargetContact(
    withContacts('<sip:e@192.0.2.1>, <mailto:e@example.org>', '<sip:f@192.0.2.2>'),
  );
  expect(target.ok && target.value?.uri).toBe('sip:e@192.0.2.1');
});

test('the Contact of a real REGISTER with outbound parameters', () => {
  const parsed = parseMessage(sipFixture('register-tcp'));
  const read = parsed.ok ? parseContacts(parsed.value) : undefined;
  if (!read?.ok || read.value.kind !== 'list') throw new Error('no contacts');
  const [contact] = read.value.contacts;
  expect([contact?.expiresS, contact?.q, contact?.params.get('reg-id')]).toEqual([3600, 0.7, '1']);
  expect(contact?.params.get('+sip.instance')).toBe('"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>"');
});
