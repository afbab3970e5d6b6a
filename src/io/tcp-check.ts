/**
 * Whether a TCP port takes connections, whatever is spoken behind it: silence to TLS means one thing where it does, and
 * another where it does not.
 */
import type { SocketAddress } from '../sip/flow.ts';

/** Resolves to true when a connection comes up within `limitMs`; it is closed at once. */
export async function takesConnections({ address, port }: SocketAddress, limitMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), limitMs);
  Bun.connect({
    hostname: address,
    port,
    socket: {
      data() {},
      open(socket) {
        socket.end();
        resolve(true);
      },
      connectError: () => resolve(false),
    },
  }).catch(() => resolve(false));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
