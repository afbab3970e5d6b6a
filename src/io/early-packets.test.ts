/** What came before its call: what may be the call's, and whose stream cannot be. */
import { expect, test } from 'bun:test';
import { writeRtpHeader } from '../rtp/rtp-packet.ts';
import { type EarlyPackets, holdEarly, takeEarly } from './early-packets.ts';

const NEGOTIATED = { address: '192.168.1.5', port: 4000 };
const MAPPED = { address: '198.51.100.7', port: 61_000 };
const MALLORY = { address: '203.0.113.66', port: 6666 };

function port() {
  const early: EarlyPackets = [];
  return {
    early,
    hears(from: { address: string; port: number }, ssrc: number, atMs: number): void {
      const bytes = Buffer.alloc(172);
      writeRtpHeader(bytes, 0, 1, 160, ssrc);
      holdEarly(early, bytes, from.port, from.address, atMs);
    },
    /** Where the packets are from, and the streams of strangers, of a call whose port was told then. */
    take(toldMs: number) {
      const { packets, strangers } = takeEarly(early, toldMs, NEGOTIATED);
      return { packets: packets.map((each) => each.port), strangers: strangers.map(({ ssrc }) => ssrc) };
    },
  };
}

test('a packet that comes after the port was told may be the call’s', () => {
  const { hears, take } = port();
  hears(MAPPED, 1, 500);
  expect(take(100)).toEqual({ packets: [61_000], strangers: [] });
  expect(take(100)).toEqual({ packets: [], strangers: [] });
});

test('those of the negotiated address come first', () => {
  const { hears, take } = port();
  hears(MAPPED, 1, 500);
  hears(NEGOTIATED, 2, 510);
  hears(NEGOTIATED, 2, 530);
  expect(take(100).packets).toEqual([4_000, 4_000, 61_000]);
});

test('a stream that was there before is a stranger’s, and none of its packets the call’s', () => {
  const { hears, take } = port();
  for (let atMs = 0; atMs < 2_000; atMs += 20) hears(MALLORY, 66, atMs);
  hears(MAPPED, 1, 1_990);
  expect(take(1_500)).toEqual({ packets: [61_000], strangers: [66] });
});

test('but who was there before at the negotiated address is heard: its old packets are not', () => {
  const { hears, take } = port();
  hears(NEGOTIATED, 2, 400);
  hears(NEGOTIATED, 2, 600);
  expect(take(500).packets).toEqual([4_000]);
});

test('who was silent for a second may begin anew with the same numbers, as a phone that calls again', () => {
  const { hears, take } = port();
  hears(MAPPED, 1, 0);
  expect(take(2_000)).toEqual({ packets: [], strangers: [] });
  hears(MAPPED, 1, 3_000);
  hears(MAPPED, 1, 5_000);
  expect(take(4_500)).toEqual({ packets: [61_000], strangers: [] });
});

test('a second of a stream is held, however busy the machine is, and nothing older', () => {
  const { hears, take } = port();
  for (let atMs = 0; atMs < 2_500; atMs += 30) hears(MAPPED, 1, atMs);
  // Told before the stream began: all of it is the call's, the last second is there.
  expect(take(-1).packets).toHaveLength(34);
});

test('a flood takes no more room than eight streams of 8 KiB, and no RTP takes none', () => {
  const { hears, early } = port();
  for (let ssrc = 0; ssrc < 100; ssrc++) for (let n = 0; n < 90; n++) hears(MALLORY, ssrc, ssrc);
  expect(early.map(({ bytes }) => bytes)).toEqual(Array(8).fill(47 * 172));
  expect(early.map(({ packets }) => packets.length)).toEqual(Array(8).fill(47));
  holdEarly(early, Buffer.alloc(11), 1, 'a', 200);
  expect(early.at(-1)?.ssrc).toBe(99);
});

test('packets of nothing but a header are held a second, as they come from a phone, and no 682 of them', () => {
  const early: EarlyPackets = [];
  for (let atMs = 0; atMs < 1_000; atMs++) holdEarly(early, Buffer.alloc(12), 4_000, '192.168.1.5', atMs);
  expect(early[0]?.packets).toHaveLength(128);
  for (let atMs = 2_000; atMs < 4_000; atMs += 10)
    holdEarly(early, Buffer.alloc(12), 4_000, '192.168.1.5', atMs);
  expect(early[0]?.packets).toHaveLength(100);
});
