import { afterEach, describe, expect, test } from 'bun:test';
import { readPayloadType, readSequence, readSsrc, readTimestamp, writeRtpHeader } from '../rtp/rtp-packet.ts';
import type { MediaCounters, MediaReport, MediaSession } from '../rtp/session.ts';
import { type Media, type MediaOptions, startMedia } from './media.ts';
import { fromSocketForm, toSocketForm } from './media-calls.ts';

/** A caller: one socket, what it heard, and a way to wait for more without sleeping. */
interface Caller {
  readonly port: number;
  readonly heard: Buffer[];
  send(packet: Uint8Array, port: number): void;
  until(count: number): Promise<void>;
  close(): void;
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function caller(hostname = '127.0.0.1'): Promise<Caller> {
  const heard: Buffer[] = [];
  let waiting: { count: number; resolve: () => void } | undefined;
  const socket = await Bun.udpSocket({
    hostname,
    port: 0,
    socket: {
      data: (_socket, bytes) => {
        heard.push(Buffer.from(bytes));
        if (waiting !== undefined && heard.length >= waiting.count) waiting.resolve();
      },
      error: () => {},
    },
  });
  closing.push(() => socket.close());
  return {
    port: socket.port,
    heard,
    send: (packet, port) => void socket.send(packet, port, hostname),
    until: (count) =>
      heard.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting = { count, resolve };
          }),
    close: () => socket.close(),
  };
}

/** A packet is counted just after it is sent, so a caller may hear it first: looks again until it is so. */
async function counted(running: Media, slot: number, expected: Partial<MediaCounters>): Promise<void> {
  const entries = Object.entries(expected);
  const now = (): Map<string, number> => new Map(Object.entries(running.read(slot)));
  for (let looks = 0; looks < 10_000 && entries.some(([name, value]) => now().get(name) !== value); looks++)
    await new Promise((resolve) => setImmediate(resolve));
  expect(running.read(slot)).toMatchObject(expected);
}

/** Media on loopback with what it reported, and a way to wait for a report. */
async function openMedia(options: Partial<MediaOptions>) {
  const reports: MediaReport[] = [];
  const watchers = new Set<() => void>();
  const running: Media = startMedia({
    threads: 1,
    rtpPorts: [21_000, 22_999],
    maxCalls: 256,
    // A machine that is busy would see priming packets go out again.
    tickMs: 60_000,
    ...options,
    onReport: (report) => {
      reports.push(report);
      for (const watcher of watchers) watcher();
    },
  });
  closing.push(() => running.close());
  await running.ready;
  const until = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const watcher = (): void => {
        if (!done()) return;
        watchers.delete(watcher);
        resolve();
      };
      watchers.add(watcher);
      watcher();
    });
  const ports = (): number[] =>
    reports.flatMap((report) => (report.type === 'ports' ? [...report.ports] : []));
  return { running, reports, ports, until };
}

function session(slot: number, port: number, remotePort: number, address = '127.0.0.1'): MediaSession {
  return {
    slot,
    port,
    remote: { address, port: remotePort },
    remoteRtcp: { address, port: remotePort + 1 },
    rtcpMux: false,
    send: true,
    receive: true,
    payloads: [
      { type: 0, name: 'PCMU', clockRate: 8000 },
      { type: 101, name: 'TELEPHONE-EVENT', clockRate: 8000 },
    ],
    ssrc: 0x1000_0000 + slot,
    cname: `slot-${slot}`,
  };
}

function packet(sequence: number, ssrc: number, payload = 160, type = 0): Buffer {
  const bytes = Buffer.alloc(12 + payload, sequence & 0xff);
  writeRtpHeader(bytes, type, sequence, sequence * 160, ssrc);
  return bytes;
}

