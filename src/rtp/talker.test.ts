import { expect, test } from 'bun:test';
import { allocateCounters } from './counters.ts';
import { receivePacket } from './echo.ts';
import { type Echo, openEcho, updateEcho } from './echo-state.ts';
import { decodeSample } from './g711.ts';
import { toneShare } from './goertzel.ts';
import {
  readMarker,
  readPayloadType,
  readSequence,
  readSsrc,
  readTimestamp,
  readUint16,
  writeRtpHeader,
} from './rtp-packet.ts';
import type { MediaSession, Payload } from './session.ts';
import {
  MAX_TALK_BYTES,
  nextPacket,
  openTalker,
  press,
  skipIntervals,
  type Talker,
  updateTalker,
} from './talker.ts';
import { toneSource } from './tone.ts';

const PCMU: Payload = { type: 0, name: 'PCMU', clockRate: 8000 };
const PCMA: Payload = { type: 8, name: 'PCMA', clockRate: 8000 };
const KEYS: Payload = { type: 101, name: 'TELEPHONE-EVENT', clockRate: 8000 };
const OPUS: Payload = { type: 96, name: 'OPUS', clockRate: 48_000 };

function session(payloads: readonly Payload[], about: Partial<MediaSession> = {}): MediaSession {
  return {
    slot: 0,
    port: 10_000,
    remote: { address: '192.0.2.1', port: 4_000 },
    rtcpMux: false,
    send: true,
    receive: true,
    payloads,
    ssrc: 0x1234_5678,
    cname: 'me',
    mode: { type: 'talk', play: { type: 'tone' } },
    ...about,
  };
}

interface Scene {
  readonly echo: Echo;
  readonly talker: Talker;
  /** The packets of so many intervals; undefined where none was sent. */
  talk(intervals: number): (Buffer | undefined)[];
}

function scene(payloads: readonly Payload[] = [PCMU, KEYS]): Scene {
  const echo = openEcho(session(payloads), new Float64Array(allocateCounters(1)));
  const talker = openTalker(echo.session, toneSource());
  let nowMs = 0;
  const talk = (intervals: number) =>
    Array.from({ length: intervals }, () => {
      const bytes = Buffer.alloc(MAX_TALK_BYTES);
      nowMs += 20;
      const length = nextPacket(talker, echo, bytes, nowMs);
      return length === 0 ? undefined : bytes.subarray(0, length);
    });
  return { echo, talker, talk };
}

const sent = (packets: (Buffer | undefined)[]) => packets.filter((packet) => packet !== undefined);

test('a packet every 20 ms, one numbering, one clock, the marker on the first (RFC 3551 §4.1)', () => {
  for (const [law, payload] of [
    ['PCMU', PCMU],
    ['PCMA', PCMA],
  ] as const) {
    const packets = sent(scene([OPUS, payload, KEYS]).talk(50));
    expect(packets).toHaveLength(50);
    const [first] = packets as [Buffer];
    for (const [index, packet] of packets.entries()) {
      expect(packet).toHaveLength(172);
      expect(readPayloadType(packet)).toBe(payload.type);
      expect(readSsrc(packet)).toBe(0x1234_5678);
      expect((readSequence(packet) - readSequence(first)) & 0xffff).toBe(index);
      expect((readTimestamp(packet) - readTimestamp(first)) >>> 0).toBe(index * 160);
      expect(readMarker(packet)).toBe(index === 0);
    }
    const samples = packets.flatMap((packet) =>
      [...packet.subarray(12)].map((code) => decodeSample(law, code)),
    );
    expect(toneShare(samples, 440, 8000)).toBeGreaterThan(0.99);
  }
});

test('a key stands in for the audio, and the audio goes on where it stopped (RFC 4733 §2.5.1)', () => {
  const { talker, talk } = scene();
  const audioBefore = sent(talk(3));
  expect(press(talker, '9')).toBe(true);
  const key = sent(talk(7));
  const audioAfter = sent(talk(3));
  const [first] = key as [Buffer];
  expect(key.map(readPayloadType)).toEqual(Array(7).fill(101));
  expect(key.map((packet) => [...packet.subarray(12, 14)])).toEqual([
    ...Array(4).fill([9, 10]),
    ...Array(3).fill([9, 0x80 | 10]),
  ]);
  expect(key.map((packet) => readUint16(packet, 14))).toEqual([160, 320, 480, 640, 800, 800, 800]);
  expect(key.map(readMarker)).toEqual([true, ...Array(6).fill(false)]);
  expect(new Set(key.map(readTimestamp)).size).toBe(1);
  const all = [...audioBefore, ...key, ...audioAfter];
  expect(all.map((packet) => (readSequence(packet) - readSequence(all[0] as Buffer)) & 0xffff)).toEqual(
    all.map((_, index) => index),
  );
  expect((readTimestamp(audioAfter[0] as Buffer) - readTimestamp(first)) >>> 0).toBe(7 * 160);
  const samples = [...audioBefore, ...audioAfter].flatMap((packet) => [...packet.subarray(12)]);
  expect(Buffer.from(samples)).toEqual(
    Buffer.from(sent(scene().talk(6)).flatMap((packet) => [...packet.subarray(12)])),
  );
});

