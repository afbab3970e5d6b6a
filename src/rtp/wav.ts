/**
 * WAV files: the header, read and written, and samples out of their bytes (RIFF/WAVE as in the IBM and Microsoft
 * "Multimedia Programming Interface and Data Specifications 1.0" and RFC 2361).
 *
 * Read: PCM of 8 and 16 bits and both laws of G.711, mono or stereo, 4 to 192 kHz. Written: G.711 as it came, mono,
 * 8 kHz, which every player understands and a second of which is 8000 bytes.
 */
import { decodeSample, type Law } from './g711.ts';

/** Where the samples stand in a file, and what they are. */
export interface WavFormat {
  readonly encoding: 'pcm8' | 'pcm16' | Law;
  readonly channels: 1 | 2;
  readonly sampleRate: number;
  /** Of the first sample, in bytes from the start of the file. */
  readonly dataOffset: number;
  readonly dataBytes: number;
}

/** Why a file cannot be played, in words for people. */
export interface WavProblem {
  readonly problem: string;
}

/** Bytes of a file; fewer than asked for at its end. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

const MIN_SAMPLE_RATE = 4_000;
const MAX_SAMPLE_RATE = 192_000;
/** Chunks that are looked at before the samples. */
const MAX_CHUNKS = 64;

const PCM = 1;
const A_LAW = 6;
const MU_LAW = 7;
const EXTENSIBLE = 0xfffe;

/** Reads as much of a file of `fileBytes` bytes as it takes to know what is in it. */
export function readWav(readAt: ReadAt, fileBytes: number): WavFormat | WavProblem {
  const riff = readAt(0, 12);
  if (riff.length < 12 || chunkName(riff, 0) !== 'RIFF' || chunkName(riff, 8) !== 'WAVE') {
    return { problem: 'it is no WAV file (it does not begin with RIFF and WAVE)' };
  }
  let format: Omit<WavFormat, 'dataOffset' | 'dataBytes'> | undefined;
  let offset = 12;
  for (let chunks = 0; chunks < MAX_CHUNKS && offset + 8 <= fileBytes; chunks++) {
    const header = readAt(offset, 8);
    const name = chunkName(header, 0);
    const bytes = uint32(header, 4);
    if (name === 'fmt ') {
      const read = readFormat(readAt(offset + 8, Math.min(bytes, 40)));
      if ('problem' in read) return read;
      format = read;
    } else if (name === 'data') {
      if (format === undefined) return { problem: 'its samples come before their format (no fmt chunk)' };
      // A recorder that wrote to a pipe could not go back to say how much there is.
      const dataBytes = Math.min(bytes, fileBytes - offset - 8);
      return dataBytes === 0
        ? { problem: 'it holds no audio' }
        : { ...format, dataOffset: offset + 8, dataBytes };
    }
    // Chunks begin at even offsets.
    offset += 8 + bytes + (bytes & 1);
  }
  return { problem: 'it holds no audio (no data chunk)' };
}

function readFormat(bytes: Uint8Array): Omit<WavFormat, 'dataOffset' | 'dataBytes'> | WavProblem {
  if (bytes.length < 16) return { problem: 'its format is cut short (fmt chunk)' };
  const plain = uint16(bytes, 0);
  const code = plain === EXTENSIBLE && bytes.length >= 26 ? uint16(bytes, 24) : plain;
  const channels = uint16(bytes, 2);
  const sampleRate = uint32(bytes, 4);
  const bits = uint16(bytes, 14);
  const encoding = encodingOf(code, bits);
  if (encoding === undefined) {
    return {
      problem: `its encoding is not known here (format ${code}, ${bits} bits): PCM of 8 or 16 bits and G.711 are`,
    };
  }
  if (channels !== 1 && channels !== 2)
    return { problem: `it has ${channels} channels: one or two can be played` };
  if (sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE) {
    return {
      problem: `its rate is ${sampleRate} Hz: ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} can be played`,
    };
  }
  return { encoding, channels, sampleRate };
}

function encodingOf(code: number, bits: number): WavFormat['encoding'] | undefined {
  if (code === PCM) return bits === 16 ? 'pcm16' : bits === 8 ? 'pcm8' : undefined;
  if (bits !== 8) return undefined;
  return code === MU_LAW ? 'PCMU' : code === A_LAW ? 'PCMA' : undefined;
}

/** Bytes of one moment, all channels. */
export function frameBytes({ encoding, channels }: WavFormat): number {
  return (encoding === 'pcm16' ? 2 : 1) * channels;
}

/** Writes the moments in `bytes` as 16-bit linear samples into `into`, both channels as one; returns how many. */
export function readFrames(format: WavFormat, bytes: Uint8Array, into: Float32Array, at: number): number {
  const { channels } = format;
  const each = frameBytes(format);
  const frames = Math.floor(bytes.length / each);
  for (let frame = 0; frame < frames; frame++) {
    const left = sampleAt(format, bytes, frame * each);
    into[at + frame] = channels === 1 ? left : (left + sampleAt(format, bytes, frame * each + each / 2)) / 2;
  }
  return frames;
}

function sampleAt({ encoding }: WavFormat, bytes: Uint8Array, offset: number): number {
  if (encoding === 'pcm16') return (uint16(bytes, offset) << 16) >> 16;
  const byte = bytes[offset] as number;
  // PCM of 8 bits is the one that has no sign.
  return encoding === 'pcm8' ? (byte - 128) << 8 : decodeSample(encoding, byte);
}

/** Of a header that `writeWavHeader` writes. */
export const WAV_HEADER_BYTES = 58;

/** The header of a mono file with so many samples of G.711 at 8 kHz behind it. */
export function writeWavHeader(law: Law, samples: number): Uint8Array {
  const bytes = new Uint8Array(WAV_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const write = (offset: number, name: string) => bytes.set(new TextEncoder().encode(name), offset);
  write(0, 'RIFF');
  // An odd number of samples is followed by a byte that is none (the specification's padding).
  view.setUint32(4, WAV_HEADER_BYTES - 8 + samples + (samples & 1), true);
  write(8, 'WAVEfmt ');
  view.setUint32(16, 18, true);
  view.setUint16(20, law === 'PCMU' ? MU_LAW : A_LAW, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, 8_000, true);
  view.setUint32(28, 8_000, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  // No extension (offset 36). Any format but PCM has a fact chunk, which says how many samples there are.
  write(38, 'fact');
  view.setUint32(42, 4, true);
  view.setUint32(46, samples, true);
  write(50, 'data');
  view.setUint32(54, samples, true);
  return bytes;
}

function chunkName(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + 4));
}

function uint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8);
}

function uint32(bytes: Uint8Array, offset: number): number {
  return (uint16(bytes, offset) | (uint16(bytes, offset + 2) << 16)) >>> 0;
}
