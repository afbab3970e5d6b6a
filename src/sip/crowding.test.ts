/** Who gives way when all places are taken by peers that have spoken. */
import { expect, test } from 'bun:test';
import { Connections } from './connections.ts';
import { givesWay } from './crowding.ts';
import { Turn } from './turn.ts';

const MALLORY = '203.0.113.66';
const NEWCOMER = { address: '198.51.100.7', port: 40_000 };
const NONE = () => false;

/** One connection for each address, numbered 1, 3, 5, … */
function standing(...addresses: readonly string[]) {
  return addresses.map((address, index) => ({ id: 2 * index + 1, remote: { address, port: 1024 + index } }));
}

test('a host that spoke on every connection keeps nobody out, neither by IPv4 nor by all of an IPv6 network', () => {
  const connections = new Connections({ openFiles: 256, connections: 4 });
  for (const id of [1, 3, 5, 7]) {
    const remote = { address: MALLORY, port: id };
    connections.connected(new Turn(0), id, 'tcp', remote);
    connections.spoke({ transport: 'tcp', remote, connection: id });
  }
  const turn = new Turn(1);
  expect(connections.connected(turn, 9, 'tcp', NEWCOMER)).toBe(true);
  expect(turn.outputs).toContainEqual({ type: 'disconnect', connection: 1 });
  expect(connections.size).toBe(4);
  // Nor does it push out whoever came in, with one more of its own.
  connections.spoke({ transport: 'tcp', remote: NEWCOMER, connection: 9 });
  expect(connections.connected(new Turn(2), 11, 'tcp', { address: MALLORY, port: 11 })).toBe(false);
  const network = standing('2001:db8:0:1::a', '2001:db8:0:1::b', '2001:db8:0:1:2:3:4:5', '2001:db8::1');
  expect(givesWay(network, NEWCOMER, NONE)).toBe(1);
  // Two ways in which RFC 5952 §4.2 shortens addresses of one network.
  expect(givesWay(standing('2001:db8:0:0:1::', '2001:db8::1', '2001:db8::2'), NEWCOMER, NONE)).toBe(1);
});

test('what a call or a registration stands on stays, also of the host that has most', () => {
  const all = standing(MALLORY, MALLORY, MALLORY, '192.0.2.1');
  expect(givesWay(all, NEWCOMER, (id) => id === 1)).toBe(3);
  expect(givesWay(all, NEWCOMER, (id) => id < 7)).toBeUndefined();
});

test('the only connection of a host stays, and where nobody has more than one the newcomer goes', () => {
  expect(givesWay(standing(MALLORY, '192.0.2.1', '192.0.2.2'), NEWCOMER, NONE)).toBeUndefined();
});

test('a host that has as many but one takes none from another', () => {
  const all = standing(MALLORY, MALLORY, NEWCOMER.address);
  expect(givesWay(all, NEWCOMER, NONE)).toBeUndefined();
});
