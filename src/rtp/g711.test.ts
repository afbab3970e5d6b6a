import { expect, test } from 'bun:test';
import { encodeMuLaw } from './g711.ts';

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
