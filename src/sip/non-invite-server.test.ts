import { expect, test } from 'bun:test';
import { openStage, requestText } from './transaction-stage.ts';

const BYE = requestText('BYE');

test('a retransmission before any response is dropped (§17.2.2)', () => {
  const stage = openStage();
  const bye = stage.open(BYE);
  expect(stage.receive(BYE)).toBe('absorbed');
  expect(bye.state).toBe('trying');
  expect(stage.sentAt('SIP/2.0')).toEqual([]);
});

test('a retransmission after a provisional response gets the last one again (§17.2.2)', () => {
  const stage = openStage();
  const bye = stage.open(BYE);
  stage.respond(bye, 100);
  stage.respond(bye, 183);
  stage.runTo(500);
  stage.receive(BYE);
  expect(stage.sentAt('SIP/2.0 183')).toEqual([0, 500]);
});

test('the final response is sent once, and again for each retransmission, for Timer J (§17.2.2)', () => {
  const stage = openStage();
  const bye = stage.open(BYE);
  stage.respond(bye, 200);
  stage.runTo(500);
  expect(stage.receive(BYE)).toBe('absorbed');
  stage.runTo(31_999);
  expect(stage.receive(BYE)).toBe('absorbed');
  expect(stage.sentAt('SIP/2.0 200')).toEqual([0, 500, 31_999]);
  stage.runTo(32_000);
  expect(bye.state).toBe('terminated');
  expect(stage.layer.size).toBe(0);
  // From now on it is a new request.
  expect(stage.receive(BYE)).toMatchObject({ state: 'trying' });
});

test('on a stream Timer J is zero (§17.2.2)', () => {
  const stage = openStage('tcp');
  const bye = stage.open(BYE);
  stage.respond(bye, 200);
  expect(bye.state).toBe('completed');
  stage.runTo(0);
  expect(bye.state).toBe('terminated');
});

test('any other response in Completed is discarded (§17.2.2)', () => {
  const stage = openStage();
  const bye = stage.open(BYE);
  stage.respond(bye, 481);
  stage.respond(bye, 200);
  stage.respond(bye, 100);
  stage.receive(BYE);
  expect(stage.sentAt('SIP/2.0 481')).toEqual([0, 0]);
  expect(stage.sentAt('SIP/2.0')).toEqual([0, 0]);
});

test('a transport error after a response ends it, with a word to the user (§17.2.4)', () => {
  const stage = openStage();
  const bye = stage.open(BYE);
  stage.fail();
  // Nothing has been sent, so nothing has failed.
  expect(bye.state).toBe('trying');
  stage.respond(bye, 200);
  stage.fail();
  expect(stage.heard).toEqual(['failed at 0']);
  expect(stage.layer.size).toBe(0);
  expect(stage.layer.nextMs()).toBeUndefined();
});

test('the method is part of a transaction: the same branch with another method is another one (§17.2.3)', () => {
  const stage = openStage();
  stage.open(BYE);
  expect(stage.receive(requestText('OPTIONS'))).toMatchObject({ method: 'OPTIONS' });
  expect(stage.layer.size).toBe(2);
});

test('an RFC 2543 request is known by its To tag too (§17.2.3)', () => {
  const stage = openStage();
  const old = { Via: 'SIP/2.0/UDP 192.0.2.1:5060', To: '<sip:echo@lab.local>;tag=ours' };
  stage.open(requestText('BYE', old));
  expect(stage.receive(requestText('BYE', old))).toBe('absorbed');
  const other = { ...old, To: '<sip:echo@lab.local>;tag=other' };
  expect(stage.receive(requestText('BYE', other))).toMatchObject({ state: 'trying' });
});
