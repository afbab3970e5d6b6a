/** The simulation itself: its invariants can fail, and what it plays it plays again to the byte. */
import { expect, test } from 'bun:test';
import type { Actor } from '../src/io/virtual.ts';
import { broken } from './broken.ts';
import { BROKEN } from './broken-endpoints.ts';
import { Deployment } from './deployment.ts';
import { Script } from './script.ts';

const CALLS = 60;

test.each(BROKEN)('an endpoint that $what is caught', ({ at, fault, said }) => {
  const wrap = (name: string, endpoint: Actor) => (name.startsWith(at) ? broken(endpoint, fault) : endpoint);
  const { faults } = new Script(new Deployment(3, { fair: true, wrap })).play(CALLS);
  expect(faults.join('\n')).toMatch(said);
});

test('what an endpoint forgets that it holds is found', () => {
  const wrap = (_: string, endpoint: Actor) => Object.assign(endpoint, { forgotten: new Map([['a', {}]]) });
  const { faults } = new Script(new Deployment(3, { fair: true, wrap })).play(CALLS);
  expect(faults).toContain('echo: 1 left in forgotten');
});

test('an endpoint that is right is not', () => {
  expect(new Script(new Deployment(3, { fair: true })).play(CALLS).faults).toEqual([]);
});

test('one seed gives one run, to the byte; another seed another', () => {
  const digests = [5, 5, 6].map((seed) => new Script(new Deployment(seed)).play(CALLS).digest);
  expect(digests[0]).toBe(digests[1] as string);
  expect(digests[2]).not.toBe(digests[0] as string);
});
