/** Who is heard, and who is not, however it is tried (RFC 4961, RFC 7362 §5): attacks on a call, each beside its use. */
import { describe, expect, test } from 'bun:test';
import { allocateCounters, readCounters } from './counters.ts';
import { receivePacket } from './echo.ts';
import { openEcho, updateEcho } from './echo-state.ts';
import { FIRST_COME_MS, latchedOr, RESTART_SILENCE_MS, type Stream } from './latch.ts';
import { writeRtpHeader } from './rtp-packet.ts';
import type { MediaAddress, MediaSession } from './session.ts';

const PEER = 0x1122_3344;
const THIEF = 0x6666_6666;
const NEGOTIATED = { address: '192.168.1.5', port: 4000 };
const MAPPED = { address: '198.51.100.7', port: 61_000 };
const REMAPPED = { address: '198.51.100.7', port: 62_222 };
const MALLORY = { address: '203.0.113.66', port: 6666 };

const SESSION: MediaSession = {
  slot: 0,
  port: 10_000,
  remote: NEGOTIATED,
  rtcpMux: false,
  send: true,
  receive: true,
  payloads: [{ type: 0, name: 'PCMU', clockRate: 8000 }],
  ssrc: 99,
  cname: 'echo',
};
const HELD: MediaSession = { ...SESSION, receive: false };

function call(strangers: readonly Stream[] = [], session: MediaSession = SESSION) {
  const counters = new Float64Array(allocateCounters(1));
  const echo = openEcho(session, counters, strangers);
  return {
    latch: echo.latch,
    counters: () => readCounters(counters, 0),
    /** Whether packet `number` from there is heard. */
    hears(from: MediaAddress, number: number, atMs: number, ssrc = PEER, type = 0): boolean {
      const bytes = new Uint8Array(172);
      writeRtpHeader(bytes, type, number & 0xffff, number * 160, ssrc);
      return receivePacket(echo, bytes, bytes.length, from.address, from.port, atMs) !== 'drop';
    },
    renegotiate: (to: MediaSession, atMs: number) => updateEcho(echo, to, atMs),
  };
}

describe('a peer behind a NAT', () => {
  test('is heard from its mapping, and answered there', () => {
    const { hears, latch } = call();
    expect(hears(MAPPED, 1, 20)).toBe(true);
    expect(latchedOr(latch, NEGOTIATED)).toMatchObject(MAPPED);
  });

  test('whose NAT rebinds goes on from another mapping after a second, over the wrap of the numbers too', () => {
    const { hears, latch } = call();
    hears(MAPPED, 65_534, 0);
    expect(hears(REMAPPED, 65_580, RESTART_SILENCE_MS - 1)).toBe(false);
    expect(hears(REMAPPED, 65_581, RESTART_SILENCE_MS)).toBe(true);
    expect(latch).toMatchObject(REMAPPED);
  });

  test('whose NAT rebound on hold is heard from its new mapping, with a new stream, once it is silent at the old', () => {
    const { hears, renegotiate } = call();
    hears(MAPPED, 1, 0);
    renegotiate(HELD, 1_000);
    renegotiate(SESSION, 60_000);
    expect(hears(REMAPPED, 500, 60_020, 7)).toBe(false);
    expect(hears(REMAPPED, 550, 60_000 + RESTART_SILENCE_MS, 7)).toBe(true);
  });

  test('that renegotiates to another address goes on with its stream from there at once', () => {
    const { hears, renegotiate, latch } = call();
    hears(MAPPED, 1, 0);
    const moved = { ...SESSION, remote: { address: '192.168.9.9', port: 4000 } };
    expect(renegotiate(moved, 100)).toBe(true);
    expect(latchedOr(latch, moved.remote)).toEqual(moved.remote);
    expect(hears(MAPPED, 2, 120)).toBe(true);
    expect(hears(REMAPPED, 3, 140)).toBe(true);
    expect(latchedOr(latch, moved.remote)).toMatchObject(REMAPPED);
    // What it left is not the way back: no `former` after a change that the SDP asked for.
    expect(hears(MAPPED, 4, 160)).toBe(false);
  });

  test('that still speaks from its mapping a second after it renegotiated is there', () => {
    const { hears, renegotiate, latch } = call();
    hears(MAPPED, 1, 0);
    const moved = { ...SESSION, remote: { address: '192.168.9.9', port: 4000 } };
    renegotiate(moved, 100);
    expect(latchedOr(latch, moved.remote)).toEqual(moved.remote);
    hears(MAPPED, 60, 1_100);
    expect(latchedOr(latch, moved.remote)).toMatchObject(MAPPED);
    expect(hears(MALLORY, 9, 9_999, THIEF)).toBe(false);
  });
});

