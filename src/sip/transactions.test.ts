/**
 * That the tables are carried out: every row is taken by a real transaction and does what it says, and any mixture
 * of what can happen follows the tables. The RFC's own numbers stand in the tests of the four machines.
 */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Transport } from './flow.ts';
import { INVITE_CLIENT } from './invite-client.ts';
import { INVITE_SERVER } from './invite-server.ts';
import { NON_INVITE_CLIENT } from './non-invite-client.ts';
import { NON_INVITE_SERVER } from './non-invite-server.ts';
import type { ClientTransaction, ServerTransaction } from './transaction.ts';
import { type Machine, type Row, rowFinder, type TransactionInput } from './transaction-machine.ts';
import { openStage, requestText, type Stage } from './transaction-stage.ts';

const MACHINES: readonly Machine[] = [INVITE_CLIENT, INVITE_SERVER, NON_INVITE_CLIENT, NON_INVITE_SERVER];

const STATUS = { '1xx': 180, '2xx': 200, '3xx-6xx': 486 } as const;

/** Puts one thing into one transaction of one machine. */
function play(machine: Machine, transport: Transport) {
  const stage = openStage(transport);
  const method = machine.kind.startsWith('invite') ? 'INVITE' : 'OPTIONS';
  const text = requestText(method);
  const server = machine.kind.endsWith('server');
  const transaction: ServerTransaction | ClientTransaction<string> = server
    ? stage.open(text)
    : stage.send(text);
  const put = (input: TransactionInput): void => {
    if (input === 'request') stage.receive(text);
    else if (input === 'ack')
      stage.receive(requestText('ACK', { CSeq: '1 ACK', To: '<sip:echo@lab.local>;tag=ours' }));
    else if (input === 'transport error') stage.fail();
    else if (input === '1xx' || input === '2xx' || input === '3xx-6xx') {
      if (transaction.side === 'server') stage.respond(transaction, STATUS[input]);
      else stage.answer(transaction, STATUS[input]);
    } else fire(stage, input.slice(6));
  };
  return { stage, transaction, put };
}

/** Lets time pass until that timer fires; those before it fire as well. */
function fire(stage: Stage, name: string): void {
  for (let count = 0; count < 20; count++) {
    const before = stage.log.length;
    if (!stage.next()) throw new Error(`Timer ${name} is not armed`);
    if (stage.log.slice(before).some((entry) => entry.type === 'timer' && entry.name === name)) return;
  }
  throw new Error(`Timer ${name} does not fire`);
}

/** The shortest way to a state: the inputs of the rows. */
function pathTo(machine: Machine, state: string): TransactionInput[] {
  const open: { state: string; inputs: TransactionInput[] }[] = [{ state: machine.initial, inputs: [] }];
  const seen = new Set<string>([machine.initial]);
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    if (next.state === state) return next.inputs;
    for (const row of machine.rows) {
      if (row.state !== next.state || seen.has(row.next)) continue;
      seen.add(row.next);
      open.push({ state: row.next, inputs: [...next.inputs, row.input] });
    }
  }
  throw new Error(`no way to ${state}`);
}

/** What a row makes visible: messages out, and what the user hears. */
function visible(row: Row, hasMessage: boolean): { sent: number; told: string[] } {
  const sends = row.actions.filter((action) => action === 'ack' || action === 'send').length;
  const resends = row.actions.filter((action) => action === 'resend').length;
  const told = row.actions.flatMap((action) =>
    action === 'timeout' || action === 'failed' ? [action] : action === 'pass' ? ['response'] : [],
  );
  return { sent: sends + (hasMessage ? resends : 0), told };
}

for (const machine of MACHINES) {
  test(`${machine.kind}: every row is taken by a transaction, and does what it says`, () => {
    for (const row of machine.rows) {
      const { stage, transaction, put } = play(machine, 'udp');
      for (const input of pathTo(machine, row.state)) put(input);
      expect(transaction.state).toBe(row.state);
      const hasMessage = transaction.last !== undefined;
      const before = stage.log.length;
      put(row.input);
      const happened = stage.log.slice(before);
      // Timers that come first keep the state; what they did is not this row's.
      const from = row.input.startsWith('timer')
        ? happened.findLastIndex(({ type }) => type === 'timer') + 1
        : 0;
      const done = happened.slice(from);
      expect(transaction.state).toBe(row.next);
      const told: string[] = done.flatMap((entry) => (entry.type === 'told' ? [entry.what] : []));
      expect({ sent: done.filter(({ type }) => type === 'sent').length, told }).toEqual({
        ...visible(row, hasMessage),
        ...(row.input === 'ack' ? { told: [] } : {}),
      });
      expect(done.filter(({ type }) => type === 'changed')).toHaveLength(row.next === row.state ? 0 : 1);
      expect(stage.layer.size).toBe(row.next === 'terminated' ? 0 : 1);
      if (row.next === 'terminated') expect(stage.layer.nextMs()).toBeUndefined();
    }
  });
}