/** Both ways to have sockets; elsewhere than on Linux the first one is Bun's as well. */
describe.each(['libc', 'bun'] as const)('on loopback, sockets of %s', (kind) => {
  const media = (options: Partial<MediaOptions> = {}) =>
    openMedia({ ...options, ...(kind === 'bun' ? { sockets: kind } : {}) });

  test('200 calls: each packet comes back to its own sender, with our SSRC and its gaps', async () => {
    const { running, ports, until } = await media();
    const callers = await Promise.all(Array.from({ length: 200 }, () => caller()));
    const used: number[] = [];
    for (const [slot, { port: remotePort }] of callers.entries()) {
      await until(() => ports().length > slot);
      const port = ports()[slot] as number;
      used.push(port);
      running.send([{ type: 'open', session: session(slot, port, remotePort) }]);
    }
    await Promise.all(callers.map((one) => one.until(1)));
    // 7 and 9 are lost on the way to us.
    for (const sequence of [5, 6, 8, 10])
      for (const [slot, one] of callers.entries()) one.send(packet(sequence, slot + 1), used[slot] as number);
    await Promise.all(callers.map((one) => one.until(5)));
    for (const [slot, { heard }] of callers.entries()) {
      const [priming, ...echoed] = heard as [Buffer, ...Buffer[]];
      expect(heard.map((bytes) => readSsrc(bytes))).toEqual(heard.map(() => 0x1000_0000 + slot));
      expect(readPayloadType(priming)).toBe(0);
      expect(priming.subarray(12).every((byte) => byte === 0xff)).toBe(true);
      expect(echoed.map((bytes) => (readSequence(bytes) - readSequence(priming)) & 0xffff)).toEqual([
        1, 2, 4, 6,
      ]);
      const first = readTimestamp(echoed[0] as Buffer);
      expect(echoed.map((bytes) => (readTimestamp(bytes) - first) >>> 0)).toEqual([0, 160, 480, 800]);
      expect(echoed.map((bytes) => bytes[12])).toEqual([5, 6, 8, 10]);
      await counted(running, slot, { packetsReceived: 4, bytesReceived: 688, lost: 2, dropped: 0 });
      await counted(running, slot, { packetsSent: 5, bytesSent: 860, sendErrors: 0 });
    }
    const before = ports().length;
    running.send(callers.map((_, slot) => ({ type: 'close', slot }) as const));
    // What the reserve has no room for is closed, the rest is offered again, oldest first.
    await until(() => ports().length > before);
    await running.close();
    for (const port of [...new Set(ports())])
      for (const each of [port, port + 1]) (await Bun.udpSocket({ port: each, hostname: '0.0.0.0' })).close();
  });

  test('a stranger who finds the port is neither heard nor answered', async () => {
    const { running, ports, until, reports } = await media();
    const [alice, mallory] = [await caller(), await caller()];
    const port = ports()[0] as number;
    running.send([{ type: 'open', session: session(3, port, alice.port) }]);
    // The first packet says that the port is open.
    await alice.until(1);
    alice.send(packet(1, 7), port);
    await alice.until(2);
    mallory.send(packet(2, 7), port);
    mallory.send(packet(1, 666), port);
    alice.send(packet(2, 7), port);
    await alice.until(3);
    expect(mallory.heard).toEqual([]);
    await counted(running, 3, { packetsReceived: 2, dropped: 2 });
    await until(() => reports.some(({ type }) => type === 'latched'));
    expect(reports.filter(({ type }) => type === 'latched')).toEqual([
      { type: 'latched', slot: 3, address: '127.0.0.1', port: alice.port },
    ]);
  });

  test('who talks to a phone behind a NAT sends to where its one packet came from, also when that was first', async () => {
    const { running, ports } = await media();
    const [phone, nobody] = [await caller(), await caller()];
    const port = ports()[0] as number;
    const talks = { mode: { type: 'talk', play: { type: 'tone' } }, offeredForMs: 300 } as const;
    // The SDP names an address where nobody is; the port was told 300 ms before that.
    phone.send(packet(1, 7), port);
    running.send([{ type: 'open', session: { ...session(0, port, nobody.port), ...talks } }]);
    await phone.until(1);
    await counted(running, 0, { packetsReceived: 1 });
  });

  test('a caller over IPv6 is served on the same kind of port', async () => {
    const { running, ports, until, reports } = await media();
    const alice = await caller('::1');
    const port = ports()[0] as number;
    running.send([{ type: 'open', session: session(0, port, alice.port, '0:0:0:0:0:0:0:1') }]);
    alice.send(packet(1, 7), port);
    await alice.until(2);
    await until(() => reports.some(({ type }) => type === 'latched'));
    expect(reports).toContainEqual({ type: 'latched', slot: 0, address: '::1', port: alice.port });
    await counted(running, 0, { packetsReceived: 1, packetsSent: 2, sendErrors: 0 });
  });

  test('a key is reported once and its packets come back', async () => {
    const { running, ports, until, reports } = await media();
    const alice = await caller();
    const port = ports()[0] as number;
    running.send([{ type: 'open', session: session(0, port, alice.port) }]);
    const key = packet(1, 7, 4, 101);
    for (const payload of [
      [5, 10, 1, 0x40],
      [5, 0x8a, 2, 0x80],
      [5, 0x8a, 2, 0x80],
    ]) {
      key.set(payload, 12);
      alice.send(key, port);
    }
    await alice.until(4);
    await until(() => reports.some(({ type }) => type === 'dtmf'));
    expect(reports.filter(({ type }) => type === 'dtmf')).toEqual([
      { type: 'dtmf', slot: 0, digit: '5', durationMs: 80 },
    ]);
  });

  test('a peer whose socket is gone (ICMP) costs send errors and no call', async () => {
    const { running, ports } = await media();
    const [alice, bob] = [await caller(), await caller()];
    const [first, second] = ports() as [number, number];
    const gone = await caller();
    gone.close();
    running.send([
      { type: 'open', session: session(0, first, gone.port) },
      { type: 'open', session: session(1, second, bob.port) },
    ]);
    await bob.until(1);
    // Each renegotiation primes the dead address again, so errors are pending when the next packet is sent.
    for (let round = 0; round < 5; round++)
      running.send([
        { type: 'update', session: session(0, first, alice.port) },
        { type: 'update', session: session(0, first, gone.port) },
      ]);
    running.send([{ type: 'update', session: session(0, first, alice.port) }]);
    for (let number = 0; number < 20; number++) alice.send(packet(number, 7), first);
    bob.send(packet(1, 8), second);
    // Of 6 priming packets and 20 echoes an error may cost each of the first 12 sends one.
    await Promise.all([alice.until(14), bob.until(2)]);
    expect(running.read(0).sendErrors).toBeGreaterThan(0);
    await counted(running, 1, { packetsSent: 2, sendErrors: 0 });
  });

  test('an address that is none is counted and harms nobody', async () => {
    const { running, ports } = await media();
    const alice = await caller();
    const [first, second] = ports() as [number, number];
    running.send([
      { type: 'open', session: session(0, first, 4000, 'not:an:address') },
      { type: 'open', session: session(1, second, alice.port) },
    ]);
    await alice.until(1);
    await counted(running, 0, { packetsSent: 0, sendErrors: 1 });
  });

  test('the port of a closed call is offered last, and what is late for it is thrown away', async () => {
    const { running, ports, until } = await media({ reserve: 4 });
    const [alice, bob] = [await caller(), await caller()];
    const port = ports()[0] as number;
    running.send([{ type: 'open', session: session(0, port, alice.port) }]);
    await alice.until(1);
    await until(() => ports().length === 5);
    running.send([{ type: 'close', slot: 0 }]);
    await until(() => ports().length === 6);
    expect(ports().at(-1)).toBe(port);
    const other = ports()[1] as number;
    running.send([{ type: 'open', session: session(0, other, bob.port) }]);
    // The thread has come so far: the call before is closed.
    await bob.until(1);
    alice.send(packet(1, 7), port);
    bob.send(packet(1, 8), other);
    await bob.until(2);
    expect(alice.heard).toHaveLength(1);
    await counted(running, 0, { packetsReceived: 1, dropped: 0 });
  });

  test('one port that another program has for IPv6 alone costs no family', async () => {
    const other = await Bun.udpSocket({ hostname: '::1', port: 21_000 });
    closing.push(() => other.close());
    const { running, ports } = await media({ reserve: 4 });
    const alice = await caller('::1');
    const port = ports()[0] as number;
    expect(port).toBe(21_002);
    running.send([{ type: 'open', session: session(0, port, alice.port, '::1') }]);
    await alice.until(1);
  });

  test('two threads share the range and each call stays on the one that has its port', async () => {
    const { running, ports } = await media({ threads: 2, reserve: 8 });
    expect(new Set(ports()).size).toBe(8);
    const callers = await Promise.all(Array.from({ length: 8 }, () => caller()));
    running.send(
      callers.map(({ port }, slot) => ({
        type: 'open' as const,
        session: session(slot, ports()[slot] as number, port),
      })),
    );
    // The first packet says that the port is open: a machine that is busy may take longer than early packets are kept.
    await Promise.all(callers.map((one) => one.until(1)));
    for (const [slot, one] of callers.entries()) one.send(packet(1, 7), ports()[slot] as number);
    await Promise.all(callers.map((one) => one.until(2)));
    expect(callers.map((_, slot) => running.read(slot).packetsReceived)).toEqual(callers.map(() => 1));
  });

  test('a range that is too small is said once, and what there is can be used', async () => {
    const { running, ports, reports } = await media({ rtpPorts: [32_701, 32_705] });
    expect(ports()).toEqual([32_702, 32_704]);
    expect(reports.at(-1)).toEqual({
      type: 'ports-exhausted',
      detail: 'RTP ports 32701 to 32705: every pair of the range is in use',
    });
    const alice = await caller();
    for (const [slot, port] of ports().entries()) {
      running.send([{ type: 'open', session: session(slot, port, alice.port) }]);
      await alice.until(slot + 1);
    }
    expect(reports.filter(({ type }) => type === 'ports-exhausted')).toHaveLength(1);
  });
});

test('what the socket calls an address is one text for each (RFC 5952, RFC 4291 §2.5.5.2)', () => {
  const form = (address: string, dual: boolean) => toSocketForm({ address, port: 1 }, dual).address;
  expect(form('192.0.2.1', true)).toBe('::ffff:192.0.2.1');
  expect(form('192.0.2.1', false)).toBe('192.0.2.1');
  expect(form('2001:DB8:0:0:0:0:0:1', true)).toBe('2001:db8::1');
  expect(form('::FFFF:192.0.2.1', true)).toBe('::ffff:192.0.2.1');
  expect(form('fe80::1%eth0', true)).toBe('fe80::1%eth0');
  expect(form('anything', true)).toBe('anything');
  expect(fromSocketForm('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(fromSocketForm('2001:db8::1')).toBe('2001:db8::1');
});
