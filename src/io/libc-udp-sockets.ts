/**
 * UDP sockets of libc, on Linux, with the loop that serves them: one epoll, one receive for each datagram, and an answer
 * from the buffer that it came in (epoll(7)).
 *
 * Why texts of addresses are kept: a call hears one source and answers it, packet after packet. Both are compared as the
 * bytes that the system gives and as the text that it was given; only another one is converted.
 *
 * Why level-triggered and one datagram a turn: a socket that has more is told again, and nobody waits behind a flood.
 *
 * Why one object a socket, flat, with functions that all share, and addresses side by side in one table: with a thousand
 * calls nothing of a call is in a cache when its packet comes, and each object more costs a tenth of a microsecond.
 */
import {
  ADDRESSES,
  type AddressTable,
  addressTable,
  EADDRNOTAVAIL,
  EAGAIN,
  errorName,
  type Libc,
} from './libc.ts';
import { openLoopTimers } from './loop-timers.ts';
import {
  AF_INET,
  AF_INET6,
  MAX_SOCKADDR_BYTES,
  readSocketAddress,
  readSocketPort,
  type SocketFamily,
  writeSocketAddress,
} from './socket-address.ts';
import type { BindFailure, SocketHandler, UdpSocket, UdpSockets } from './udp-sockets.ts';

/** ICMP errors taken from one socket in one go; more are told of again. */
const MAX_ERRORS = 16;
const SOCKADDR_WORDS = MAX_SOCKADDR_BYTES / 4;

/** Where a socket has its two addresses: the last source, and behind it the last destination. */
interface Place {
  readonly table: AddressTable;
  readonly source: number;
}

/** One socket; its last source and destination as text, too. */
interface Bound extends UdpSocket<object>, Place {
  readonly fd: number;
  readonly family: SocketFamily;
  readonly handler: SocketHandler<object>;
  sourcePort: number;
  sourceAddress: string;
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
  const sockets: (Bound | undefined)[] = [];
  const places = openPlaces();
  const timers = openLoopTimers(
    () => performance.now(),
    (inMs) => libc.setTimer(timer, inMs),
  );

  function receive(socket: Bound): void {
    let length = libc.receive(socket.fd, socket.family);
    if (isPending(length)) length = libc.receive(socket.fd, socket.family);
    if (length < 0) return;
    noteSource(libc, socket);
    const { owner } = socket;
    if (owner === undefined) return;
    socket.handler.data(owner, libc.received(length), socket.sourcePort, socket.sourceAddress);
  }

  function receiveErrors(socket: Bound): void {
    for (let errors = 0; errors < MAX_ERRORS && libc.receiveError(socket.fd, socket.family) >= 0; errors++)
      failed(socket);
  }

  function failed({ owner, handler }: Bound): void {
    if (owner !== undefined) handler.failed(owner);
  }

  function send(this: Bound, bytes: Uint8Array, port: number, address: string): boolean {
    if (!noteDestination(libc, this, port, address)) return false;
    const { fd, family, table, source } = this;
    const sent = libc.send(fd, family, bytes, table, source + 1);
    return sent >= 0 || (isPending(sent) && libc.send(fd, family, bytes, table, source + 1) >= 0);
  }

  function close(this: Bound): void {
    if (sockets[this.fd] !== this) return;
    sockets[this.fd] = undefined;
    libc.close(this.fd);
    places.giveBack(this);
  }

  function open(hostname: string, port: number, handler: SocketHandler<object>): Bound | BindFailure {
    const family: SocketFamily = hostname.includes(':') ? AF_INET6 : AF_INET;
    const { table, source } = places.take();
    const refused = (errno: number): BindFailure => {
      places.giveBack({ table, source });
      const code = errorName(errno);
      return { code, message: `bind ${code} ${hostname}` };
    };
    const into = addressOf(table, source);
    if (!writeSocketAddress(into, family, port, hostname, libc.zones)) return refused(-EADDRNOTAVAIL);
    const fd = libc.openUdp(family);
    if (fd < 0) return refused(fd);
    const failure = Math.min(libc.bind(fd, family, table, source), libc.watch(epoll, fd));
    if (failure < 0) {
      libc.close(fd);
      return refused(failure);
    }
    // What it is bound to is no source.
    into.fill(0);
    const socket: Bound = {
      fd,
      family,
      owner: undefined,
      handler,
      table,
      source,
      sourcePort: -1,
      sourceAddress: '',
      destinationPort: -1,
      destinationAddress: '',
      send,
      close,
    };
    sockets[fd] = socket;
    return socket;
  }

