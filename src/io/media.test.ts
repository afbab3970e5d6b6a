import { afterEach, describe, expect, test } from 'bun:test';
import { readPayloadType, readSequence, readSsrc, readTimestamp, writeRtpHeader } from '../rtp/rtp-packet.ts';
import type { MediaReport, MediaSession } from '../rtp/session.ts';
import { type Media, type MediaOptions, startMedia } from './media.ts';

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

/** Media on loopback with what it reported, and a way to wait for a report. */
async function media(options: Partial<MediaOptions> = {}) {
  const reports: MediaReport[] = [];
  const watchers = new Set<() => void>();
  const running: Media = startMedia({
    threads: 1,
    rtpPorts: [33_000, 34_999],
    maxCalls: 256,
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

describe('on loopback', () => {
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
      const counters = running.read(slot);
      expect(counters).toMatchObject({ packetsReceived: 4, bytesReceived: 688, lost: 2, dropped: 0 });
      expect(counters).toMatchObject({ packetsSent: 5, bytesSent: 860, sendErrors: 0 });
    }
    const before = ports().length;
    running.send(callers.map((_, slot) => ({ type: 'close', slot }) as const));
    // What the reserve has no room for is closed, the rest is offered again, oldest first.
    await until(() => ports().length > before);
    await running.close();
    for (const port of [...new Set(ports())])
      for (const each of [port, port + 1]) (await Bun.udpSocket({ port: each, hostname: '0.0.0.0' })).close();
  });
});
