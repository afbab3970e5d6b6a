import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { sipFixture, sipFixtureNames } from '../../fixtures/sip/read.ts';
import { MAX_MESSAGE_BYTES } from './limits.ts';
import { parseMessage } from './parse-message.ts';
import { type Frame, StreamFramer } from './stream-framing.ts';
import { bytesOf, latin1 } from './text.ts';

const OPTIONS = 'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n';
const WITH_BODY = `${OPTIONS}Content-Length: 5\r\n\r\nhello`;
const NO_BODY = `${OPTIONS}l:0\r\n\r\n`;

/** The frames of chunks, in words: the text of a message, `ping`, `pong`, or `broken` and the code. */
function frames(...chunks: string[]): string[] {
  const framer = new StreamFramer();
  return chunks.flatMap((chunk) => framer.push(bytesOf(chunk))).map(describeFrame);
}

function describeFrame(frame: Frame): string {
  if (frame.type === 'message') return latin1(frame.bytes);
  return frame.type === 'broken' ? `broken ${frame.error.code} ${frame.error.status}` : frame.type;
}

test('a message ends where its Content-Length says (§18.3)', () => {
  expect(frames(WITH_BODY)).toEqual([WITH_BODY]);
  expect(frames(NO_BODY)).toEqual([NO_BODY]);
});

test('several messages may come in one chunk', () => {
  expect(frames(WITH_BODY + NO_BODY + WITH_BODY)).toEqual([WITH_BODY, NO_BODY, WITH_BODY]);
});

test('a message may come byte by byte', () => {
  expect(frames(...`${WITH_BODY}${NO_BODY}`)).toEqual([WITH_BODY, NO_BODY]);
});

test('nothing comes before a message is whole, and everything as soon as it is', () => {
  const framer = new StreamFramer();
  expect(framer.push(bytesOf(WITH_BODY.slice(0, -1)))).toEqual([]);
  expect(framer.push(bytesOf('o')).map(describeFrame)).toEqual([WITH_BODY]);
});

test('a head ends with CRLFCRLF or with LFLF (leniency line-feed-alone)', () => {
  const bare = WITH_BODY.replaceAll('\r\n', '\n');
  expect(frames(bare + WITH_BODY)).toEqual([bare, WITH_BODY]);
});

test('Content-Length is found in any form, case, spacing and fold (§7.3.1, §7.3.3)', () => {
  for (const field of [
    'l: 5',
    'L:5',
    'CONTENT-LENGTH \t: 5 ',
    'content-length:\r\n  5',
    'Content-Length: 0005',
  ]) {
    const message = `${OPTIONS}${field}\r\nContact: x\r\nLanguage: y\r\n\r\nhello`;
    expect(frames(message + NO_BODY)).toEqual([message, NO_BODY]);
  }
});

test('a Content-Length in a body or in another value is none', () => {
  const body = 'Content-Length: 99\r\n\r\n';
  const message = `${OPTIONS}Subject: Content-Length: 7\r\nX-Content-Length: 8\r\nl: ${body.length}\r\n\r\n${body}`;
  expect(frames(message + NO_BODY)).toEqual([message, NO_BODY]);
});

describe('keep-alives (RFC 5626 §3.5.1)', () => {
  test('after a ping of ours the next line break is its pong, time after time', () => {
    const framer = new StreamFramer();
    const types = (text: string) => framer.push(bytesOf(text)).map(({ type }) => type);
    for (let round = 0; round < 3; round++) {
      framer.expectPong();
      expect(types('\r\n')).toEqual(['pong']);
    }
    // A ping of the peer's that crosses ours is one all the same, and the pong comes behind it.
    framer.expectPong();
    expect(types('\r\n\r\n')).toEqual(['pong', 'ping']);
    expect(types('\r\n')).toEqual(['pong']);
    expect(types('\r\n\r\n')).toEqual(['pong', 'ping']);
  });

  test('one line break is a pong, a second one makes the two a ping', () => {
    expect(frames('\r\n')).toEqual(['pong']);
    expect(frames('\r\n\r\n')).toEqual(['pong', 'ping']);
    expect(frames('\r', '\n\r', '\n')).toEqual(['pong', 'ping']);
    expect(frames('\r\n\r\n\r\n\r\n')).toEqual(['pong', 'ping', 'pong', 'ping']);
  });

  test('they stand between messages, and each message starts the count again', () => {
    expect(frames(`\r\n${NO_BODY}\r\n\r\n${WITH_BODY}\r\n`)).toEqual([
      'pong',
      NO_BODY,
      'pong',
      'ping',
      WITH_BODY,
      'pong',
    ]);
  });
});

