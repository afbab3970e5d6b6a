/**
 * A signal that sounds like something and repeats nowhere: a chirp that sweeps the telephone band once a second,
 * louder and softer like syllables. No two packets of it are alike, so each one that comes back is known.
 */
import { encodeMuLaw } from './g711.ts';

/** Samples a second, and in one packet of 20 ms. */
export const SAMPLE_RATE = 8_000;
export const SAMPLES_A_PACKET = 160;

const LOWEST_HZ = 300;
const HIGHEST_HZ = 3_400;
const SYLLABLES_A_SECOND = 3.3;
const LOUDNESS = 12_000;

/** The n-th packet's 160 bytes of μ-law. */
export function signalPacket(index: number): Uint8Array {
  const bytes = new Uint8Array(SAMPLES_A_PACKET);
  for (let at = 0; at < SAMPLES_A_PACKET; at++) {
    const seconds = (index * SAMPLES_A_PACKET + at) / SAMPLE_RATE;
    const sweep = seconds % 1;
    const cycles = LOWEST_HZ * sweep + ((HIGHEST_HZ - LOWEST_HZ) / 2) * sweep * sweep;
    const loudness = LOUDNESS * (0.55 + 0.45 * Math.sin(2 * Math.PI * SYLLABLES_A_SECOND * seconds));
    bytes[at] = encodeMuLaw(Math.round(loudness * Math.sin(2 * Math.PI * cycles)));
  }
  return bytes;
}
