import { describe, expect, test } from 'bun:test';
import {
  type KeyPress,
  newTelephoneEvents,
  receiveAudioAfterEvent,
  receiveTelephoneEvent,
} from './telephone-event.ts';

/** [timestamp, event, end, duration] */
type Heard = readonly [number, number, boolean, number];

function press(...packets: Heard[]): KeyPress[] {
  const state = newTelephoneEvents();
  return packets.flatMap(([timestamp, event, end, duration]) => {
    const bytes = Uint8Array.of(event, (end ? 0x80 : 0) | 10, duration >> 8, duration);
    return receiveTelephoneEvent(state, timestamp, 8000, bytes, 0, 4) ?? [];
  });
}

describe('one key (RFC 4733 §2.5)', () => {
  test('is reported once, at its end, however often the end is sent', () => {
    expect(
      press(
        [1000, 5, false, 160],
        [1000, 5, false, 320],
        [1000, 5, true, 800],
        [1000, 5, true, 800],
        [1000, 5, true, 800],
      ),
    ).toEqual([{ digit: '5', durationMs: 100 }]);
  });

  test('is reported when only one of its ends came', () => {
    expect(press([1000, 5, true, 800])).toEqual([{ digit: '5', durationMs: 100 }]);
  });

  test('an update that comes after the end changes nothing', () => {
    expect(press([1000, 5, true, 800], [1000, 5, false, 640])).toHaveLength(1);
  });

  test('the same key twice is two keys: the timestamp tells', () => {
    expect(press([1000, 5, true, 800], [3000, 5, true, 400])).toEqual([
      { digit: '5', durationMs: 100 },
      { digit: '5', durationMs: 50 },
    ]);
  });

  test('the events 0 to 16 have their names, others none', () => {
    const named = Array.from({ length: 20 }, (_, event) => press([1000, event, true, 800])[0]?.digit);
    expect(named.join(' ').trim()).toBe('0 1 2 3 4 5 6 7 8 9 * # A B C D flash');
  });

  test('a payload of three bytes is ignored', () => {
    const state = newTelephoneEvents();
    expect(receiveTelephoneEvent(state, 1, 8000, Uint8Array.of(1, 0x80, 3), 0, 3)).toBeUndefined();
    expect(state.started).toBe(false);
  });
});

describe('a lost end', () => {
  test('is made up for by the next key, with the last duration heard', () => {
    expect(press([1000, 1, false, 480], [4000, 2, false, 160], [4000, 2, true, 320])).toEqual([
      { digit: '1', durationMs: 60 },
      { digit: '2', durationMs: 40 },
    ]);
  });

  test('with a next key in a single packet, that one is told by its repeated end', () => {
    expect(press([1000, 1, false, 480], [4000, 2, true, 320], [4000, 2, true, 320])).toEqual([
      { digit: '1', durationMs: 60 },
      { digit: '2', durationMs: 40 },
    ]);
  });

  test('is made up for by audio more than 100 ms past it, not by audio beside it', () => {
    const state = newTelephoneEvents();
    receiveTelephoneEvent(state, 1000, 8000, Uint8Array.of(7, 10, 0x01, 0x40), 0, 4);
    expect(receiveAudioAfterEvent(state, 1000 + 320 + 800, 8000)).toBeUndefined();
    expect(receiveAudioAfterEvent(state, 1000 + 320 + 801, 8000)).toEqual({ digit: '7', durationMs: 40 });
    expect(receiveAudioAfterEvent(state, 1000 + 320 + 961, 8000)).toBeUndefined();
  });
});

test('a key held longer than a segment is one key (§2.5.1.3)', () => {
  expect(
    press([1000, 9, false, 0xffff], [1000 + 0xffff, 9, false, 160], [1000 + 0xffff, 9, true, 8001]),
  ).toEqual([{ digit: '9', durationMs: 9192 }]);
});

test('a late packet of an earlier key is ignored', () => {
  expect(
    press([1000, 1, true, 800], [9000, 2, false, 160], [1000, 1, true, 800], [9000, 2, true, 320]),
  ).toEqual([
    { digit: '1', durationMs: 100 },
    { digit: '2', durationMs: 40 },
  ]);
});
