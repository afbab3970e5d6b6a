import { expect, test } from 'bun:test';
import { cancelFor, ownCore } from './requests.ts';
import { openStage, read, requestText } from './transaction-stage.ts';

/** An INVITE of ours, by way of two proxies. */
const INVITE = requestText('INVITE', {
  uri: 'sip:101@lab.local',
  Via: 'SIP/2.0/UDP 198.51.100.1:5062;rport;branch=z9hG4bK-ours-1',
  Route: '<sip:p1.lab.local;lr>, <sip:p2.lab.local;lr>',
  From: '<sip:100@lab.local>;tag=ours',
  To: '<sip:101@lab.local>',
  CSeq: '7 INVITE',
});

test('INVITE goes out at 0, 500, 1500, 3500, 7500, 15500 and 31500 ms, and Timer B ends it (§17.1.1.2)', () => {
  const stage = openStage();
  stage.send(INVITE);
  stage.runTo(100_000);
  expect(stage.sentAt('INVITE')).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
  expect(stage.heard).toEqual(['timeout at 32000']);
  expect(stage.layer.size).toBe(0);
});

test('on a stream INVITE goes out once, and Timer B ends it all the same (§17.1.1.2)', () => {
  const stage = openStage('tcp');
  stage.send(INVITE);
  stage.runTo(100_000);
  expect(stage.sentAt('INVITE')).toEqual([0]);
  expect(stage.heard).toEqual(['timeout at 32000']);
});

test('after a sleep that outlasts Timer B the INVITE is given up and not sent once more (§17.1.1.2)', () => {
  const stage = openStage();
  stage.send(INVITE);
  stage.wakeAt(3_600_000);
  expect(stage.sentAt('INVITE')).toEqual([0]);
  expect(stage.heard).toEqual(['timeout at 3600000']);
});

test('T1 is what was configured (§17.1.1.1)', () => {
  const stage = openStage('udp', { t1Ms: 100, t2Ms: 800, t4Ms: 1_000 });
  stage.send(INVITE);
  stage.runTo(100_000);
  expect(stage.sentAt('INVITE')).toEqual([0, 100, 300, 700, 1_500, 3_100, 6_300]);
  expect(stage.heard).toEqual(['timeout at 6400']);
});

test('a provisional response stops the repetition and the time-out; each one is passed up (§17.1.1.2)', () => {
  const stage = openStage();
  const invite = stage.send(INVITE);
  stage.runTo(600);
  stage.answer(invite, 100);
  stage.runTo(700);
  stage.answer(invite, 180);
  stage.runTo(200_000);
  expect(stage.sentAt('INVITE')).toEqual([0, 500]);
  expect(stage.heard).toEqual(['response at 600', 'response at 700']);
  expect(invite.state).toBe('proceeding');
});

test('a refusal is acknowledged by the transaction, and again whenever it comes again (§17.1.1.2)', () => {
  const stage = openStage();
  const invite = stage.send(INVITE);
  stage.answer(invite, 486);
  stage.runTo(500);
  stage.answer(invite, 486);
  stage.runTo(31_999);
  stage.answer(invite, 486);
  expect(stage.sentAt('ACK')).toEqual([0, 500, 31_999]);
  expect(stage.heard).toEqual(['response at 0']);
  // Timer D: at least 32 s on UDP, not started anew.
  stage.runTo(32_000);
  expect(invite.state).toBe('terminated');
  expect(stage.answer(invite, 486)).toBe(false);
});

test('on a stream Timer D is zero (§17.1.1.2)', () => {
  const stage = openStage('tcp');
  const invite = stage.send(INVITE);
  stage.answer(invite, 486);
  expect(invite.state).toBe('completed');
  stage.runTo(0);
  expect(invite.state).toBe('terminated');
  expect(stage.sentAt('ACK')).toEqual([0]);
});

test('that ACK has the one Via of the INVITE, its Route, From, Call-ID and number, and To of the response (§17.1.1.3)', () => {
  const stage = openStage();
  const invite = stage.send(INVITE);
  stage.answer(invite, 486, 'theirs');
  expect(stage.lastSent.split('\r\n')).toEqual([
    'ACK sip:101@lab.local SIP/2.0',
    'Via: SIP/2.0/UDP 198.51.100.1:5062;rport;branch=z9hG4bK-ours-1',
    'Route: <sip:p1.lab.local;lr>, <sip:p2.lab.local;lr>',
    'Max-Forwards: 70',
    'From: <sip:100@lab.local>;tag=ours',
    'To: <sip:101@lab.local>;tag=theirs',
    'Call-ID: stage-1',
    'CSeq: 7 ACK',
    'Content-Length: 0',
    '',
    '',
  ]);
});

