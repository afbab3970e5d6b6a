import { expect, test } from 'bun:test';
import { encodeALaw, encodeMuLaw, SILENCE } from './g711.ts';
import { finishRecording, type HeardAudio, MAX_RECORDING_S, newRecorder, recordAudio } from './recorder.ts';

const QUIET = SILENCE.PCMU;

/** A recording, fed with packets of 160 samples that all have the same value. */
function recording(law: 'PCMU' | 'PCMA' = 'PCMU') {
  const recorder = newRecorder(law);
  const written: number[] = [];
  const sink = (samples: Uint8Array) => void written.push(...samples);
  return {
    recorder,
    hear(value: number, timestamp: number, nowMs: number, about: Partial<HeardAudio> = {}) {
      const samples = new Uint8Array(160).fill(value);
      recordAudio(
        recorder,
        { law: 'PCMU', ssrc: 1, timestamp: timestamp >>> 0, samples, ...about },
        nowMs,
        sink,
      );
    },
    /** The values in order, one for each run of 160. */
    finish(): number[] {
      finishRecording(recorder, sink);
      expect(written.length % 160).toBe(0);
      return written.filter((_, at) => at % 160 === 0);
    },
  };
}

test('packets are put where their timestamps say: gaps are silence, late ones find their place', () => {
  const { hear, finish } = recording();
  hear(1, 0, 0);
  hear(2, 160, 20);
  hear(4, 480, 60);
  hear(3, 320, 61);
  hear(6, 800, 100);
  hear(4, 480, 101);
  expect(finish()).toEqual([1, 2, 3, 4, QUIET, 6]);
});

test('timestamps wrap (RFC 3550 §5.1)', () => {
  const { hear, finish } = recording();
  hear(1, -160, 0);
  hear(2, 0, 20);
  expect(finish()).toEqual([1, 2]);
});

test('a silence of ten seconds is ten seconds, written as the time goes by', () => {
  const { hear, finish } = recording();
  hear(1, 0, 0);
  hear(2, 80_000, 10_000);
  const runs = finish();
  expect(runs).toHaveLength(501);
  expect(runs.slice(1, -1).every((value) => value === QUIET)).toBe(true);
  expect(runs.at(-1)).toBe(2);
});

test('a jump that no time explains is a new start where the row ends', () => {
  const { hear, finish } = recording();
  hear(1, 0, 0);
  hear(2, 1_000_000, 20);
  hear(3, 1_000_160, 40);
  hear(4, 500, 60);
  expect(finish()).toEqual([1, 2, 3, 4]);
});

test('another source goes on where the row ends, whatever its timestamps', () => {
  const { hear, finish } = recording();
  hear(1, 0, 0);
  hear(2, 77_000_000, 20, { ssrc: 2 });
  hear(3, 77_000_160, 40, { ssrc: 2 });
  expect(finish()).toEqual([1, 2, 3]);
});

test('a stranger cannot make the row grow faster than time, but for two seconds', () => {
  const flood: ((index: number) => Partial<HeardAudio>)[] = [
    (index) => ({ timestamp: index * 8_000 }),
    (index) => ({ timestamp: 0, ssrc: index & 1 }),
    (index) => ({ timestamp: (index * 0x4321_0000) >>> 0 }),
  ];
  for (const about of flood) {
    const { recorder, hear } = recording();
    for (let index = 0; index < 5_000; index++) hear(1, 0, index * 2, about(index));
    expect(recorder.end).toBeLessThan(8_000 * (10 * 1.1 + 3));
  }
});

test('a packet that is later than what is held is left out', () => {
  const { hear, finish } = recording();
  for (let index = 0; index < 200; index++) if (index !== 101) hear(1, index * 160, index * 20);
  hear(9, 101 * 160, 4_000);
  const runs = finish();
  expect(runs[101]).toBe(9);
  const other = recording();
  for (let index = 0; index < 220; index++) if (index !== 125) other.hear(1, index * 160, index * 20);
  other.hear(9, 125 * 160, 4_400);
  expect(other.finish()).not.toContain(9);
});

test('one law comes out, whichever comes in', () => {
  const { hear, finish } = recording('PCMA');
  hear(encodeMuLaw(5_000), 0, 0);
  hear(encodeALaw(-200), 160, 20, { law: 'PCMA' });
  expect(finish()).toEqual([encodeALaw(5_000), encodeALaw(-200)]);
});

test('two hours are enough', () => {
  const { recorder, hear } = recording();
  hear(1, 0, 0);
  recorder.end = MAX_RECORDING_S * 8_000 - 160;
  recorder.start = recorder.end - 8_000;
  hear(1, 0, MAX_RECORDING_S * 1000, { ssrc: 2 });
  expect(recorder.full).toBe(false);
  hear(1, 160, MAX_RECORDING_S * 1000 + 20, { ssrc: 2 });
  expect(recorder.full).toBe(true);
});
