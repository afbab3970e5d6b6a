/** What is asked again, and when (RFC 1035 §3.2.1, RFC 2308 §5, RFC 8767). The clock is a variable. */
import { expect, test } from 'bun:test';
import { MAX_DNS_ANSWERS } from '../sip/limits.ts';
import type { Found, Question } from './dns-answer.ts';
import {
  DnsCache,
  FAILURE_MS,
  MAX_NEGATIVE_TTL_S,
  MAX_STALE_S,
  MAX_TTL_S,
  type Outcome,
} from './dns-cache.ts';

const A: Question = { type: 'A', name: 'pbx.example.org' };
const SOME = (ttlS: number, data = '192.0.2.1'): Found => ({
  records: [{ type: 'A', name: A.name, data }],
  ttlS,
});
const NONE = (ttlS: number): Found => ({ records: [], code: 'ENOTFOUND', ttlS });
const AWAY: Outcome = { failed: 'ETIMEOUT' };

/** A cache before a DNS that says `now.says`, at `now.ms`; `asked` counts. */
function scene(says: Outcome) {
  const now = { ms: 0, says, asked: 0 };
  const cache = new DnsCache(
    () => {
      now.asked += 1;
      return Promise.resolve(now.says);
    },
    () => now.ms,
  );
  return { now, cache, find: (question = A) => cache.find(question, true) };
}

test('an answer serves until its time to live is over, and is asked for anew after it', async () => {
  const { now, find } = scene(SOME(60));
  await find();
  now.says = SOME(60, '192.0.2.2');
  now.ms = 59_999;
  expect(await find()).toEqual(SOME(60));
  expect(await find({ type: 'A', name: 'PBX.example.org.' })).toEqual(SOME(60));
  expect(now.asked).toBe(1);
  now.ms = 60_000;
  expect(await find()).toEqual(SOME(60, '192.0.2.2'));
  expect(now.asked).toBe(2);
});

test('"there is none" is kept by its own time, and by no more than a quarter of an hour', async () => {
  const { now, find } = scene(NONE(30));
  await find();
  now.ms = 29_999;
  await find();
  expect(now.asked).toBe(1);
  now.ms = 30_000;
  now.says = NONE(999_999);
  await find();
  now.ms += MAX_NEGATIVE_TTL_S * 1000 - 1;
  await find();
  expect(now.asked).toBe(2);
  now.ms += 1;
  await find();
  expect(now.asked).toBe(3);
});

test('a time to live of 0 is for whoever asked just then (RFC 1035 §3.2.1); those who ask at once share the answer', async () => {
  const { now, cache, find } = scene(SOME(0));
  await Promise.all([find(), find(), find()]);
  expect(now.asked).toBe(1);
  await find();
  expect([now.asked, cache.size]).toEqual([2, 0]);
});

test('an absurd time to live is a day', async () => {
  const { now, find } = scene(SOME(2 ** 31 - 1));
  await find();
  now.ms = MAX_TTL_S * 1000 - 1;
  await find();
  expect(now.asked).toBe(1);
  now.ms += 1;
  await find();
  expect(now.asked).toBe(2);
});

test('with DNS away an answer outlives its time by a day (RFC 8767 §4), and a new one replaces it', async () => {
  const { now, find } = scene(SOME(60));
  await find();
  now.says = AWAY;
  now.ms = 60_000;
  expect(await find()).toEqual(SOME(60));
  now.says = SOME(60, '192.0.2.2');
  now.ms += FAILURE_MS;
  expect(await find()).toEqual(SOME(60, '192.0.2.2'));
  now.says = AWAY;
  now.ms += (60 + MAX_STALE_S) * 1000 - 1;
  expect(await find()).toEqual(SOME(60, '192.0.2.2'));
  now.ms += FAILURE_MS;
  expect(await find()).toEqual(AWAY);
});

test('"there is none" does not outlive its time: DNS being away hides nobody', async () => {
  const { now, find } = scene(NONE(30));
  await find();
  now.says = AWAY;
  now.ms = 30_000;
  expect(await find()).toEqual(AWAY);
});

test('a question that nobody answered is not asked again for five seconds (RFC 9520 §3.2)', async () => {
  const { now, find } = scene(AWAY);
  await find();
  now.ms = FAILURE_MS - 1;
  now.says = SOME(60);
  expect(await find()).toEqual(AWAY);
  expect(now.asked).toBe(1);
  now.ms = FAILURE_MS;
  expect(await find()).toEqual(SOME(60));
});

test('who may not ask gets what is kept, old or not', async () => {
  const { now, cache, find } = scene(SOME(60));
  expect(await cache.find(A, false)).toEqual(AWAY);
  await find();
  now.ms = 61_000;
  expect(await cache.find(A, false)).toEqual(SOME(60));
  expect(now.asked).toBe(1);
});

test('types are told apart, the number of answers is bounded, and what is asked for stays', async () => {
  const { now, cache, find } = scene(SOME(60));
  await find();
  await find({ ...A, type: 'AAAA' });
  expect(now.asked).toBe(2);
  for (let index = 0; index < 2 * MAX_DNS_ANSWERS; index++) {
    await find({ type: 'A', name: `n${index}.example` });
    if (index % 100 === 0) await find();
  }
  expect(cache.size).toBe(MAX_DNS_ANSWERS);
  expect(now.asked).toBe(2 + 2 * MAX_DNS_ANSWERS);
});
