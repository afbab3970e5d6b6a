import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import {
  MAX_RTCP_BYTES,
  MAX_RTCP_PACKETS,
  ntpMiddle,
  parseRtcp,
  type ReportBlock,
  roundTripMs,
  writeRtcp,
} from './rtcp.ts';
import { rtcpIntervalMs } from './rtcp-interval.ts';

const BLOCK: ReportBlock = {
  ssrc: 0x1111_2222,
  fractionLost: 51,
  cumulativeLost: -3,
  extendedHighest: 0x0002_0007,
  jitter: 160,
  lastSenderReport: 0xdead_beef,
  delaySinceLastSenderReport: 65_536,
};
const UNIX_MS = 1_700_000_000_500;

function written(report: Partial<Parameters<typeof writeRtcp>[1]> = {}): Uint8Array {
  const bytes = new Uint8Array(MAX_RTCP_BYTES).fill(0xff);
  const length = writeRtcp(bytes, { ssrc: 7, cname: 'a@b', unixMs: UNIX_MS, bye: false, ...report });
  return bytes.slice(0, length);
}
const parsed = (bytes: Uint8Array) => parseRtcp(bytes, bytes.length);

describe('what is written is read back (§6)', () => {
  test('SR with a block, CNAME and BYE', () => {
    const sender = { rtpTimestamp: 0xffff_fff0, packets: 12, payloadBytes: 1920 };
    const bytes = written({ sender, block: BLOCK, bye: true });
    expect(bytes[1]).toBe(200);
    expect(parsed(bytes)).toEqual({
      ssrc: 7,
      sender: { ...sender, ntpMiddle: ntpMiddle(UNIX_MS) },
      blocks: [BLOCK],
      cname: 'a@b',
      byes: [7],
    });
  });

  test('RR without a block, while nothing was heard or sent', () => {
    const bytes = written();
    expect([...bytes.subarray(0, 8)]).toEqual([0x80, 201, 0, 1, 0, 0, 0, 7]);
    expect(parsed(bytes)).toEqual({ ssrc: 7, blocks: [], cname: 'a@b', byes: [] });
  });

  test('a CNAME of any length is closed by a null and filled to 32 bits (§6.5), and fits the buffer', () => {
    const sender = { rtpTimestamp: 0, packets: 0, payloadBytes: 0 };
    for (let length = 0; length <= 255; length++) {
      const bytes = written({ cname: 'x'.repeat(length), sender, block: BLOCK, bye: true });
      expect(bytes.length % 4).toBe(0);
      expect(parsed(bytes)?.cname).toBe('x'.repeat(length));
    }
    expect(written({ cname: 'x'.repeat(300), sender, block: BLOCK, bye: true }).length).toBeLessThanOrEqual(
      MAX_RTCP_BYTES,
    );
  });
});

describe('what is no compound packet is refused (§A.2)', () => {
  test('damage to version, first type, padding or lengths', () => {
    const good = written({ block: BLOCK });
    const damaged = (offset: number, value: number): Uint8Array => {
      const bytes = good.slice();
      bytes[offset] = value;
      return bytes;
    };
    expect(parsed(good)).toBeDefined();
    for (const bytes of [
      damaged(0, 0x41),
      damaged(1, 202),
      damaged(0, 0xa1),
      damaged(3, 8),
      damaged(3, 6),
      damaged(0, 0x82),
      good.subarray(0, good.length - 4),
      good.subarray(0, 7),
      new Uint8Array(0),
    ])
      expect(parsed(bytes)).toBeUndefined();
  });

  test('more packets than anybody sends', () => {
    const reports = (count: number) =>
      Uint8Array.from(Array(count).fill([0x80, 201, 0, 1, 0, 0, 0, 1]).flat());
    expect(parsed(reports(MAX_RTCP_PACKETS))).toBeDefined();
    expect(parsed(reports(MAX_RTCP_PACKETS + 1))).toBeUndefined();
  });

  test('a type that is not known is skipped', () => {
    const unknown = [0x81, 204, 0, 1, 9, 9, 9, 9];
    const bytes = Uint8Array.from([...written(), ...unknown, ...[0x81, 203, 0, 1, 0, 0, 0, 7]]);
    expect(parsed(bytes)?.byes).toEqual([7]);
  });

  test('no bytes throw, also behind a good header', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), fc.nat(31), (tail, sender, count) => {
        const words = Math.floor(tail.length / 4);
        const bytes = Uint8Array.from([0x80 | count, sender ? 200 : 201, 0, words, ...tail]);
        const result = parsed(bytes);
        if (result !== undefined) expect(result.blocks.length).toBe(count);
      }),
      fuzz(),
    );
  });

  test('a good compound with bytes changed, cut or doubled is read or refused', () => {
    const good = [
      written({ block: BLOCK }),
      written({ cname: 'a@b', block: BLOCK, bye: true }),
      Uint8Array.from([...written(), 0x81, 204, 0, 1, 9, 9, 9, 9, 0x81, 203, 0, 1, 0, 0, 0, 7]),
    ];
    const edits = fc.array(
      fc.tuple(fc.nat(90), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x81, 200, 255))),
      {
        maxLength: 4,
      },
    );
    let read = 0;
    fc.assert(
      fc.property(fc.constantFrom(...good), edits, fc.nat(100), fc.boolean(), (one, changes, cut, twice) => {
        const bytes = Uint8Array.from(twice ? [...one, ...one] : one);
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        const result = parsed(cut > 80 ? bytes.subarray(0, cut - 80) : bytes);
        if (result === undefined) return;
        read += 1;
        expect(result.blocks.length).toBeLessThanOrEqual(31 * MAX_RTCP_PACKETS);
      }),
      fuzz(),
    );
    // A target that refuses everything looks at nothing.
    expect(read).toBeGreaterThan(0);
  });
});

describe('the round trip (§6.4.1)', () => {
  const at = (sentMs: number, delayMs: number, nowMs: number) =>
    roundTripMs(
      {
        ...BLOCK,
        lastSenderReport: ntpMiddle(sentMs),
        delaySinceLastSenderReport: (delayMs * 65_536) / 1000,
      },
      nowMs,
    );

  test('is what has passed since our SR less what the peer kept it', () => {
    expect(at(UNIX_MS, 2_000, UNIX_MS + 2_030)).toBeCloseTo(30, 1);
  });

  test('is right across the wrap of the middle 32 bits', () => {
    const wrapMs = Math.ceil((UNIX_MS / 1000 + 2_208_988_800) / 65_536) * 65_536_000 - 2_208_988_800_000;
    expect(at(wrapMs - 10, 0, wrapMs + 15)).toBeCloseTo(25, 1);
  });

  test('is not known without an SR, nor when it would be negative', () => {
    expect(roundTripMs({ ...BLOCK, lastSenderReport: 0 }, UNIX_MS)).toBeUndefined();
    expect(at(UNIX_MS, 5_000, UNIX_MS + 10)).toBeUndefined();
  });
});

test('reports come at half to one and a half of five seconds (§6.3.1)', () => {
  expect([0, 0.5, 1].map(rtcpIntervalMs)).toEqual([2_500, 5_000, 7_500]);
});
