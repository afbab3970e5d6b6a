import { expect, test } from 'bun:test';
import { toneShare } from './goertzel.ts';

const sine = (hz: number) =>
  Float64Array.from({ length: 1_600 }, (_, at) => 1_000 * Math.sin((2 * Math.PI * hz * at) / 8_000));

test('a tone is all itself and nothing of another; silence is no tone', () => {
  expect(toneShare(sine(440), 440, 8_000)).toBeGreaterThan(0.99);
  expect(toneShare(sine(440), 700, 8_000)).toBeLessThan(0.01);
  expect(toneShare(new Int16Array(800), 440, 8_000)).toBe(0);
});

test('two tones of the same loudness have half each', () => {
  const [low, high] = [sine(400), sine(1_000)];
  const both = low.map((sample, at) => sample + (high[at] as number));
  expect(toneShare(both, 400, 8_000)).toBeCloseTo(0.5, 2);
});
