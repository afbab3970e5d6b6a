import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  continuesSequence,
  expectedPackets,
  extendedHighest,
  lostPackets,
  MAX_DROPOUT,
  newSequence,
  receiveSequence,
  type Sequence,
} from './sequence.ts';

function heard(...numbers: number[]): { state: Sequence; arrivals: string[] } {
  const state = newSequence();
  return { state, arrivals: numbers.map((number) => receiveSequence(state, number)) };
}

describe('numbers in order (§A.1)', () => {
  test('a wrap adds a cycle and loses nothing', () => {
    const { state, arrivals } = heard(65_534, 65_535, 0, 1);
    expect(arrivals).toEqual(['first', 'next', 'next', 'next']);
    expect(extendedHighest(state)).toBe(65_537);
    expect(expectedPackets(state)).toBe(4);
    expect(lostPackets(state)).toBe(0);
  });

  test('a gap is loss until what is missing comes late', () => {
    const { state } = heard(10, 11, 14);
    expect(lostPackets(state)).toBe(2);
    expect(receiveSequence(state, 12)).toBe('late');
    expect(lostPackets(state)).toBe(1);
  });

  test('a gap over the wrap counts as over any other number', () => {
    expect(lostPackets(heard(65_530, 4).state)).toBe(9);
  });
});

describe('duplicates', () => {
  test('the same number again is a duplicate and makes good for no loss', () => {
    const { state, arrivals } = heard(1, 2, 4, 4, 4, 2);
    expect(arrivals).toEqual(['first', 'next', 'next', 'duplicate', 'duplicate', 'duplicate']);
    expect(lostPackets(state)).toBe(1);
    expect(state.duplicates).toBe(3);
  });

  test('is known 63 numbers back, also across a gap of 40', () => {
    const { state } = heard(100, 123, 163);
    expect(receiveSequence(state, 100)).toBe('duplicate');
    expect(receiveSequence(state, 123)).toBe('duplicate');
    expect(receiveSequence(state, 124)).toBe('late');
    expect(receiveSequence(state, 124)).toBe('duplicate');
  });
});

describe('jumps and restarts (§A.1)', () => {
  test('one packet far away is a stray: it is not counted', () => {
    const { state, arrivals } = heard(1, 2, 40_000, 3);
    expect(arrivals).toEqual(['first', 'next', 'jump', 'next']);
    expect(lostPackets(state)).toBe(0);
  });

  test('two in a row are a restart, and loss from before stays counted', () => {
    const { state, arrivals } = heard(1, 3, 40_000, 40_001, 40_003);
    expect(arrivals).toEqual(['first', 'next', 'jump', 'restart', 'next']);
    expect(expectedPackets(state)).toBe(3);
    expect(lostPackets(state)).toBe(2);
  });

  test('a step of MAX_DROPOUT is a jump, one less is loss', () => {
    expect(heard(0, MAX_DROPOUT).arrivals[1]).toBe('jump');
    expect(heard(0, MAX_DROPOUT - 1).arrivals[1]).toBe('next');
  });

  test('a hundred back is reordering, a hundred and one a jump', () => {
    expect(heard(1000, 900).arrivals[1]).toBe('late');
    expect(heard(1000, 899).arrivals[1]).toBe('jump');
  });

  test('only what is ahead, and near, continues a sequence', () => {
    const { state } = heard(65_000);
    expect([65_001, 400, 65_000, 64_999, 5_000].map((number) => continuesSequence(state, number))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(continuesSequence(newSequence(), 1)).toBe(false);
  });
});

test('loss is what a list of numbers says, whatever was lost, doubled or swapped with its neighbour', () => {
  const fates = fc.array(fc.constantFrom('sent', 'lost', 'twice', 'swapped'), {
    minLength: 1,
    maxLength: 300,
  });
  fc.assert(
    fc.property(fates, fc.nat(0xffff), (list, start) => {
      const numbers: number[] = [];
      for (const [index, fate] of list.entries()) {
        const number = (start + index) & 0xffff;
        if (fate === 'swapped' && numbers.length > 1) numbers.splice(-1, 0, number);
        else if (fate !== 'lost') numbers.push(number);
        if (fate === 'twice') numbers.push(number);
      }
      const { state } = heard(...numbers);
      const steps = numbers.map((number) => (number - start) & 0xffff);
      const span = steps.length === 0 ? 0 : Math.max(...steps) - (steps[0] as number) + 1;
      // A number before the first heard one is not among those expected, and yet received (§A.3).
      expect(lostPackets(state)).toBe(Math.max(0, span - new Set(steps).size));
    }),
    { numRuns: 2_000 },
  );
});
