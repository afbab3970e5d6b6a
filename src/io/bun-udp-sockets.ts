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

async function bind<Owner extends object>(
  hostname: string,
  port: number,
  handler: SocketHandler<Owner>,
): Promise<UdpSocket<Owner> | BindFailure> {
  let bound: UdpSocket<Owner> | undefined;
  try {
    const socket = await Bun.udpSocket({
      hostname,
      port,
      binaryType: 'buffer',
      socket: {
        data: (_socket, bytes, from, address) => {
          if (bound?.owner !== undefined) handler.data(bound.owner, bytes, from, address);
        },
        error: () => {
          if (bound?.owner !== undefined) handler.failed(bound.owner);
        },
      },
    });
    bound = {
      owner: undefined,
      send(bytes, to, address) {
        try {
          return socket.send(bytes, to, address);
        } catch {
          return false;
        }
      },
      close: () => socket.close(),
    };
    return bound;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return { code, message };
  }
}