test('a 2xx is passed up each time, never acknowledged here, for 64·T1 (RFC 6026 §7.2)', () => {
  const stage = openStage();
  const invite = stage.send(INVITE);
  stage.answer(invite, 200, 'fork-1');
  stage.runTo(500);
  stage.answer(invite, 200, 'fork-1');
  stage.runTo(31_000);
  stage.answer(invite, 200, 'fork-2');
  expect(stage.heard).toEqual(['response at 0', 'response at 500', 'response at 31000']);
  expect(stage.sentAt('ACK')).toEqual([]);
  expect(stage.sentAt('INVITE')).toEqual([0]);
  stage.runTo(32_000);
  expect(invite.state).toBe('terminated');
});

test('Timer M is 64·T1 on a stream as well (RFC 6026 §7.2)', () => {
  const stage = openStage('tcp');
  const invite = stage.send(INVITE);
  stage.answer(invite, 200);
  stage.runTo(31_999);
  expect(invite.state).toBe('accepted');
  stage.runTo(32_000);
  expect(invite.state).toBe('terminated');
});

test('after a 2xx a refusal is absorbed, after a refusal a 2xx (RFC 6026 §7.2, §17.1.1.2)', () => {
  const accepted = openStage();
  const first = accepted.send(INVITE);
  accepted.answer(first, 200);
  accepted.answer(first, 486);
  accepted.answer(first, 180);
  expect(accepted.heard).toEqual(['response at 0']);
  expect(accepted.sentAt('ACK')).toEqual([]);

  const refused = openStage();
  const second = refused.send(INVITE);
  refused.answer(second, 486);
  refused.answer(second, 200);
  refused.answer(second, 180);
  expect(refused.heard).toEqual(['response at 0']);
  expect(refused.sentAt('ACK')).toEqual([0]);
});

test('a transport error ends it at once, with a word to the user (§17.1.4)', () => {
  const stage = openStage();
  stage.send(INVITE);
  stage.runTo(600);
  stage.fail();
  expect(stage.heard).toEqual(['failed at 600']);
  expect(stage.layer.size).toBe(0);
  expect(stage.layer.nextMs()).toBeUndefined();
});

test('a response belongs to the transaction of its top branch and its CSeq method (§17.1.3)', () => {
  const stage = openStage();
  const invite = stage.send(INVITE);
  const response = (via: string, cseq: string): string =>
    `SIP/2.0 200 OK\r\nVia: ${via}\r\nFrom: <sip:a@b>;tag=ours\r\nTo: <sip:c@d>;tag=x\r\nCall-ID: stage-1\r\nCSeq: ${cseq}\r\nContent-Length: 0\r\n\r\n`;
  const matches = (via: string, cseq: string) => stage.layer.matchClient(read(response(via, cseq)).core);
  const ours = 'SIP/2.0/UDP 198.51.100.1:5062;received=203.0.113.9;rport=40000;branch=z9hG4bK-ours-1';
  expect(matches(ours, '7 INVITE')).toBe(invite);
  expect(matches(ours, '7 CANCEL')).toBeUndefined();
  expect(matches(ours.replace('ours-1', 'ours-2'), '7 INVITE')).toBeUndefined();
  expect(matches('SIP/2.0/UDP 198.51.100.1:5062', '7 INVITE')).toBeUndefined();
});

test('CANCEL has the same branch and a transaction of its own: each hears its own answer (§9.1, §17.1.3)', () => {
  const stage = openStage();
  const invite = stage.send(INVITE);
  stage.answer(invite, 180);
  const request = cancelFor(invite.request);
  const cancel = stage.act((turn) =>
    stage.layer.openClient(turn, request, ownCore(request), stage.flow, 'cancel', undefined),
  );
  expect(stage.lastSent.split('\r\n').slice(0, 8)).toEqual([
    'CANCEL sip:101@lab.local SIP/2.0',
    'Via: SIP/2.0/UDP 198.51.100.1:5062;rport;branch=z9hG4bK-ours-1',
    'Route: <sip:p1.lab.local;lr>, <sip:p2.lab.local;lr>',
    'Max-Forwards: 70',
    'From: <sip:100@lab.local>;tag=ours',
    'To: <sip:101@lab.local>',
    'Call-ID: stage-1',
    'CSeq: 7 CANCEL',
  ]);
  stage.answer(cancel, 200);
  expect([cancel.state, invite.state]).toEqual(['completed', 'proceeding']);
  stage.answer(invite, 487);
  expect([cancel.state, invite.state]).toEqual(['completed', 'completed']);
});
