import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { allocateCounters, readCounters } from './counters.ts';
import { MAX_KEYS_PER_S, MAX_PACKETS_PER_S, receivePacket, sentPacket, type Verdict } from './echo.ts';
import { type Echo, openEcho, updateEcho } from './echo-state.ts';
import { writePriming } from './priming.ts';
import {
  readMarker,
  readPayloadType,
  readSequence,
  readSsrc,
  readTimestamp,
  writeRtpHeader,
} from './rtp-packet.ts';
import type { MediaSession } from './session.ts';

const OURS = 0xaabb_ccdd;
const PEER = 0x1122_3344;
const ALICE = { address: '192.0.2.1', port: 4000 };
const ALICE_BEHIND_NAT = { address: '198.51.100.7', port: 61_000 };
const MALLORY = { address: '203.0.113.66', port: 6666 };

const SESSION: MediaSession = {
  slot: 1,
  port: 10_000,
  remote: ALICE,
  rtcpMux: false,
  send: true,
  receive: true,
  payloads: [
    { type: 8, name: 'PCMA', clockRate: 8000 },
    { type: 101, name: 'TELEPHONE-EVENT', clockRate: 8000 },
  ],
  ssrc: OURS,
  cname: 'echo',
};

interface Sent {
  sequence: number;
  timestamp: number;
  ssrc: number;
  type: number;
  marker: boolean;
}

/** One call under test: send it packets, see what it returns. */
function call(session: MediaSession = SESSION) {
  const counters = new Float64Array(allocateCounters(2));
  const echo: Echo = openEcho(session, counters);
  const returned: Sent[] = [];
  return {
    echo,
    returned,
    counters: () => readCounters(counters, session.slot),
    /** Packet number n at n × 20 ms, unless told otherwise. */
    hear(
      n: number,
      {
        from = ALICE,
        ssrc = PEER,
        type = 8,
        atMs = n * 20,
        payload = [1, 2, 3, 4],
        first = 0x80,
        marker = false,
      } = {},
    ): Verdict {
      const bytes = new Uint8Array(12 + payload.length);
      writeRtpHeader(bytes, type, n, n * 160, ssrc);
      bytes[0] = first;
      if (marker) bytes[1] = (bytes[1] as number) | 0x80;
      bytes.set(payload, 12);
      const verdict = receivePacket(echo, bytes, bytes.length, from.address, from.port, atMs);
      if (verdict === 'echo') {
        sentPacket(echo, bytes.length);
        expect([...bytes.subarray(12)]).toEqual(payload);
        returned.push({
          sequence: readSequence(bytes),
          timestamp: readTimestamp(bytes),
          ssrc: readSsrc(bytes),
          type: readPayloadType(bytes),
          marker: readMarker(bytes),
        });
      }
      return verdict;
    },
  };
}

