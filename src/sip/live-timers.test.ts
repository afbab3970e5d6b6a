/** What a screen counts down: every timer that runs, and none that was stopped. */
import { expect, test } from 'bun:test';
import { askEcho, echoScene } from '../io/virtual-scene.ts';

test('a non-INVITE server transaction that has answered waits for Timer J alone (§17.2.2)', () => {
  const scene = echoScene({ liveTimers: true });
  askEcho(scene, 'OPTIONS');
  const last = scene.network.eventsOf(scene.echo, 'timers.changed').at(-1);
  expect(last?.timers).toEqual([{ name: 'Timer J', inMs: 32_000 }]);
});

test('an answered call waits for its ACK, and the ACK stops both (§13.3.1.4)', () => {
  const scene = echoScene({ liveTimers: true });
  const caller = scene.caller();
  caller.invite();
  scene.network.run(100);
  const own = () =>
    scene.network
      .eventsOf(scene.echo, 'timers.changed')
      .filter(({ transaction }) => transaction === undefined);
  expect(
    own()
      .at(-1)
      ?.timers.map(({ name }) => name),
  ).toContain('no ack');
  caller.ack();
  scene.network.run(100);
  expect(
    own()
      .at(-1)
      ?.timers.map(({ name }) => name) ?? [],
  ).not.toContain('2xx');
});

test('nobody watches: nothing is said', () => {
  const scene = echoScene();
  askEcho(scene, 'OPTIONS');
  expect(scene.network.eventsOf(scene.echo, 'timers.changed')).toEqual([]);
});
