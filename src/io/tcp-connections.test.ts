/** SIP over TCP on loopback, against peers that do not behave. */
import { afterEach, expect, test } from 'bun:test';
import { MAX_OPENED_CONNECTIONS, MAX_UNSENT_BYTES } from '../sip/limits.ts';
import type { StreamConnections } from './stream-connections.ts';
import { openStreams } from './tcp-connections.ts';

let tcp: StreamConnections | undefined;

afterEach(() => tcp?.close());

const CHUNK = new Uint8Array(64 * 1024);

/** A listener, and a way to get a peer that has connected and reads nothing. */
function open(lingerMs: number) {
  let accepted: (connection: number) => void = () => {};
  let gone: (error: string | undefined) => void = () => {};
  const connections = openStreams(
    {
      connected: (connection) => accepted(connection),
      received: () => {},
      disconnected: (_connection, { error }) => gone(error),
    },
    undefined,
    { lingerMs },
  );
  tcp = connections;
  const port = connections.listen('tcp', '127.0.0.1', 0);
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

test('connections of ours are bounded: one more fails, later, like any other', async () => {
  const failures: [number, string | undefined][] = [];
  const connections = openStreams({
    connected: () => {},
    received: () => {},
    disconnected: (connection, { error }) => void failures.push([connection, error]),
  });
  tcp = connections;
  const port = connections.listen('tcp', '127.0.0.1', 0);
  const last = 2 * (MAX_OPENED_CONNECTIONS + 1);
  for (let id = 2; id <= last; id += 2) connections.connect(id, { address: '127.0.0.1', port });
  expect(failures).toEqual([]);
  await Promise.resolve();
  expect(failures).toEqual([
    [last, `${MAX_OPENED_CONNECTIONS} connections of ours are up, and no more are opened`],
  ]);
  // A place that is given up is free again.
  connections.disconnect(2);
  connections.connect(last + 2, { address: '127.0.0.1', port });
  await Promise.resolve();
  expect(failures).toHaveLength(1);
});

test('a connection is opened from the address that we are bound to, and to the other family not at all', async () => {
  const { promise: source, resolve } = Promise.withResolvers<string>();
  const server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { open: (socket) => resolve(socket.remoteAddress), data: () => {} },
  });
  const { promise: refused, resolve: gone } = Promise.withResolvers<string | undefined>();
  const disconnected = (_connection: number, { error }: { readonly error?: string }) => gone(error);
  const handlers = { connected: () => {}, received: () => {}, disconnected };
  tcp = openStreams(handlers, undefined, { from: '127.0.0.5' });
  tcp.connect(2, { address: '127.0.0.1', port: server.port });
  expect(await source).toBe('127.0.0.5');
  tcp.connect(4, { address: '::1', port: server.port });
  expect(await refused).toBe(
    'no route to the host: it is IPv6, and we are bound to 127.0.0.5, which is IPv4',
  );
  server.stop(true);
});

test('a connection that fails at once may have found nobody, or no way: the system does not tell us which', async () => {
  const server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => {} } });
  const { port } = server;
  server.stop(true);
  const { promise: refused, resolve } = Promise.withResolvers<string | undefined>();
  const disconnected = (_connection: number, { error }: { readonly error?: string }) => resolve(error);
  tcp = openStreams({ connected: () => {}, received: () => {}, disconnected }, undefined);
  tcp.connect(2, { address: '127.0.0.1', port });
  expect(await refused).toBe('connection refused, or no way leads there');
});

test('where no route leads at all, that is said: who is offline need not look at the server', async () => {
  const { promise: unreached, resolve } = Promise.withResolvers<string | undefined>();
  const disconnected = (_connection: number, { error }: { readonly error?: string }) => resolve(error);
  tcp = openStreams({ connected: () => {}, received: () => {}, disconnected }, undefined);
  // No TCP leads to the broadcast address, on any machine.
  tcp.connect(2, { address: '255.255.255.255', port: 5060 });
  expect(await unreached).toBe('no route to the host');
});