describe('what is returned', () => {
  test('has our SSRC and the rest of the header as it came (RFC 3550 §8.2)', () => {
    const { hear, returned } = call();
    hear(9, { marker: true });
    expect(returned).toEqual([{ sequence: 9, timestamp: 1440, ssrc: OURS, type: 8, marker: true }]);
  });

  test('keeps the gaps, over the wrap too', () => {
    const { hear, returned } = call();
    for (const n of [65_534, 65_535, 65_537, 65_540]) hear(n);
    expect(returned.map(({ sequence }) => sequence)).toEqual([65_534, 65_535, 1, 4]);
  });

  test('goes on from the priming packet: one numbering, one clock', () => {
    const { echo, hear, returned } = call();
    const priming = new Uint8Array(172);
    expect(writePriming(echo, priming, 0)).toBe(172);
    expect(priming[12]).toBe(0xd5);
    hear(500, { atMs: 100 });
    hear(502, { atMs: 140 });
    expect(returned.map(({ sequence }) => (sequence - readSequence(priming)) & 0xffff)).toEqual([1, 3]);
    expect(returned.map(({ timestamp }) => (timestamp - readTimestamp(priming)) >>> 0)).toEqual([800, 1120]);
  });

  test('stays one stream when the peer changes its SSRC (§5.1)', () => {
    const { hear, returned } = call();
    hear(100, { atMs: 0 });
    hear(101, { atMs: 20 });
    hear(40_000, { ssrc: 7, atMs: 60 });
    hear(40_001, { ssrc: 7, atMs: 80 });
    expect(returned.map(({ sequence }) => sequence)).toEqual([100, 101, 102, 103]);
    expect(returned.map(({ timestamp }) => timestamp)).toEqual([16_000, 16_160, 16_480, 16_640]);
    expect(new Set(returned.map(({ ssrc }) => ssrc))).toEqual(new Set([OURS]));
  });

  test('has no gap for what was heard while the call was held', () => {
    const { echo, hear, returned } = call();
    hear(1);
    updateEcho(echo, { ...SESSION, send: false }, 0);
    for (let n = 2; n < 50; n++) expect(hear(n)).toBe('count');
    updateEcho(echo, SESSION, 0);
    hear(50);
    hear(51);
    expect(returned.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(returned.map(({ timestamp }) => timestamp)).toEqual([160, 8000, 8160]);
  });

  test('numbering never jumps, whatever order packets come in', () => {
    const order = fc.array(fc.integer({ min: -3, max: 5 }), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(order, fc.nat(0xffff), (steps, start) => {
        const { echo, hear, returned } = call();
        writePriming(echo, new Uint8Array(172), 0);
        const heard: number[] = [];
        let n = start + 1000;
        for (const [index, step] of steps.entries()) {
          n += step;
          if (hear(n, { atMs: index * 20 }) === 'echo') heard.push(n);
        }
        const offset = ((returned[0]?.sequence ?? 0) - (heard[0] ?? 0)) & 0xffff;
        expect(returned.map(({ sequence }, index) => (sequence - (heard[index] ?? 0)) & 0xffff)).toEqual(
          heard.map(() => offset),
        );
      }),
      // Some ten packets.
      fuzz(10),
    );
  });
});

describe('what is dropped, and counted so', () => {
  test('no RTP, a payload type that was not agreed, a packet larger than a frame', () => {
    const { hear, counters, echo } = call();
    expect(hear(1, { first: 0x00 })).toBe('drop');
    expect(hear(1, { type: 0 })).toBe('drop');
    expect(receivePacket(echo, new Uint8Array(1501).fill(0x80), 1501, ALICE.address, ALICE.port, 0)).toBe(
      'drop',
    );
    expect(counters()).toMatchObject({ dropped: 3, packetsReceived: 0 });
  });

  test('neither latches its source', () => {
    const { hear } = call();
    hear(1, { from: MALLORY, type: 0 });
    hear(1, { from: MALLORY, first: 0 });
    expect(hear(1, { from: ALICE_BEHIND_NAT })).toBe('echo');
  });

  test('but not on a call that talks: a plain echo sends our own SSRC back, and is heard', () => {
    const { hear, counters } = call({ ...SESSION, mode: { type: 'talk', play: { type: 'tone' } } });
    hear(1, { ssrc: OURS });
    hear(2, { ssrc: OURS });
    expect(counters()).toMatchObject({ packetsReceived: 2, dropped: 0 });
  });

  test('our own packet, sent back by a peer that is an echo as well (§8.2)', () => {
    const { hear, counters } = call();
    expect(hear(1, { ssrc: OURS })).toBe('drop');
    expect(hear(1)).toBe('echo');
    expect(counters()).toMatchObject({ dropped: 1, packetsReceived: 1 });
  });

  test('more packets in a second than any audio has: two echoes at each other', () => {
    const { hear } = call();
    for (let n = 0; n < MAX_PACKETS_PER_S; n++) expect(hear(n, { atMs: 10 })).toBe('echo');
    expect(hear(MAX_PACKETS_PER_S, { atMs: 10 })).toBe('drop');
    expect(hear(MAX_PACKETS_PER_S, { atMs: 1010 })).toBe('echo');
  });

  test('a single stray number; two in a row are a restart (§A.1)', () => {
    const { hear } = call();
    hear(1);
    expect([hear(30_000), hear(2), hear(50_000), hear(50_001)]).toEqual(['drop', 'echo', 'drop', 'echo']);
  });
});

describe('the source', () => {
  test('is the negotiated address, which wins over one that was latched before it', () => {
    const { hear, echo } = call();
    expect(hear(1, { from: MALLORY })).toBe('echo');
    expect(hear(2)).toBe('echo');
    expect(echo.latched).toBe(true);
    expect(echo.latch).toMatchObject(ALICE);
    expect(hear(3, { from: MALLORY })).toBe('drop');
  });

  test('is another one when that speaks first, as behind a NAT', () => {
    const { hear, echo } = call();
    expect(hear(1, { from: ALICE_BEHIND_NAT })).toBe('echo');
    expect(echo.latch).toMatchObject(ALICE_BEHIND_NAT);
    expect(hear(2, { from: MALLORY })).toBe('drop');
    expect(hear(2, { from: ALICE_BEHIND_NAT })).toBe('echo');
  });

  test('is not a stranger, however long the peer is silent', () => {
    const { hear } = call();
    hear(1);
    expect(hear(2, { from: MALLORY, ssrc: 9, atMs: 60_000 })).toBe('drop');
    expect(hear(1, { from: MALLORY, atMs: 60_000 })).toBe('drop');
    expect(hear(20_000, { from: MALLORY, atMs: 60_000 })).toBe('drop');
    expect(hear(2, { atMs: 60_020 })).toBe('echo');
  });

  test('moves with its own stream after a second of silence: a NAT that rebinds', () => {
    const { hear, echo } = call();
    hear(1, { atMs: 0 });
    expect(hear(2, { from: ALICE_BEHIND_NAT, atMs: 999 })).toBe('drop');
    expect(hear(50, { from: ALICE_BEHIND_NAT, atMs: 1000 })).toBe('echo');
    expect(echo.latched).toBe(true);
    expect(echo.latch).toMatchObject(ALICE_BEHIND_NAT);
  });

  test('is latched anew by a renegotiation to another address, and heard until then', () => {
    const { hear, echo } = call();
    hear(1);
    expect(updateEcho(echo, { ...SESSION, remote: ALICE_BEHIND_NAT }, 60)).toBe(true);
    expect(hear(2)).toBe('echo');
    expect(echo.latched).toBe(false);
    expect(hear(3, { from: ALICE_BEHIND_NAT })).toBe('echo');
    expect(echo.latched).toBe(true);
    expect(hear(4)).toBe('drop');
  });

  test('stays after a renegotiation to the same address', () => {
    const { hear, echo } = call();
    hear(1);
    expect(updateEcho(echo, { ...SESSION, send: false }, 60)).toBe(false);
    expect(hear(2, { from: MALLORY })).toBe('drop');
  });

  test('is whoever speaks first when the offer named none', () => {
    const { remote: _, ...nowhere } = SESSION;
    const { hear } = call(nowhere);
    expect(hear(1, { from: ALICE_BEHIND_NAT })).toBe('echo');
    expect(hear(2, { from: MALLORY })).toBe('drop');
  });
});

describe('counters', () => {
  test('packets and bytes both ways, loss, reordering, duplicates', () => {
    const { hear, counters } = call();
    for (const n of [1, 2, 5, 4, 4]) hear(n);
    expect(counters()).toMatchObject({
      packetsReceived: 5,
      packetsSent: 5,
      bytesReceived: 80,
      bytesSent: 80,
      lost: 1,
      reordered: 1,
      duplicates: 1,
    });
  });

  test('jitter of audio; the packets of one key share a timestamp and are left out', () => {
    const { hear, counters } = call();
    for (let n = 0; n < 10; n++) hear(n);
    for (let n = 10; n < 20; n++) hear(n, { type: 101, payload: [1, 10, 0, n] });
    expect(counters().jitterMs).toBe(0);
    hear(20, { atMs: 432 });
    expect(counters().jitterMs).toBe(2);
  });

  test('start at zero for the next call in a slot', () => {
    const counters = new Float64Array(allocateCounters(2)).fill(7);
    openEcho(SESSION, counters);
    expect(readCounters(counters, 1)).toMatchObject({ packetsReceived: 0, rttMs: 0, dropped: 0 });
    expect(readCounters(counters, 0)).toMatchObject({ packetsReceived: 7 });
  });
});

test('a key is reported and its packets returned as well (RFC 4733)', () => {
  const { hear, echo, returned } = call();
  hear(1);
  hear(2, { type: 101, payload: [11, 10, 1, 64] });
  expect(echo.keyPress).toBeUndefined();
  hear(2, { type: 101, payload: [11, 0x8a, 1, 64] });
  expect(echo.keyPress).toEqual({ digit: '#', durationMs: 40 });
  hear(3);
  expect(echo.keyPress).toBeUndefined();
  expect(returned.map(({ type }) => type)).toEqual([8, 101, 101, 8]);
});

test('a key for each of 400 packets a second is no telephone: 25 a second are told, all are returned', () => {
  const { hear, echo, returned } = call();
  const told: number[] = [];
  for (let number = 1; number <= 800; number++) {
    const atMs = number * 2.5;
    hear(number, { type: 101, payload: [number % 10, 0x8a, 0, 160], atMs });
    if (echo.keyPress !== undefined) told.push(Math.floor(atMs / 1_000));
  }
  expect(told.filter((second) => second === 0)).toHaveLength(MAX_KEYS_PER_S);
  expect(told.filter((second) => second === 1)).toHaveLength(MAX_KEYS_PER_S);
  expect(returned).toHaveLength(800);
});

describe('the priming packet (RFC 6263)', () => {
  const prime = (name: string, send = true): Uint8Array => {
    const payloads = [
      { type: 101, name: 'TELEPHONE-EVENT', clockRate: 8000 },
      { type: 96, name, clockRate: 8000 },
    ];
    const bytes = new Uint8Array(172);
    return bytes.subarray(0, writePriming(call({ ...SESSION, payloads, send }).echo, bytes, 0));
  };

  test('is 20 ms of silence for G.711', () => {
    expect([...prime('PCMU').subarray(12)]).toEqual(Array(160).fill(0xff));
    expect([...prime('PCMA').subarray(12)]).toEqual(Array(160).fill(0xd5));
    expect(readPayloadType(prime('PCMU'))).toBe(96);
  });

  test('is empty for other codecs, and while we may not send', () => {
    expect(prime('OPUS')).toHaveLength(12);
    expect(prime('PCMU', false)).toHaveLength(12);
  });
});
