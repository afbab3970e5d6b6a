import { expect, test } from 'bun:test';
import type { Event, EventOf } from '../events.ts';
import { refusedEverywhere } from './registration-watch.ts';

function changed(account: string, to: EventOf<'registration.changed'>['to'], status?: number): Event {
  const body = {
    v: 1,
    seq: 1,
    atMs: 0,
    type: 'registration.changed',
    account,
    from: 'registering',
    to,
  } as const;
  return status === undefined ? body : { ...body, status };
}

test('one account, refused: over', () => {
  const refused = refusedEverywhere(['sip:1@a']);
  expect(refused(changed('sip:1@a', 'registering'))).toBe(false);
  expect(refused(changed('sip:1@a', 'failed', 401))).toBe(true);
});

test('another account that is registered, or still tries, keeps the service', () => {
  for (const state of ['registered', 'registering', 'retrying'] as const) {
    const refused = refusedEverywhere(['sip:1@a', 'sip:2@a']);
    refused(changed('sip:2@a', state));
    expect(refused(changed('sip:1@a', 'failed', 403))).toBe(false);
  }
  const refused = refusedEverywhere(['sip:1@a', 'sip:2@a']);
  expect(refused(changed('sip:1@a', 'failed', 401))).toBe(false);
  expect(refused(changed('sip:2@a', 'failed', 404))).toBe(true);
});

test('a failure of another kind is no refusal', () => {
  expect(refusedEverywhere(['sip:1@a'])(changed('sip:1@a', 'failed', 503))).toBe(false);
});
