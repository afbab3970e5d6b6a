import { expect, test } from 'bun:test';
import { Connections } from './connections.ts';
import { FULL_AGAIN_MS } from './connections-full.ts';
import type { Output } from './endpoint-io.ts';
import { IDLE_CONNECTION_MS, MAX_CONNECTIONS, SILENT_CONNECTION_MS } from './limits.ts';
import { bytesOf, latin1 } from './text.ts';
import { requestText } from './transaction-stage.ts';
import { Turn } from './turn.ts';

const REMOTE = { address: '192.0.2.1', port: 5060 };
const NEVER = () => false;

/** Does something at that time and returns what was asked of the world, events aside. */
function at(atMs: number, doing: (turn: Turn) => unknown): Output[] {
  const turn = new Turn(atMs);
  doing(turn);
  return turn.outputs.filter(({ type }) => type !== 'event');
}

test('a connection that stands or is coming up is used again (§18.1.1)', () => {
  const connections = new Connections();
  const asked = at(0, (turn) => {
    expect(connections.flowTo(turn, { transport: 'tcp', ...REMOTE })).toEqual(
      connections.flowTo(turn, { transport: 'tcp', ...REMOTE }),
    );
  });
  expect(asked).toHaveLength(1);
  at(1, (turn) => connections.connected(turn, 2, 'tcp', REMOTE));
  expect(at(2, (turn) => connections.flowTo(turn, { transport: 'tcp', ...REMOTE }))).toEqual([]);
  expect(connections.size).toBe(1);
});

test('another port, another address or another transport is another connection', () => {
  const connections = new Connections();
  const ids = new Set<number | undefined>();
  at(0, (turn) => {
    ids.add(connections.flowTo(turn, { transport: 'tcp', ...REMOTE }).connection);
    ids.add(connections.flowTo(turn, { transport: 'tls', ...REMOTE }).connection);
    ids.add(connections.flowTo(turn, { transport: 'tcp', ...REMOTE, port: 5061 }).connection);
    ids.add(connections.flowTo(turn, { transport: 'tcp', ...REMOTE, address: '192.0.2.2' }).connection);
  });
  expect([...ids]).toEqual([2, 4, 6, 8]);
});

test('a connection that the peer opened is used towards its address and port', () => {
  const connections = new Connections();
  at(0, (turn) => connections.connected(turn, 1, 'tcp', REMOTE));
  const asked = at(0, (turn) => {
    expect(connections.flowTo(turn, { transport: 'tcp', ...REMOTE })).toEqual({
      transport: 'tcp',
      remote: REMOTE,
      connection: 1,
    });
  });
  expect(asked).toEqual([]);
});

test('messages come out of a stream whatever its cuts, with the flow to answer on (§18.3)', () => {
  const connections = new Connections();
  const text = requestText('OPTIONS') + requestText('BYE');
  at(0, (turn) => connections.connected(turn, 1, 'tcp', REMOTE));
  const starts: string[] = [];
  for (let index = 0; index < text.length; index += 7) {
    const received = connections.receive(new Turn(1), 1, bytesOf(text.slice(index, index + 7)));
    expect(received?.flow).toEqual({ transport: 'tcp', remote: REMOTE, connection: 1 });
    for (const frame of received?.frames ?? []) {
      starts.push(frame.type === 'message' ? (latin1(frame.bytes).split(' ')[0] ?? '') : frame.type);
    }
  }
  expect(starts).toEqual(['OPTIONS', 'BYE']);
});

