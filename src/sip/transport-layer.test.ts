import { expect, test } from 'bun:test';
import type { Output } from './endpoint-io.ts';
import type { Flow } from './flow.ts';
import { MAX_UNSENT_BYTES } from './limits.ts';
import { outgoing } from './outgoing.ts';
import { bytesOf, latin1 } from './text.ts';
import { DATAGRAMS, readRequest, requestText } from './transaction-stage.ts';
import { TransportLayer } from './transport-layer.ts';
import { Turn } from './turn.ts';

const REMOTE = { address: '192.0.2.1', port: 5060 };

/** Does something at that time and returns what was asked of the world, events aside. */
function at(atMs: number, doing: (turn: Turn) => unknown): Output[] {
  const turn = new Turn(atMs);
  doing(turn);
  return turn.outputs.filter(({ type }) => type !== 'event');
}

/** A flow to the peer, its connection asked for and perhaps up. */
function connectedFlow(layer: TransportLayer, atMs = 0): Flow {
  const turn = new Turn(atMs);
  const flow = layer.connections.flowTo(turn, { transport: 'tcp', ...REMOTE });
  if (flow.connection !== undefined) layer.connections.connected(turn, flow.connection, 'tcp', REMOTE);
  return flow;
}

function message(): ReturnType<typeof outgoing> {
  return outgoing(readRequest(requestText('OPTIONS')).message, 'stage-1', '1 OPTIONS', 'z9hG4bK-peer-1');
}

test('a datagram needs no connection', () => {
  const layer = new TransportLayer(false);
  const asked = at(0, (turn) => {
    expect(layer.connections.flowTo(turn, { transport: 'udp', ...REMOTE })).toEqual({
      transport: 'udp',
      remote: REMOTE,
      largeOverTcp: true,
    });
    const insisting = { transport: 'udp', ...REMOTE, explicit: true } as const;
    expect(layer.connections.flowTo(turn, insisting)).toEqual({ transport: 'udp', remote: REMOTE });
    layer.transmit(turn, DATAGRAMS, message(), undefined);
  });
  expect(asked).toEqual([{ type: 'send', flow: DATAGRAMS, bytes: message().bytes }]);
  expect(layer.connections.isOpen(DATAGRAMS)).toBe(true);
  expect(layer.connections.nextMs()).toBeUndefined();
});

test('the first flow to a peer asks for a connection; what is sent waits in order until it is up (§18.1.1)', () => {
  const layer = new TransportLayer(false);
  let flow: Flow | undefined;
  const asked = at(0, (turn) => {
    flow = layer.connections.flowTo(turn, { transport: 'tcp', ...REMOTE });
    layer.write(turn, flow, bytesOf('one'));
    layer.write(turn, flow, bytesOf('two'));
  });
  expect(asked).toEqual([{ type: 'connect', connection: 2, transport: 'tcp', remote: REMOTE }]);
  const sent = at(90, (turn) => layer.connections.connected(turn, 2, 'tcp', REMOTE));
  expect(sent.map((output) => (output.type === 'send' ? latin1(output.bytes) : output.type))).toEqual([
    'one',
    'two',
  ]);
  // Nothing goes twice.
  expect(at(90, (turn) => layer.connections.connected(turn, 2, 'tcp', REMOTE))).toEqual([]);
  expect(at(91, (turn) => layer.write(turn, flow as Flow, bytesOf('three')))).toHaveLength(1);
});

test('a stream that is gone is nowhere: nothing is received from it or sent on it', () => {
  const layer = new TransportLayer(false);
  const flow = connectedFlow(layer);
  expect(layer.connections.disconnected(2)).toEqual(flow);
  expect(layer.connections.disconnected(2)).toBeUndefined();
  expect(layer.connections.isOpen(flow)).toBe(false);
  expect(layer.connections.receive(new Turn(0), 2, bytesOf('x'))).toBeUndefined();
  expect(at(0, (turn) => layer.transmit(turn, flow, message(), undefined))).toEqual([]);
  expect(layer.connections.nextMs()).toBeUndefined();
  // The next one is a new one.
  expect(at(0, (turn) => layer.connections.flowTo(turn, { transport: 'tcp', ...REMOTE }))).toMatchObject([
    { type: 'connect', connection: 4 },
  ]);
});

test('what waits for a connection is bounded in bytes, and whole messages are dropped', () => {
  const layer = new TransportLayer(false);
  const chunk = new Uint8Array(MAX_UNSENT_BYTES / 4);
  at(0, (turn) => {
    const flow = layer.connections.flowTo(turn, { transport: 'tcp', ...REMOTE });
    for (let count = 0; count < 6; count++) layer.write(turn, flow, chunk);
  });
  expect(at(1, (turn) => layer.connections.connected(turn, 2, 'tcp', REMOTE))).toHaveLength(4);
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
  layer.connections.disconnected(2);
  expect(events()).toBe(0);
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
