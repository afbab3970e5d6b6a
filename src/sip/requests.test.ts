import { expect, test } from 'bun:test';
import { value } from './message.ts';
import { ackForRejected, cancelFor, newRequest, ownCore } from './requests.ts';
import { buildResponse } from './serialize-message.ts';
import { readRequest, requestText } from './transaction-stage.ts';

const ABOUT = {
  method: 'INVITE',
  uri: 'sip:101@lab.local',
  via: 'SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1',
  from: '<sip:100@lab.local>;tag=1',
  to: '<sip:101@lab.local>',
  callId: 'c',
  sequence: 9,
  routes: ['<sip:p1;lr>', '<sip:p2;lr>'],
  headers: [
    ['Contact', '<sip:100@198.51.100.1>'],
    ['Authorization', 'Digest x'],
  ],
} as const;

test('a request has what is mandatory, its routes in order, then the rest (§8.1.1)', () => {
  const request = newRequest(ABOUT);
  expect(request.headers.map(({ name }) => name)).toEqual([
    'Via',
    'Route',
    'Route',
    'Max-Forwards',
    'From',
    'To',
    'Call-ID',
    'CSeq',
    'Contact',
    'Authorization',
  ]);
  expect(value(request, 'CSeq')).toBe('9 INVITE');
  expect(value(request, 'Max-Forwards')).toBe('70');
});

test('the core headers of a request of ours are read back from it; a malformed one is a bug of ours', () => {
  expect(ownCore(newRequest(ABOUT))).toMatchObject({ callId: 'c', fromTag: '1', cseq: { number: 9 } });
  expect(() => ownCore(newRequest({ ...ABOUT, callId: '' }))).toThrow('a request of our own is malformed');
});

test('the ACK to a refusal takes To, with its tag, from the response, and keeps each Route (§17.1.1.3)', () => {
  const invite = newRequest(ABOUT);
  const ack = ackForRejected(invite, buildResponse(invite, 486, { toTag: 'theirs' }));
  expect(ack.headers.map(({ name, value: text }) => `${name}: ${text}`)).toEqual([
    'Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1',
    'Route: <sip:p1;lr>',
    'Route: <sip:p2;lr>',
    'Max-Forwards: 70',
    'From: <sip:100@lab.local>;tag=1',
    'To: <sip:101@lab.local>;tag=theirs',
    'Call-ID: c',
    'CSeq: 9 ACK',
  ]);
  expect([ack.method, ack.uri, ack.body.length]).toEqual(['ACK', 'sip:101@lab.local', 0]);
});

test('CANCEL keeps To as the INVITE had it, and has no Require, Contact or body (§9.1)', () => {
  const { message } = readRequest(requestText('INVITE', { Require: 'x', Contact: '<sip:a@b>' }));
  const cancel = cancelFor(message);
  expect(value(cancel, 'To')).toBe('<sip:echo@lab.local>');
  expect(value(cancel, 'CSeq')).toBe('1 CANCEL');
  expect(value(cancel, 'Via')).toBe(value(message, 'Via') as string);
  expect(value(cancel, 'Require')).toBeUndefined();
  expect(value(cancel, 'Contact')).toBeUndefined();
});
