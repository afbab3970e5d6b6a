import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { parseMessageWaiting } from './message-waiting.ts';

test('a full summary gives counts and account (RFC 3842 §5.2)', () => {
  const body =
    'Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 4/8 (1/2)\r\n';
  expect(parseMessageWaiting(body)).toEqual({
    ok: true,
    value: {
      waiting: true,
      account: 'sip:alice@vmail.example.com',
      newMessages: 4,
      oldMessages: 8,
      newUrgent: 1,
      oldUrgent: 2,
    },
  });
});

test('urgent counts may be missing, and then they are not zero but absent', () => {
  expect(parseMessageWaiting('messages-waiting:NO\nvoice-message: 0/3\n')).toEqual({
    ok: true,
    value: { waiting: false, newMessages: 0, oldMessages: 3 },
  });
});

test('the flag alone is enough, and malformed counts are left out (RFC 3842 §3.5)', () => {
  for (const more of ['', 'Voice-Message: many\r\n', 'Fax-Message: 1/2\r\n', '\r\nVoice-Message: 1/2\r\n'])
    expect(parseMessageWaiting(`Messages-Waiting: yes\r\n${more}`)).toEqual({
      ok: true,
      value: { waiting: true },
    });
});

test('a body without a yes or a no is refused with 400', () => {
  for (const body of ['', 'Voice-Message: 1/2\r\n', 'Messages-Waiting: maybe\r\n'])
    expect(parseMessageWaiting(body)).toMatchObject({
      ok: false,
      error: { code: 'message-waiting-malformed', status: 400 },
    });
});

test('no body throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
      parseMessageWaiting(`Messages-Waiting: yes\n${text}`);
      parseMessageWaiting(text);
    }),
    fuzz(),
  );
});