  function serveReady(index: number): boolean {
    const fd = libc.readyFd(index);
    const socket = sockets[fd];
    // Whoever was served before it may have closed it.
    if (socket !== undefined) {
      if (libc.readyError(index)) receiveErrors(socket);
      if (sockets[fd] === socket) receive(socket);
    } else if (fd === timer) timers.run();
    else if (fd === wake) {
      libc.lower(wake);
      return true;
    }
    return false;
  }

  return {
    // Whose they are is the same for handler and socket, and nothing here looks into it.
    bind: async <Owner extends object>(hostname: string, port: number, handler: SocketHandler<Owner>) =>
      open(hostname, port, handler as SocketHandler<object>) as UdpSocket<Owner> | BindFailure,
    after: timers.after,
    serve(pending) {
      for (let woken = false; !woken; ) {
        const ready = libc.wait(epoll, !pending());
        for (let index = 0; index < ready; index++) if (serveReady(index)) woken = true;
        if (pending()) return;
      }
    },
    close() {
      libc.close(timer);
      libc.close(epoll);
    },
  };
}

/**
 * Whether a result may be the ICMP error of an earlier datagram, which one call tells instead of doing its work. Done again,
 * it works: or else who spoofs a few of them takes packets from a call. The error itself is on the queue (`receiveErrors`).
 */
function isPending(result: number): boolean {
  return result < 0 && result !== -EAGAIN;
}

/** The places of the sockets, in as many tables as it takes. */
function openPlaces() {
  const free: Place[] = [];
  return {
    take(): Place {
      if (free.length === 0) {
        const table = addressTable();
        for (let source = ADDRESSES - 2; source >= 0; source -= 2) free.push({ table, source });
      }
      return free.pop() as Place;
    },
    giveBack({ table, source }: Place): void {
      free.push({ table, source });
    },
  };
}

function addressOf({ bytes }: AddressTable, index: number): Uint8Array {
  return bytes.subarray(index * MAX_SOCKADDR_BYTES, (index + 1) * MAX_SOCKADDR_BYTES);
}

/** The source of the datagram that was just received becomes the socket's. */
function noteSource({ source, zones }: Libc, socket: Bound): void {
  const { words } = source;
  const last = socket.table.words;
  const at = socket.source * SOCKADDR_WORDS;
  // The words of either layout that are set: family and port, and the address; for IPv6, the scope too.
  let same = words[0] === last[at] && words[1] === last[at + 1];
  if (socket.family === AF_INET6) {
    same &&= words[2] === last[at + 2] && words[3] === last[at + 3] && words[4] === last[at + 4];
    same &&= words[5] === last[at + 5] && words[6] === last[at + 6];
  }
  if (same) return;
  addressOf(socket.table, socket.source).set(source.bytes);
  socket.sourcePort = readSocketPort(source.bytes);
  socket.sourceAddress = readSocketAddress(source.bytes, socket.family, zones);
}

/** Whether that is an address that the socket can send to; its destination is it then. */
function noteDestination({ zones }: Libc, socket: Bound, port: number, address: string): boolean {
  if (port === socket.destinationPort && address === socket.destinationAddress) return true;
  const { table, source } = socket;
  const into = addressOf(table, source + 1);
  if (port === socket.sourcePort && address === socket.sourceAddress) into.set(addressOf(table, source));
  else if (!writeSocketAddress(into, socket.family, port, address, zones)) {
    socket.destinationPort = -1;
    return false;
  }
  socket.destinationPort = port;
  socket.destinationAddress = address;
  return true;
}
