/** Captures of every make give the same messages; broken ones give what is left and throw nothing. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../../fixtures/fuzz.ts';
import { sipFixture } from '../../../fixtures/sip/read.ts';
import { ethernet, type Frame, fragmented, pcap, pcapng, tcp4, udp4, udp6 } from './capture-builder.ts';
import { capturedMessages } from './captured-messages.ts';

const A = '192.0.2.10:5060';
const B = '192.0.2.1:5080';
const INVITE = sipFixture('invite-two-proxies');
const OK = sipFixture('ok-invite');

function texts(file: Uint8Array): string[] {
  return (capturedMessages(file)?.messages ?? []).map(({ bytes }) => Buffer.from(bytes).toString('latin1'));
}

const [invite, ok] = [INVITE, OK].map((bytes) => Buffer.from(bytes).toString('latin1')) as [string, string];

/** An INVITE and its 200, 12.5 ms apart, as frames of one link type. */
function exchange(wrap: (packet: Buffer) => Buffer): Frame[] {
  return [
    { atMs: 1_700_000_000_000, bytes: wrap(udp4(A, B, INVITE)) },
    { atMs: 1_700_000_000_012.5, bytes: wrap(udp4(B, A, OK)) },
  ];
}

const LINKS: readonly (readonly [string, number, (packet: Buffer) => Buffer])[] = [
  ['Ethernet', 1, (packet) => ethernet(packet)],
  ['Ethernet with a VLAN tag', 1, (packet) => ethernet(packet, 0x8100)],
  ['Ethernet with two', 1, (packet) => ethernet(packet, 0x88a8, 0x8100)],
  [
    'PPPoE',
    1,
    (packet) =>
      Buffer.concat([
        Buffer.alloc(12),
        Buffer.from('886411000001000000', 'hex').subarray(0, 8),
        Buffer.from('0021', 'hex'),
        packet,
      ]),
  ],
  ['Linux cooked', 113, (packet) => Buffer.concat([Buffer.alloc(14), Buffer.from('0800', 'hex'), packet])],
  ['Linux cooked v2', 276, (packet) => Buffer.concat([Buffer.from('0800', 'hex'), Buffer.alloc(18), packet])],
  ['BSD loopback', 0, (packet) => Buffer.concat([Buffer.from('02000000', 'hex'), packet])],
  ['OpenBSD loopback', 108, (packet) => Buffer.concat([Buffer.from('00000002', 'hex'), packet])],
  ['raw IP', 101, (packet) => packet],
  ['raw IPv4', 228, (packet) => packet],
];

for (const [name, link, wrap] of LINKS) {
  test(`${name} (LINKTYPE ${link}) is read, in pcap and pcapng, in both byte orders`, () => {
    const frames = exchange(wrap);
    const files = [
      pcap(link, frames),
      pcap(link, frames, { big: true }),
      pcap(link, frames, { nanoseconds: true }),
      pcapng(link, frames),
      pcapng(link, frames, true),
    ];
    for (const file of files) {
      const read = capturedMessages(file);
      expect(texts(file)).toEqual([invite, ok]);
      expect(read?.messages[1]?.atMs).toBeCloseTo(12.5, 2);
      expect(read?.messages[0]).toMatchObject({
        transport: 'udp',
        source: { address: '192.0.2.10', port: 5060 },
        destination: { address: '192.0.2.1', port: 5080 },
      });
    }
  });
}

test('IPv6 is read behind its extension headers, and its addresses are shortened (RFC 5952)', () => {
  const packet = udp6('[2001:db8:0:0:0:0:0:1]:5060', '[2001:db8:0:1:0:0:0:2]:5060', INVITE);
  const read = capturedMessages(pcap(101, [{ atMs: 0, bytes: packet }]));
  expect(read?.messages[0]?.source?.address).toBe('2001:db8::1');
  expect(read?.messages[0]?.destination?.address).toBe('2001:db8:0:1::2');
});

test('fragments are put together, in any order', () => {
  const pieces = fragmented(udp4(A, B, INVITE, 77), 400).map((bytes, index) => ({ atMs: index, bytes }));
  expect(pieces.length).toBeGreaterThan(2);
  expect(texts(pcap(101, pieces))).toEqual([invite]);
  expect(texts(pcap(101, pieces.toReversed()))).toEqual([invite]);
  expect(texts(pcap(101, pieces.slice(1)))).toEqual([]);
});

