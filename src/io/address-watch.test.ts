/** When a change of the machine's addresses counts. */
import { expect, test } from 'bun:test';
import { SettledChange, stateOf, watchAddresses } from './address-watch.ts';
import { findLocalAddresses } from './local-addresses.ts';

/** Sees states as `[atMs, state]` and says when a change was told; `told` follows, as in the watch. */
function told(...seen: readonly (readonly [number, string])[]): string[] {
  const settled = new SettledChange();
  let known = 'cable';
  return seen.flatMap(([atMs, state]) => {
    if (!settled.see(state, known, atMs)) return [];
    known = state;
    return [`${state} at ${atMs}`];
  });
}

test('a change is told once it has stood for half a second', () => {
  expect(told([0, 'cable'], [2_000, 'wifi'], [2_500, 'wifi'], [4_500, 'wifi'])).toEqual(['wifi at 2500']);
  // An address before its route, then both.
  expect(told([0, 'half'], [400, 'wifi'], [600, 'wifi'], [900, 'wifi'])).toEqual(['wifi at 900']);
});

test('what is as before within that time is no change', () => {
  expect(told([2_000, 'none'], [2_400, 'cable'], [4_400, 'cable'], [6_400, 'none'], [6_700, 'none'])).toEqual(
    [],
  );
});

test('a link that comes and goes is told of less and less often, and soon again once it was calm', () => {
  const flaps = Array.from({ length: 600 }, (_, at) => [at * 500, at % 4 < 2 ? 'none' : 'cable'] as const);
  const times = told(...flaps).map((line) => Number(line.split(' ')[2]));
  // Ten minutes of one change a second would be 300.
  expect(times.length).toBeLessThan(20);
  expect(times.length).toBeGreaterThan(8);
  const gaps = times.slice(1).map((atMs, at) => atMs - (times[at] ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(33_000);
  expect(gaps.at(-1)).toBeGreaterThan(29_000);
  const calm = [...flaps.slice(0, 20), [100_000, 'wifi'], [100_500, 'wifi']] as const;
  expect(told(...calm).at(-1)).toBe('wifi at 100500');
});

test('a link-local address that comes or goes is no change; another way to a peer is one', () => {
  const defaultAddresses = { ipv4: '192.0.2.7' };
  const eth = { address: '192.0.2.7', prefixLength: 24 };
  const container = { address: 'fe80::5', prefixLength: 64, zone: 'veth0' };
  const ways = new Map([['203.0.113.9', '192.0.2.7']]);
  const plain = stateOf({ defaultAddresses, interfaces: [eth] }, ways);
  expect(stateOf({ defaultAddresses, interfaces: [eth, container] }, ways)).toBe(plain);
  expect(stateOf({ defaultAddresses, interfaces: [eth] }, new Map([['203.0.113.9', '10.8.0.2']]))).not.toBe(
    plain,
  );
  expect(stateOf({ defaultAddresses: {}, interfaces: [eth] }, ways)).not.toBe(plain);
});

test('a look at this machine takes little, and what is as it was is not told', async () => {
  const first = findLocalAddresses();
  let changes = 0;
  const watch = watchAddresses(first, () => {
    changes += 1;
  });
  watch.note('127.0.0.1', '127.0.0.1');
  const startedMs = performance.now();
  for (let times = 0; times < 20; times++) findLocalAddresses();
  expect((performance.now() - startedMs) / 20).toBeLessThan(5);
  watch.look();
  await new Promise((resolve) => setImmediate(resolve));
  watch.stop();
  expect(changes).toBe(0);
  expect(findLocalAddresses()).toEqual(first);
});

test('a look that fails, as no descriptor is left for it, tells nothing and is not the last', async () => {
  let looks = 0;
  let changes = 0;
  const looked = Promise.withResolvers<void>();
  const find = () => {
    looks += 1;
    looked.resolve();
    throw new Error('A system error occurred: getifaddrs returned an error');
  };
  const watch = watchAddresses(
    { defaultAddresses: { ipv4: '192.0.2.7' }, interfaces: [] },
    () => void changes++,
    find,
  );
  watch.look();
  await looked.promise;
  watch.stop();
  expect({ looks, changes }).toEqual({ looks: 1, changes: 0 });
});
