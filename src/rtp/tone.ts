/**
 * What a call plays when it plays no file: a tone or silence.
 *
 * Why 440 Hz: it lies in the middle of the telephone band, everybody knows how it has to sound, and 8000 samples hold
 * it without a remainder, so that a table of 200 samples is exact for ever.
 */

/** Fills `into` with the next samples, 16 bit linear at 8 kHz. */
export type SampleSource = (into: Int16Array) => void;

/** What `--play tone` sounds at. */
export const TONE_HZ = 440;

const SAMPLE_RATE = 8_000;
/** Eleven periods. */
const TABLE_SAMPLES = 200;
/** 12 dB below full scale: clearly heard, and hurts nobody's ear. */
const LOUDNESS = 8_192;

const TABLE = Int16Array.from({ length: TABLE_SAMPLES }, (_, at) =>
  Math.round(LOUDNESS * Math.sin((2 * Math.PI * TONE_HZ * at) / SAMPLE_RATE)),
);

/** The tone, from its start. */
export function toneSource(): SampleSource {
  let at = 0;
  return (into) => {
    for (let index = 0; index < into.length; index++) {
      into[index] = TABLE[at] as number;
      at = (at + 1) % TABLE_SAMPLES;
    }
  };
}

/** Silence. */
export const silenceSource: SampleSource = (into) => {
  into.fill(0);
};
