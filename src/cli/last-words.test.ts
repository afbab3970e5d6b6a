import { expect, test } from 'bun:test';
import type { Event } from '../events.ts';
import { lastWords } from './last-words.ts';

const REFUSED: Event = {
  v: 1,
  seq: 7,
  atMs: 20,
  type: 'diagnosis.raised',
  account: 'sip:100@example.org',
  code: 'credentials-refused',
  severity: 'error',
  evidence: '401 Unauthorized to REGISTER',
  cause: 'the password is another one',
  next: 'check --password',
};

function stopped(exitCode: number): Event {
  return { v: 1, seq: 8, atMs: 21, type: 'session.stopped', reason: 'authentication was refused', exitCode };
}

test('a screen that ends in failure leaves the error, its cause and the next step behind', () => {
  const last = lastWords();
  last.event(REFUSED);
  last.event(stopped(3));
  const said = last.lines().join('\n');
  expect(said).toBe(`[ERROR] sip:100@example.org credentials-refused: 401 Unauthorized to REGISTER
    cause: the password is another one
    next: check --password
[STATE] stopped: authentication was refused`);
});

test('a screen that was left leaves nothing behind, whatever it had shown', () => {
  const last = lastWords();
  last.event(REFUSED);
  last.event(stopped(0));
  expect(last.lines()).toEqual([]);
});
