import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Deadline, Deadlines } from './deadlines.ts';

/** Everything that is due at that time, by owner. */
function takeAll(deadlines: Deadlines<string>, nowMs: number): string[] {
  const owners: string[] = [];
  for (let due = deadlines.takeDue(nowMs); due !== undefined; due = deadlines.takeDue(nowMs)) {
    owners.push(due.owner);
  }
  return owners;
}

test('the earliest deadline is taken first, with its name', () => {
  const deadlines = new Deadlines<string>();
  deadlines.arm(30, 'Timer B', 'b');
  deadlines.arm(10, 'Timer A', 'a');
  expect(deadlines.nextMs()).toBe(10);
  expect(deadlines.takeDue(9)).toBeUndefined();
  expect(deadlines.takeDue(10)).toEqual({ name: 'Timer A', owner: 'a' });
  expect(deadlines.nextMs()).toBe(30);
  expect(deadlines.size).toBe(1);
});

test('equal times fire in the order of arming', () => {
  const deadlines = new Deadlines<string>();
  for (const owner of 'abcdefghij') deadlines.arm(5, 'x', owner);
  expect(takeAll(deadlines, 5).join('')).toBe('abcdefghij');
});

test('a disarmed deadline never fires, and no time is due for it', () => {
  const deadlines = new Deadlines<string>();
  const first = deadlines.arm(1, 'x', 'first');
  deadlines.arm(2, 'x', 'second');
  deadlines.disarm(first);
  expect(deadlines.nextMs()).toBe(2);
  expect(takeAll(deadlines, 9)).toEqual(['second']);
  expect(deadlines.nextMs()).toBeUndefined();
});

test('disarming none, twice, or after it fired changes nothing', () => {
  const deadlines = new Deadlines<string>();
  const fired = deadlines.arm(1, 'x', 'fired');
  const twice = deadlines.arm(2, 'x', 'twice');
  deadlines.arm(3, 'x', 'kept');
  expect(takeAll(deadlines, 1)).toEqual(['fired']);
  deadlines.disarm(undefined);
  deadlines.disarm(fired);
  deadlines.disarm(twice);
  deadlines.disarm(twice);
  expect(deadlines.size).toBe(1);
  expect(takeAll(deadlines, 9)).toEqual(['kept']);
  expect(deadlines.size).toBe(0);
});

test('a deadline in the past fires at the next look', () => {
  const deadlines = new Deadlines<string>();
  deadlines.arm(-1, 'x', 'late');
  expect(takeAll(deadlines, 0)).toEqual(['late']);
});

test('one that is armed while others are taken keeps its place', () => {
  const deadlines = new Deadlines<string>();
  deadlines.arm(1, 'x', 'a');
  deadlines.arm(1, 'x', 'b');
  expect(deadlines.takeDue(1)?.owner).toBe('a');
  deadlines.arm(1, 'x', 'c');
  expect(takeAll(deadlines, 1)).toEqual(['b', 'c']);
});

test('20,000 armed and disarmed leave no memory behind and keep the order', () => {
  const deadlines = new Deadlines<number>();
  const armed: Deadline<number>[] = [];
  // A fixed walk through the times: 7,919 is coprime to 20,000.
  for (let index = 0; index < 20_000; index++)
    armed.push(deadlines.arm((index * 7_919) % 20_000, 'x', index));
  for (const [index, deadline] of armed.entries()) if (index % 10 !== 0) deadlines.disarm(deadline);
  expect(deadlines.size).toBe(2_000);
  // Empty places are bounded: at most as many as armed ones, or the tolerated 1,024.
  expect(deadlines.places).toBeLessThanOrEqual(4_000);
  let lastMs = -1;
  let taken = 0;
  for (let nextMs = deadlines.nextMs(); nextMs !== undefined; nextMs = deadlines.nextMs()) {
    expect(nextMs).toBeGreaterThanOrEqual(lastMs);
    lastMs = nextMs;
    const owner = deadlines.takeDue(nextMs)?.owner ?? -1;
    expect((owner * 7_919) % 20_000).toBe(nextMs);
    taken += 1;
  }
  expect(taken).toBe(2_000);
  expect(deadlines.places).toBe(0);
});

test('any interleaving of arming, disarming and taking agrees with a sorted list', () => {
  const operation = fc.oneof(
    { weight: 5, arbitrary: fc.record({ type: fc.constant('arm' as const), inMs: fc.nat(20) }) },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('disarm' as const), which: fc.nat(200) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('take' as const), afterMs: fc.nat(5) }) },
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const deadlines = new Deadlines<number>();
      const handles: Deadline<number>[] = [];
      let model: { atMs: number; owner: number }[] = [];
      let nowMs = 0;
      for (const step of operations) {
        if (step.type === 'arm') {
          const owner = handles.length;
          handles.push(deadlines.arm(nowMs + step.inMs, 'x', owner));
          model.push({ atMs: nowMs + step.inMs, owner });
          model.sort((a, b) => a.atMs - b.atMs || a.owner - b.owner);
        } else if (step.type === 'disarm') {
          const which = handles.length === 0 ? -1 : step.which % handles.length;
          deadlines.disarm(handles[which]);
          model = model.filter(({ owner }) => owner !== which);
        } else {
          nowMs += step.afterMs;
          const due = deadlines.takeDue(nowMs)?.owner;
          const expected =
            (model[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs ? model.shift()?.owner : undefined;
          expect(due).toBe(expected);
        }
        expect(deadlines.nextMs()).toBe(model[0]?.atMs);
        expect(deadlines.size).toBe(model.length);
      }
    }),
    { numRuns: 2_000 },
  );
});
