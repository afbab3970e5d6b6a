/** CANCEL of calls that come in, before, while and after they ring (RFC 3261 §9.2). */
import { expect, test } from 'bun:test';
import { echoTests } from '../io/scene-tests.ts';
import { value } from './message.ts';

const open = echoTests();

test('CANCEL before 180 gets 200, and the INVITE 487 with the same tag (§9.2)', () => {
  const { network, caller, last } = open({ ringDelayMs: 1_000 });
  const call = caller();
  call.invite();
  network.run(100);
  call.cancel();
  network.run(100);
  expect(call.statuses('CANCEL')).toEqual([200]);
  expect(call.statuses()).toEqual([100, 487]);
  const tagOf = (text: string | undefined) => /;tag=(.*)/.exec(text ?? '')?.[1];
  const [cancelled] = call.responses('CANCEL');
  const refused = call.finalResponse();
  expect(tagOf(cancelled && value(cancelled.message, 'To'))).toBe(tagOf(refused && value(refused, 'To')));
  call.ack();
  network.run(100);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'cancelled', status: 487 });
});

test('CANCEL after 180 gets 200, and the INVITE 487 (§9.2)', () => {
  const { network, echo, caller } = open({ answerDelayMs: 1_000 });
  const call = caller();
  call.invite();
  network.run(100);
  call.cancel();
  network.run(100);
  call.ack();
  expect(call.statuses()).toEqual([100, 180, 487]);
  expect(echo.media.commands).toEqual([]);
});

test('CANCEL after 200 gets 200 and changes nothing: the call stands until the BYE (§9.2)', () => {
  const { network, caller, states } = open();
  const call = caller();
  call.invite();
  network.run(100);
  call.cancel();
  network.run(100);
  expect(call.statuses('CANCEL')).toEqual([200]);
  expect(call.statuses()).toEqual([100, 180, 200]);
  call.ack();
  network.run(100);
  expect(states().at(-1)).toBe('established');
  call.bye();
});

test('CANCEL of an INVITE that was refused gets 200 with a tag (§9.2, §8.2.6.2)', () => {
  const { network, caller } = open({ echo: false });
  const call = caller();
  call.invite();
  network.run(100);
  call.cancel();
  network.run(100);
  expect(call.statuses()).toEqual([480]);
  const [answer] = call.responses('CANCEL');
  expect(answer?.message.status).toBe(200);
  expect(answer && value(answer.message, 'To')).toContain(';tag=');
  call.ack();
});

test('CANCEL of nothing gets 481 (§9.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.request('CANCEL');
  network.run(100);
  expect(call.statuses('CANCEL')).toEqual([481]);
});
