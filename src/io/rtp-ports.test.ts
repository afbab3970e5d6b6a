import { expect, test } from 'bun:test';
import { openRtpPorts } from './rtp-ports.ts';
import { afterTimeout, type UdpSockets } from './udp-sockets.ts';

/** Ports on sockets that are refused with that code, and where it was tried. */
function refused(code: string) {
  const tried: number[] = [];
  const details: string[] = [];
  const sockets: UdpSockets = {
    bind: async (_hostname, port) => {
      tried.push(port);
      return { code, message: `bind ${code} 127.0.0.1` };
    },
    after: afterTimeout,
  };
  const ports = openRtpPorts(
    {
      range: [10_000, 10_007],
      bind: '127.0.0.1',
      reserve: 2,
      thread: 0,
      threads: 1,
      onPorts: () => {},
      onExhausted: (detail) => details.push(detail),
    },
    sockets,
  );
  return { ports, tried, details };
}

test('a port that somebody has is passed over, to the end of the range', async () => {
  const { ports, tried, details } = refused('EADDRINUSE');
  await ports.fill();
  expect(tried).toEqual([10_000, 10_002, 10_004, 10_006]);
  expect(details).toEqual(['RTP ports 10000 to 10007: bind EADDRINUSE 127.0.0.1']);
});

test('with no descriptors left no other port is tried: the thread has audio to carry', async () => {
  const { ports, tried, details } = refused('EMFILE');
  await ports.fill();
  expect(tried).toEqual([10_000]);
  expect(details).toEqual(['RTP ports 10000 to 10007: bind EMFILE 127.0.0.1']);
});
