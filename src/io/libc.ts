/**
 * The few functions of libc that the media thread calls itself, on Linux: sockets, epoll, a timer and an event.
 *
 * Why at all: Bun asks each socket twice for each packet and hands over a new buffer and a new text every time, which
 * is half of what an echoed packet costs (docs/performance.md). Why the memory stands here: a pointer is a number that
 * nobody checks, so no other file has one. All of it is allocated once and never moves; calls that fail return the
 * negative errno.
 */
import { dlopen, type Pointer, ptr, read } from 'bun:ffi';
import { readFileSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { MAX_SOCKADDR_BYTES, SOCKADDR_BYTES, type SocketFamily, type Zones } from './socket-address.ts';

/**
 * Sizes are `usize`, as C does not promise what stands above 32 bits; results that are `ssize_t` are read as 32 bits,
 * since no datagram is longer.
 */
const SIGNATURES = {
  socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
  setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
  bind: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  recvfrom: { args: ['i32', 'ptr', 'usize', 'i32', 'ptr', 'ptr'], returns: 'i32' },
  sendto: { args: ['i32', 'ptr', 'usize', 'i32', 'ptr', 'u32'], returns: 'i32' },
  close: { args: ['i32'], returns: 'i32' },
  epoll_create1: { args: ['i32'], returns: 'i32' },
  epoll_ctl: { args: ['i32', 'i32', 'i32', 'ptr'], returns: 'i32' },
  epoll_wait: { args: ['i32', 'ptr', 'i32', 'i32'], returns: 'i32' },
  eventfd: { args: ['u32', 'i32'], returns: 'i32' },
  read: { args: ['i32', 'ptr', 'usize'], returns: 'i32' },
  write: { args: ['i32', 'ptr', 'usize'], returns: 'i32' },
  timerfd_create: { args: ['i32', 'i32'], returns: 'i32' },
  timerfd_settime: { args: ['i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
  /** sched_getattr(2) and sched_setattr(2) have no function of their own in most of them. */
  syscall: { args: ['i64', 'i32', 'ptr', 'u32', 'u32'], returns: 'i32' },
  if_nametoindex: { args: ['ptr'], returns: 'u32' },
  if_indextoname: { args: ['u32', 'ptr'], returns: 'ptr' },
  // Both glibc and musl keep errno behind this name.
  __errno_location: { args: [], returns: 'ptr' },
} as const;

// The numbers are those of x64 and arm64, where they are the same.
/** socket(2); epoll_create1(2), eventfd(2) and timerfd_create(2) have the same two bits. */
const SOCK_DGRAM = 2;
const NONBLOCK = 0o4000;
const CLOEXEC = 0o2000000;
/** ip(7), ipv6(7). */
const IPPROTO_IP = 0;
const IP_RECVERR = 11;
const IPPROTO_IPV6 = 41;
const IPV6_RECVERR = 25;
const IPV6_V6ONLY = 26;
/** recv(2). */
const MSG_ERRQUEUE = 0x2000;
/** epoll_ctl(2). */
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 0x001;
const EPOLLERR = 0x008;
/** epoll_wait(2): `struct epoll_event` is packed on x64 alone; its events come first. */
const EVENT_WORDS = process.arch === 'x64' ? 3 : 4;
const EVENT_DATA_WORD = process.arch === 'x64' ? 1 : 2;
const CLOCK_MONOTONIC = 1;
/** sched_setattr(2): its number, the first size of its `struct sched_attr`, where that has what. */
const SCHED_SETATTR = process.arch === 'x64' ? 314 : 274;
const SCHED_GETATTR = SCHED_SETATTR + 1;
const SCHED_ATTR_BYTES = 48;
const SCHED_ATTR_POLICY_WORD = 1;
const SCHED_ATTR_FLAGS_WORD = 2;
const SCHED_ATTR_RUNTIME_WORD = 6;
const SCHED_OTHER = 0;
const SCHED_FLAG_RESET_ON_FORK = 1;
/** The shortest time slice that Linux gives, in ns (6.12 and later; before, it is ignored). */
const SHORT_SLICE_NS = 100_000;
/** errno(3). */
export const EAGAIN = 11;
const EMSGSIZE = 90;
export const EADDRNOTAVAIL = 99;

/** The longest payload of a datagram (RFC 768) and a little: none is ever cut. */
const DATAGRAM_BYTES = 65_536;
/** Views of datagrams up to this length are kept, in bytes. */
const MAX_KEPT_VIEW = 1_500;
/** Sockets served between two waits. */
const MAX_EVENTS = 256;
const IF_NAMESIZE = 16;

/** Memory of ours that libc may write; `at` is its address. */
interface Memory {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly at: Pointer;
}

/** Addresses of sockets, side by side: ADDRESSES of them, MAX_SOCKADDR_BYTES each. */
export type AddressTable = Memory;

/** Addresses in a table. */
export const ADDRESSES = 1_024;

/** Not a small typed array: those live in the collector's heap, and move when somebody asks for their buffer. */
function memory(length: number): Memory {
  const buffer = new ArrayBuffer(length);
  return { bytes: new Uint8Array(buffer), words: new Int32Array(buffer), at: ptr(buffer) };
}

/** Room for addresses, all zero. */
export function addressTable(): AddressTable {
  return memory(ADDRESSES * MAX_SOCKADDR_BYTES);
}

/** Where an address of a table is. */
function addressAt(table: AddressTable, index: number): Pointer {
  return (table.at + Math.min(index, ADDRESSES - 1) * MAX_SOCKADDR_BYTES) as Pointer;
}

/** The functions, for one thread: errno and the memory are its own. */
export type Libc = NonNullable<ReturnType<typeof openLibc>>;

/** Undefined where there is no such libc, or it may not be loaded. */
export function openLibc() {
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) return undefined;
  try {
    const name = loadedLibc(readFileSync('/proc/self/maps', 'latin1'));
    return name === undefined ? undefined : bindLibc(dlopen(name, SIGNATURES).symbols);
  } catch {
    return undefined;
  }
}

/**
 * The name of the libc that the process runs on, from its memory map (proc(5)). Both dynamic linkers know that name for
 * what is loaded already (musl each that begins with "libc."), and load no second one: two in one process are a crash.
 * A path would not do, because that of musl has several.
 */
export function loadedLibc(maps: string): string | undefined {
  if (/\/(?:ld-musl-\w+|libc\.musl-\w+)\.so\.1$/m.test(maps)) return 'libc.so';
  return /\/(?:libc\.so\.6|libc-2\.\d+\.so)$/m.test(maps) ? 'libc.so.6' : undefined;
}

function bindLibc(libc: ReturnType<typeof dlopen<typeof SIGNATURES>>['symbols']) {
  const errnoAt = libc.__errno_location();
  if (errnoAt === null) return undefined;
  const errno = (): number => -read.i32(errnoAt, 0);
  const orErrno = (result: number): number => (result < 0 ? errno() : result);

  const datagram = memory(DATAGRAM_BYTES);
  const outgoing = memory(DATAGRAM_BYTES);
  const source = memory(MAX_SOCKADDR_BYTES);
  const length = memory(4);
  const events = memory(MAX_EVENTS * EVENT_WORDS * 4);
  const event = memory(EVENT_WORDS * 4);
  const eight = memory(8);
  const itimerspec = memory(32);
  const timer = new BigInt64Array(itimerspec.bytes.buffer);
  const attributes = memory(SCHED_ATTR_BYTES);
  const name = memory(IF_NAMESIZE);
  const received = Buffer.from(datagram.bytes.buffer);
  /** RTP has a few lengths, again and again: a view for each is kept. */
  const views: (Buffer | undefined)[] = [];
  /** The one that was handed out last. */
  let view = received;

  function setOption(fd: number, level: number, option: number, value: number): void {
    length.words[0] = value;
    libc.setsockopt(fd, level, option, length.at, 4);
  }

  function receive(fd: number, family: SocketFamily, flags: number): number {
    length.words[0] = SOCKADDR_BYTES[family];
    const result = libc.recvfrom(fd, datagram.at, DATAGRAM_BYTES, flags, source.at, length.at);
    return result < 0 ? errno() : result;
  }

  const zones: Zones = {
    indexOf(zone) {
      name.bytes.fill(0);
      if (Buffer.byteLength(zone) >= IF_NAMESIZE) return 0;
      name.bytes.set(Buffer.from(zone));
      return libc.if_nametoindex(name.at);
    },
    nameOf(index) {
      name.bytes.fill(0);
      if (libc.if_indextoname(index, name.at) === null) return '';
      return Buffer.from(name.bytes.subarray(0, name.bytes.indexOf(0))).toString();
    },
  };

  return {
    zones,
    /** Where the last datagram came from. */
    source,
    /** The last datagram, whose length `receive` told. */
    received(bytes: number): Buffer {
      if (bytes > MAX_KEPT_VIEW) view = received.subarray(0, bytes);
      else {
        views[bytes] ??= received.subarray(0, bytes);
        view = views[bytes];
      }
      return view;
    },

    /** An unbound UDP socket that tells of ICMP errors; an IPv6 one serves both families. Its descriptor. */
    openUdp(family: SocketFamily): number {
      const fd = orErrno(libc.socket(family, SOCK_DGRAM | NONBLOCK | CLOEXEC, 0));
      if (fd < 0) return fd;
      // What one of them refuses is another family's.
      if (SOCKADDR_BYTES[family] === 28) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
      if (SOCKADDR_BYTES[family] === 28) setOption(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
      setOption(fd, IPPROTO_IP, IP_RECVERR, 1);
      return fd;
    },
    bind: (fd: number, family: SocketFamily, table: AddressTable, index: number): number =>
      orErrno(libc.bind(fd, addressAt(table, index), SOCKADDR_BYTES[family])),
    /** Takes one datagram, for `received` and `source`; its length, also 0. */
    receive: (fd: number, family: SocketFamily): number => receive(fd, family, 0),
    /** Takes one ICMP error off the socket (IP_RECVERR in ip(7)); negative when there is none. */
    receiveError: (fd: number, family: SocketFamily): number => receive(fd, family, MSG_ERRQUEUE),
    /** To an address of a table. The last datagram is sent from where it stands. */
    send(fd: number, family: SocketFamily, bytes: Uint8Array, table: AddressTable, index: number): number {
      if (bytes.length > DATAGRAM_BYTES) return -EMSGSIZE;
      const inPlace = bytes === view;
      if (!inPlace) outgoing.bytes.set(bytes);
      const at = inPlace ? datagram.at : outgoing.at;
      const result = libc.sendto(fd, at, bytes.length, 0, addressAt(table, index), SOCKADDR_BYTES[family]);
      return result < 0 ? errno() : result;
    },
    close: (fd: number): number => libc.close(fd),

    openEpoll: (): number => orErrno(libc.epoll_create1(CLOEXEC)),
    /** From now on `wait` tells when that descriptor can be read; level-triggered. */
    watch(epoll: number, fd: number): number {
      event.words.fill(0);
      event.words[0] = EPOLLIN;
      event.words[EVENT_DATA_WORD] = fd;
      return orErrno(libc.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event.at));
    },
    /** How many descriptors are ready; `readyFd` and `readyError` tell of each. 0 when a signal came. */
    wait: (epoll: number, block: boolean): number =>
      Math.max(0, libc.epoll_wait(epoll, events.at, MAX_EVENTS, block ? -1 : 0)),
    readyFd: (index: number): number => events.words[index * EVENT_WORDS + EVENT_DATA_WORD] ?? -1,
    readyError: (index: number): boolean => ((events.words[index * EVENT_WORDS] ?? 0) & EPOLLERR) !== 0,

    /** A descriptor by which one thread wakes another (eventfd(2)). */
    openEvent: (): number => orErrno(libc.eventfd(0, NONBLOCK | CLOEXEC)),
    /** Makes it readable. */
    raise(fd: number): void {
      eight.words[0] = 1;
      eight.words[1] = 0;
      libc.write(fd, eight.at, 8);
    },
    /** Makes it unreadable. */
    lower(fd: number): void {
      libc.read(fd, eight.at, 8);
    },

    /**
     * Asks for short turns of this thread on the processor, which anybody may: who asks for little at a time is let in
     * before others have used up theirs (1 to 4 ms). Threads that it starts (collector, compiler) do not inherit it, and a
     * policy that somebody has chosen for it stays. Returns whether the system took it.
     */
    askShortTurns(): boolean {
      const { words, at } = attributes;
      if (libc.syscall(SCHED_GETATTR, 0, at, SCHED_ATTR_BYTES, 0) < 0) return false;
      if (words[SCHED_ATTR_POLICY_WORD] !== SCHED_OTHER) return false;
      words[SCHED_ATTR_FLAGS_WORD] = (words[SCHED_ATTR_FLAGS_WORD] ?? 0) | SCHED_FLAG_RESET_ON_FORK;
      words[SCHED_ATTR_RUNTIME_WORD] = SHORT_SLICE_NS;
      words[SCHED_ATTR_RUNTIME_WORD + 1] = 0;
      return libc.syscall(SCHED_SETATTR, 0, at, 0, 0) === 0;
    },

    openTimer: (): number => orErrno(libc.timerfd_create(CLOCK_MONOTONIC, NONBLOCK | CLOEXEC)),
    /** It becomes readable in so many ms, once, and is unreadable until then; undefined: never. */
    setTimer(fd: number, ms: number | undefined): void {
      // it_interval stays 0; 0 in it_value would be never.
      const ns = ms === undefined ? 0 : Math.max(1, Math.round(ms * 1e6));
      timer[2] = BigInt(Math.floor(ns / 1e9));
      timer[3] = BigInt(ns % 1e9);
      libc.timerfd_settime(fd, 0, itimerspec.at, null);
    },
  };
}

/** The name of a negative errno: `EADDRINUSE`. */
export function errorName(errno: number): string {
  return getSystemErrorName(errno);
}