test('of the connections that strangers open, one too many is closed at once; ours are not counted', () => {
  const connections = new Connections();
  at(0, (turn) => {
    for (let port = 1; port <= 10; port++)
      connections.flowTo(turn, { transport: 'tcp', address: '192.0.2.9', port });
    for (let index = 0; index < MAX_CONNECTIONS; index++) {
      const id = 2 * index + 1;
      expect(connections.connected(turn, id, 'tcp', { ...REMOTE, port: 1024 + index })).toBe(true);
      connections.spoke({ transport: 'tcp', remote: REMOTE, connection: id });
    }
  });
  const late = 2 * MAX_CONNECTIONS + 1;
  const refused = at(0, (turn) => expect(connections.connected(turn, late, 'tcp', REMOTE)).toBe(false));
  expect(refused).toEqual([{ type: 'disconnect', connection: late }]);
  // We can still reach out, and a place that is given up is free again.
  expect(at(0, (turn) => connections.flowTo(turn, { transport: 'tcp', ...REMOTE }))).toHaveLength(1);
  connections.disconnected(1);
  expect(at(0, (turn) => expect(connections.connected(turn, late + 2, 'tcp', REMOTE)).toBe(true))).toEqual(
    [],
  );
  connections.spoke({ transport: 'tcp', remote: REMOTE, connection: late + 2 });
  connections.disconnected(2);
  expect(connections.connected(new Turn(0), late + 4, 'tcp', REMOTE)).toBe(false);
});

test('when all places are taken, the stranger that was silent longest gives way', () => {
  const connections = new Connections();
  at(0, (turn) => {
    for (let index = 0; index < MAX_CONNECTIONS; index++)
      connections.connected(turn, 2 * index + 1, 'tcp', REMOTE);
  });
  connections.spoke({ transport: 'tcp', remote: REMOTE, connection: 1 });
  const late = 2 * MAX_CONNECTIONS + 1;
  const asked = at(0, (turn) => expect(connections.connected(turn, late, 'tcp', REMOTE)).toBe(true));
  expect(asked).toEqual([{ type: 'disconnect', connection: 3 }]);
  expect(connections.size).toBe(MAX_CONNECTIONS);
});

test('a stranger that brings no message is closed soon, whatever bytes it sends', () => {
  const connections = new Connections();
  at(0, (turn) => connections.connected(turn, 1, 'tcp', REMOTE));
  connections.receive(new Turn(29_000), 1, bytesOf('\r\n\r\nINVITE sip:'));
  expect(at(SILENT_CONNECTION_MS - 1, (turn) => connections.advance(turn, NEVER))).toEqual([]);
  const closed = at(SILENT_CONNECTION_MS, (turn) => connections.advance(turn, NEVER));
  expect(closed).toEqual([{ type: 'disconnect', connection: 1 }]);
  // One of ours may wait: it is we who have something to say.
  at(0, (turn) => {
    connections.flowTo(turn, { transport: 'tcp', ...REMOTE });
    connections.connected(turn, 2, 'tcp', REMOTE);
  });
  expect(at(SILENT_CONNECTION_MS, (turn) => connections.advance(turn, NEVER))).toEqual([]);
});

/** A stranger's connection on which a message came. */
function spokenFlow(connections: Connections): void {
  at(0, (turn) => connections.connected(turn, 1, 'tcp', REMOTE));
  connections.spoke({ transport: 'tcp', remote: REMOTE, connection: 1 });
}

test('a connection that was silent for too long and that nobody needs is closed', () => {
  const connections = new Connections();
  spokenFlow(connections);
  expect(connections.nextMs()).toBe(IDLE_CONNECTION_MS);
  expect(at(IDLE_CONNECTION_MS - 1, (turn) => connections.advance(turn, NEVER))).toEqual([]);
  const closed = at(IDLE_CONNECTION_MS, (turn) => connections.advance(turn, NEVER));
  expect(closed).toEqual([{ type: 'disconnect', connection: 1 }]);
  expect(connections.size).toBe(0);
  expect(connections.nextMs()).toBeUndefined();
});

test('what was heard in between puts it off, counted from then', () => {
  const connections = new Connections();
  spokenFlow(connections);
  connections.receive(new Turn(250_000), 1, bytesOf('\r\n'));
  expect(at(IDLE_CONNECTION_MS, (turn) => connections.advance(turn, NEVER))).toEqual([]);
  expect(connections.nextMs()).toBe(250_000 + IDLE_CONNECTION_MS);
  expect(at(250_000 + IDLE_CONNECTION_MS, (turn) => connections.advance(turn, NEVER))).toHaveLength(1);
});

