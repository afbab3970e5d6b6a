import { expect, test } from 'bun:test';
import { mayKill } from './call-filter.ts';

const status = (mode: number) =>
  `Name:\tringback\nNoNewPrivs:\t1\nSeccomp:\t${mode}\nSeccomp_filters:\t${mode / 2}\n`;

test('only a filter that systemd may have set up can kill for a call that was optional', () => {
  expect(mayKill('6f0c', status(2))).toBe(true);
  expect(mayKill('6f0c', status(0))).toBe(false);
  // A container's filter refuses.
  expect(mayKill(undefined, status(2))).toBe(false);
  expect(mayKill('6f0c', '')).toBe(false);
});
