/**
 * WAV files on disk: one that is played, a second at a time, and one that is written while the call goes on.
 *
 * Why the reads and writes are synchronous: a second of audio is 8 to 768 KB out of, or 8 KB into, the system's cache,
 * some tens of microseconds, and order and errors are plain. Why the header is written with every second: a process
 * that is killed leaves a file that plays.
 *
 * `playProblem` and `recordProblem` say before a call is placed what the media thread would say once it stands.
 */
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Law } from '../rtp/g711.ts';
import { inputNeeded, newResampler, type Resampler, resampledAt } from '../rtp/resampler.ts';
import type { SampleSource } from '../rtp/tone.ts';
import {
  frameBytes,
  readFrames,
  readWav,
  WAV_HEADER_BYTES,
  type WavFormat,
  writeWavHeader,
} from '../rtp/wav.ts';

/** A file that is being played. */
export interface PlayedFile {
  /** Its samples, once through, then silence. Throws what the system says when the file cannot be read on. */
  readonly source: SampleSource;
  close(): void;
}

/** A file that is being recorded into. */
export interface RecordedFile {
  /** Samples that go on where the last ones ended. Throws what the system says: a full disk, say. */
  append(samples: Uint8Array): void;
  close(): void;
}

/** Opens a file to be played. Throws an `Error` for people: what is wrong with it. */
export function openPlayedFile(path: string): PlayedFile {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new Error('it is no file');
    const readAt = (offset: number, length: number): Uint8Array => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
    };
    const format = readWav(readAt, stat.size);
    if ('problem' in format) throw new Error(format.problem);
    return { source: fileSource(format, readAt), close: () => closeSync(descriptor) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Samples at 8 kHz out of a file of any rate. */
function fileSource(format: WavFormat, readAt: (offset: number, length: number) => Uint8Array): SampleSource {
  const each = frameBytes(format);
  const frames = Math.floor(format.dataBytes / each);
  const resampler: Resampler | undefined =
    format.sampleRate === 8_000 ? undefined : newResampler(format.sampleRate);
  const outputs =
    resampler === undefined ? frames : Math.floor((frames * resampler.denominator) / resampler.numerator);
  /** Input samples from the one with the number `first` on, and how many of them have been read. */
  let input = new Float32Array(0);
  let first = 0;
  let filled = 0;
  let output = 0;

  /** Makes the input reach from `from` to `until`, a second and more at a time. */
  function fill(from: number, until: number): void {
    const start = Math.max(first, from);
    const wanted = Math.min(frames, Math.max(until, start + format.sampleRate));
    const kept = input.subarray(start - first, filled);
    const next = new Float32Array(Math.max(0, wanted - start));
    next.set(kept);
    const bytes = readAt(
      format.dataOffset + (start + kept.length) * each,
      Math.max(0, wanted - start - kept.length) * each,
    );
    filled = kept.length + readFrames(format, bytes, next, kept.length);
    input = next;
    first = start;
  }

  return (into) => {
    for (let index = 0; index < into.length; index++) {
      if (output >= outputs) {
        into[index] = 0;
        continue;
      }
      const until = Math.min(frames, resampler === undefined ? output + 1 : inputNeeded(resampler, output));
      if (until > first + filled) fill(until - 2 * ((resampler?.reach ?? 0) + 1), until);
      const sample =
        resampler === undefined ? (input[output - first] ?? 0) : resampledAt(resampler, input, first, output);
      into[index] = Math.max(-32_768, Math.min(32_767, Math.round(sample)));
      output += 1;
    }
  };
}

/** Creates a file to be recorded into; one that is there is written over. Throws an `Error` for people. */
export function createRecordedFile(path: string, law: Law): RecordedFile {
  const problem = recordProblem(path);
  if (problem !== undefined) throw new Error(problem);
  const descriptor = openSync(path, 'w');
  let samples = 0;
  const writeHeader = (): void => writeAll(writeWavHeader(law, samples), 0);
  function writeAll(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; )
      done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
  writeHeader();
  return {
    append(bytes) {
      writeAll(bytes, WAV_HEADER_BYTES + samples);
      samples += bytes.length;
      writeHeader();
    },
    close() {
      try {
        if (samples % 2 === 1) writeAll(new Uint8Array(1), WAV_HEADER_BYTES + samples);
      } finally {
        closeSync(descriptor);
      }
    },
  };
}

/** Why a file cannot be played; undefined when it can. */
export function playProblem(path: string): string | undefined {
  try {
    openPlayedFile(path).close();
    return undefined;
  } catch (error) {
    return describeFileError(error);
  }
}

/** Why a file cannot be recorded into; undefined when it can. Nothing is written. */
export function recordProblem(path: string): string | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) {
      accessSync(dirname(path), constants.W_OK);
      return statSync(dirname(path)).isDirectory() ? undefined : 'its folder is none';
    }
    if (!stat.isFile()) return 'it is there and is no file';
    accessSync(path, constants.W_OK);
    // A slip of the hand must not cost somebody a file of another kind.
    return stat.size === 0 || isWav(path)
      ? undefined
      : 'it is there and is no WAV file; it is not written over';
  } catch (error) {
    return describeFileError(error);
  }
}

function isWav(path: string): boolean {
  const descriptor = openSync(path, 'r');
  try {
    const start = Buffer.alloc(12);
    readSync(descriptor, start, 0, 12, 0);
    return start.toString('latin1', 0, 4) === 'RIFF' && start.toString('latin1', 8, 12) === 'WAVE';
  } finally {
    closeSync(descriptor);
  }
}

/** What is wrong, in words. */
export function describeFileError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file or folder';
  if (code === 'EACCES' || code === 'EPERM') return 'it may not be read or written by this user';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'ENOSPC') return 'the disk is full';
  return error.message;
}
