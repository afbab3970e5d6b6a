/**
 * How much of a sound is one tone: Goertzel's algorithm, a Fourier transform of one frequency.
 *
 * It answers "did the tone get through" for a recording and for what comes back from an echo.
 */

/** The share of the power of `samples` that is a tone at `hz`, 0 to 1: 1 is that tone and nothing else. */
export function toneShare(samples: ArrayLike<number>, hz: number, sampleRate: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / sampleRate);
  let [before, last, power] = [0, 0, 0];
  for (let at = 0; at < samples.length; at++) {
    const sample = samples[at] as number;
    [before, last] = [last, sample + coefficient * last - before];
    power += sample * sample;
  }
  if (power === 0) return 0;
  return (2 * (last * last + before * before - coefficient * last * before)) / (samples.length * power);
}
