/**
 * The SIP socket over UDP. One socket serves both families: bound to `::` it hears IPv4 too, as mapped addresses.
 */
import type { SocketAddress } from '../sip/flow.ts';
import { unmapped } from '../sip/ip-address.ts';
import { otherFamily } from './other-family.ts';

/** In words; the system's own where there are none. */
function sendFailure(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'no route to the host';
  return error instanceof Error ? error.message : String(error);
}

/** A bound socket. */
export interface UdpListener {
  readonly port: number;
  /** Undefined when it went out, else why it did not. */
  send(bytes: Uint8Array, remote: SocketAddress): string | undefined;
  close(): void;
}

/**
 * Binds; rejects with the system's error. Port 0 takes any. `onError` hears of ICMP errors; Bun does not say what
 * they are and which datagram they are about.
 */
export async function listenUdp(
  bind: string | undefined,
  port: number,
  onDatagram: (remote: SocketAddress, bytes: Uint8Array) => void,
  onError: () => void,
): Promise<UdpListener> {
  // Most datagrams come from where the last one came from, and transactions keep their sources for 32 s.
  let last: SocketAddress = { address: '', port: 0 };
  const source = (heard: string, remotePort: number): SocketAddress => {
    const address = unmapped(heard);
    if (last.port !== remotePort || last.address !== address) last = { address, port: remotePort };
    return last;
  };
  const open = (hostname: string) =>
    Bun.udpSocket({
      hostname,
      port,
      socket: {
        data(_socket, bytes, remotePort, address) {
          onDatagram(source(address, remotePort), bytes);
        },
        error: onError,
      },
    });
  const socket = bind === undefined ? await open('::').catch(() => open('0.0.0.0')) : await open(bind);

  /**
   * `send` throws when an ICMP error is pending on the socket. That error belongs to an earlier datagram, so the
   * second try is the one that counts.
   */
  function trySend(bytes: Uint8Array, remote: SocketAddress, again: boolean): string | undefined {
    try {
      // False: the buffer is full. The datagram is lost, as it might be anywhere on the way; UDP transactions repeat.
      socket.send(bytes, remote.port, remote.address);
      return undefined;
    } catch (error) {
      if (again) return trySend(bytes, remote, false);
      const other = otherFamily(socket.address.address, remote.address);
      if (other !== undefined) return other;
      return sendFailure(error);
    }
  }

  return {
    port: socket.port,
    send: (bytes, remote) => trySend(bytes, remote, true),
    close: () => socket.close(),
  };
}
