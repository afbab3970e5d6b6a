/** A flood of bad messages is counted, not written line by line. */
import { expect, test } from 'bun:test';
import { ECHO_ADDRESS, echoScene, leftovers } from '../io/virtual-scene.ts';
import { MAX_REJECTIONS_AT_ONCE, REJECTIONS_PER_SECOND } from './limits.ts';
import { RejectionLimit } from './rejection-limit.ts';

const rejection = (remote: string) =>
  ({ type: 'sip.rejected', transport: 'udp', remote, code: 'bad', offset: 3, detail: 'bad' }) as const;

test('a burst is said, then some a second, and the rest is counted once a second', () => {
  const limit = new RejectionLimit();
  let said = 0;
  for (let count = 0; count < 1_000; count++) if (limit.takes(rejection(`192.0.2.1:${count}`), 50)) said += 1;
  expect(said).toBe(MAX_REJECTIONS_AT_ONCE);
  expect(limit.nextMs()).toBe(1_050);
  expect(limit.count(1_049)).toBeUndefined();
  expect(limit.count(1_050)).toMatchObject({
    remote: '192.0.2.1:999',
    code: 'rejections-left-out',
    detail: `${1_000 - MAX_REJECTIONS_AT_ONCE} more were rejected within a second, the last one from there: bad`,
  });
  expect(limit.nextMs()).toBeUndefined();
  for (let count = 0; count < 1_000; count++) if (limit.takes(rejection('192.0.2.1:1'), 1_050)) said += 1;
  expect(said).toBe(MAX_REJECTIONS_AT_ONCE + REJECTIONS_PER_SECOND);
});

test('the endpoint says the count by itself when nothing else comes', () => {
  const { network, echo, phone } = echoScene();
  for (let count = 0; count < 500; count++) phone.sendText(ECHO_ADDRESS, 'hello\n\n');
  network.run(5_000);
  const rejected = network.eventsOf(echo, 'sip.rejected');
  expect(rejected).toHaveLength(MAX_REJECTIONS_AT_ONCE + 1);
  expect(rejected.at(-1)?.detail).toStartWith(`${500 - MAX_REJECTIONS_AT_ONCE} more`);
  expect(leftovers(network, echo)).toEqual([]);
});