test('a key is told of once, with the packet that first says its end', () => {
  const { talker, talk } = scene();
  press(talker, '12');
  const told = Array.from({ length: 30 }, () => {
    talk(1);
    return talker.pressed?.key;
  });
  expect(told.flatMap((key, index) => (key === undefined ? [] : [[key, index]]))).toEqual([
    ['1', 4],
    ['2', 14],
  ]);
});

test('what was not agreed is not sent: keys without telephone-event, audio without G.711', () => {
  expect(press(scene([PCMU]).talker, '1')).toBe(false);
  expect(press(scene([PCMU, { ...KEYS, clockRate: 48_000 }]).talker, '1')).toBe(false);
  expect(sent(scene([OPUS, KEYS]).talk(5))).toEqual([]);
});

test('a hold is a gap in time and none in the numbering, and the keys wait (RFC 3264 §8.4)', () => {
  const { echo, talker, talk } = scene();
  const before = sent(talk(2)).at(-1) as Buffer;
  const change = (about: Partial<MediaSession>, payloads = [PCMU, KEYS]) => {
    updateEcho(echo, session(payloads, about), 0);
    updateTalker(talker, echo.session);
  };
  change({ send: false });
  press(talker, '5');
  expect(sent(talk(50))).toEqual([]);
  change({ send: true }, [PCMA, KEYS]);
  const [key, ...rest] = sent(talk(8)) as [Buffer, ...Buffer[]];
  expect(readPayloadType(key)).toBe(101);
  expect((readSequence(key) - readSequence(before)) & 0xffff).toBe(1);
  expect((readTimestamp(key) - readTimestamp(before)) >>> 0).toBe(51 * 160);
  expect(readPayloadType(rest.at(-1) as Buffer)).toBe(8);
});

test('before the answer there is silence, and what is played begins with it', () => {
  const { echo, talk } = scene();
  updateEcho(echo, session([PCMU, KEYS], { early: true }), 0);
  const early = sent(talk(5));
  expect(early).toHaveLength(5);
  expect(early.every((packet) => packet.subarray(12).every((code) => code === 0xff))).toBe(true);
  updateEcho(echo, session([PCMU, KEYS]), 0);
  const [answered] = sent(talk(1)) as [Buffer];
  const [first] = sent(scene().talk(1)) as [Buffer];
  expect(answered.subarray(12)).toEqual(first.subarray(12));
});

test('time in which nothing could be sent is in the timestamps and not in the audio', () => {
  const { talker, talk } = scene();
  const [before] = sent(talk(1)) as [Buffer];
  skipIntervals(talker, 10);
  const [after] = sent(talk(1)) as [Buffer];
  expect((readTimestamp(after) - readTimestamp(before)) >>> 0).toBe(11 * 160);
  expect((readSequence(after) - readSequence(before)) & 0xffff).toBe(1);
});

test('what comes in is counted as for an echo, and nothing of it goes back', () => {
  const { echo, talk } = scene();
  talk(1);
  const bytes = Buffer.alloc(172, 0xff);
  for (const number of [1, 2, 4]) {
    writeRtpHeader(bytes, 0, number, number * 160, 7);
    const before = Buffer.from(bytes);
    expect(receivePacket(echo, bytes, bytes.length, '192.0.2.1', 4_000, number * 20)).toBe('count');
    expect(bytes).toEqual(before);
  }
  expect(echo.counters[echo.base]).toBe(3);
  expect(echo.latch.address).toBe('192.0.2.1');
  // Hearing somebody does not touch our numbering.
  const [, second] = [talk(1)[0], talk(1)[0]] as Buffer[];
  expect((readSequence(second as Buffer) - ((0x1234_5678 >>> 16) ^ 0x5555)) & 0xffff).toBe(2);
});
