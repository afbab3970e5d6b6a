import { describe, expect, test } from 'bun:test';
import { allocateCounters, readCounters } from './counters.ts';
import { receivePacket, sentPacket } from './echo.ts';
import { openEcho } from './echo-state.ts';
import { MAX_RTCP_BYTES, parseRtcp, writeRtcp } from './rtcp.ts';
import { newRtcpSession, receiveRtcp, relatchRtcp, rtcpDestination, writeReport } from './rtcp-session.ts';
import { writeRtpHeader } from './rtp-packet.ts';
import type { MediaSession } from './session.ts';

const UNIX_MS = 1_700_000_000_000;
const OURS = 99;
const PEER = 5;

function call(changed: Partial<MediaSession> = {}) {
  const counters = new Float64Array(allocateCounters(1));
  const session: MediaSession = {
    slot: 0,
    port: 10_000,
    remote: { address: '192.0.2.1', port: 4000 },
    remoteRtcp: { address: '192.0.2.1', port: 4001 },
    rtcpMux: false,
    send: true,
    receive: true,
    payloads: [{ type: 0, name: 'PCMU', clockRate: 8000 }],
    ssrc: OURS,
    cname: 'us',
    ...changed,
  };
  const echo = openEcho(session, counters);
  const rtcp = newRtcpSession();
  return {
    destination: () => rtcpDestination(rtcp, echo),
    /** The audio was latched anew. */
    rebound: () => relatchRtcp(rtcp, echo),
    counters: () => readCounters(counters, 0),
    audio(n: number, address = '192.0.2.1', port = 4000) {
      const bytes = new Uint8Array(172);
      writeRtpHeader(bytes, 0, n, n * 160, PEER);
      if (receivePacket(echo, bytes, 172, address, port, n * 20) === 'echo') sentPacket(echo, 172);
    },
    report(nowMs: number) {
      const bytes = new Uint8Array(MAX_RTCP_BYTES);
      return parseRtcp(bytes, writeReport(rtcp, echo, bytes, nowMs, UNIX_MS + nowMs, false));
    },
    hear(
      nowMs: number,
      address: string,
      port: number,
      change: Partial<Parameters<typeof writeRtcp>[1]> = {},
    ) {
      const bytes = new Uint8Array(MAX_RTCP_BYTES);
      const length = writeRtcp(bytes, {
        ssrc: PEER,
        cname: 'peer',
        unixMs: UNIX_MS + nowMs,
        bye: false,
        ...change,
      });
      return receiveRtcp(rtcp, echo, bytes, length, address, port, nowMs, UNIX_MS + nowMs);
    },
  };
}

describe('where reports go', () => {
  test('nowhere until the peer has spoken, then to the negotiated address', () => {
    const { audio, destination } = call();
    expect(destination()).toBeUndefined();
    audio(1);
    expect(destination()).toMatchObject({ address: '192.0.2.1', port: 4001 });
  });

  test('behind a NAT nowhere until its RTCP has come, then to where that came from', () => {
    const { audio, hear, destination } = call();
    audio(1, '198.51.100.7', 61_000);
    expect(destination()).toBeUndefined();
    expect(hear(30, '198.51.100.7', 61_001)).toBe(true);
    expect(destination()).toMatchObject({ address: '198.51.100.7', port: 61_001 });
  });

  test('muxed, to the source of the audio (RFC 5761)', () => {
    const { audio, destination } = call({ rtcpMux: true });
    audio(1, '198.51.100.7', 61_000);
    expect(destination()).toMatchObject({ address: '198.51.100.7', port: 61_000 });
  });
});

test('a stranger is not heard, and counted as dropped', () => {
  const { audio, hear, destination, counters } = call();
  audio(1);
  expect(hear(30, '203.0.113.66', 4001)).toBe(false);
  expect(destination()).toMatchObject({ port: 4001 });
  expect(counters()).toMatchObject({ dropped: 1, rtcpReceived: 0 });
});

