/**
 * That the four tables are sound in themselves: every configuration of state and armed timers that a machine can
 * get into is walked. transactions.test.ts proves that they are carried out.
 */
import { expect, test } from 'bun:test';
import { INVITE_CLIENT } from './invite-client.ts';
import { INVITE_SERVER } from './invite-server.ts';
import { NON_INVITE_CLIENT } from './non-invite-client.ts';
import { NON_INVITE_SERVER } from './non-invite-server.ts';
import { RFC_TIMERS, type TimerName, timerMs } from './timers.ts';
import { type Machine, responseInput, rowFinder, type TransactionAction } from './transaction-machine.ts';

const MACHINES: readonly Machine[] = [INVITE_CLIENT, INVITE_SERVER, NON_INVITE_CLIENT, NON_INVITE_SERVER];

/** Where nothing but the user, or the peer's answer to an INVITE that rings, moves a machine on. */
const WAITING: Readonly<Record<Machine['kind'], readonly string[]>> = {
  'invite-client': ['proceeding'],
  'invite-server': ['proceeding'],
  'non-invite-client': [],
  'non-invite-server': ['trying', 'proceeding'],
};

/** A state, with the timers that run in it. */
interface Configuration {
  readonly state: string;
  readonly armed: ReadonlySet<string>;
}

/** What is armed after some actions; faults are written down. */
function after(
  armed: ReadonlySet<string>,
  actions: readonly TransactionAction[],
  reliable: boolean,
  fault: (what: string) => void,
): Set<string> {
  const now = new Set(armed);
  for (const action of actions) {
    const [verb, name = ''] = action.split(' ');
    if (verb === 'disarm') now.delete(name);
    else if (verb === 'arm' || verb === 'double' || verb === 'slow') {
      // Armed twice, the first one could not be disarmed any more.
      if (now.has(name)) fault(`${action} while it runs`);
      if (verb !== 'arm' || timerMs(name as TimerName, reliable, RFC_TIMERS) !== undefined) now.add(name);
    }
  }
  return now;
}

/** Every configuration that can be got into, the rows that were taken, and what was wrong on the way. */
function explore(machine: Machine, reliable: boolean) {
  const faults: string[] = [];
  const taken = new Set<string>();
  const found = new Map<string, Configuration>();
  const open: Configuration[] = [];
  const reach = (state: string, armed: Set<string>): void => {
    const configuration = { state, armed: state === 'terminated' ? new Set<string>() : armed };
    const key = `${state} {${[...configuration.armed].sort().join()}}`;
    if (found.has(key)) return;
    found.set(key, configuration);
    open.push(configuration);
  };
  reach(
    machine.initial,
    after(new Set(), machine.start, reliable, (what) => faults.push(`start: ${what}`)),
  );
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const row of machine.rows) {
      if (row.state !== next.state) continue;
      const [word, name = ''] = row.input.split(' ');
      const timer = word === 'timer';
      if (timer && !next.armed.has(name)) continue;
      taken.add(`${row.state} × ${row.input}`);
      const armed = new Set(next.armed);
      if (timer) armed.delete(name);
      const fault = (what: string) => faults.push(`${row.state} × ${row.input}: ${what}`);
      reach(row.next, after(armed, row.actions, reliable, fault));
    }
  }
  return { faults, taken, configurations: [...found.values()] };
}

for (const machine of MACHINES) {
  const { kind, rows } = machine;
  const find = rowFinder(machine);
  const udp = explore(machine, false);
  const tcp = explore(machine, true);
  const both = [...udp.configurations, ...tcp.configurations];

  test(`${kind}: every state and every row can be got to over UDP`, () => {
    const states = new Set(rows.flatMap(({ state, next }) => [state, next]));
    expect(new Set(udp.configurations.map(({ state }) => state))).toEqual(states);
    expect(rows.filter(({ state, input }) => !udp.taken.has(`${state} × ${input}`))).toEqual([]);
  });

  test(`${kind}: over TCP all can be got to but the rows of retransmission timers`, () => {
    const never = rows.filter(({ state, input }) => !tcp.taken.has(`${state} × ${input}`));
    expect(never.filter(({ input }) => !/^timer [AEG]$/.test(input))).toEqual([]);
  });

  test(`${kind}: terminated is an end`, () => {
    expect(rows.filter(({ state }) => state === 'terminated')).toEqual([]);
  });

  test(`${kind}: a timer that runs has a row wherever it can fire`, () => {
    const lost = both.flatMap(({ state, armed }) =>
      [...armed]
        .filter((name) => find(state, `timer ${name as TimerName}`) === undefined)
        .map((name) => `${state} × timer ${name}`),
    );
    expect(lost).toEqual([]);
  });

  test(`${kind}: no timer is armed while it runs`, () => {
    expect([...udp.faults, ...tcp.faults]).toEqual([]);
  });

  test(`${kind}: nothing waits for ever: a state has a timer, or waits for its user`, () => {
    const stuck = both.filter(
      ({ state, armed }) => armed.size === 0 && state !== 'terminated' && !WAITING[kind].includes(state),
    );
    expect(stuck).toEqual([]);
  });

  test(`${kind}: every disarm stops something`, () => {
    const idle = rows.flatMap(({ state, actions }) =>
      actions
        .filter((action) => action.startsWith('disarm '))
        .filter(
          (action) =>
            !udp.configurations.some((one) => one.state === state && one.armed.has(action.slice(7))),
        )
        .map((action) => `${state}: ${action}`),
    );
    expect(idle).toEqual([]);
  });

  test(`${kind}: every row says which section it is from`, () => {
    for (const { section } of rows) expect(section).toMatch(/^(RFC 6026 )?\d+(\.\d+)+$/);
  });
}

test('two rows for the same state and input are refused', () => {
  const [row] = INVITE_CLIENT.rows;
  if (row === undefined) throw new Error('no row');
  expect(() => rowFinder({ ...INVITE_CLIENT, rows: [row, row] })).toThrow('two rows');
});

test('a response is an input by its class', () => {
  expect([100, 199].map(responseInput)).toEqual(['1xx', '1xx']);
  expect([200, 299].map(responseInput)).toEqual(['2xx', '2xx']);
  expect([300, 486, 699].map(responseInput)).toEqual(['3xx-6xx', '3xx-6xx', '3xx-6xx']);
});