describe('a stranger', () => {
  test('who was earlier loses to the negotiated address, and does not come back', () => {
    const { hears } = call();
    expect(hears(MALLORY, 1, 0, THIEF)).toBe(true);
    expect(hears(NEGOTIATED, 1, 20)).toBe(true);
    expect([hears(MALLORY, 2, 40, THIEF), hears(MALLORY, 2, 5_000, THIEF)]).toEqual([false, false]);
  });

  test('who floods the port before the call is not taken when it opens', () => {
    const { hears, latch } = call([{ ...MALLORY, ssrc: THIEF }]);
    for (let number = 0; number < 50; number++) expect(hears(MALLORY, number, number, THIEF)).toBe(false);
    expect(hears(MAPPED, 1, 60)).toBe(true);
    expect(latch).toMatchObject(MAPPED);
  });

  test('who floods the port as another stream each time is first, and loses to where the call comes from', () => {
    const session = { ...SESSION, signalledFrom: MAPPED.address };
    const { hears, latch } = call([{ ...MALLORY, ssrc: THIEF }], session);
    for (let number = 0; number < 10; number++) hears(MALLORY, number, number, number);
    expect(latch).toMatchObject(MALLORY);
    expect(hears(MAPPED, 1, 150)).toBe(true);
    for (let atMs = 160; atMs < 9_000; atMs += 20) {
      expect(hears(MALLORY, atMs, atMs, atMs)).toBe(false);
      expect(hears(MALLORY, atMs, atMs, 9)).toBe(false);
      expect(hears(MAPPED, atMs / 20, atMs)).toBe(true);
    }
  });

  test('with the address of the SIP messages on his packets takes nothing from the negotiated source, nor later', () => {
    const session = { ...SESSION, signalledFrom: MALLORY.address };
    const direct = call([], session);
    direct.hears(NEGOTIATED, 1, 0);
    expect(direct.hears(MALLORY, 1, 20, THIEF)).toBe(false);
    const behindNat = call([], session);
    behindNat.hears(MAPPED, 1, 0);
    behindNat.hears(MAPPED, 250, FIRST_COME_MS);
    expect(behindNat.hears(MALLORY, 1, FIRST_COME_MS, THIEF)).toBe(false);
  });

  test('who guesses the payload type is not heard beside the peer, nor after it fell silent', () => {
    const { hears, counters } = call();
    hears(MAPPED, 1, 0);
    for (let atMs = 20; atMs < 10_000; atMs += 500) expect(hears(MALLORY, atMs, atMs, THIEF)).toBe(false);
    expect(counters().dropped).toBe(20);
    expect(hears(MAPPED, 500, 10_000)).toBe(true);
  });

  test('who repeats packets of the stream from another address is not heard, also in a pause', () => {
    const { hears } = call();
    for (let number = 1; number <= 100; number++) {
      expect(hears(MAPPED, number, number * 20)).toBe(true);
      expect(hears(MALLORY, number, number * 20 + 1)).toBe(false);
    }
    for (let number = 1; number <= 100; number++) expect(hears(MALLORY, number, 10_000 + number)).toBe(false);
  });

  test('who knows SSRC and numbering is not heard beside the peer, and in a pause only until the peer speaks', () => {
    const { hears, latch } = call();
    hears(MAPPED, 1, 0);
    expect(hears(MALLORY, 2, 20)).toBe(false);
    // A pause of the peer's (silence suppression): to us it looks as if the NAT had rebound.
    expect(hears(MALLORY, 3, 2_000)).toBe(true);
    expect(hears(MAPPED, 2, 2_020)).toBe(true);
    expect(latch).toMatchObject(MAPPED);
    expect(hears(MALLORY, 4, 2_040)).toBe(false);
  });

  test('is not heard in the gap of a hold, and not at its end beside the peer', () => {
    const { hears, renegotiate } = call();
    hears(MAPPED, 1, 0);
    renegotiate(HELD, 100);
    for (let atMs = 200; atMs < 20_000; atMs += 400) expect(hears(MALLORY, 1, atMs, THIEF)).toBe(false);
    renegotiate(SESSION, 20_000);
    expect(hears(MALLORY, 1, 20_010, THIEF)).toBe(false);
    expect(hears(MAPPED, 2, 20_300)).toBe(true);
    expect(hears(MALLORY, 1, 22_000, THIEF)).toBe(false);
  });

  test('is not heard in the gap of an old-fashioned hold, c=0.0.0.0 (RFC 3264 §8.4)', () => {
    const { hears, renegotiate } = call();
    const { remote: _, ...nowhere } = SESSION;
    hears(MAPPED, 1, 0);
    renegotiate({ ...nowhere, receive: false }, 100);
    expect(hears(MALLORY, 1, 5_000, THIEF)).toBe(false);
    renegotiate(SESSION, 6_000);
    expect(hears(MALLORY, 1, 6_010, THIEF)).toBe(false);
    expect(hears(MAPPED, 2, 6_300)).toBe(true);
  });

  test('who took the call after a hold, the peer being silent, loses it to the stream that was there before', () => {
    const { hears, renegotiate, latch } = call();
    hears(MAPPED, 1, 0);
    renegotiate(SESSION, 1_000);
    expect(hears(MALLORY, 1, 2_500, THIEF)).toBe(true);
    expect(hears(REMAPPED, 9, 2_600)).toBe(false);
    expect(hears(MAPPED, 2, 2_700)).toBe(true);
    expect(hears(MALLORY, 2, 2_720, THIEF)).toBe(false);
    expect(latch).toMatchObject(MAPPED);
  });

  test('finds nothing open when the negotiated address is renegotiated as it is', () => {
    const { hears, renegotiate } = call();
    hears(NEGOTIATED, 1, 0);
    renegotiate(SESSION, 1_000);
    expect(hears(MALLORY, 1, 9_000, THIEF)).toBe(false);
  });

  test('does not come in the way of a peer that renegotiates to where it then speaks', () => {
    const { hears, renegotiate } = call();
    hears(MAPPED, 1, 0);
    renegotiate({ ...SESSION, remote: REMAPPED }, 100);
    expect(hears(MALLORY, 1, 110, THIEF)).toBe(false);
    expect(hears(REMAPPED, 1, 400, 8)).toBe(true);
  });
});
