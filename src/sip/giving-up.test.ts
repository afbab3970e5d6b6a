/** Calls that we give up: CANCEL, silence, a phone that rings for ever, a stop (RFC 3261 §9.1, §13.2.1). */
import { expect, test } from 'bun:test';
import { callingTests } from '../io/scene-tests.ts';
import { ANSWER, withAccount } from '../io/virtual-calling.ts';
import { answersBye } from '../io/virtual-peer.ts';
import { value } from './message.ts';

const open = callingTests();

test('before a provisional response no CANCEL goes; it goes as soon as one came (§9.1)', () => {
  const { network, ours, phone, call, invite, last } = open();
  call();
  network.run(50);
  ours.act({ type: 'hangup-all' });
  network.run(300);
  expect(phone.requests('CANCEL')).toHaveLength(0);
  phone.respond(invite(), 100);
  network.run(50);
  const [cancel] = phone.requests('CANCEL');
  expect(cancel && value(cancel.message, 'Via')).toBe(value(invite().message, 'Via') as string);
  expect(cancel && value(cancel.message, 'CSeq')).toBe('1 CANCEL');
  if (cancel !== undefined) phone.respond(cancel, 200, { toTag: 'bob' });
  phone.respond(invite(), 487, { toTag: 'bob' });
  network.run(50);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'hung up', status: 487 });
});

test('a 200 that crosses the CANCEL is acknowledged and ended with BYE (§9.1, §15.1.1)', () => {
  const { network, ours, phone, call, invite, states } = open();
  phone.answering = answersBye;
  call();
  network.run(50);
  phone.respond(invite(), 180, { toTag: 'bob' });
  network.run(50);
  ours.act({ type: 'hangup-all' });
  phone.respond(invite(), 200, ANSWER);
  network.run(100);
  expect(phone.requests('CANCEL')).toHaveLength(1);
  expect(phone.requests('ACK')).toHaveLength(1);
  expect(phone.requests('BYE')).toHaveLength(1);
  expect(states()).toEqual(['calling', 'ringing', 'terminated']);
});

test('a cancelled INVITE without a final response is given up after 64·T1 (§9.1)', () => {
  const { network, ours, phone, call, invite, last } = open();
  phone.answering = ({ method }) => (method === 'CANCEL' ? { status: 200, toTag: 'bob' } : undefined);
  call();
  network.run(50);
  phone.respond(invite(), 180, { toTag: 'bob' });
  network.run(50);
  ours.act({ type: 'hangup-all' });
  network.run(31_000);
  expect(last()).toMatchObject({ to: 'ringing' });
  network.run(2_000);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'hung up' });
  network.run(10_000);
  expect(ours.endpoint.alive).toEqual({ calls: 0, transactions: 0, connections: 0 });
});

test('a phone that rings for three minutes is given up with a CANCEL (§16.6 no. 11)', () => {
  const { network, phone, call, invite, last } = open();
  call();
  network.run(50);
  phone.respond(invite(), 180, { toTag: 'bob' });
  network.run(179_000);
  expect(phone.requests('CANCEL')).toHaveLength(0);
  network.run(1_500);
  const [cancel] = phone.requests('CANCEL');
  if (cancel !== undefined) phone.respond(cancel, 200, { toTag: 'bob' });
  phone.respond(invite(), 487, { toTag: 'bob' });
  network.run(50);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'nobody answered', status: 487 });
});

test('no answer at all ends the call after 64·T1, and no status is told that nobody sent, with INVITEs at T1, 2·T1, 4·T1 (§17.1.1.2, §8.1.3.1)', () => {
  const { network, phone, call, invite, last } = open();
  call();
  network.run(40_000);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'no answer in time', outcome: 'no-answer' });
  expect(last()).not.toHaveProperty('status');
  const first = invite().atMs;
  expect(phone.requests('INVITE').map(({ atMs }) => atMs - first)).toEqual([
    0, 500, 1_500, 3_500, 7_500, 15_500, 31_500,
  ]);
});

