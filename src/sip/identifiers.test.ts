import { expect, test } from 'bun:test';
import { Identifiers } from './identifiers.ts';

const SEED = [1, 2, 3, 4] as const;

/** One of each, in order. */
function someOf(identifiers: Identifiers): unknown[] {
  return [
    identifiers.word(),
    identifiers.fraction(),
    identifiers.tag(),
    identifiers.branch(),
    identifiers.callId(),
    identifiers.cnonce(),
  ];
}

test('the same seed gives the same sequence', () => {
  const first = new Identifiers(SEED);
  const second = new Identifiers(SEED);
  for (let round = 0; round < 100; round++) expect(someOf(first)).toEqual(someOf(second));
});

test('one bit of the seed changes everything, whichever word it is in', () => {
  const tags = new Set([new Identifiers(SEED).tag()]);
  for (let word = 0; word < 4; word++) {
    const seed: [number, number, number, number] = [...SEED];
    seed[word] = (seed[word] ?? 0) ^ 1;
    tags.add(new Identifiers(seed).tag());
  }
  expect(tags.size).toBe(5);
});

test('a golden trace stays a golden trace: the sequence of a seed is pinned', () => {
  const identifiers = new Identifiers(SEED);
  expect([identifiers.word(), identifiers.word(), identifiers.word()]).toEqual([
    2_479_724_428, 924_787_777, 2_708_642_654,
  ]);
});

test('tags have 64 bits, twice what is asked for (§19.3)', () => {
  expect(new Identifiers(SEED).tag()).toMatch(/^[0-9a-f]{16}$/);
});

test('a branch begins with the magic cookie and has 64 bits more (§8.1.1.7)', () => {
  expect(new Identifiers(SEED).branch()).toMatch(/^z9hG4bK[0-9a-f]{16}$/);
});

test('a Call-ID has 96 bits (§8.1.1.4), a client nonce 128 (RFC 7616 §3.4)', () => {
  expect(new Identifiers(SEED).callId()).toMatch(/^[0-9a-f]{24}$/);
  expect(new Identifiers(SEED).cnonce()).toMatch(/^[0-9a-f]{32}$/);
});

test('no tag comes twice in 100,000, and no branch', () => {
  const identifiers = new Identifiers([0, 0, 0, 0]);
  const seen = new Set<string>();
  for (let count = 0; count < 100_000; count++) {
    seen.add(identifiers.tag());
    seen.add(identifiers.branch());
  }
  expect(seen.size).toBe(200_000);
});

test('words are 32 bits without sign, fractions are below 1, and both are spread evenly', () => {
  const identifiers = new Identifiers(SEED);
  const quarters = [0, 0, 0, 0];
  for (let count = 0; count < 40_000; count++) {
    const word = identifiers.word();
    expect(Number.isInteger(word) && word >= 0 && word < 2 ** 32).toBe(true);
    const fraction = identifiers.fraction();
    expect(fraction >= 0 && fraction < 1).toBe(true);
    quarters[Math.floor(fraction * 4)] = (quarters[Math.floor(fraction * 4)] ?? 0) + 1;
  }
  // Four standard deviations of a fair quarter of 40,000.
  for (const count of quarters) expect(Math.abs(count - 10_000)).toBeLessThan(350);
});
