/**
 * UDP sockets of libc, on Linux, with the loop that serves them: one epoll, one receive for each datagram, and an answer
 * from the buffer that it came in (epoll(7)).
 *
 * Why texts of addresses are kept: a call hears one source and answers it, packet after packet. Both are compared as the
 * bytes that the system gives and as the text that it was given; only another one is converted.
 *
 * Why level-triggered and one datagram a turn: a socket that has more is told again, and nobody waits behind a flood.
 */
import { type AddressMemory, addressMemory, EADDRNOTAVAIL, EAGAIN, errorName, type Libc } from './libc.ts';
import { openLoopTimers } from './loop-timers.ts';
import {
  AF_INET,
  AF_INET6,
  readSocketAddress,
  readSocketPort,
  type SocketFamily,
  writeSocketAddress,
} from './socket-address.ts';
import type { BindFailure, SocketHandler, UdpSocket, UdpSockets } from './udp-sockets.ts';

/** ICMP errors taken from one socket in one go; more are told of again. */
const MAX_ERRORS = 16;
/** Datagrams up to this length get a view that is kept, in bytes: RTP has a few lengths, again and again. */
const MAX_KEPT_VIEW = 1_500;

/** One socket, with the last source and the last destination as text and as the system's bytes. */
interface Bound {
  readonly fd: number;
  readonly family: SocketFamily;
  readonly handler: SocketHandler;
  readonly source: AddressMemory;
  sourcePort: number;
  sourceAddress: string;
  readonly destination: AddressMemory;
  destinationPort: number;
  destinationAddress: string;
}

/** Sockets and timers that are served by `serve` alone. */
export interface LibcUdpSockets extends UdpSockets {
  /**
   * Serves sockets and timers, and waits for more, until `wake` is raised. Does not wait while `pending`: something came
   * that only Bun's loop can hand over.
   */
  serve(pending: () => boolean): void;
  /** Closes what the loop has beside its sockets. */
  close(): void;
}

/** `wake` is an event of libc.ts, raised by another thread. Undefined when the system gives no epoll or timer. */
export function openLibcUdpSockets(libc: Libc, wake: number): LibcUdpSockets | undefined {
  const epoll = libc.openEpoll();
  const timer = libc.openTimer();
  if (epoll < 0 || timer < 0 || libc.watch(epoll, wake) < 0 || libc.watch(epoll, timer) < 0) return undefined;
  const bound: (Bound | undefined)[] = [];
  const views: (Buffer | undefined)[] = [];
  const timers = openLoopTimers(
    () => performance.now(),
    (inMs) => libc.setTimer(timer, inMs),
  );

  function view(length: number): Buffer {
    if (length > MAX_KEPT_VIEW) return libc.received.subarray(0, length);
    views[length] ??= libc.received.subarray(0, length);
    return views[length];
  }

  function receive(socket: Bound): void {
    const length = libc.receive(socket.fd, socket.family);
    if (length >= 0) {
      noteSource(libc, socket);
      socket.handler.data(view(length), socket.sourcePort, socket.sourceAddress);
    } else if (length !== -EAGAIN) socket.handler.failed();
  }

  function receiveErrors(socket: Bound): void {
    for (let errors = 0; errors < MAX_ERRORS && libc.receiveError(socket.fd, socket.family) >= 0; errors++) {
      socket.handler.failed();
    }
  }

  function open(hostname: string, port: number, handler: SocketHandler): UdpSocket | BindFailure {
    const family: SocketFamily = hostname.includes(':') ? AF_INET6 : AF_INET;
    const refused = (errno: number): BindFailure => {
      const code = errorName(errno);
      return { code, message: `bind ${code} ${hostname}` };
    };
    const address = addressMemory();
    if (!writeSocketAddress(address.bytes, family, port, hostname, libc.zones))
      return refused(-EADDRNOTAVAIL);
    const fd = libc.openUdp(family);
    if (fd < 0) return refused(fd);
    const failure = Math.min(libc.bind(fd, family, address), libc.watch(epoll, fd));
    if (failure < 0) {
      libc.close(fd);
      return refused(failure);
    }
    const socket: Bound = {
      fd,
      family,
      handler,
      source: addressMemory(),
      sourcePort: 0,
      sourceAddress: '',
      destination: address,
      destinationPort: -1,
      destinationAddress: '',
    };
    bound[fd] = socket;
    return {
      send(bytes, to, towards) {
        if (!noteDestination(libc, socket, to, towards)) return false;
        return libc.send(fd, family, bytes, socket.destination) >= 0;
      },
      close() {
        if (bound[fd] !== socket) return;
        bound[fd] = undefined;
        libc.close(fd);
      },
    };
  }

  return {
    bind: async (hostname, port, handler) => open(hostname, port, handler),
    after: timers.after,
    serve(pending) {
      for (let woken = false; !woken; ) {
        const ready = libc.wait(epoll, !pending());
        for (let index = 0; index < ready; index++) {
          const fd = libc.readyFd(index);
          const socket = bound[fd];
          // Whoever served one before it may have closed it.
          if (socket !== undefined) {
            if (libc.readyError(index)) receiveErrors(socket);
            if (bound[fd] === socket) receive(socket);
          } else if (fd === timer) timers.run();
          else if (fd === wake) {
            libc.lower(wake);
            woken = true;
          }
        }
        if (pending()) return;
      }
    },
    close() {
      libc.close(timer);
      libc.close(epoll);
    },
  };
}

/** The source of the datagram that was just received becomes the socket's. */
function noteSource({ source, zones }: Libc, socket: Bound): void {
  const { words } = source;
  const last = socket.source.words;
  // The words of either layout that are set: family and port, and the address; for IPv6, the scope too.
  let same = words[0] === last[0] && words[1] === last[1];
  if (socket.family === AF_INET6) {
    same &&= words[2] === last[2] && words[3] === last[3] && words[4] === last[4];
    same &&= words[5] === last[5] && words[6] === last[6];
  }
  if (same) return;
  socket.source.bytes.set(source.bytes);
  socket.sourcePort = readSocketPort(source.bytes);
  socket.sourceAddress = readSocketAddress(source.bytes, socket.family, zones);
}

/** Whether that is an address that the socket can send to; `destination` is it then. */
function noteDestination({ zones }: Libc, socket: Bound, port: number, address: string): boolean {
  if (port === socket.destinationPort && address === socket.destinationAddress) return true;
  const { bytes } = socket.destination;
  if (port === socket.sourcePort && address === socket.sourceAddress) bytes.set(socket.source.bytes);
  else if (!writeSocketAddress(bytes, socket.family, port, address, zones)) {
    socket.destinationPort = -1;
    return false;
  }
  socket.destinationPort = port;
  socket.destinationAddress = address;
  return true;
}
