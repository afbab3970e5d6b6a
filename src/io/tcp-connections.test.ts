/** SIP over TCP on loopback, against peers that do not behave. */
import { afterEach, expect, test } from 'bun:test';
import { MAX_UNSENT_BYTES } from '../sip/limits.ts';
import { openTcp, type TcpConnections } from './tcp-connections.ts';

let tcp: TcpConnections | undefined;

afterEach(() => tcp?.close());

const CHUNK = new Uint8Array(64 * 1024);

/** A listener, and a way to get a peer that has connected and reads nothing. */
function open(lingerMs: number) {
  let accepted: (connection: number) => void = () => {};
  let gone: (error: string | undefined) => void = () => {};
  const connections = openTcp(
    {
      connected: (connection) => accepted(connection),
      received: () => {},
      disconnected: (_connection, error) => gone(error),
    },
    lingerMs,
  );
  tcp = connections;
  const port = connections.listen('127.0.0.1', 0);
  return {
    connections,
    /** The connection of a peer that never reads, and the promise that it is closed. */
    async deafPeer() {
      const connection = new Promise<number>((resolve) => {
        accepted = resolve;
      });
      const closed = Promise.withResolvers<void>();
      const socket = await Bun.connect({
        hostname: '127.0.0.1',
        port,
        socket: { data: () => {}, close: () => closed.resolve(), error: () => {} },
      });
      socket.pause();
      return { connection: await connection, closed: closed.promise };
    },
    /** What the next connection is given up for, if it is. */
    onGone(listener: (error: string | undefined) => void) {
      gone = listener;
    },
  };
}

test('a peer that does not read is given up once too much waits, and closed when it was ended before that', async () => {
  const { connections, deafPeer, onGone } = open(1);
  let reason: string | undefined;
  onGone((error) => {
    reason = error;
  });
  const first = await deafPeer();
  let chunks = 0;
  while (reason === undefined) {
    connections.send(first.connection, CHUNK);
    chunks += 1;
  }
  expect(reason).toBe('the peer does not read');
  await first.closed;

  // As much again, but for half of what may wait: so something waits when the connection is ended.
  const second = await deafPeer();
  reason = undefined;
  for (let sent = 0; sent < chunks - MAX_UNSENT_BYTES / CHUNK.length / 2; sent++) {
    connections.send(second.connection, CHUNK);
  }
  expect(reason).toBeUndefined();
  connections.disconnect(second.connection);
  await second.closed;
});
