import { expect, test } from 'bun:test';
import { openStage, requestText } from './transaction-stage.ts';

const OPTIONS = requestText('OPTIONS', {
  uri: 'sip:lab.local',
  Via: 'SIP/2.0/UDP 198.51.100.1:5062;rport;branch=z9hG4bK-ours-1',
  From: '<sip:100@lab.local>;tag=ours',
  To: '<sip:lab.local>',
});

test('a request is repeated at T1, 2·T1 … capped at T2, and Timer F ends it (§17.1.2.2)', () => {
  const stage = openStage();
  stage.send(OPTIONS);
  stage.runTo(100_000);
  expect(stage.sentAt('OPTIONS')).toEqual([
    0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
  ]);
  expect(stage.heard).toEqual(['timeout at 32000']);
  expect(stage.layer.size).toBe(0);
});

test('on a stream it goes once, and Timer F ends it all the same (§17.1.2.2)', () => {
  const stage = openStage('tcp');
  stage.send(OPTIONS);
  stage.runTo(100_000);
  expect(stage.sentAt('OPTIONS')).toEqual([0]);
  expect(stage.heard).toEqual(['timeout at 32000']);
});

test('after a provisional response it is repeated every T2, and Timer F runs on (§17.1.2.2)', () => {
  const stage = openStage();
  const options = stage.send(OPTIONS);
  stage.runTo(600);
  stage.answer(options, 100);
  stage.runTo(100_000);
  // The interval that runs is not cut short: 1500 was set before.
  expect(stage.sentAt('OPTIONS')).toEqual([
    0, 500, 1_500, 5_500, 9_500, 13_500, 17_500, 21_500, 25_500, 29_500,
  ]);
  expect(stage.heard).toEqual(['response at 600', 'timeout at 32000']);
});

test('the final response is passed up once; Timer K absorbs what comes late (§17.1.2.2)', () => {
  const stage = openStage();
  const options = stage.send(OPTIONS);
  stage.runTo(100);
  stage.answer(options, 200);
  stage.runTo(5_099);
  expect(stage.answer(options, 200)).toBe(true);
  stage.fail();
  expect(stage.heard).toEqual(['response at 100']);
  expect(stage.sentAt('OPTIONS')).toEqual([0]);
  stage.runTo(5_100);
  expect(options.state).toBe('terminated');
  expect(stage.answer(options, 200)).toBe(false);
});

test('a refusal ends it like a success (§17.1.2.2)', () => {
  const stage = openStage();
  const options = stage.send(OPTIONS);
  stage.answer(options, 401);
  expect(options.state).toBe('completed');
  expect(stage.heard).toEqual(['response at 0']);
});

test('on a stream Timer K is zero (§17.1.2.2)', () => {
  const stage = openStage('tcp');
  const options = stage.send(OPTIONS);
  stage.answer(options, 200);
  expect(options.state).toBe('completed');
  stage.runTo(0);
  expect(options.state).toBe('terminated');
});

test('a transport error ends it at once, before and after a provisional response (§17.1.4)', () => {
  for (const provisional of [false, true]) {
    const stage = openStage();
    const options = stage.send(OPTIONS);
    if (provisional) stage.answer(options, 100);
    stage.fail();
    expect(stage.heard.at(-1)).toBe('failed at 0');
    expect(stage.layer.size).toBe(0);
    expect(stage.layer.nextMs()).toBeUndefined();
  }
});