test('hung up before anybody answered, the reason is that and not the time-out', () => {
  const { network, ours, call, last } = open();
  call();
  network.run(50);
  ours.act({ type: 'hangup-all' });
  network.run(40_000);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'hung up' });
});

test('no call is placed while we stop', () => {
  const { network, ours, phone, call, last } = open();
  call();
  network.run(100);
  ours.act({ type: 'stop', reason: 'the test is over' });
  call('sip:carol@192.0.2.20');
  network.run(100);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'this service is going down' });
  expect(phone.requests('INVITE')).toHaveLength(1);
});

test('a stop ends a call that rings with CANCEL, and is over in 5 s whatever the peer does', () => {
  const { network, ours, phone, call, invite } = open();
  call();
  network.run(50);
  phone.respond(invite(), 180, { toTag: 'bob' });
  network.run(50);
  ours.act({ type: 'stop', reason: 'the test is over' });
  network.run(4_900);
  expect(phone.requests('CANCEL').length).toBeGreaterThan(0);
  expect(ours.stopped).toBeUndefined();
  network.run(200);
  expect(ours.stopped).toBe('the test is over');
});

test('a call that stands is not given up after three minutes', () => {
  const { network, phone, call, invite, last } = open();
  phone.answering = answersBye;
  call();
  network.run(50);
  phone.respond(invite(), 180, { toTag: 'bob' });
  network.run(50);
  phone.respond(invite(), 200, ANSWER);
  network.run(600_000);
  expect(last()).toMatchObject({ to: 'established' });
});

test('a provisional response to one try is none to the next: no CANCEL yet (§9.1)', () => {
  const { network, ours, phone, call, invite, last } = open(withAccount());
  call('sip:bob@lab.local');
  network.run(50);
  phone.respond(invite(), 100);
  const headers = [['WWW-Authenticate', 'Digest realm="lab.local", nonce="n1", qop="auth"']] as const;
  phone.respond(invite(), 401, { toTag: 'p', headers });
  network.run(50);
  ours.act({ type: 'hangup-all' });
  network.run(100);
  expect(phone.requests('CANCEL')).toHaveLength(0);
  phone.respond(invite(1), 486, { toTag: 'q' });
  network.run(100);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'hung up', status: 486 });
});

test('a call that nobody took says so before its CANCEL: what rang, who has the INVITE, or that nobody spoke (§9.1)', () => {
  const { network, ours, phone, call, invite, last } = open();
  const told = () => network.eventsOf(ours, 'diagnosis.raised').at(-1);
  phone.answering = ({ method }) => (method === 'CANCEL' ? { status: 200, toTag: 'bob' } : undefined);
  const ending = (status?: number) => {
    call('sip:bob@192.0.2.20', { ringTimeoutMs: 3_000 });
    network.run(50);
    const ringing = invite();
    if (status !== undefined) phone.respond(ringing, status, { toTag: 'bob' });
    network.run(3_000);
    phone.respond(ringing, 487, { toTag: 'bob' });
    network.run(40_000);
    expect(last()).toMatchObject({ to: 'terminated', reason: 'nobody answered', outcome: 'no-answer' });
    phone.heard.length = 0;
  };
  ending(180);
  expect(told()).toMatchObject({
    code: 'no-answer',
    evidence: 'it rang, and nobody answered within 3 s',
    next: expect.stringContaining('--ring-timeout'),
  });
  ending(100);
  expect(told()).toMatchObject({
    code: 'no-answer',
    evidence: '192.0.2.20:5060 over UDP has the INVITE, and after 3 s nothing rings',
  });
  ending();
  expect(told()).toMatchObject({
    code: 'no-response',
    evidence: expect.stringContaining('not even a 100 within 3 s; without any response no CANCEL may go'),
  });
  expect(network.eventsOf(ours, 'diagnosis.raised')).toHaveLength(3);
});
