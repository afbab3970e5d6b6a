/**
 * UDP sockets of Bun, for every system: what the media thread has where libc cannot be called.
 *
 * Why `send` stands in a try: Bun throws from it when an ICMP error is pending on the socket, and returns false
 * when the socket's buffer is full. Both cost one packet and nothing else.
 */
import {
  afterTimeout,
  type BindFailure,
  type SocketHandler,
  type UdpSocket,
  type UdpSockets,
} from './udp-sockets.ts';

export const bunUdpSockets: UdpSockets = { bind, after: afterTimeout };

async function bind(
  hostname: string,
  port: number,
  handler: SocketHandler,
): Promise<UdpSocket | BindFailure> {
  try {
    const socket = await Bun.udpSocket({
      hostname,
      port,
      binaryType: 'buffer',
      socket: {
        data: (_socket, bytes, from, address) => handler.data(bytes, from, address),
        error: () => handler.failed(),
      },
    });
    return {
      send(bytes, to, address) {
        try {
          return socket.send(bytes, to, address);
        } catch {
          return false;
        }
      },
      close: () => socket.close(),
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return { code, message };
  }
}
