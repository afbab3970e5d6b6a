/** The ports that calls wait for, give back and run out of. */
import { expect, test } from 'bun:test';
import { echoTests } from '../io/scene-tests.ts';
import { value } from './message.ts';

const open = echoTests();

test('an INVITE waits for a port that comes in time (RFC 3264 §6)', () => {
  const { network, caller } = open({}, [10_000]);
  const first = caller();
  first.invite();
  network.run(100);
  first.ack();
  const second = caller();
  second.invite();
  network.run(1_000);
  expect(second.statuses()).toEqual([100]);
  first.bye();
  network.run(100);
  expect(second.finalStatus()).toBe(200);
  second.ack();
  second.bye();
});

test('without a port for 2 s an INVITE gets 503 with Retry-After (§21.5.4)', () => {
  const { network, caller } = open({}, []);
  const call = caller();
  call.invite();
  network.run(1_900);
  expect(call.statuses()).toEqual([100]);
  network.run(200);
  expect(call.statuses()).toEqual([100, 503]);
  const refused = call.finalResponse();
  expect(refused && value(refused, 'Retry-After')).toBe('10');
  call.ack();
});

test('a port that another call gave back unopened serves the one that waits', () => {
  const { network, caller } = open({ answerDelayMs: 10_000 }, [10_000]);
  const first = caller();
  first.invite();
  network.run(100);
  const second = caller();
  second.invite();
  network.run(100);
  first.cancel();
  network.run(50);
  first.ack();
  network.run(2_000);
  expect(second.statuses()).toEqual([100, 180]);
  second.cancel();
  network.run(100);
  second.ack();
});

test('when the media thread has no port left an INVITE gets 503 at once (§21.5.4)', () => {
  const { network, echo, caller } = open({}, []);
  network.feed(echo, { type: 'media', report: { type: 'ports-exhausted', detail: 'all taken' } });
  const call = caller();
  call.invite();
  network.run(100);
  expect(call.statuses()).toEqual([100, 503]);
  call.ack();
});

test('the port of a call that has just ended is waited for, though the range is used up', () => {
  const { network, echo, caller } = open({}, [10_000]);
  const first = caller();
  first.invite();
  network.run(50);
  first.ack();
  network.feed(echo, { type: 'media', report: { type: 'ports-exhausted', detail: 'all taken' } });
  network.run(50);
  const second = caller();
  // The INVITE is there before the media thread has given the port back.
  first.bye();
  second.invite();
  network.run(100);
  expect(second.finalStatus()).toBe(200);
  second.ack();
  network.run(50);
  second.bye();
});

test('ports that come after there were none are waited for again', () => {
  const { network, echo, caller } = open({}, [10_000]);
  const first = caller();
  first.invite();
  network.run(50);
  first.ack();
  network.feed(echo, { type: 'media', report: { type: 'ports-exhausted', detail: 'all taken' } });
  first.bye();
  network.run(50);
  const [second, third] = [caller(), caller()];
  second.invite();
  third.invite();
  network.run(50);
  second.ack();
  second.bye();
  network.run(50);
  expect(third.finalStatus()).toBe(200);
  third.ack();
  third.bye();
});
