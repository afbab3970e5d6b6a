/** The frame of a stream of events: it begins and ends once, whatever ends the process. */
import { expect, test } from 'bun:test';
import type { Event } from '../events.ts';
import { endOf } from './output.ts';
import { fromTheStart } from './transcript.ts';

const event = (seq: number, atMs: number): Event => ({
  v: 1,
  seq,
  atMs,
  type: 'timer.fired',
  name: 'A',
  transaction: 't',
});
const stopped: Event = { v: 1, seq: 3, atMs: 30, type: 'session.stopped', reason: 'asked', exitCode: 0 };

test('a second signal ends the stream with session.stopped, numbered and timed on from the last event', () => {
  let nowMs = 1_000;
  const end = endOf(() => nowMs);
  expect(end.passes(event(7, 400))).toBeTrue();
  nowMs = 1_250;
  expect(end.stopped('a second signal (SIGINT)', 130)).toEqual({
    v: 1,
    seq: 8,
    atMs: 650,
    type: 'session.stopped',
    reason: 'a second signal (SIGINT)',
    exitCode: 130,
  });
  expect(end.passes(event(8, 500))).toBeFalse();
  expect(end.passes(stopped)).toBeFalse();
});

test('where the endpoint has said it, nobody says it again', () => {
  const end = endOf(() => 0);
  expect(end.passes(stopped)).toBeTrue();
  expect(end.stopped('again', 130)).toBeUndefined();
});

test('events of an agent are numbered after session.started, and timed from the start of the command', () => {
  const number = fromTheStart(() => 40);
  const at = (atMs: number) => {
    const { seq, atMs: toldMs } = number(event(900, atMs));
    return [seq, toldMs];
  };
  expect(at(70_000)).toEqual([2, 40]);
  expect(at(70_012.34)).toEqual([3, 52.3]);
  expect(at(70_011)).toEqual([4, 52.3]);
});
