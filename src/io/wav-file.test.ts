import { afterAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toneShare } from '../rtp/goertzel.ts';
import { createRecordedFile, openPlayedFile, playProblem, recordProblem } from './wav-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringback-wav-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

/** PCM of 16 bits with a tone, and how it is played at 8 kHz. */
function tone(name: string, rate: number, channels: number, seconds: number): string {
  const frames = Math.round(rate * seconds);
  const bytes = Buffer.alloc(44 + frames * channels * 2);
  bytes.write('RIFF....WAVEfmt ', 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(bytes.length - 44, 40);
  for (let frame = 0; frame < frames; frame++) {
    const sample = Math.round(8_000 * Math.sin((2 * Math.PI * 600 * frame) / rate));
    for (let channel = 0; channel < channels; channel++)
      bytes.writeInt16LE(sample, 44 + (frame * channels + channel) * 2);
  }
  writeFileSync(at(name), bytes);
  return at(name);
}

function play(path: string, packets: number): Int16Array {
  const { source, close } = openPlayedFile(path);
  const all = new Int16Array(packets * 160);
  for (let packet = 0; packet < packets; packet++) source(all.subarray(packet * 160, (packet + 1) * 160));
  close();
  return all;
}

test('a file of any rate is played once, at its own speed, then there is silence', () => {
  for (const [rate, channels] of [
    [8_000, 1],
    [8_000, 2],
    [44_100, 2],
    [48_000, 1],
    [11_025, 1],
  ] as const) {
    const samples = play(tone(`${rate}-${channels}.wav`, rate, channels, 2.5), 130);
    expect(toneShare(samples.subarray(0, 20_000), 600, 8_000)).toBeGreaterThan(0.995);
    expect(Math.max(...samples.subarray(0, 20_000))).toBeWithin(7_900, 8_300);
    expect(samples.subarray(20_000).every((sample) => sample === 0)).toBe(true);
  }
});

test('what was recorded plays, and does at every moment: the header is never behind', () => {
  const path = at('recorded.wav');
  const file = createRecordedFile(path, 'PCMU');
  expect(readFileSync(path).readUInt32LE(54)).toBe(0);
  for (let round = 1; round <= 3; round++) {
    file.append(new Uint8Array(801).fill(round));
    expect(readFileSync(path).readUInt32LE(54)).toBe(round * 801);
    expect(playProblem(path)).toBeUndefined();
  }
  file.close();
  const bytes = readFileSync(path);
  expect(bytes.length).toBe(58 + 3 * 801 + 1);
  expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
  expect([bytes[58], bytes[58 + 801], bytes[58 + 2_402]]).toEqual([1, 2, 3]);
});

test('what is wrong with a file is said before a call is placed', () => {
  mkdirSync(at('folder'));
  writeFileSync(at('notes.txt'), 'not to be lost');
  writeFileSync(at('empty.wav'), '');
  const good = tone('good.wav', 8_000, 1, 0.1);
  expect(playProblem(good)).toBeUndefined();
  expect(playProblem(at('none.wav'))).toBe('there is no such file or folder');
  expect(playProblem(at('folder'))).toMatch(/no file|is a folder/);
  expect(playProblem(at('notes.txt'))).toMatch(/no WAV file/);
  expect(playProblem('/dev/zero')).toBe('it is no file');
  expect(recordProblem(at('new.wav'))).toBeUndefined();
  expect(recordProblem(good)).toBeUndefined();
  expect(recordProblem(at('empty.wav'))).toBeUndefined();
  expect(recordProblem(at('none/new.wav'))).toBe('there is no such file or folder');
  expect(recordProblem(at('folder'))).toBe('it is there and is no file');
  expect(recordProblem(at('notes.txt'))).toMatch(/not written over/);
  expect(() => createRecordedFile(at('notes.txt'), 'PCMU')).toThrow(/not written over/);
  expect(readFileSync(at('notes.txt'), 'utf8')).toBe('not to be lost');
});
