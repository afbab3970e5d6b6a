import { expect, test } from 'bun:test';
import type { Output } from './endpoint-io.ts';
import type { Flow } from './flow.ts';
import { IDLE_CONNECTION_MS, MAX_CONNECTIONS, MAX_UNSENT_BYTES, SILENT_CONNECTION_MS } from './limits.ts';
import { bytesOf, latin1 } from './text.ts';
import { DATAGRAMS, readRequest, requestText } from './transaction-stage.ts';
import { outgoing, TransportLayer } from './transport-layer.ts';
import { Turn } from './turn.ts';

const REMOTE = { address: '192.0.2.1', port: 5060 };
const NEVER = () => false;

/** Does something at that time and returns what was asked of the world, events aside. */
function at(atMs: number, doing: (turn: Turn) => unknown): Output[] {
  const turn = new Turn(atMs);
  doing(turn);
  return turn.outputs.filter(({ type }) => type !== 'event');
}

/** A flow to the peer, its connection asked for and perhaps up. */
function connectedFlow(layer: TransportLayer, atMs = 0): Flow {
  const turn = new Turn(atMs);
  const flow = layer.flowTo(turn, { transport: 'tcp', ...REMOTE });
  if (flow.connection !== undefined) layer.connected(turn, flow.connection, 'tcp', REMOTE);
  return flow;
}

function message(): ReturnType<typeof outgoing> {
  return outgoing(readRequest(requestText('OPTIONS')).message, 'stage-1', '1 OPTIONS', 'z9hG4bK-peer-1');
}

test('a datagram needs no connection', () => {
  const layer = new TransportLayer(false);
  const asked = at(0, (turn) => {
    expect(layer.flowTo(turn, { transport: 'udp', ...REMOTE })).toEqual({
      transport: 'udp',
      remote: REMOTE,
      largeOverTcp: true,
    });
    const insisting = { transport: 'udp', ...REMOTE, explicit: true } as const;
    expect(layer.flowTo(turn, insisting)).toEqual({ transport: 'udp', remote: REMOTE });
    layer.transmit(turn, DATAGRAMS, message(), undefined);
  });
  expect(asked).toEqual([{ type: 'send', flow: DATAGRAMS, bytes: message().bytes }]);
  expect(layer.isOpen(DATAGRAMS)).toBe(true);
  expect(layer.nextMs()).toBeUndefined();
});

test('the first flow to a peer asks for a connection; what is sent waits in order until it is up (§18.1.1)', () => {
  const layer = new TransportLayer(false);
  let flow: Flow | undefined;
  const asked = at(0, (turn) => {
    flow = layer.flowTo(turn, { transport: 'tcp', ...REMOTE });
    layer.write(turn, flow, bytesOf('one'));
    layer.write(turn, flow, bytesOf('two'));
  });
  expect(asked).toEqual([{ type: 'connect', connection: 2, transport: 'tcp', remote: REMOTE }]);
  const sent = at(90, (turn) => layer.connected(turn, 2, 'tcp', REMOTE));
  expect(sent.map((output) => (output.type === 'send' ? latin1(output.bytes) : output.type))).toEqual([
    'one',
    'two',
  ]);
  // Nothing goes twice.
  expect(at(90, (turn) => layer.connected(turn, 2, 'tcp', REMOTE))).toEqual([]);
  expect(at(91, (turn) => layer.write(turn, flow as Flow, bytesOf('three')))).toHaveLength(1);
});

test('a connection that stands or is coming up is used again (§18.1.1)', () => {
  const layer = new TransportLayer(false);
  const asked = at(0, (turn) => {
    expect(layer.flowTo(turn, { transport: 'tcp', ...REMOTE })).toEqual(
      layer.flowTo(turn, { transport: 'tcp', ...REMOTE }),
    );
  });
  expect(asked).toHaveLength(1);
  at(1, (turn) => layer.connected(turn, 2, 'tcp', REMOTE));
  expect(at(2, (turn) => layer.flowTo(turn, { transport: 'tcp', ...REMOTE }))).toEqual([]);
  expect(layer.connectionCount).toBe(1);
});

