/** Bodies of several parts (RFC 2046 §5.1, RFC 5621). */
import { expect, test } from 'bun:test';
import { assert, property, record, string, uint8Array } from 'fast-check';
import { offerText, VirtualCaller } from '../io/virtual-caller.ts';
import { ECHO_ADDRESS, echoScene, leftovers } from '../io/virtual-scene.ts';
import { MAX_MULTIPART_PARTS } from './limits.ts';
import { type Entity, partOfType } from './multipart.ts';
import type { HeaderLine } from './serialize-message.ts';
import { latin1 } from './text.ts';

const SDP = 'application/sdp';

function entity(type: string, body: string): Entity {
  return { headers: [{ name: 'Content-Type', value: type, offset: 0 }], body };
}

function part(type: string, body: string, ...fields: string[]): string {
  return [`Content-Type: ${type}`, ...fields, '', body].join('\r\n');
}

function multipart(parts: readonly string[], subtype = 'mixed', boundary = 'b1'): Entity {
  const text = parts.map((each) => `--${boundary}\r\n${each}\r\n`).join('');
  return entity(`multipart/${subtype};boundary="${boundary}"`, `${text}--${boundary}--\r\n`);
}

/** The content of the part that was found, 'none', or "code status". */
function found(body: Entity, type = SDP): string {
  const read = partOfType(body, type);
  if (!read.ok) return `${read.error.code} ${read.error.status}`;
  return read.value === undefined ? 'none' : read.value.body;
}

test('the part of that type is found, without the line break of the delimiter (RFC 2046 §5.1.1)', () => {
  expect(found(multipart([part('text/plain', 'hello'), part(SDP, 'v=0\r\n')]))).toBe('v=0\r\n');
  expect(found(multipart([part('APPLICATION/sdp; x=y', 'v=0')]))).toBe('v=0');
  expect(found(multipart([part('text/plain', 'hello')]))).toBe('none');
  expect(found(multipart(['\r\nno header fields']), 'text/plain')).toBe('none');
});

test('preamble, epilogue, bare line feeds, folds and padding of a delimiter are understood', () => {
  const body = `preamble\r\n--b1 \t\r\ncontent-type:\r\n ${SDP}\r\n\r\nv=0\r\n--b1--\r\n--b1\r\nepilogue`;
  expect(found(entity('multipart/mixed;boundary=b1', body))).toBe('v=0');
  expect(found(entity('multipart/mixed;boundary=b1', `--b1\nContent-Type: ${SDP}\n\nv=0\n--b1--`))).toBe(
    'v=0',
  );
});

test('parts may be binary, and may hold a boundary that begins like theirs', () => {
  const binary = part(
    'application/octet-stream',
    '\0\r\n--b\r\n\xff--b1\r',
    'Content-Transfer-Encoding: binary',
  );
  const inner = multipart([part(SDP, 'v=0')], 'mixed', 'b1x');
  const nested = part('multipart/mixed;boundary=b1x', inner.body);
  expect(found(multipart([binary, nested]))).toBe('v=0');
});

test('of alternatives the last that is understood counts, else the first (RFC 2046 §5.1.4)', () => {
  const parts = [part(SDP, 'plain'), part(SDP, 'richer'), part('application/new', 'richest')];
  expect(found(multipart(parts, 'alternative'))).toBe('richer');
  expect(found(multipart(parts, 'mixed'))).toBe('plain');
});

test('a part that its sender insists on is not ignored (§20.11, RFC 5621 §8)', () => {
  const isup = (fields: string[]) => part('application/isup', '\x01', ...fields);
  const sdp = part(SDP, 'v=0');
  expect(found(multipart([sdp, isup([])]))).toBe('v=0');
  expect(found(multipart([sdp, isup(['Content-Disposition: signal;handling=optional'])]))).toBe('v=0');
  expect(found(multipart([sdp, isup(['Content-Disposition: signal;handling=required'])]))).toBe(
    'part-unsupported 415',
  );
});

test('an early session is not the session, and nothing is decoded (RFC 3959)', () => {
  const early = part(SDP, 'early', 'Content-Disposition: early-session');
  expect(found(multipart([early, part(SDP, 'v=0')]))).toBe('v=0');
  expect(found(multipart([part(SDP, 'dj0w', 'Content-Transfer-Encoding: base64')]))).toBe('none');
});

