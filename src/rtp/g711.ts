/**
 * G.711, the encoding that every phone has, in both its laws (ITU-T G.711, RFC 3551 §4.5.14). Needed where we are the
 * source of audio or keep it; the echo itself decodes nothing.
 */

/** The two laws, by their encoding names. */
export type Law = 'PCMU' | 'PCMA';

/** What silence is coded as: zero in μ-law, the smallest positive value in A-law. */
export const SILENCE: Readonly<Record<Law, number>> = { PCMU: 0xff, PCMA: 0xd5 };

/** Added before the logarithm, so that the segments start at powers of two. */
const BIAS = 0x84;
/** The loudest sample that can be coded. */
const CLIP = 32_635;

/** Whether an encoding name, in upper case, is one of the two. */
export function isLaw(name: string): name is Law {
  return name === 'PCMU' || name === 'PCMA';
}

/** One 16-bit linear sample as one byte of that law. */
export function encodeSample(law: Law, sample: number): number {
  return law === 'PCMU' ? encodeMuLaw(sample) : encodeALaw(sample);
}

/** One byte of that law as a 16-bit linear sample. */
export function decodeSample(law: Law, code: number): number {
  return law === 'PCMU' ? decodeMuLaw(code) : decodeALaw(code);
}

/** One 16-bit linear sample as one byte of μ-law. */
export function encodeMuLaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), CLIP) + BIAS;
  // The segment is where the highest bit stands: 7 to 14.
  const exponent = 31 - Math.clz32(magnitude) - 7;
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

/** One byte of μ-law as a 16-bit linear sample, the middle of its step. */
export function decodeMuLaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + BIAS) << ((bits & 0x70) >> 4)) - BIAS;
  return (bits & 0x80) === 0 ? magnitude : -magnitude;
}

/** Every other bit is turned over on the wire, so that silence is not a row of zeros (G.711 §3.1). */
const EVEN_BITS = 0x55;

/** One 16-bit linear sample as one byte of A-law. */
export function encodeALaw(sample: number): number {
  const sign = sample < 0 ? 0 : 0x80;
  // 12 bits of magnitude; −1 is the first step below zero, as 0 is the first above.
  const magnitude = (sample < 0 ? ~sample : Math.min(sample, 32_767)) >> 3;
  const exponent = magnitude < 0x20 ? 0 : 31 - Math.clz32(magnitude) - 4;
  // The lowest two segments have the same step.
  const mantissa = (magnitude >> Math.max(exponent, 1)) & 0x0f;
  return (sign | (exponent << 4) | mantissa) ^ EVEN_BITS;
}

/** One byte of A-law as a 16-bit linear sample, the middle of its step. */
export function decodeALaw(code: number): number {
  const bits = code ^ EVEN_BITS;
  const exponent = (bits & 0x70) >> 4;
  const step = ((bits & 0x0f) << 4) + 8;
  const magnitude = exponent === 0 ? step : (step + 0x100) << (exponent - 1);
  return (bits & 0x80) === 0 ? -magnitude : magnitude;
}