test('another port, another address or another transport is another connection', () => {
  const layer = new TransportLayer(false);
  const ids = new Set<number | undefined>();
  at(0, (turn) => {
    ids.add(layer.flowTo(turn, { transport: 'tcp', ...REMOTE }).connection);
    ids.add(layer.flowTo(turn, { transport: 'tls', ...REMOTE }).connection);
    ids.add(layer.flowTo(turn, { transport: 'tcp', ...REMOTE, port: 5061 }).connection);
    ids.add(layer.flowTo(turn, { transport: 'tcp', ...REMOTE, address: '192.0.2.2' }).connection);
  });
  expect([...ids]).toEqual([2, 4, 6, 8]);
});

test('a connection that the peer opened is used towards its address and port', () => {
  const layer = new TransportLayer(false);
  at(0, (turn) => layer.connected(turn, 1, 'tcp', REMOTE));
  const asked = at(0, (turn) => {
    expect(layer.flowTo(turn, { transport: 'tcp', ...REMOTE })).toEqual({
      transport: 'tcp',
      remote: REMOTE,
      connection: 1,
    });
  });
  expect(asked).toEqual([]);
});

test('messages come out of a stream whatever its cuts, with the flow to answer on (§18.3)', () => {
  const layer = new TransportLayer(false);
  const text = requestText('OPTIONS') + requestText('BYE');
  at(0, (turn) => layer.connected(turn, 1, 'tcp', REMOTE));
  const starts: string[] = [];
  for (let index = 0; index < text.length; index += 7) {
    const received = layer.receive(new Turn(1), 1, bytesOf(text.slice(index, index + 7)));
    expect(received?.flow).toEqual({ transport: 'tcp', remote: REMOTE, connection: 1 });
    for (const frame of received?.frames ?? []) {
      starts.push(frame.type === 'message' ? (latin1(frame.bytes).split(' ')[0] ?? '') : frame.type);
    }
  }
  expect(starts).toEqual(['OPTIONS', 'BYE']);
});

test('a stream that is gone is nowhere: nothing is received from it or sent on it', () => {
  const layer = new TransportLayer(false);
  const flow = connectedFlow(layer);
  expect(layer.disconnected(2)).toEqual(flow);
  expect(layer.disconnected(2)).toBeUndefined();
  expect(layer.isOpen(flow)).toBe(false);
  expect(layer.receive(new Turn(0), 2, bytesOf('x'))).toBeUndefined();
  expect(at(0, (turn) => layer.transmit(turn, flow, message(), undefined))).toEqual([]);
  expect(layer.nextMs()).toBeUndefined();
  // The next one is a new one.
  expect(at(0, (turn) => layer.flowTo(turn, { transport: 'tcp', ...REMOTE }))).toMatchObject([
    { type: 'connect', connection: 4 },
  ]);
});

test('what waits for a connection is bounded in bytes, and whole messages are dropped', () => {
  const layer = new TransportLayer(false);
  const chunk = new Uint8Array(MAX_UNSENT_BYTES / 4);
  at(0, (turn) => {
    const flow = layer.flowTo(turn, { transport: 'tcp', ...REMOTE });
    for (let count = 0; count < 6; count++) layer.write(turn, flow, chunk);
  });
  expect(at(1, (turn) => layer.connected(turn, 2, 'tcp', REMOTE))).toHaveLength(4);
});

