/** From events to exit codes. */
import { expect, test } from 'bun:test';
import { EVENT_VERSION, type Event, type EventOf } from '../events.ts';
import { EXIT } from './exit-codes.ts';
import { judgeCall, judgeChange, judgeHangup, judgeRegistration, judgeRemoval } from './outcome.ts';

type CallChange = Partial<EventOf<'call.changed'>>;
const envelope = { v: EVENT_VERSION, seq: 1, atMs: 1 } as const;

function call(to: EventOf<'call.changed'>['to'], about: CallChange = {}): Event {
  const fixed = {
    type: 'call.changed',
    call: 'c',
    callId: 'c',
    direction: 'outgoing',
    peer: 'p',
    from: 'idle',
  } as const;
  return { ...envelope, ...fixed, to, ...about };
}

function registration(
  to: EventOf<'registration.changed'>['to'],
  about: Partial<EventOf<'registration.changed'>> = {},
): Event {
  return { ...envelope, type: 'registration.changed', account: 'a', from: 'idle', to, ...about };
}

test('a call is done when it is established; a whole one when it is over', () => {
  const first = judgeCall(false);
  expect([call('calling'), call('ringing')].map(first.take)).toEqual([undefined, undefined]);
  expect(first.take(call('established'))?.code).toBe(EXIT.done);
  const whole = judgeCall(true);
  expect(whole.take(call('established'))).toBeUndefined();
  expect(whole.stands()).toBeTrue();
  expect(whole.take(call('terminated', { outcome: 'completed' }))?.code).toBe(EXIT.done);
});

test('each way for a call to fail has its code', () => {
  const code = (outcome: NonNullable<CallChange['outcome']>) =>
    judgeCall(false).take(call('terminated', { outcome }))?.code;
  expect(code('no-answer')).toBe(EXIT.timeout);
  expect(code('authentication')).toBe(EXIT.authenticationRefused);
  expect(code('refused')).toBe(EXIT.peerRefused);
  expect(code('unreachable')).toBe(EXIT.network);
  expect(code('unusable')).toBe(EXIT.media);
  expect(code('cancelled')).toBe(EXIT.interrupted);
  expect(code('failed')).toBe(EXIT.usage);
});

test('a registration is decided by its first try, and each way to fail has its code', () => {
  const code = (...events: Event[]) => {
    const judge = judgeRegistration(false);
    return events.map(judge.take).at(-1)?.code;
  };
  const begun = registration('registering');
  expect(code(begun)).toBeUndefined();
  expect(code(begun, registration('registered'))).toBe(EXIT.done);
  for (const status of [401, 403, 407]) {
    expect(code(begun, registration('failed', { status }))).toBe(EXIT.authenticationRefused);
  }
  expect(code(begun, registration('failed', { status: 404 }))).toBe(EXIT.peerRefused);
  expect(code(begun, registration('retrying', { status: 503 }))).toBe(EXIT.peerRefused);
  expect(code(begun, registration('retrying', { reason: 'no answer in time' }))).toBe(EXIT.timeout);
  expect(code(begun, registration('retrying', { reason: 'ECONNREFUSED' }))).toBe(EXIT.network);
});

test('one that is kept in the foreground is done at its end, however often it was tried again', () => {
  const judge = judgeRegistration(true);
  const between = ['registering', 'registered', 'retrying', 'registering', 'registered'] as const;
  expect(between.map((to) => judge.take(registration(to))).filter((one) => one !== undefined)).toEqual([]);
  expect(judge.take(registration('unregistered', { status: 200 }))?.code).toBe(EXIT.done);
});

test('hanging up is done when all of them are over, removing when it is unregistered', () => {
  const judge = judgeHangup(['c', 'd']);
  expect(judge.take(call('terminated'))).toBeUndefined();
  expect(judge.take(call('terminated', { call: 'd' }))?.code).toBe(EXIT.done);
  expect(judgeRemoval().take(registration('unregistered', { status: 200 }))?.code).toBe(EXIT.done);
  expect(judgeRemoval().take(registration('unregistered', { status: 403 }))?.code).toBe(
    EXIT.authenticationRefused,
  );
});

test('hold is done when the call is held, and has failed when the call is over', () => {
  expect(judgeChange('held').take(call('held'))?.code).toBe(EXIT.done);
  expect(judgeChange('held').take(call('terminated'))?.code).toBe(EXIT.peerRefused);
  const refused: Event = {
    ...envelope,
    ...{ type: 'diagnosis.raised', call: 'c', code: 'hold-refused', severity: 'warning' },
    ...{ evidence: 'the hold did not happen: 488', cause: 'the other side', next: 'look' },
  };
  expect(judgeChange('held').take(refused)?.code).toBe(EXIT.peerRefused);
  expect(judgeChange('established').take(refused)).toBeUndefined();
  const unchanged = { ...refused, code: 'hold-unchanged' };
  expect(judgeChange('held').take(unchanged)?.code).toBe(EXIT.done);
});
