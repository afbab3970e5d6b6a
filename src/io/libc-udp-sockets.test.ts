/** Sockets of libc on loopback, served here instead of in a media thread: nothing waits, nothing sleeps. */
import { afterEach, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { loadedLibc, openLibc } from './libc.ts';
import { openLibcUdpSockets } from './libc-udp-sockets.ts';
import type { SocketHandler, UdpSocket } from './udp-sockets.ts';

test('the libc is the one that the process runs on, glibc or musl (proc(5))', () => {
  const line = (path: string) => `7f00-7f01 r-xp 00000000 fe:00 1234                       ${path}\n`;
  const found = (path: string) => loadedLibc(`${line('/usr/bin/libcurious')}${line(path)}${line('[stack]')}`);
  expect(found('/usr/lib/x86_64-linux-gnu/libc.so.6')).toBe('libc.so.6');
  expect(found('/lib/x86_64-linux-gnu/libc-2.31.so')).toBe('libc.so.6');
  // Where musl is the libc, a libc.so.6 may stand beside it for programs of others.
  expect(found('/lib/ld-musl-aarch64.so.1')).toBe('libc.so');
  expect(found('/usr/lib/libcrypto.so.3')).toBeUndefined();
});

const libc = openLibc();
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

test.skipIf(process.platform !== 'linux')('it can be called on this machine', () => {
  expect(libc).toBeDefined();
});

test.skipIf(process.platform !== 'linux')(
  'a thread that asks for short turns gets them (sched_setattr(2))',
  () => {
    expect(libc?.askShortTurns()).toBe(true);
    // Asking again is no mistake.
    expect(libc?.askShortTurns()).toBe(true);
    // Linux before 6.12 takes it and keeps its own; others do not tell.
    const slice = /^se\.slice +: +(\d+)$/m.exec(schedulingOf());
    if (slice !== null && linuxVersion() >= 612) expect(Number(slice[1])).toBe(100_000);
  },
);

function schedulingOf(): string {
  const file = '/proc/thread-self/sched';
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** 6.12 is 612. */
function linuxVersion(): number {
  const [major, minor] = release().split('.');
  return Number(major) * 100 + Number(minor);
}

/** What a socket of a test does, if anything. */
interface Owner {
  readonly data?: (bytes: Buffer, port: number, address: string) => void;
  readonly failed?: () => void;
}
type Opened = Pick<UdpSocket<Owner>, 'send' | 'close'> & { readonly port: number };
const handler: SocketHandler<Owner> = {
  data: ({ data }, bytes, port, address) => data?.(bytes, port, address),
  failed: ({ failed }) => failed?.(),
};

/** A loop, and a way to serve it until something is so. */
function loop() {
  if (libc === undefined) throw new Error('no libc');
  const wake = libc.openEvent();
  const sockets = openLibcUdpSockets(libc, wake);
  if (sockets === undefined) throw new Error('no epoll');
  closing.push(
    () => libc.close(wake),
    () => sockets.close(),
  );
  const until = (done: () => boolean) => {
    // On loopback a datagram is there when `send` returns; an ICMP error, too.
    for (let turns = 0; turns < 1_000 && !done(); turns++) sockets.serve(() => true);
    expect(done()).toBe(true);
  };
  async function open(hostname: string, owner: Owner = {}): Promise<Opened> {
    for (let port = 24_000; port < 24_200; port++) {
      const socket = await sockets?.bind(hostname, port, handler);
      if (socket === undefined || 'code' in socket) continue;
      socket.owner = owner;
      const close = () => socket.close();
      closing.push(close);
      return { port, close, send: (...what) => socket.send(...what) };
    }
    throw new Error('no port is free');
  }
  return { sockets, wake, until, open };
}

const onLinux = test.skipIf(libc === undefined);

onLinux(
  'a datagram comes with its source, and is answered from the buffer that it came in, over both families',
  async () => {
    const { until, open } = loop();
    const sources: string[] = [];
    const echo = await open('::', {
      data: (bytes, port, address) => {
        sources.push(`${address} ${port} ${bytes.length}`);
        bytes[0] = 0x58;
        expect(echo.send(bytes, port, address)).toBe(true);
      },
    });
    const heard: string[] = [];
    const data = (bytes: Buffer) => heard.push(bytes.toString());
    const [four, six, other] = [
      await open('127.0.0.1', { data }),
      await open('::1', { data }),
      await open('::1', { data }),
    ];
    for (const text of ['one', 'two']) {
      four.send(Buffer.from(text), echo.port, '127.0.0.1');
      six.send(Buffer.from(text), echo.port, '::1');
      // Of another source the bytes differ in the port alone.
      other.send(Buffer.from(text), echo.port, '::1');
    }
    other.send(new Uint8Array(0), echo.port, '::1');
    until(() => heard.length === 7);
    expect(heard.toSorted()).toEqual(['', 'Xne', 'Xne', 'Xne', 'Xwo', 'Xwo', 'Xwo']);
    expect(sources.toSorted()).toEqual(
      [
        `::ffff:127.0.0.1 ${four.port} 3`,
        `::ffff:127.0.0.1 ${four.port} 3`,
        `::1 ${six.port} 3`,
        `::1 ${six.port} 3`,
        `::1 ${other.port} 3`,
        `::1 ${other.port} 3`,
        `::1 ${other.port} 0`,
      ].toSorted(),
    );
  },
);

onLinux(
  'the longest datagram comes whole; a longer one, and an address that is none, are not sent',
  async () => {
    const { until, open } = loop();
    const lengths: number[] = [];
    const socket = await open('127.0.0.1', { data: (bytes) => lengths.push(bytes.length) });
    const other = await open('127.0.0.1');
    expect(other.send(new Uint8Array(65_507), socket.port, '127.0.0.1')).toBe(true);
    until(() => lengths[0] === 65_507);
    expect(other.send(new Uint8Array(65_508), socket.port, '127.0.0.1')).toBe(false);
    expect(other.send(new Uint8Array(70_000), socket.port, '127.0.0.1')).toBe(false);
    for (const address of ['example.com', '', '2001:db8::1', '127.0.0.1%nowhere'])
      expect(other.send(new Uint8Array(12), socket.port, address)).toBe(false);
  },
);

onLinux(
  'a port that is taken, and an address that is not ours, are values with the system’s name',
  async () => {
    const { sockets, open } = loop();
    const { port } = await open('127.0.0.1');
    expect(await sockets.bind('127.0.0.1', port, handler)).toEqual({
      code: 'EADDRINUSE',
      message: 'bind EADDRINUSE 127.0.0.1',
    });
    expect(await sockets.bind('192.0.2.77', port, handler)).toMatchObject({ code: 'EADDRNOTAVAIL' });
    expect(await sockets.bind('example.com', port, handler)).toMatchObject({ code: 'EADDRNOTAVAIL' });
  },
);

onLinux('an ICMP error is told once and does not keep the loop busy (IP_RECVERR, ip(7))', async () => {
  const { sockets, until, open } = loop();
  const failed = { four: 0, six: 0, dual: 0 };
  const count = (which: keyof typeof failed) => ({ failed: () => void failed[which]++ });
  const [four, six, dual] = [
    await open('127.0.0.1', count('four')),
    await open('::1', count('six')),
    await open('::', count('dual')),
  ];
  const gone = await open('::');
  gone.close();
  four.send(new Uint8Array(12), gone.port, '127.0.0.1');
  six.send(new Uint8Array(12), gone.port, '::1');
  dual.send(new Uint8Array(12), gone.port, '127.0.0.1');
  until(() => failed.four + failed.six + failed.dual === 3);
  for (let turns = 0; turns < 5; turns++) sockets.serve(() => true);
  expect(failed).toEqual({ four: 1, six: 1, dual: 1 });
});

onLinux('an ICMP error costs neither the datagram that is sent next nor the one that waits', async () => {
  const { sockets, open } = loop();
  let failed = 0;
  let heard = 0;
  const socket = await open('127.0.0.1', { failed: () => void failed++, data: () => void heard++ });
  const peer = await open('127.0.0.1');
  const gone = await open('127.0.0.1');
  gone.close();
  // More than are taken in one go: the last ones are pending still when the datagram is taken.
  for (let sent = 0; sent < 20; sent++)
    expect(socket.send(new Uint8Array(12), gone.port, '127.0.0.1')).toBe(true);
  peer.send(new Uint8Array(12), socket.port, '127.0.0.1');
  sockets.serve(() => true);
  expect(heard).toBe(1);
  for (let turns = 0; turns < 3; turns++) sockets.serve(() => true);
  expect(failed).toBe(20);
});

onLinux('who closes another socket in a callback is not told of what it had', async () => {
  const { sockets, open } = loop();
  const heard: string[] = [];
  const pair: Opened[] = [];
  const data = (name: string) => () => {
    heard.push(name);
    for (const socket of pair) socket.close();
  };
  const first = await open('127.0.0.1', { data: data('first') });
  const second = await open('127.0.0.1', { data: data('second') });
  pair.push(first, second);
  const sender = await open('127.0.0.1');
  for (const { port } of [first, second]) sender.send(new Uint8Array(12), port, '127.0.0.1');
  for (let turns = 0; turns < 3; turns++) sockets.serve(() => true);
  expect(heard).toEqual(['first']);
});

onLinux('the loop waits until another thread wakes it, and its timers run meanwhile', () => {
  const { sockets, wake } = loop();
  const called: string[] = [];
  sockets.after(2, () => {
    called.push('timer');
    libc?.raise(wake);
  });
  sockets.after(1_000_000, () => called.push('never'));
  sockets.after(0, () => called.push('at once'))();
  // Would never return without the timer, nor without the wake.
  sockets.serve(() => false);
  expect(called).toEqual(['timer']);
});
