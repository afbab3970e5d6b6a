/**
 * What the media thread needs of UDP sockets and of time. Two files can do it: libc-udp-sockets.ts on Linux, and
 * bun-udp-sockets.ts everywhere else.
 *
 * Why time stands here too: the sockets of libc have a loop of their own, in which no timer of Bun ever fires.
 */

/** What a socket does with what it hears. */
export interface SocketHandler {
  /** The bytes are the handler's until it returns: whoever keeps them copies them. It may change them. */
  data(bytes: Buffer, port: number, address: string): void;
  /** An ICMP error for a datagram that was sent. */
  failed(): void;
}

/** One bound socket. */
export interface UdpSocket {
  /**
   * Whether the system took it. False: its buffer is full, an ICMP error of an earlier datagram was waiting, or the
   * address is none. The address is in the form in which the socket gives those that it hears.
   */
  send(bytes: Uint8Array, port: number, address: string): boolean;
  close(): void;
}

/** Why a socket was not bound. */
export interface BindFailure {
  /** The system's name for it: `EADDRINUSE`. */
  readonly code: string;
  readonly message: string;
}

/** Calls back once after so many ms, 0 or more; returns what calls it off. */
export type After = (ms: number, callback: () => void) => () => void;

/** A way to have sockets. */
export interface UdpSockets {
  /** Binds to a numeric address; `::` serves both families. What the system refuses is a value. */
  bind(hostname: string, port: number, handler: SocketHandler): Promise<UdpSocket | BindFailure>;
  readonly after: After;
}

/** In the loop of Bun. */
export const afterTimeout: After = (ms, callback) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};