describe('a stream that cannot be read on', () => {
  test('is one without Content-Length (§18.3)', () => {
    expect(frames(`${OPTIONS}\r\n`)).toEqual(['broken content-length-missing 400']);
  });

  test('is one with a Content-Length that is no number, or with two that differ', () => {
    expect(frames(`${OPTIONS}l: -5\r\n\r\n`)).toEqual(['broken content-length-malformed 400']);
    expect(frames(`${OPTIONS}l:\r\n\r\n`)).toEqual(['broken content-length-malformed 400']);
    expect(frames(`${OPTIONS}l: 5\r\nContent-Length: 6\r\n\r\n`)).toEqual([
      'broken content-length-malformed 400',
    ]);
  });

  test('is one that does not speak SIP', () => {
    expect(frames('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toEqual(['broken content-length-missing 400']);
  });

  test('is one whose head never ends, or whose message is over the bound: 513', () => {
    const line = `X: ${'a'.repeat(995)}\r\n`;
    const chunks = Array.from({ length: 70 }, () => line);
    expect(frames(OPTIONS, ...chunks)).toEqual(['broken message-too-large 513']);
    expect(frames(`${OPTIONS}l: ${MAX_MESSAGE_BYTES}\r\n\r\n`)).toEqual(['broken message-too-large 513']);
    expect(frames(`${OPTIONS}l: 99999999999999999999\r\n\r\n`)).toEqual(['broken message-too-large 513']);
  });

  test('gives what came before, then nothing more, and keeps its head for an answer', () => {
    const framer = new StreamFramer();
    const given = framer.push(bytesOf(`${NO_BODY}${OPTIONS}\r\n${NO_BODY}`));
    expect(given.map(describeFrame)).toEqual([NO_BODY, 'broken content-length-missing 400']);
    const broken = given[1];
    const parsed = broken?.type === 'broken' ? parseMessage(broken.head) : undefined;
    expect(parsed?.ok && parsed.value.kind === 'request' && parsed.value.method).toBe('OPTIONS');
    expect(framer.push(bytesOf(NO_BODY))).toEqual([]);
  });
});

test('frames stay as they are when more comes', () => {
  const framer = new StreamFramer();
  const [first] = [...WITH_BODY].flatMap((character) => framer.push(bytesOf(character)));
  framer.push(bytesOf('X'.repeat(500)));
  expect(first && describeFrame(first)).toBe(WITH_BODY);
});

test('work grows with the bytes, not with their square: 60 KB byte by byte', () => {
  const message = `${OPTIONS}${`X: ${'a'.repeat(96)}\r\n`.repeat(550)}l: 5000\r\n\r\n${'b'.repeat(5000)}`;
  const framer = new StreamFramer();
  let copied = 0;
  const original = Uint8Array.prototype.set;
  Uint8Array.prototype.set = function set(this: Uint8Array, source: ArrayLike<number>, offset?: number) {
    copied += source.length;
    original.call(this, source, offset);
  };
  let given = 0;
  try {
    for (const byte of bytesOf(message)) given += framer.push(Uint8Array.of(byte)).length;
  } finally {
    Uint8Array.prototype.set = original;
  }
  expect(given).toBe(1);
  expect(copied).toBeLessThan(5 * message.length);
});

test('any cut of a stream gives the same frames', () => {
  const pieces = [
    ...sipFixtureNames().map((name) => latin1(withLength(sipFixture(name)))),
    '\r\n',
    '\r\n\r\n',
    NO_BODY,
  ];
  pieces.push(WITH_BODY.replaceAll('\r\n', '\n'));
  const stream = fc.array(fc.constantFrom(...pieces, `${OPTIONS}\r\n`), { minLength: 1, maxLength: 6 });
  const cuts = fc.array(fc.nat({ max: 6_000 }), { maxLength: 30 });
  fc.assert(
    fc.property(stream, cuts, (parts, cuts) => {
      const text = parts.join('');
      const borders = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
      const chunks = borders.slice(1).map((border, index) => text.slice(borders[index], border));
      expect(frames(...chunks)).toEqual(frames(text));
    }),
    // Three or four messages.
    fuzz(3.5),
  );
});

/** The folded INVITE and a few others have their length somewhere in the middle; all have one. */
function withLength(bytes: Uint8Array): Uint8Array {
  expect(latin1(bytes)).toMatch(/\n(content-length|l)[ \t]*:/i);
  return bytes;
}
