/**
 * SIP over TCP and TLS: the listeners, the connections that peers opened, and those that we open. The engine numbers
 * its own connections (even), this file numbers the others (odd).
 *
 * A TLS connection is told of once its handshake is through and its certificate was judged: nobody above ever holds
 * one that must not be used. Both have a time to come up in, so that a request finds another server soon.
 */
import type { Socket, TCPSocketListener } from 'bun';
import type { SocketAddress } from '../sip/flow.ts';
import { unmapped } from '../sip/ip-address.ts';
import { MAX_OPENED_CONNECTIONS, MAX_PENDING_HANDSHAKES, MAX_UNSENT_BYTES } from '../sip/limits.ts';
import type { TlsSession } from '../sip/tls.ts';
import { connectFailure } from './connect-failure.ts';
import { otherFamily } from './other-family.ts';
import type { Disconnected, StreamConnections, StreamHandlers, StreamTimes } from './stream-connections.ts';
import type { TlsCredentials } from './tls-credentials.ts';
import { handshakeFault, isBroken, isTlsError, judgeHandshake, silentFault } from './tls-handshake.ts';
import { clientTls, serverTls } from './tls-options.ts';

interface Open {
  readonly id: number;
  readonly transport: 'tcp' | 'tls';
  /** What the certificate has to show; absent for TCP, and for those that peers open. */
  readonly domain: string | undefined;
  socket: Socket<Open> | undefined;
  /** Those above know of it. */
  ready: boolean;
  /** The time that it has to come up. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** What the kernel would not take yet. */
  unsent: Uint8Array[];
  unsentBytes: number;
  closing: boolean;
}

const TIMES: StreamTimes = { lingerMs: 5_000, connectMs: 6_000, handshakeMs: 4_000 };

const CLOSED = 'the peer closed the connection';

/**
 * Nothing listens yet. `from`: the address of ours that connections are opened from (`--bind`); `most`: how many are open
 * at once; a quarter as many handshakes may be under way.
 */