const INPUTS: readonly TransactionInput[] = ['request', 'ack', '1xx', '2xx', '3xx-6xx', 'transport error'];

test('whatever happens in whatever order, a transaction follows its table and comes to an end', () => {
  const taken = new Set<Row>();
  const step = fc.oneof(fc.constantFrom(...INPUTS), fc.constant('time' as const));
  fc.assert(
    fc.property(
      fc.constantFrom(...MACHINES),
      fc.constantFrom<Transport>('udp', 'tcp'),
      fc.array(step, { maxLength: 12 }),
      (machine, transport, steps) => {
        const find = rowFinder(machine);
        const { stage, transaction, put } = play(machine, transport);
        const server = transaction.side === 'server';
        for (const input of steps) {
          const { state } = transaction;
          if (state === 'terminated') break;
          if (input === 'time') {
            followed(stage, () => stage.next(), state, find, taken);
            continue;
          }
          if (!server && (input === 'request' || input === 'ack')) continue;
          if (input === 'ack' && machine.kind === 'non-invite-server') continue;
          const row = find(state, input);
          put(input);
          expect(transaction.state).toBe(row?.next ?? state);
          if (row !== undefined) taken.add(row);
          // Zero timers are due at once, as the endpoint sees to it.
          const { state: now } = transaction;
          followed(stage, () => stage.runTo(stage.nowMs), now, find, taken);
        }
        finish(machine, put, stage);
        expect(stage.layer.size).toBe(0);
        expect(stage.layer.nextMs()).toBeUndefined();
        expect(stage.nowMs).toBeLessThan(12 * 32_000 + 3 * 64_000);
      },
    ),
    { numRuns: 2_000, seed: 3261 },
  );
  const rows = MACHINES.flatMap((machine) => [...machine.rows]);
  expect(rows.filter((row) => !taken.has(row)).map(({ state, input }) => `${state} × ${input}`)).toEqual([]);
});

/** Timers that fire must each have a row in the state they fire in, and lead where it says. */
function followed(
  stage: Stage,
  pass: () => void,
  before: string,
  find: ReturnType<typeof rowFinder>,
  taken: Set<Row>,
): void {
  const start = stage.log.length;
  pass();
  let state = before;
  let expected = before;
  for (const entry of stage.log.slice(start)) {
    if (entry.type === 'changed') state = entry.to;
    if (entry.type !== 'timer') continue;
    expect(state).toBe(expected);
    const row = find(state, `timer ${entry.name}` as TransactionInput);
    if (row === undefined) throw new Error(`Timer ${entry.name} has no row in ${state}`);
    taken.add(row);
    expected = row.next;
  }
  expect(state).toBe(expected);
}

/** The user gives its final response, if it has not, and time runs out. */
function finish(machine: Machine, put: (input: TransactionInput) => void, stage: Stage): void {
  if (machine.kind.endsWith('server')) put('3xx-6xx');
  stage.runTo(stage.nowMs + 64_000);
  // An INVITE that rings waits for its answer.
  if (stage.layer.size > 0) put('3xx-6xx');
  stage.runTo(stage.nowMs + 64_000);
}

test('a stream that ends fails its own transactions and no others (§17.1.4)', () => {
  const stage = openStage('tcp');
  stage.send(requestText('OPTIONS'));
  expect(stage.act((turn) => stage.layer.connectionFailed(turn, 99, 'gone'))).toEqual([]);
  expect(stage.act((turn) => stage.layer.connectionFailed(turn, 1, 'gone'))).toMatchObject([
    { type: 'failed', error: 'gone' },
  ]);
});

test('an address that cannot be reached fails our requests to it, not our responses', () => {
  const stage = openStage('udp');
  stage.open(requestText('INVITE'));
  stage.send(requestText('OPTIONS'));
  const { remote } = stage.flow;
  const elsewhere = { ...remote, port: remote.port + 1 };
  expect(stage.act((turn) => stage.layer.unreachable(turn, elsewhere, 'no route'))).toEqual([]);
  const failed = stage.act((turn) => stage.layer.unreachable(turn, remote, 'no route'));
  expect(failed.map(({ transaction }) => transaction.method)).toEqual(['OPTIONS']);
});