test('TCP is put together: cut anywhere, out of order, sent twice, with a sequence number that wraps', () => {
  const stream = Buffer.concat([INVITE, OK, INVITE]);
  const first = 0xffff_ff00;
  const frames: Frame[] = [];
  for (let at = 0; at < stream.length; at += 333) {
    const segment = tcp4(A, B, first + at, stream.subarray(at, at + 333));
    frames.push({ atMs: at, bytes: segment }, { atMs: at + 1, bytes: segment });
  }
  expect(texts(pcap(101, frames))).toEqual([invite, ok, invite]);
  const [start, ...rest] = frames;
  expect(texts(pcap(101, start === undefined ? [] : [start, ...rest.toReversed()]))).toEqual([
    invite,
    ok,
    invite,
  ]);
});

test('where a TCP segment is missing, it goes on with the next message and says so', () => {
  const frames = [
    { atMs: 0, bytes: tcp4(A, B, 1000, INVITE.subarray(0, 200)) },
    { atMs: 2, bytes: tcp4(A, B, 1000 + INVITE.length, OK) },
  ];
  const read = capturedMessages(pcap(101, frames));
  expect(read?.messages.map(({ bytes }) => bytes.length)).toEqual([OK.length]);
  expect(read?.faults[0]).toContain('TCP segments are missing in 1 places');
});

test('what is captured on two interfaces is told once, what is sent twice is told twice', () => {
  const [twice, later] = [udp4(A, B, INVITE, 5), udp4(A, B, INVITE, 6)];
  const frames = [0, 1, 500].map((atMs, index) => ({ atMs, bytes: index === 2 ? later : twice }));
  expect(texts(pcap(101, frames))).toHaveLength(2);
});

test('a packet that was cut off is understood as far as it goes', () => {
  const whole = udp4(A, B, INVITE);
  const read = capturedMessages(pcap(101, [{ atMs: 0, bytes: whole.subarray(0, whole.length - 100) }]));
  expect(read?.messages[0]).toMatchObject({ missing: 100 });
  expect(read?.faults[0]).toContain('-s 0');
});

test('keep-alives, STUN and other traffic are no messages; nonsense on port 5060 is', () => {
  const payloads = ['\r\n\r\n', '\0\0\0\0', '', 'hello world, this is not SIP'];
  const frames = payloads.map((text, atMs) => ({ atMs, bytes: udp4(A, B, Buffer.from(text)) }));
  expect(texts(pcap(101, frames))).toEqual(['hello world, this is not SIP']);
  const elsewhere = udp4('192.0.2.1:9', '192.0.2.2:99', Buffer.from('hello world, this is not SIP'));
  expect(texts(pcap(101, [{ atMs: 0, bytes: elsewhere }]))).toEqual([]);
});

test('a file that breaks off gives what was whole, and says so', () => {
  const file = pcapng(
    1,
    exchange((packet) => ethernet(packet)),
  );
  const read = capturedMessages(file.subarray(0, file.length - 20));
  expect(read?.messages).toHaveLength(1);
  expect(read?.faults[0]).toContain('breaks off');
  expect(capturedMessages(Buffer.from('no capture'))).toBeUndefined();
});

test('a broken capture throws nothing, whatever bytes are changed', () => {
  const frames = [
    ...exchange((packet) => ethernet(packet, 0x8100)),
    ...fragmented(udp4(A, B, INVITE, 9), 400).map((bytes, atMs) => ({ atMs, bytes: ethernet(bytes) })),
    ...[0, 300, 600].map((at) => ({
      atMs: at,
      bytes: ethernet(tcp4(A, B, at, INVITE.subarray(at, at + 300))),
    })),
  ];
  const files = [pcap(1, frames), pcapng(1, frames), pcapng(1, frames, true)];
  const change = fc.tuple(fc.nat(6000), fc.nat(255));
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.array(change, { maxLength: 12 }),
      fc.nat(6000),
      (file, changes, cut) => {
        const broken = Buffer.from(file.subarray(0, file.length - (cut % 7 === 0 ? cut % file.length : 0)));
        for (const [at, byte] of changes) broken[at % broken.length] = byte;
        capturedMessages(broken);
      },
    ),
    fuzz(8),
  );
});
