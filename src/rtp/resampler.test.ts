import { expect, test } from 'bun:test';
import { toneShare } from './goertzel.ts';
import { inputNeeded, newResampler, resampledAt } from './resampler.ts';

/** A tone of a second at that rate, brought to 8 kHz, without its edges. */
function resampled(rate: number, hz: number): Float64Array {
  const input = Float32Array.from(
    { length: rate },
    (_, at) => 10_000 * Math.sin((2 * Math.PI * hz * at) / rate),
  );
  const resampler = newResampler(rate);
  return Float64Array.from({ length: 6_000 }, (_, at) => resampledAt(resampler, input, 0, at + 1_000));
}

const loudness = (samples: Float64Array) =>
  Math.sqrt((2 * samples.reduce((sum, one) => sum + one * one, 0)) / samples.length);

test('a tone is the same tone, as loud as before, from any rate', () => {
  for (const rate of [4_000, 11_025, 16_000, 22_050, 44_100, 48_000, 44_057]) {
    const samples = resampled(rate, 1_000);
    expect(toneShare(samples, 1_000, 8_000)).toBeGreaterThan(0.999);
    expect(loudness(samples)).toBeCloseTo(10_000, -2);
  }
});

test('what the telephone cannot carry is taken away and not folded into the voice', () => {
  // 5 kHz would come back at 3 kHz.
  for (const rate of [16_000, 44_100, 48_000]) expect(loudness(resampled(rate, 5_000))).toBeLessThan(20);
});

test('an output sample needs no input beyond what it says', () => {
  for (const rate of [11_025, 48_000]) {
    const resampler = newResampler(rate);
    const input = Float32Array.from({ length: 2_000 }, (_, at) => Math.sin(at));
    const needed = inputNeeded(resampler, 50);
    expect(resampledAt(resampler, input.subarray(0, needed), 0, 50)).toBe(
      resampledAt(resampler, input, 0, 50),
    );
    const first = Math.floor((50 * rate) / 8_000) - resampler.reach;
    expect(resampledAt(resampler, input.subarray(first), first, 50)).toBe(
      resampledAt(resampler, input, 0, 50),
    );
  }
});