describe('whose reports count', () => {
  const NAT = '198.51.100.7';

  test('not those of a stranger behind the same NAT, who does not know the SSRC of the audio', () => {
    const { audio, hear, destination } = call();
    audio(1, NAT, 61_000);
    expect(hear(30, NAT, 7_777, { ssrc: 666 })).toBe(false);
    expect(destination()).toBeUndefined();
    expect(hear(40, NAT, 61_001)).toBe(true);
  });

  test('not those of another port once one is heard, SSRC or not, but those of the negotiated address', () => {
    const { audio, hear, destination } = call();
    audio(1, NAT, 61_000);
    hear(30, NAT, 61_001);
    expect(hear(5_000, NAT, 7_777)).toBe(false);
    expect(hear(5_100, '203.0.113.66', 61_001)).toBe(false);
    expect(hear(5_200, '192.0.2.1', 4001)).toBe(true);
    expect(destination()).toMatchObject({ address: '192.0.2.1', port: 4001 });
  });

  test('not those that come before any audio from a place that nobody named, as nothing is known of it', () => {
    const { hear } = call();
    expect(hear(30, NAT, 61_001)).toBe(false);
  });

  test('those of another mapping when the audio has moved, or when the old one was silent for three reports', () => {
    const { audio, hear, destination, rebound } = call();
    audio(1, NAT, 61_000);
    hear(30, NAT, 61_001);
    audio(80, NAT, 62_000);
    rebound();
    expect(destination()).toBeUndefined();
    expect(hear(1_700, NAT, 62_001)).toBe(true);
    expect(hear(16_000, NAT, 63_001)).toBe(false);
    expect(hear(16_700, NAT, 63_001)).toBe(true);
  });

  test('not those of a stranger on a muxed port, whatever SSRC they say', () => {
    const { audio, hear, destination } = call({ rtcpMux: true });
    audio(1, NAT, 61_000);
    expect(hear(30, NAT, 61_001)).toBe(false);
    expect(hear(30, '203.0.113.66', 61_000)).toBe(false);
    expect(hear(30, NAT, 61_000)).toBe(true);
    expect(destination()).toMatchObject({ address: NAT, port: 61_000 });
  });
});

describe('what is reported (§6.4.1)', () => {
  test('loss since the last report and since the start', () => {
    const { audio, report } = call();
    for (const n of [1, 2, 3, 5]) audio(n);
    expect(report(120)?.blocks[0]).toMatchObject({
      ssrc: PEER,
      fractionLost: 51,
      cumulativeLost: 1,
      extendedHighest: 5,
    });
    for (const n of [6, 7]) audio(n);
    expect(report(160)?.blocks[0]).toMatchObject({ fractionLost: 0, cumulativeLost: 1 });
  });

  test('a sender report while we send, a receiver report ten seconds after', () => {
    const { audio, report } = call();
    audio(1);
    expect(report(120)?.sender).toMatchObject({ packets: 1, payloadBytes: 160, rtpTimestamp: 160 + 800 });
    expect(report(10_100)?.sender).toBeUndefined();
  });

  test("the peer's sender report is answered with its time and how long we kept it", () => {
    const { audio, hear, report } = call();
    audio(1);
    hear(1_000, '192.0.2.1', 4001, { sender: { rtpTimestamp: 0, packets: 0, payloadBytes: 0 } });
    const block = report(1_500)?.blocks[0];
    expect(block?.delaySinceLastSenderReport).toBe(32_768);
    expect(block?.lastSenderReport).not.toBe(0);
  });

  test('the round trip comes from a block about us, and from no other', () => {
    const { audio, hear, report, counters } = call();
    audio(1);
    const lastSenderReport = ((): number => {
      const bytes = report(1_000)?.sender;
      return bytes?.ntpMiddle ?? 0;
    })();
    const block = {
      fractionLost: 0,
      cumulativeLost: 0,
      extendedHighest: 0,
      jitter: 0,
      lastSenderReport,
      delaySinceLastSenderReport: 65_536,
    };
    hear(2_050, '192.0.2.1', 4001, { block: { ...block, ssrc: 1234 } });
    expect(counters().rttMs).toBe(0);
    hear(2_050, '192.0.2.1', 4001, { block: { ...block, ssrc: OURS } });
    expect(counters().rttMs).toBeCloseTo(50, 1);
    expect(counters().rtcpReceived).toBe(2);
  });
});
