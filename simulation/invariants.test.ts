/** The simulation itself: its invariants can fail, and what it plays it plays again to the byte. */
import { expect, test } from 'bun:test';
import { BROKEN, broken } from './broken.ts';
import { Deployment } from './deployment.ts';
import { Script } from './script.ts';

const CALLS = 60;

test.each(BROKEN)('an endpoint that $what is caught', ({ at, fault, said }) => {
  const wrap = (name: string, endpoint: Parameters<typeof broken>[0]) =>
    name.startsWith(at) ? broken(endpoint, fault) : endpoint;
  const { faults } = new Script(new Deployment(3, { fair: true, wrap })).play(CALLS);
  expect(faults.join('\n')).toMatch(said);
});

test('an endpoint that is right is not', () => {
  expect(new Script(new Deployment(3, { fair: true })).play(CALLS).faults).toEqual([]);
});

test('one seed gives one run, to the byte; another seed another', () => {
  const digests = [5, 5, 6].map((seed) => new Script(new Deployment(seed)).play(CALLS).digest);
  expect(digests[0]).toBe(digests[1] as string);
  expect(digests[2]).not.toBe(digests[0] as string);
});
