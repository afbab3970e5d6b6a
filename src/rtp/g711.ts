/**
 * G.711 μ-law, the encoding that every phone has (ITU-T G.711, RFC 3551 §4.5.14). Needed where we are the source of
 * audio; the echo itself decodes nothing.
 */

/** Added before the logarithm, so that the segments start at powers of two. */
const BIAS = 0x84;
/** The loudest sample that can be coded. */
const CLIP = 32_635;

/** One 16-bit linear sample as one byte of μ-law. */
export function encodeMuLaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), CLIP) + BIAS;
  // The segment is where the highest bit stands: 7 to 14.
  const exponent = 31 - Math.clz32(magnitude) - 7;
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}
