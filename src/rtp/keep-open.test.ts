/** When packets go out that answer nothing (RFC 6263), at a tick of 100 ms as in the media thread. */
import { describe, expect, test } from 'bun:test';
import { allocateCounters } from './counters.ts';
import { receivePacket } from './echo.ts';
import { type Echo, openEcho, updateEcho } from './echo-state.ts';
import { isPacketDue, KEEPALIVE_MS, type KeepOpen, restartKeepOpen } from './keep-open.ts';
import { MAX_PRIMING_BYTES, writePriming } from './priming.ts';
import { writeRtpHeader } from './rtp-packet.ts';
import type { MediaSession } from './session.ts';

const SESSION: MediaSession = {
  slot: 0,
  port: 10_000,
  remote: { address: '192.168.1.5', port: 4000 },
  rtcpMux: false,
  send: true,
  receive: true,
  payloads: [{ type: 0, name: 'PCMU', clockRate: 8000 }],
  ssrc: 99,
  cname: 'echo',
};

function opened(session: MediaSession = SESSION) {
  const echo: Echo = openEcho(session, new Float64Array(allocateCounters(1)));
  const keep: KeepOpen = { sinceMs: 0, quietMs: 0, sent: 0 };
  const bytes = new Uint8Array(MAX_PRIMING_BYTES);
  let number = 0;
  return {
    echo,
    keep,
    /** When packets went out, from then on until then. */
    sent(fromMs: number, untilMs: number): number[] {
      const times: number[] = [];
      for (let atMs = fromMs; atMs < untilMs; atMs += 100) {
        if (!isPacketDue(keep, echo, atMs)) continue;
        writePriming(echo, bytes, atMs);
        times.push(atMs);
      }
      return times;
    },
    hear(atMs: number): void {
      const packet = new Uint8Array(172);
      writeRtpHeader(packet, 0, ++number, number * 160, 7);
      receivePacket(echo, packet, packet.length, '198.51.100.7', 61_000, atMs);
    },
  };
}

describe('before the peer has spoken', () => {
  test('six packets in 4 s, so that one that is lost kills no call, and none after that', () => {
    expect(opened().sent(0, 60_000)).toEqual([0, 100, 400, 1_000, 2_000, 4_000]);
  });

  test('they weigh no more than a small INVITE, 450 to 550 bytes on the wire: SDP may name anybody', () => {
    const { echo, keep } = opened();
    const bytes = new Uint8Array(MAX_PRIMING_BYTES);
    let total = 0;
    for (let atMs = 0; atMs < 10_000; atMs += 100) {
      if (isPacketDue(keep, echo, atMs)) total += 28 + writePriming(echo, bytes, atMs);
    }
    expect(total).toBe(500);
  });

  test('none more once it has spoken', () => {
    const { sent, hear } = opened();
    expect(sent(0, 200)).toEqual([0, 100]);
    hear(210);
    expect(sent(300, 1_300)).toEqual([]);
  });

  test('none to a peer that has no address, or neither sends nor listens', () => {
    const { remote: _, ...nowhere } = SESSION;
    expect(opened(nowhere).sent(0, 60_000)).toEqual([]);
    expect(opened({ ...SESSION, send: false, receive: false }).sent(0, 60_000)).toEqual([]);
  });
});

describe('after the peer has fallen silent', () => {
  test('five packets from 1.1 s on, as our NAT may have forgotten the way, and one every 15 s (RFC 6263)', () => {
    const { sent, hear } = opened();
    hear(0);
    expect(sent(0, 40_000)).toEqual([1_100, 1_600, 2_100, 3_000, 5_000, 20_000, 35_000]);
    hear(40_000);
    expect(sent(40_000, 41_700)).toEqual([41_100, 41_600]);
  });

  test('on hold only what keeps the way open', () => {
    const { sent, hear, echo, keep } = opened();
    hear(0);
    updateEcho(echo, { ...SESSION, send: false, receive: false }, 100);
    restartKeepOpen(keep, 100, 1);
    expect(sent(100, 40_000)).toEqual([15_100, 30_100]);
    expect(KEEPALIVE_MS).toBe(15_000);
  });

  test('none from a call that talks all the time', () => {
    const { keep, echo } = opened();
    echo.sentAtMs = 9_990;
    expect(isPacketDue(keep, echo, 10_000)).toBe(false);
  });
});

test('a renegotiation primes again, but not while the peer is heard', () => {
  const { sent, hear, keep } = opened();
  hear(0);
  restartKeepOpen(keep, 500, 1);
  expect(sent(500, 1_000)).toEqual([600, 900]);
  hear(1_000);
  restartKeepOpen(keep, 1_010, 1);
  hear(1_020);
  expect(sent(1_100, 2_100)).toEqual([]);
});
