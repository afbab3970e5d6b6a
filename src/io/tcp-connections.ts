/**
 * SIP over TCP: the listener, the connections that peers opened, and those that we open. The engine numbers its
 * own connections (even), this file numbers the others (odd).
 */
import type { Socket, TCPSocketListener } from 'bun';
import type { SocketAddress } from '../sip/flow.ts';
import { unmapped } from '../sip/ip-address.ts';
import { MAX_OPENED_CONNECTIONS, MAX_UNSENT_BYTES } from '../sip/limits.ts';

export interface TcpHandlers {
  connected(connection: number, local: SocketAddress, remote: SocketAddress): void;
  received(connection: number, bytes: Uint8Array): void;
  disconnected(connection: number, error?: string): void;
}

export interface TcpConnections {
  /** The port that `listen` bound. */
  listen(bind: string | undefined, port: number): number;
  connect(connection: number, remote: SocketAddress): void;
  send(connection: number, bytes: Uint8Array): void;
  /** Sends what waits, then closes. */
  disconnect(connection: number): void;
  /** Closes the listener and every connection. */
  close(): void;
}

interface Open {
  readonly id: number;
  socket: Socket<Open> | undefined;
  /** What the kernel would not take yet. */
  unsent: Uint8Array[];
  unsentBytes: number;
  closing: boolean;
}

const TOO_MANY = new Error(`${MAX_OPENED_CONNECTIONS} connections of ours are up, and no more are opened`);
/** How long a connection that was ended may take to send what waits, in ms: a peer that never reads gets no longer. */
const LINGER_MS = 5_000;

/** Nothing listens yet. */
export function openTcp(handlers: TcpHandlers, lingerMs = LINGER_MS): TcpConnections {
  const connections = new Map<number, Open>();
  let listener: TCPSocketListener<Open> | undefined;
  let nextAccepted = 1;
  /** Those of ours that are up or coming up: even numbers. */
  let opening = 0;

  function opened(open: Open, socket: Socket<Open>): void {
    socket.data = open;
    open.socket = socket;
    connections.set(open.id, open);
    // Voice signalling is small and wants no delay.
    socket.setNoDelay(true);
    const local = { address: unmapped(socket.localAddress), port: socket.localPort };
    handlers.connected(open.id, local, { address: unmapped(socket.remoteAddress), port: socket.remotePort });
  }

  function forget(connection: number): void {
    if (connection % 2 === 0) opening -= 1;
  }

  function gone(open: Open | undefined, error?: string): void {
    if (open === undefined || !connections.delete(open.id)) return;
    forget(open.id);
    handlers.disconnected(open.id, error);
  }

  const socketHandlers = {
    data(socket: Socket<Open>, bytes: Buffer) {
      // Bun may use its buffer again, and the framer keeps what is not whole yet.
      if (socket.data !== undefined)
        handlers.received(socket.data.id, Uint8Array.prototype.slice.call(bytes));
    },
    drain(socket: Socket<Open>) {
      if (socket.data !== undefined) flush(socket.data);
    },
    close(socket: Socket<Open>) {
      gone(socket.data, 'the peer closed the connection');
    },
    error(socket: Socket<Open>, error: Error) {
      gone(socket.data, error.message);
    },
  };

  function flush(open: Open): void {
    const { socket } = open;
    while (socket !== undefined && open.unsent.length > 0) {
      const first = open.unsent[0] as Uint8Array;
      const written = Math.max(0, socket.write(first));
      open.unsentBytes -= written;
      if (written < first.length) {
        open.unsent[0] = first.subarray(written);
        return;
      }
      open.unsent.shift();
    }
    if (open.closing) socket?.end();
  }

  function send(connection: number, bytes: Uint8Array): void {
    const open = connections.get(connection);
    if (open === undefined || open.closing) return;
    if (open.unsentBytes + bytes.length > MAX_UNSENT_BYTES) {
      // The peer reads nothing: it is given up before it takes our memory. `terminate` calls `close` at once.
      gone(open, 'the peer does not read');
      open.socket?.terminate();
      return;
    }
    open.unsent.push(bytes);
    open.unsentBytes += bytes.length;
    flush(open);
  }

  return {
    listen(bind, port) {
      const accepting = {
        ...socketHandlers,
        open(socket: Socket<Open>) {
          const id = nextAccepted;
          nextAccepted += 2;
          opened({ id, socket, unsent: [], unsentBytes: 0, closing: false }, socket);
        },
      };
      const open = (hostname: string) => Bun.listen<Open>({ hostname, port, socket: accepting });
      listener = bind === undefined ? openOnAll(open) : open(bind);
      return listener.port;
    },
    connect(connection, remote) {
      const open: Open = { id: connection, socket: undefined, unsent: [], unsentBytes: 0, closing: false };
      connections.set(connection, open);
      const tooMany = opening >= MAX_OPENED_CONNECTIONS;
      opening += 1;
      const failed = (error: unknown) => gone(open, connectFailure(error));
      // Said later, as every other failure is: whoever asked is still at work.
      if (tooMany) return queueMicrotask(() => failed(TOO_MANY));
      Bun.connect<Open>({
        hostname: remote.address,
        port: remote.port,
        socket: {
          ...socketHandlers,
          open(socket) {
            // Given up while it was coming up.
            if (connections.has(connection)) opened(open, socket);
            else socket.end();
          },
          connectError(_socket, error) {
            failed(error);
          },
        },
      }).catch(failed);
    },
    send,
    disconnect(connection) {
      const open = connections.get(connection);
      if (open === undefined) return;
      open.closing = true;
      connections.delete(connection);
      forget(connection);
      flush(open);
      // Nobody counts it any more, so it must not wait for its peer for ever.
      if (open.unsent.length > 0) setTimeout(() => open.socket?.terminate(), lingerMs).unref();
    },
    close() {
      listener?.stop();
      for (const open of connections.values()) open.socket?.end();
      connections.clear();
    },
  };
}

/** `::` hears both families; 0.0.0.0 serves a machine without IPv6. */
function openOnAll(open: (hostname: string) => TCPSocketListener<Open>): TCPSocketListener<Open> {
  try {
    return open('::');
  } catch (error) {
    if (isInUse(error)) throw error;
    return open('0.0.0.0');
  }
}

/** Whether a bind failed because somebody has the port. */
export function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

/** In words: Bun's own message is "Failed to connect" whatever the reason. */
function connectFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ETIMEDOUT') return 'no answer to the connection';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'no route to the host';
  const message = error instanceof Error ? error.message : String(error);
  return code === '' ? message : `${message} (${code})`;
}