test('of the connections that strangers open, one too many is closed at once; ours are not counted', () => {
  const layer = new TransportLayer(false);
  at(0, (turn) => {
    for (let port = 1; port <= 10; port++)
      layer.flowTo(turn, { transport: 'tcp', address: '192.0.2.9', port });
    for (let index = 0; index < MAX_CONNECTIONS; index++) {
      const id = 2 * index + 1;
      expect(layer.connected(turn, id, 'tcp', { address: '192.0.2.2', port: 1024 + index })).toBe(true);
      layer.spoke({ transport: 'tcp', remote: REMOTE, connection: id });
    }
  });
  const late = 2 * MAX_CONNECTIONS + 1;
  const refused = at(0, (turn) => expect(layer.connected(turn, late, 'tcp', REMOTE)).toBe(false));
  expect(refused).toEqual([{ type: 'disconnect', connection: late }]);
  // We can still reach out, and a place that is given up is free again.
  expect(at(0, (turn) => layer.flowTo(turn, { transport: 'tcp', ...REMOTE }))).toHaveLength(1);
  layer.disconnected(1);
  expect(at(0, (turn) => expect(layer.connected(turn, late + 2, 'tcp', REMOTE)).toBe(true))).toEqual([]);
  layer.spoke({ transport: 'tcp', remote: REMOTE, connection: late + 2 });
  layer.disconnected(2);
  expect(layer.connected(new Turn(0), late + 4, 'tcp', REMOTE)).toBe(false);
});

test('when all places are taken, the stranger that was silent longest gives way', () => {
  const layer = new TransportLayer(false);
  at(0, (turn) => {
    for (let index = 0; index < MAX_CONNECTIONS; index++) layer.connected(turn, 2 * index + 1, 'tcp', REMOTE);
  });
  layer.spoke({ transport: 'tcp', remote: REMOTE, connection: 1 });
  const late = 2 * MAX_CONNECTIONS + 1;
  const asked = at(0, (turn) => expect(layer.connected(turn, late, 'tcp', REMOTE)).toBe(true));
  expect(asked).toEqual([{ type: 'disconnect', connection: 3 }]);
  expect(layer.connectionCount).toBe(MAX_CONNECTIONS);
});

test('a stranger that brings no message is closed soon, whatever bytes it sends', () => {
  const layer = new TransportLayer(false);
  at(0, (turn) => layer.connected(turn, 1, 'tcp', REMOTE));
  layer.receive(new Turn(29_000), 1, bytesOf('\r\n\r\nINVITE sip:'));
  expect(at(SILENT_CONNECTION_MS - 1, (turn) => layer.advance(turn, NEVER))).toEqual([]);
  const closed = at(SILENT_CONNECTION_MS, (turn) => layer.advance(turn, NEVER));
  expect(closed).toEqual([{ type: 'disconnect', connection: 1 }]);
  // One of ours may wait: it is we who have something to say.
  connectedFlow(layer);
  expect(at(SILENT_CONNECTION_MS, (turn) => layer.advance(turn, NEVER))).toEqual([]);
});

/** A stranger's connection on which a message came. */
function spokenFlow(layer: TransportLayer): void {
  at(0, (turn) => layer.connected(turn, 1, 'tcp', REMOTE));
  layer.spoke({ transport: 'tcp', remote: REMOTE, connection: 1 });
}

test('a connection that was silent for too long and that nobody needs is closed', () => {
  const layer = new TransportLayer(false);
  spokenFlow(layer);
  expect(layer.nextMs()).toBe(IDLE_CONNECTION_MS);
  expect(at(IDLE_CONNECTION_MS - 1, (turn) => layer.advance(turn, NEVER))).toEqual([]);
  const closed = at(IDLE_CONNECTION_MS, (turn) => layer.advance(turn, NEVER));
  expect(closed).toEqual([{ type: 'disconnect', connection: 1 }]);
  expect(layer.connectionCount).toBe(0);
  expect(layer.nextMs()).toBeUndefined();
});

test('what was heard in between puts it off, counted from then', () => {
  const layer = new TransportLayer(false);
  spokenFlow(layer);
  layer.receive(new Turn(250_000), 1, bytesOf('\r\n'));
  expect(at(IDLE_CONNECTION_MS, (turn) => layer.advance(turn, NEVER))).toEqual([]);
  expect(layer.nextMs()).toBe(250_000 + IDLE_CONNECTION_MS);
  expect(at(250_000 + IDLE_CONNECTION_MS, (turn) => layer.advance(turn, NEVER))).toHaveLength(1);
});

