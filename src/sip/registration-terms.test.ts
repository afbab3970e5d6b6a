/** For how long a registrar binds, and when that is refreshed (RFC 3261 §10.2.4). */
import { expect, test } from 'bun:test';
import { registrationTests } from '../io/scene-tests.ts';
import { bound } from '../io/virtual-registration.ts';
import { value } from './message.ts';

const open = registrationTests();

for (const [grantedS, refreshS] of [
  [3_600, 3_000],
  [600, 300],
  [60, 30],
  [1, 1],
] as const) {
  test(`a registration for ${grantedS} s is refreshed after ${refreshS} s (§10.2.4)`, () => {
    const { network, register, changes, registers } = open((request) => bound(request, grantedS));
    register();
    network.run(refreshS * 1_000 + 500);
    const [first, second] = registers();
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeWithin(refreshS * 1_000, refreshS * 1_000 + 100);
    expect(changes()[1]).toMatchObject({ expiresS: grantedS });
  });
}

test('a binding that is granted for no time is no storm of REGISTERs', () => {
  const { network, register, registers } = open((request) => ({
    status: 200,
    toTag: 'r',
    headers: [['Contact', `${value(request, 'Contact')};expires=0`]],
  }));
  register();
  network.run(10_000);
  expect(registers().length).toBeLessThanOrEqual(11);
});

test('a binding for a hundred years is refreshed within a day', () => {
  const { network, register, registers } = open((request) => bound(request, 4_000_000_000));
  register();
  network.run(86_400_000 + 1_000);
  expect(registers().length).toBeGreaterThanOrEqual(2);
});

test('our Contact is found among others, however its parameters were changed (§10.2.4)', () => {
  const { network, register, changes } = open((request) => ({
    status: 200,
    toTag: 'r',
    headers: [
      ['Contact', '<sip:100@192.0.2.77:5060>;expires=17'],
      ['Contact', `${(value(request, 'Contact') ?? '').replace('>', ';ob;line=x>')};expires=500`],
    ],
  }));
  register();
  network.run(100);
  expect(changes().at(-1)).toMatchObject({ to: 'registered', expiresS: 500 });
});

test('a 200 that lists no Contact of ours is taken at its Expires (§10.2.4)', () => {
  const { network, register, changes } = open(() => ({
    status: 200,
    toTag: 'r',
    headers: [['Expires', '120']],
  }));
  register();
  network.run(100);
  expect(changes().at(-1)).toMatchObject({ to: 'registered', expiresS: 120 });
});
