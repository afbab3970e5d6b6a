/**
 * What the media thread needs of UDP sockets and of time. Two files can do it: libc-udp-sockets.ts on Linux, and
 * bun-udp-sockets.ts everywhere else.
 *
 * Why time stands here too: the sockets of libc have a loop of their own, in which no timer of Bun ever fires.
 */

/**
 * What is done with what sockets hear. One handler serves many sockets, and is told whose each is: with functions of its own
 * for each socket, a packet would wait for memory more often than for the kernel.
 */
export interface SocketHandler<Owner> {
  /** The bytes are the handler's until it returns: whoever keeps them copies them. It may change them. */
  data(owner: Owner, bytes: Buffer, port: number, address: string): void;
  /** An ICMP error for a datagram that was sent. */
  failed(owner: Owner): void;
}

/** One bound socket. `send` and `close` are methods, and do nothing good by themselves. */
export interface UdpSocket<Owner> {
  /** Whose it is; while it is nobody's, what it hears is thrown away. */
  owner: Owner | undefined;
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
  bind<Owner extends object>(
    hostname: string,
    port: number,
    handler: SocketHandler<Owner>,
  ): Promise<UdpSocket<Owner> | BindFailure>;
  readonly after: After;
}

/** In the loop of Bun. */
export const afterTimeout: After = (ms, callback) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};
