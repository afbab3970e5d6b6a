/** Ports of a media thread and a STUN server on loopback (RFC 8489): real sockets, and no sleeping. */
import { afterEach, expect, test } from 'bun:test';
import type { MediaReport } from '../rtp/session.ts';
import { parseStun } from '../stun/parse-stun.ts';
import { bindingRequest, writeStun } from '../stun/write-stun.ts';
import { openRtpPorts } from './rtp-ports.ts';
import { openStunPorts, type StunPortsTiming } from './stun-ports.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server that sees each port 20,000 higher; `lying`: from another socket than the one that was asked. */
async function openServer(lying = false) {
  const asked: number[] = [];
  const other = await Bun.udpSocket({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data: () => {
        server.heard += 1;
      },
    },
  });
  const socket = await Bun.udpSocket({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data: (self, bytes, port, address) => {
        const parsed = parseStun(bytes);
        if (!parsed.ok) return;
        asked.push(port);
        const { transactionId } = parsed.value;
        const mapped = { address: '203.0.113.5', port: port + server.shift };
        (lying ? other : self).send(writeStun({ class: 'success', transactionId, mapped }), port, address);
        server.answered(port);
      },
    },
  });
  closing.push(
    () => socket.close(),
    () => other.close(),
  );
  const address = { address: '127.0.0.1', port: socket.port };
  const server = { asked, address, other, heard: 0, shift: 20_000, answered: (_port: number) => {} };
  return server;
}

/** Two pairs of ports that are bound, and what is reported of them. */
async function openPorts(timing?: StunPortsTiming) {
  const reports: MediaReport[] = [];
  let wanted: { readonly count: number; readonly resolve: () => void } | undefined;
  const ports = openRtpPorts({
    range: [28_000, 28_400],
    bind: '127.0.0.1',
    reserve: 2,
    thread: 0,
    threads: 1,
    onPorts: () => {},
    onExhausted: () => {},
    onStun: (...what) => stun.received(...what),
  });
  const stun = openStunPorts(
    ports,
    (report) => {
      reports.push(report);
      if (wanted !== undefined && reports.length >= wanted.count) wanted.resolve();
    },
    timing,
  );
  await ports.fill();
  closing.push(
    () => ports.close(),
    () => stun.use(undefined),
  );
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      if (reports.length >= count) resolve();
      else wanted = { count, resolve };
    });
  return { ports, stun, reports, until };
}

test('every port of the reserve is asked about, RTP and RTCP, and reported with what the server sees', async () => {
  const [server, { ports, stun, reports, until }] = await Promise.all([openServer(), openPorts()]);
  stun.use(server.address);
  // RTP first, then RTCP with it, of each pair.
  await until(4);
  const bound = [...ports.all()].map(({ pair }) => pair.port);
  expect(bound).toHaveLength(2);
  expect(server.asked.toSorted()).toEqual(bound.flatMap((port) => [port, port + 1]).toSorted());
  for (const port of bound) {
    const last = reports.findLast((report) => report.type === 'port-mapped' && report.port === port);
    const mapped = { address: '203.0.113.5', port: port + 20_000, rtcpPort: port + 20_001 };
    expect(last).toEqual({ type: 'port-mapped', port, mapped });
  }
});

test('ports that wait are asked about again and a new mapping is reported; one that a call has is left alone', async () => {
  const timing = { refreshMs: 5, lookMs: 1 };
  const [server, { ports, stun, reports, until }] = await Promise.all([openServer(), openPorts(timing)]);
  stun.use(server.address);
  await until(4);
  const [waiting, taken] = [...ports.all()].map(({ pair }) => pair);
  if (waiting === undefined || taken === undefined) throw new Error('two pairs are bound');
  ports.take(taken.port);
  const asked = () => server.asked.filter((port) => port === taken.port || port === taken.port + 1).length;
  const before = asked();
  server.shift = 30_000;
  // Both sockets of the one that waits, and of the third pair, which took the place of the one that was taken.
  await until(8);
  const mapped = { address: '203.0.113.5', port: waiting.port + 30_000, rtcpPort: waiting.port + 30_001 };
  expect(reports).toContainEqual({ type: 'port-mapped', port: waiting.port, mapped });
  let more = 6;
  await new Promise<void>((resolve) => {
    server.answered = (port) => {
      if (port === waiting.port && --more === 0) resolve();
    };
  });
  // What was on its way when the call took it.
  expect(asked()).toBeLessThanOrEqual(before + 2);
});

test('when there is no server any more, every mapping is taken back', async () => {
  const [server, { ports, stun, reports, until }] = await Promise.all([openServer(), openPorts()]);
  stun.use(server.address);
  await until(4);
  stun.use(undefined);
  for (const { pair } of ports.all()) {
    const last = reports.findLast((report) => report.type === 'port-mapped' && report.port === pair.port);
    expect(last).toEqual({ type: 'port-mapped', port: pair.port });
  }
});

test('an answer from elsewhere is not believed; a request of a stranger is neither answered nor RTP', async () => {
  const [liar, { ports, stun, reports }] = await Promise.all([openServer(true), openPorts()]);
  const [first] = ports.all();
  if (first === undefined) throw new Error('no port was bound');
  const { port } = first.pair;
  const heard: string[] = [];
  // Behind the liar's answer on the same way: when it is heard, so was that.
  const behind = new Promise<void>((resolve) => {
    const receiveRtp = () => {
      heard.push('rtp');
      resolve();
    };
    first.pair.handler = { receiveRtp, receiveRtcp: () => heard.push('rtcp'), failed: () => {} };
  });
  const { bytes } = bindingRequest([1, 2, 3]);
  liar.other.send(bytes, port, '127.0.0.1');
  liar.answered = (asked) => {
    if (asked === port) liar.other.send(Buffer.from([0x80, 0, 0, 1]), port, '127.0.0.1');
  };
  stun.use(liar.address);
  await behind;
  expect(liar.asked).toContain(port);
  expect(reports).toEqual([]);
  expect(heard).toEqual(['rtp']);
  expect(liar.heard).toBe(0);
});