export function openStreams(
  handlers: StreamHandlers,
  first?: TlsCredentials,
  {
    from,
    most = MAX_OPENED_CONNECTIONS,
    ...times
  }: Partial<StreamTimes> & { readonly from?: string; readonly most?: number } = {},
): StreamConnections {
  const maxPending = Math.min(MAX_PENDING_HANDSHAKES, Math.max(1, Math.floor(most / 4)));
  const { lingerMs, connectMs, handshakeMs } = { ...TIMES, ...times };
  const connections = new Map<number, Open>();
  /** Accepted, and their handshake not through; the oldest first. */
  const pending = new Set<Open>();
  const listeners = new Map<'tcp' | 'tls', TCPSocketListener<Open>>();
  let credentials = first;
  let nextAccepted = 1;
  /** Those of ours that are up or coming up: even numbers. */
  let opening = 0;

  function forget(open: Open): boolean {
    clearTimeout(open.timer);
    pending.delete(open);
    if (!connections.delete(open.id)) return false;
    if (open.id % 2 === 0) opening -= 1;
    return true;
  }

  function gone(open: Open | undefined, why: Disconnected): void {
    if (open === undefined || !forget(open)) return;
    if (open.ready || open.id % 2 === 0) return handlers.disconnected(open.id, why);
    // A stranger who did not get in is worth a word when TLS was the reason, not when it came and went.
    const { socket } = open;
    if (why.tlsFault === undefined || socket === undefined) return;
    handlers.disconnected(open.id, { ...why, remote: remoteOf(socket) });
  }

  /** Bounds the time until the next step of coming up. */
  function hurry(open: Open, ms: number, why: () => Disconnected): void {
    clearTimeout(open.timer);
    open.timer = setTimeout(() => {
      gone(open, why());
      open.socket?.terminate();
    }, ms);
  }

  function ready(open: Open, socket: Socket<Open>, tls?: TlsSession): void {
    clearTimeout(open.timer);
    pending.delete(open);
    open.ready = true;
    const local = { address: unmapped(socket.localAddress), port: socket.localPort };
    const remote = remoteOf(socket);
    handlers.connected(open.id, {
      transport: open.transport,
      local,
      remote,
      ...(tls === undefined ? undefined : { tls }),
    });
  }

  /** The connection itself is up; over TLS the handshake begins. */
  function opened(open: Open, socket: Socket<Open>): void {
    socket.data = open;
    open.socket = socket;
    connections.set(open.id, open);
    // Voice signalling is small and wants no delay.
    socket.setNoDelay(true);
    if (open.transport === 'tcp') return ready(open, socket);
    const own = open.id % 2 === 0;
    hurry(open, handshakeMs, () => (own ? { tlsFault: silentFault(open.domain, handshakeMs) } : {}));
  }

  function handshaken(socket: Socket<Open>, through: boolean, error: Error | null): void {
    const open = socket.data;
    if (open === undefined || !connections.has(open.id)) return;
    if (!through && isBroken(error)) {
      // A stranger who only hung up has said nothing that is worth a word.
      const left = open.domain === undefined && !isTlsError(error);
      gone(open, left ? {} : { tlsFault: handshakeFault(socket, error, open.domain) });
      socket.terminate();
      return;
    }
    const { session, fault } = judgeHandshake(socket, error, open.domain);
    if (fault === undefined) return ready(open, socket, session);
    if (credentials?.insecure === true) return ready(open, socket, { ...session, ignored: fault });
    gone(open, { tlsFault: fault });
    socket.end();
  }

  const socketHandlers = {
    data(socket: Socket<Open>, bytes: Buffer) {
      // Bun may use its buffer again, and the framer keeps what is not whole yet.
      if (socket.data?.ready === true)
        handlers.received(socket.data.id, Uint8Array.prototype.slice.call(bytes));
    },
    drain(socket: Socket<Open>) {
      if (socket.data !== undefined) flush(socket.data);
    },
    handshake: handshaken,
    close(socket: Socket<Open>) {
      const open = socket.data;
      if (open === undefined || open.ready || open.domain === undefined) return gone(open, { error: CLOSED });
      gone(open, { tlsFault: handshakeFault(socket, undefined, open.domain) });
    },
    error(socket: Socket<Open>, error: Error) {
      const open = socket.data;
      if (open?.domain !== undefined && isTlsError(error))
        gone(open, { tlsFault: handshakeFault(socket, error, open.domain) });
      else gone(open, { error: error.message });
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

  function listen(transport: 'tcp' | 'tls', bind: string | undefined, port: number): number {
    const accepting = {
      ...socketHandlers,
      open(socket: Socket<Open>) {
        const id = nextAccepted;
        nextAccepted += 2;
        const open = newOpen(id, transport, undefined);
        if (transport === 'tls') {
          const [oldest] = pending;
          if (oldest !== undefined && pending.size >= maxPending) {
            gone(oldest, {});
            oldest.socket?.terminate();
          }
          pending.add(open);
        }
        opened(open, socket);
      },
    };
    const tls = transport === 'tls' ? { tls: serverTls(credentials) } : {};
    const open = (hostname: string) => Bun.listen<Open>({ hostname, port, ...tls, socket: accepting });
    const listener = bind === undefined ? openOnAll(open) : open(bind);
    listeners.set(transport, listener);
    return listener.port;
  }

  return {
    listen,
    connect(connection, remote, domain) {
      const open = newOpen(connection, domain === undefined ? 'tcp' : 'tls', domain);
      connections.set(connection, open);
      const tooMany = opening >= most;
      opening += 1;
      // Said later, as every other failure is: whoever asked is still at work.
      if (tooMany)
        return queueMicrotask(() =>
          gone(open, { error: `${most} connections of ours are up, and no more are opened` }),
        );
      const failed = (error: unknown) => gone(open, { error: connectFailure(error, remote.address) });
      // Bun would call it refused.
      const other = from === undefined ? undefined : otherFamily(from, remote.address);
      if (other !== undefined) return queueMicrotask(() => gone(open, { error: other }));
      hurry(open, connectMs, () => ({ error: connectFailure({ code: 'ETIMEDOUT' }, remote.address) }));
      Bun.connect<Open>({
        // Bun hands it to bind(2), though its types do not say so.
        ...(from === undefined ? undefined : { localAddress: from }),
        hostname: remote.address,
        port: remote.port,
        ...(domain === undefined ? undefined : { tls: clientTls(credentials, domain) }),
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
    send(connection, bytes) {
      const open = connections.get(connection);
      if (open === undefined || open.closing) return;
      if (open.unsentBytes + bytes.length > MAX_UNSENT_BYTES) {
        // The peer reads nothing: it is given up before it takes our memory. `terminate` calls `close` at once.
        gone(open, { error: 'the peer does not read' });
        open.socket?.terminate();
        return;
      }
      open.unsent.push(bytes);
      open.unsentBytes += bytes.length;
      flush(open);
    },
    disconnect(connection) {
      const open = connections.get(connection);
      if (open === undefined) return;
      open.closing = true;
      forget(open);
      flush(open);
      // Nobody counts it any more, so it must not wait for its peer for ever.
      if (open.unsent.length > 0) setTimeout(() => open.socket?.terminate(), lingerMs).unref();
    },
    useCredentials(next) {
      const old = credentials;
      credentials = next;
      const before = listeners.get('tls');
      if (before === undefined) return;
      const { hostname, port } = before;
      // Only the listener is closed, and none of its connections.
      before.stop();
      try {
        listen('tls', hostname, port);
      } catch (error) {
        credentials = old;
        listen('tls', hostname, port);
        throw error;
      }
    },
    close() {
      for (const listener of listeners.values()) listener.stop();
      for (const open of connections.values()) {
        clearTimeout(open.timer);
        open.socket?.end();
      }
      connections.clear();
    },
  };
}

function newOpen(id: number, transport: 'tcp' | 'tls', domain: string | undefined): Open {
  return {
    id,
    transport,
    domain,
    socket: undefined,
    ready: false,
    timer: undefined,
    unsent: [],
    unsentBytes: 0,
    closing: false,
  };
}

function remoteOf(socket: Socket<Open>): SocketAddress {
  return { address: unmapped(socket.remoteAddress), port: socket.remotePort };
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