test('one that carries a call stays however silent, and is looked at again', () => {
  const connections = new Connections();
  spokenFlow(connections);
  for (let round = 1; round <= 3; round++) {
    expect(at(round * IDLE_CONNECTION_MS, (turn) => connections.advance(turn, (id) => id === 1))).toEqual([]);
  }
  expect(connections.nextMs()).toBe(4 * IDLE_CONNECTION_MS);
  expect(at(4 * IDLE_CONNECTION_MS, (turn) => connections.advance(turn, NEVER))).toHaveLength(1);
});

test('closing all leaves nothing, neither connections nor deadlines', () => {
  const connections = new Connections();
  at(0, (turn) => {
    connections.connected(turn, 1, 'tcp', REMOTE);
    connections.flowTo(turn, { transport: 'tcp', ...REMOTE, port: 9 });
  });
  expect(at(1, (turn) => connections.closeAll(turn))).toEqual([
    { type: 'disconnect', connection: 1 },
    { type: 'disconnect', connection: 2 },
  ]);
  expect(connections.size).toBe(0);
  expect(connections.nextMs()).toBeUndefined();
});

test('over TLS a connection serves the name that its certificate was asked for, and no other (RFC 5922 §7)', () => {
  const connections = new Connections();
  const server = { transport: 'tls', ...REMOTE } as const;
  const ids: (number | undefined)[] = [];
  const asked = at(0, (turn) => {
    for (const domain of ['example.org', 'Example.ORG', 'example.com']) {
      ids.push(connections.flowTo(turn, { ...server, domain }).connection);
    }
  });
  expect(ids).toEqual([2, 2, 4]);
  expect(asked).toEqual([
    { type: 'connect', connection: 2, transport: 'tls', remote: REMOTE, tls: { domain: 'example.org' } },
    { type: 'connect', connection: 4, transport: 'tls', remote: REMOTE, tls: { domain: 'example.com' } },
  ]);
  // Without a name the address has to be shown; what a peer opened proves nothing of it.
  at(0, (turn) => connections.connected(turn, 1, 'tls', REMOTE));
  const [connect] = at(0, (turn) => connections.flowTo(turn, server));
  expect(connect).toMatchObject({ connection: 6, tls: { domain: REMOTE.address } });
});

test('that all places are taken is said once in ten minutes', () => {
  const connections = new Connections({ openFiles: 256, connections: 4 });
  const said: unknown[] = [];
  const connect = (ids: readonly number[], atMs = 0) => {
    for (const id of ids) {
      const turn = new Turn(atMs);
      connections.connected(turn, id, 'tcp', { ...REMOTE, port: id });
      said.push(...turn.outputs.flatMap((output) => (output.type === 'event' ? [output.event] : [])));
    }
  };
  connect([1, 3, 5, 7]);
  expect(said).toEqual([]);
  connect([9, 11, 13]);
  expect(said).toMatchObject([
    {
      code: 'connections-full',
      evidence:
        '4 connections of others are up, as many as the limit of 256 open files leaves, and one more came from 192.0.2.1:9',
      next: 'raise it (ulimit -n, LimitNOFILE= in a systemd unit), or look who opens them (ss -tn)',
    },
  ]);
  expect(connections.size).toBe(4);
  connect([15, 17], FULL_AGAIN_MS - 1);
  expect(said).toHaveLength(1);
  connect([19], FULL_AGAIN_MS);
  expect(said).toHaveLength(2);
});

test('what a stranger can have us open is half of the places, where those are few', () => {
  const connections = new Connections({ openFiles: 256, connections: 4 });
  const hop = (port: number) => ({ transport: 'tcp', address: '192.0.2.9', port }) as const;
  at(0, (turn) => connections.flowTo(turn, hop(1)));
  expect(connections.mayOpen(hop(2))).toBe(true);
  at(0, (turn) => connections.flowTo(turn, hop(2)));
  expect(connections.mayOpen(hop(3))).toBe(false);
  expect(connections.mayOpen(hop(2))).toBe(true);
});
