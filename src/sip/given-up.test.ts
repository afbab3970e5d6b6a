/** INVITEs that were given up and may be answered yet (RFC 3261 §13.2.2.4): no more of a call than their bound. */
import { expect, test } from 'bun:test';
import { ANSWER, callingScene } from '../io/virtual-calling.ts';
import { leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import { MAX_GIVEN_UP } from './limits.ts';

test('of a call whose holds fail again and again only the last ones are still acknowledged', () => {
  const scene = callingScene({}, [20_000]);
  scene.call();
  scene.respond(200, ANSWER);
  for (let tries = 0; tries <= MAX_GIVEN_UP; tries++) {
    scene.ours.act({ type: 'hold', call: scene.last()?.call ?? '' });
    scene.network.run(50);
    scene.network.feed(scene.ours, { type: 'unreachable', remote: PHONE_ADDRESS, error: 'gone' });
  }
  const acks = () => scene.phone.requests('ACK').length;
  expect(acks()).toBe(1);
  scene.respond(200, ANSWER, 1);
  expect(acks()).toBe(1);
  scene.respond(200, ANSWER, 2);
  expect(acks()).toBe(2);
  scene.ours.act({ type: 'hangup-all' });
  expect(leftovers(scene.network, scene.ours)).toEqual([]);
});