test('what is cut off, has no boundary, or has too much of all is refused', () => {
  expect(found(entity('multipart/mixed', '--b1--'))).toBe('multipart-malformed 400');
  expect(found(entity(`multipart/mixed;boundary=${'b'.repeat(71)}`, ''))).toBe('multipart-malformed 400');
  expect(found(entity('multipart/mixed;boundary=b1', ''))).toBe('multipart-malformed 400');
  expect(found(entity('multipart/mixed;boundary=b1', `--b1\r\n${part(SDP, 'v=0')}\r\n`))).toBe(
    'multipart-malformed 400',
  );
  expect(found(multipart(['no colon\r\n\r\nx']))).toBe('multipart-malformed 400');
  const many = Array.from({ length: MAX_MULTIPART_PARTS + 1 }, () => part('a/b', ''));
  expect(found(multipart(many.slice(1)))).toBe('none');
  expect(found(multipart(many))).toBe('too-many-parts 400');
  let deep = multipart([part(SDP, 'v=0')], 'mixed', 'b0');
  for (let level = 1; level < 3; level++) {
    deep = multipart([part(`multipart/mixed;boundary=b${level - 1}`, deep.body)], 'mixed', `b${level}`);
  }
  expect(found(deep)).toBe('v=0');
  expect(found(multipart([part('multipart/mixed;boundary=b2', deep.body)], 'mixed', 'b3'))).toBe(
    'too-many-parts 400',
  );
});

test('any content comes out as it went in, and no bytes throw', () => {
  const pieces = record({
    content: uint8Array({ maxLength: 60 }),
    boundary: string({ minLength: 1, maxLength: 3 }),
  });
  assert(
    property(pieces, ({ content, boundary }) => {
      const text = latin1(content);
      partOfType(entity(`multipart/mixed;boundary="${boundary}"`, text), SDP);
      if (!text.includes('--~~')) expect(found(multipart([part(SDP, text)], 'mixed', '~~'))).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

test('an INVITE with a session among its parts is a call; one with parts that may be ignored offers nothing', () => {
  const scene = echoScene({}, [10_000, 10_002, 10_004]);
  const invite = (type: string, body: string, more: readonly HeaderLine[] = []) => {
    const call = new VirtualCaller(scene.phone, ECHO_ADDRESS);
    call.inviteHeaders = [];
    scene.phone.request(
      ECHO_ADDRESS,
      'INVITE',
      'sip:echo@192.0.2.10',
      [
        ['Via', `SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK-${call.callId}`],
        ['From', `<sip:anna@example.org>;tag=${call.fromTag}`],
        ['To', '<sip:echo@192.0.2.10>'],
        ['Call-ID', call.callId],
        ['CSeq', '1 INVITE'],
        ['Contact', '<sip:anna@192.0.2.20>'],
        ['Content-Type', type],
        ...more,
      ],
      body,
    );
    scene.network.run(50);
    return call.responses('INVITE').at(-1)?.message;
  };
  const body = multipart([part('application/isup', '\x01\0'), part(SDP, offerText())]).body;
  const ok = invite('multipart/mixed;boundary=b1', body);
  expect(ok?.status).toBe(200);
  expect(ok?.body).toContain('m=audio 10000 RTP/AVP 0 8 101');
  expect(invite('multipart/mixed;boundary=b1', body.replace('--b1--', ''))?.status).toBe(400);
  expect(invite('application/isup', 'x')?.status).toBe(415);
  expect(invite('application/isup', 'x', [['Content-Disposition', 'signal;handling=optional']])?.status).toBe(
    200,
  );
  scene.network.run(70_000);
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

test('keys in one part of an INFO are taken as if they stood alone (RFC 5621 §3, RFC 6086 §4.2)', () => {
  const scene = echoScene();
  const call = scene.caller();
  call.invite();
  scene.network.run(50);
  call.ack();
  const keys = part('application/dtmf-relay', 'Signal=7\r\nDuration=160\r\n');
  const body = multipart([part('text/plain', 'a key'), keys]).body;
  call.request('INFO', [['Content-Type', 'multipart/mixed;boundary=b1']], body);
  call.request('INFO', [['Content-Type', 'multipart/mixed;boundary=b1']], body.replace('dtmf-relay', 'x'));
  scene.network.run(50);
  expect(call.statuses('INFO')).toEqual([200, 415]);
  expect(scene.network.eventsOf(scene.echo, 'dtmf.received')).toMatchObject([
    { digit: '7', durationMs: 160 },
  ]);
  call.bye();
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});