test('one that carries a call stays however silent, and is looked at again', () => {
  const layer = new TransportLayer(false);
  spokenFlow(layer);
  for (let round = 1; round <= 3; round++) {
    expect(at(round * IDLE_CONNECTION_MS, (turn) => layer.advance(turn, (id) => id === 1))).toEqual([]);
  }
  expect(layer.nextMs()).toBe(4 * IDLE_CONNECTION_MS);
  expect(at(4 * IDLE_CONNECTION_MS, (turn) => layer.advance(turn, NEVER))).toHaveLength(1);
});

test('what could not be sent is not reported as sent', () => {
  const layer = new TransportLayer(false);
  const flow = connectedFlow(layer);
  const events = (): number => {
    const turn = new Turn(1);
    layer.transmit(turn, flow, message(), undefined);
    return turn.outputs.filter(({ type }) => type === 'event').length;
  };
  expect(events()).toBe(1);
  layer.disconnected(2);
  expect(events()).toBe(0);
});

test('closing all leaves nothing, neither connections nor deadlines', () => {
  const layer = new TransportLayer(false);
  at(0, (turn) => {
    layer.connected(turn, 1, 'tcp', REMOTE);
    layer.flowTo(turn, { transport: 'tcp', ...REMOTE, port: 9 });
  });
  expect(at(1, (turn) => layer.closeAll(turn))).toEqual([
    { type: 'disconnect', connection: 1 },
    { type: 'disconnect', connection: 2 },
  ]);
  expect(layer.connectionCount).toBe(0);
  expect(layer.nextMs()).toBeUndefined();
});

test('every message that leaves is reported; the message itself only when asked for, credentials masked', () => {
  const reported = (raw: boolean) => {
    const turn = new Turn(0);
    const text = requestText('OPTIONS', { Authorization: 'Digest username="100", response="c0ffee"' });
    const ready = outgoing(readRequest(text).message, 'stage-1', '1 OPTIONS', 'z9hG4bK-peer-1');
    new TransportLayer(raw).transmit(turn, DATAGRAMS, ready, 'call-1');
    const [first] = turn.outputs;
    return first?.type === 'event' && first.event.type === 'sip.sent' ? first.event : undefined;
  };
  const event = reported(false);
  expect(event).toMatchObject({
    call: 'call-1',
    transport: 'udp',
    remote: '192.0.2.1:5060',
    startLine: 'OPTIONS sip:echo@198.51.100.1 SIP/2.0',
    callId: 'stage-1',
    cseq: '1 OPTIONS',
    branch: 'z9hG4bK-peer-1',
  });
  expect(event?.raw).toBeUndefined();
  expect(reported(true)?.raw).toContain('OPTIONS sip:echo');
  expect(reported(true)?.raw).not.toContain('c0ffee');
});

test('over TLS a connection serves the name that its certificate was asked for, and no other (RFC 5922 §7)', () => {
  const layer = new TransportLayer(false);
  const server = { transport: 'tls', ...REMOTE } as const;
  const ids: (number | undefined)[] = [];
  const asked = at(0, (turn) => {
    for (const domain of ['example.org', 'Example.ORG', 'example.com']) {
      ids.push(layer.flowTo(turn, { ...server, domain }).connection);
    }
  });
  expect(ids).toEqual([2, 2, 4]);
  expect(asked).toEqual([
    { type: 'connect', connection: 2, transport: 'tls', remote: REMOTE, tls: { domain: 'example.org' } },
    { type: 'connect', connection: 4, transport: 'tls', remote: REMOTE, tls: { domain: 'example.com' } },
  ]);
  // Without a name the address has to be shown; what a peer opened proves nothing of it.
  at(0, (turn) => layer.connected(turn, 1, 'tls', REMOTE));
  const [connect] = at(0, (turn) => layer.flowTo(turn, server));
  expect(connect).toMatchObject({ connection: 6, tls: { domain: REMOTE.address } });
});
