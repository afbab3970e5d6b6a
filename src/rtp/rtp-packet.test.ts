import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import {
  isRtcp,
  readMarker,
  readPayloadType,
  readSequence,
  readSsrc,
  readTimestamp,
  rtpPayloadLength,
  rtpPayloadOffset,
  writeRtpHeader,
} from './rtp-packet.ts';

/** A header with these first two bytes, then zeros, then `tail`. */
function packet(first: number, second: number, ...tail: number[]): Uint8Array {
  return Uint8Array.from([first, second, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5, ...tail]);
}
const offset = (bytes: Uint8Array): number => rtpPayloadOffset(bytes, bytes.length);

describe('the fixed header (§5.1)', () => {
  test('every field is read back as it was written', () => {
    fc.assert(
      fc.property(
        fc.nat(127),
        fc.nat(0xffff),
        fc.nat(0xffff_ffff),
        fc.nat(0xffff_ffff),
        (type, sequence, timestamp, ssrc) => {
          const bytes = new Uint8Array(12).fill(0xff);
          writeRtpHeader(bytes, type, sequence, timestamp, ssrc);
          expect(offset(bytes)).toBe(12);
          expect([
            readPayloadType(bytes),
            readSequence(bytes),
            readTimestamp(bytes),
            readSsrc(bytes),
          ]).toEqual([type, sequence, timestamp, ssrc]);
          expect(readMarker(bytes)).toBe(false);
        },
      ),
      fuzz(),
    );
  });

  test('the marker is not part of the payload type', () => {
    const bytes = packet(0x80, 0x80 | 101);
    expect(readMarker(bytes)).toBe(true);
    expect(readPayloadType(bytes)).toBe(101);
  });
});

describe('validity (§A.1)', () => {
  test('eleven bytes are no packet, twelve are one without a payload', () => {
    expect(rtpPayloadOffset(packet(0x80, 0), 11)).toBe(-1);
    expect(rtpPayloadOffset(packet(0x80, 0), 12)).toBe(12);
  });

  test('only version 2 is RTP', () => {
    for (const version of [0x00, 0x40, 0xc0]) expect(offset(packet(version, 0))).toBe(-1);
  });

  test('the CSRC list must fit', () => {
    expect(offset(packet(0x82, 0, 1, 2, 3, 4, 5, 6, 7, 8))).toBe(20);
    expect(offset(packet(0x82, 0, 1, 2, 3, 4, 5, 6, 7))).toBe(-1);
  });

  test('the extension and its length must fit (§5.3.1)', () => {
    expect(offset(packet(0x90, 0, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, 1))).toBe(20);
    expect(offset(packet(0x90, 0, 0xbe, 0xde, 0, 0))).toBe(16);
    expect(offset(packet(0x90, 0, 0xbe, 0xde, 0, 2, 9, 9, 9, 9))).toBe(-1);
    expect(offset(packet(0x90, 0, 0xbe, 0xde))).toBe(-1);
  });

  test('padding is 1 to all of the payload', () => {
    const padded = packet(0xa0, 0, 1, 2, 0, 2);
    expect(offset(padded)).toBe(12);
    expect(rtpPayloadLength(padded, padded.length, 12)).toBe(2);
    expect(offset(packet(0xa0, 0, 0, 0, 0, 4))).toBe(12);
    expect(offset(packet(0xa0, 0, 0, 0, 0, 5))).toBe(-1);
    expect(offset(packet(0xa0, 0, 0, 0, 0, 0))).toBe(-1);
    expect(offset(packet(0xa0, 0))).toBe(-1);
  });

  test('whatever the bytes, the payload stands within the packet', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, two) => {
        if (two && bytes.length > 0) bytes[0] = 0x80 | ((bytes[0] as number) & 0x3f);
        const start = rtpPayloadOffset(bytes, bytes.length);
        if (start === -1) return;
        const length = rtpPayloadLength(bytes, bytes.length, start);
        expect(start).toBeGreaterThanOrEqual(12);
        expect(length).toBeGreaterThanOrEqual(0);
        expect(start + length).toBeLessThanOrEqual(bytes.length);
      }),
      fuzz(),
    );
  });
});

test('192 to 223 in the second byte is RTCP, all else RTP (RFC 5761 §4)', () => {
  const muxed = Array.from({ length: 256 }, (_, second) => isRtcp(Uint8Array.of(0x80, second), 2));
  expect(muxed.map((rtcp, second) => (rtcp ? second : -1)).filter((second) => second >= 0)).toEqual(
    Array.from({ length: 32 }, (_, index) => 192 + index),
  );
  expect(isRtcp(Uint8Array.of(0x80), 1)).toBe(false);
});
