/**
 * Brings audio of any rate to 8 kHz: a windowed sinc, one row of weights for each place that an output sample can
 * have between two input samples.
 *
 * Why not every sixth sample, or a straight line between two: what lies above 4 kHz would be folded into the voice
 * and be heard as a whistle.
 */

const OUTPUT_RATE = 8_000;
/** Zero crossings of the sinc on either side: more make the slope steeper and cost time. */
const CROSSINGS = 16;
/** The edge of the band, as a part of the lower rate's half: the rest is the filter's slope. */
const EDGE = 0.9;

/** The weights for one input rate. */
export interface Resampler {
  /** Output sample n is at input sample n × numerator / denominator. */
  readonly numerator: number;
  readonly denominator: number;
  /** Input samples on either side that an output sample needs. */
  readonly reach: number;
  /** 2 × reach weights for each of the `denominator` places. */
  readonly weights: Float32Array;
}

/** Weights for `inputRate` Hz. */
export function newResampler(inputRate: number): Resampler {
  const common = gcd(inputRate, OUTPUT_RATE);
  const [numerator, denominator] = [inputRate / common, OUTPUT_RATE / common];
  /** Half the bandwidth against the input rate: of the output when that is lower, of the input else. */
  const cutoff = (Math.min(inputRate, OUTPUT_RATE) / inputRate) * EDGE;
  const reach = Math.ceil(CROSSINGS / cutoff);
  const weights = new Float32Array(denominator * 2 * reach);
  for (let place = 0; place < denominator; place++) {
    const row = weights.subarray(place * 2 * reach, (place + 1) * 2 * reach);
    let sum = 0;
    for (let tap = 0; tap < row.length; tap++) {
      // Input sample floor(center) − reach + 1 + tap, against the center.
      const distance = tap - reach + 1 - place / denominator;
      const weight = sinc(distance * cutoff) * window(distance / reach);
      row[tap] = weight;
      sum += weight;
    }
    // The same loudness at every place.
    for (let tap = 0; tap < row.length; tap++) row[tap] = (row[tap] as number) / sum;
  }
  return { numerator, denominator, reach, weights };
}

/**
 * The output sample with that number; `input[0]` is the input sample with the number `first`. What lies outside of
 * `input` counts as silence.
 */
export function resampledAt(
  resampler: Resampler,
  input: Float32Array,
  first: number,
  output: number,
): number {
  const { numerator, denominator, reach, weights } = resampler;
  const center = Math.floor((output * numerator) / denominator);
  const row = ((output * numerator) % denominator) * 2 * reach;
  let sum = 0;
  for (let tap = 0; tap < 2 * reach; tap++) {
    sum += (weights[row + tap] as number) * (input[center - reach + 1 + tap - first] ?? 0);
  }
  return sum;
}

/** The number after the last input sample that this output sample needs. */
export function inputNeeded({ numerator, denominator, reach }: Resampler, output: number): number {
  return Math.floor((output * numerator) / denominator) + reach + 1;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Blackman's, 1 in the middle and 0 at −1 and 1. */
function window(x: number): number {
  if (Math.abs(x) >= 1) return 0;
  return 0.42 + 0.5 * Math.cos(Math.PI * x) + 0.08 * Math.cos(2 * Math.PI * x);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
