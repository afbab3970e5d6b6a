import { expect, test } from 'bun:test';
import { encodeALaw, encodeMuLaw } from './g711.ts';
import { readFrames, readWav, WAV_HEADER_BYTES, type WavFormat, writeWavHeader } from './wav.ts';

const read = (bytes: Uint8Array) =>
  readWav((offset, length) => bytes.subarray(offset, offset + length), bytes.length);

function chunk(name: string, body: Uint8Array, bytes = body.length): Buffer {
  const header = Buffer.alloc(8);
  header.write(name, 'latin1');
  header.writeUInt32LE(bytes, 4);
  return Buffer.concat([header, body, Buffer.alloc(body.length % 2)]);
}

function format(code: number, channels: number, rate: number, bits: number, more: number[] = []): Buffer {
  const body = Buffer.alloc(16 + more.length);
  body.writeUInt16LE(code, 0);
  body.writeUInt16LE(channels, 2);
  body.writeUInt32LE(rate, 4);
  body.writeUInt16LE(bits, 14);
  body.set(more, 16);
  return chunk('fmt ', body);
}

const file = (...chunks: Buffer[]) => chunk('RIFF', Buffer.concat([Buffer.from('WAVE'), ...chunks]));
const samples = (bytes: readonly number[], about: Pick<WavFormat, 'encoding' | 'channels'>): number[] => {
  const into = new Float32Array(8);
  const count = readFrames(
    { ...about, sampleRate: 8_000, dataOffset: 0, dataBytes: 0 },
    Buffer.from(bytes),
    into,
    0,
  );
  return [...into.subarray(0, count)];
};

test('the header that is written reads as what was meant', () => {
  for (const law of ['PCMU', 'PCMA'] as const) {
    const bytes = Buffer.concat([writeWavHeader(law, 3), Buffer.from([1, 2, 3, 0])]);
    expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
    expect(read(bytes)).toEqual({
      encoding: law,
      channels: 1,
      sampleRate: 8_000,
      dataOffset: WAV_HEADER_BYTES,
      dataBytes: 3,
    });
  }
});

test('chunks before the samples are passed over, odd ones with their padding', () => {
  const list = chunk('LIST', Buffer.from('odd'));
  const bytes = file(list, format(1, 2, 44_100, 16), list, chunk('data', Buffer.alloc(8)));
  expect(read(bytes)).toMatchObject({ encoding: 'pcm16', channels: 2, sampleRate: 44_100, dataBytes: 8 });
});

test('an extensible format is the one that it names', () => {
  const pcm = [22, 0, 16, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113];
  expect(read(file(format(0xfffe, 1, 8_000, 16, pcm), chunk('data', Buffer.alloc(2))))).toMatchObject({
    encoding: 'pcm16',
  });
});

test('a length that was never written, as in a pipe, is the rest of the file', () => {
  const bytes = file(format(1, 1, 8_000, 16), chunk('data', Buffer.alloc(6), 0xffff_ffff));
  expect(read(bytes)).toMatchObject({ dataBytes: 6 });
});

test('what cannot be played is said in words', () => {
  const data = chunk('data', Buffer.alloc(4));
  const cases: [Uint8Array, RegExp][] = [
    [Buffer.from('ID3 and music'), /no WAV file/],
    [Buffer.alloc(0), /no WAV file/],
    [file(format(1, 1, 8_000, 24), data), /encoding is not known here \(format 1, 24 bits\)/],
    [file(format(3, 1, 8_000, 32), data), /format 3, 32 bits/],
    [file(format(1, 6, 48_000, 16), data), /6 channels/],
    [file(format(1, 1, 2_000, 16), data), /rate is 2000 Hz/],
    [file(data), /no fmt chunk/],
    [file(format(1, 1, 8_000, 16)), /no data chunk/],
    [file(format(1, 1, 8_000, 16), chunk('data', Buffer.alloc(0))), /holds no audio/],
    [file(chunk('fmt ', Buffer.alloc(4)), data), /cut short/],
  ];
  for (const [bytes, said] of cases) expect(read(bytes)).toEqual({ problem: expect.stringMatching(said) });
});

test('a file of nothing but chunks ends the search, and one of cut bytes breaks nothing', () => {
  expect(read(file(...Array.from({ length: 500 }, () => chunk('LIST', Buffer.alloc(0)))))).toHaveProperty(
    'problem',
  );
  const whole = file(format(7, 1, 8_000, 8), chunk('data', Buffer.alloc(4)));
  for (let length = 0; length < whole.length; length++) read(whole.subarray(0, length));
});

test('samples of every encoding are 16 bits linear, two channels are their middle', () => {
  expect(samples([0x34, 0x12, 0xff, 0xff], { encoding: 'pcm16', channels: 1 })).toEqual([0x1234, -1]);
  expect(samples([0, 16, 0, 32], { encoding: 'pcm16', channels: 2 })).toEqual([6_144]);
  expect(samples([0, 128, 255], { encoding: 'pcm8', channels: 1 })).toEqual([-32_768, 0, 32_512]);
  expect(samples([encodeMuLaw(0), encodeMuLaw(-8_031)], { encoding: 'PCMU', channels: 1 })).toEqual([
    0, -7_932,
  ]);
  expect(samples([encodeALaw(8), encodeALaw(24)], { encoding: 'PCMA', channels: 2 })).toEqual([16]);
});
