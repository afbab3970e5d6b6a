import { expect, test } from 'bun:test';
import { decodeALaw, decodeMuLaw, decodeSample, encodeALaw, encodeMuLaw, encodeSample } from './g711.ts';

test('silence is 0xff, and the loudest samples are 0x80 and 0x00 (G.711 Table 2a)', () => {
  expect(encodeMuLaw(0)).toBe(0xff);
  expect(encodeMuLaw(32_767)).toBe(0x80);
  expect(encodeMuLaw(-32_768)).toBe(0x00);
});

test('the sign is the highest bit, the rest is the same for both signs', () => {
  for (const sample of [1, 100, 1_000, 10_000]) {
    expect(encodeMuLaw(-sample)).toBe(encodeMuLaw(sample) & 0x7f);
  }
});

test('louder samples never have a larger code than quieter ones of the same sign', () => {
  for (let sample = 1; sample < 32_768; sample++) {
    expect(encodeMuLaw(sample)).toBeLessThanOrEqual(encodeMuLaw(sample - 1));
  }
});

test('silence is 0xd5 in A-law, and the loudest samples are 0xaa and 0x2a (G.711 Table 1a)', () => {
  expect(encodeALaw(0)).toBe(0xd5);
  expect(encodeALaw(-1)).toBe(0x55);
  expect(encodeALaw(32_767)).toBe(0xaa);
  expect(encodeALaw(-32_768)).toBe(0x2a);
});

test('what a code stands for is coded as itself again; μ-law alone has two zeros', () => {
  for (let code = 0; code < 256; code++) {
    expect(encodeALaw(decodeALaw(code))).toBe(code);
    expect(encodeMuLaw(decodeMuLaw(code))).toBe(code === 0x7f ? 0xff : code);
  }
});

test('no sample is changed by more than half a step, a 32nd of itself and a little (G.711 §2)', () => {
  for (const law of ['PCMU', 'PCMA'] as const) {
    for (let sample = -32_000; sample <= 32_000; sample += 7) {
      const changed = Math.abs(decodeSample(law, encodeSample(law, sample)) - sample);
      expect(changed).toBeLessThanOrEqual(Math.abs(sample) / 32 + 9);
    }
  }
});
