/**
 * No bytes throw: every parser gives a value or an error with a code, an offset inside what it was given, and a
 * status that can be sent. `bun run fuzz` does it with more runs; FUZZ_SEED plays a seed again (fixtures/fuzz.ts).
 */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { sipFixture, sipFixtureNames } from '../../fixtures/sip/read.ts';
import { parseContacts, parseTargetContact } from './contact.ts';
import { readCoreHeaders } from './core-headers.ts';
import { parseCSeq } from './cseq.ts';
import { parseDeltaSeconds } from './delta-seconds.ts';
import { parseHostPort } from './host-port.ts';
import { listValues } from './list.ts';
import { parseMaxForwards } from './max-forwards.ts';
import { accepts, contentType, parseMediaType } from './media-type.ts';
import type { SipMessage } from './message.ts';
import { parseNameAddr, parseNameAddrList } from './name-addr.ts';
import { parseParams } from './params.ts';
import { parseMessage } from './parse-message.ts';
import { parseReason } from './reason.ts';
import type { Result, SipError } from './result.ts';
import { parseRetryAfter } from './retry-after.ts';
import { noteSource, viaRport } from './rport.ts';
import { buildResponse, serialize } from './serialize-message.ts';
import { StreamFramer } from './stream-framing.ts';
import { bytesOf, displayText, latin1 } from './text.ts';
import { parseOptionTags, parseTokens } from './token-list.ts';
import { parseUri, serializeUri } from './uri.ts';
import { uriEquals } from './uri-equals.ts';
import { parseVia, serializeVia, viaMaddr, viaReceived, viaTtl, withTopVia } from './via.ts';
import { parseWarning, parseWarnings } from './warning.ts';

function checkError(error: SipError, length: number, parser = ''): void {
  expect(error.code, parser).toMatch(/^[a-z]+(-[a-z]+)*$/);
  expect(error.status).toBeGreaterThanOrEqual(400);
  expect(error.status).toBeLessThanOrEqual(699);
  expect(error.offset).toBeGreaterThanOrEqual(0);
  expect(error.offset).toBeLessThanOrEqual(length + 1);
  expect(error.detail).not.toBe('');
}

const VALUE_PARSERS: Readonly<Record<string, (text: string) => Result<unknown>>> = {
  parseVia: (text) => parseVia(text),
  parseNameAddr: (text) => parseNameAddr(text),
  parseUri: (text) => parseUri(text),
  parseCSeq: (text) => parseCSeq(text),
  parseParams: (text) => parseParams(text, 0),
  listValues: (text) => listValues(text),
  parseHostPort: (text) => parseHostPort(text, 0, text.length),
  parseMediaType: (text) => parseMediaType(text),
  parseRetryAfter: (text) => parseRetryAfter(text),
  parseWarning: (text) => parseWarning(text),
  parseMaxForwards: (text) => parseMaxForwards(text),
  parseDeltaSeconds: (text) => parseDeltaSeconds(text),
  parseReason: (text) => parseReason(text),
};

/** Characters that mean something to one of the parsers, in any order. */
const grammar = fc
  .array(
    fc.constantFrom(
      ...' \t"\\<>;,:=?@[]()/%*-.&'.split(''),
      ...[
        'sip:',
        'sips:',
        'tel:',
        'a',
        'B',
        '0',
        '9',
        '65535',
        '4294967296',
        '%41',
        '\xfc',
        '\0',
        '\x7f',
        '\r',
        '\n',
      ],
      ...[
        'SIP/2.0/UDP ',
        'z9hG4bK',
        'tag',
        'branch',
        'rport',
        'expires',
        'q',
        'lr',
        '::1',
        'INVITE',
        'text/plain',
      ],
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));
const anyText = fc.oneof(
  grammar,
  fc.uint8Array({ maxLength: 60 }).map((bytes) => latin1(bytes)),
);

describe('fuzz: any text', () => {
  test('every parser of a value gives a value or an error', () => {
    // One text goes to all of them: making it costs more than reading it.
    fc.assert(
      fc.property(anyText, (text) => {
        for (const [name, parser] of Object.entries(VALUE_PARSERS)) {
          const result = parser(text);
          if (!result.ok) checkError(result.error, text.length, name);
        }
      }),
      fuzz(),
    );
  });

  test('a Via or a URI that was read can be written and read again', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        const via = parseVia(`SIP/2.0/UDP ${a}`);
        if (via.ok) {
          for (const read of [viaMaddr, viaReceived, viaRport, viaTtl]) read(via.value);
          const noted = noteSource(via.value, { address: '192.0.2.1', port: 5060 });
          const again = parseVia(serializeVia(noted));
          expect(again.ok && { ...again.value, params: [...again.value.params] }).toEqual({
            ...noted,
            params: [...noted.params],
          });
        }
        const [one, two] = [parseUri(`sip:${a}`), parseUri(`sip:${b}`)];
        if (one.ok) expect(parseUri(serializeUri(one.value))).toEqual(one);
        if (one.ok && two.ok) expect(uriEquals(one.value, two.value)).toBe(uriEquals(two.value, one.value));
      }),
      // Two texts.
      fuzz(2),
    );
  });

  test('what is shown never holds a control character', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(displayText(text)).not.toMatch(/\p{Cc}/u);
      }),
      fuzz(),
    );
  });
});

const HEADER_READERS: readonly ((message: SipMessage) => Result<unknown>)[] = [
  readCoreHeaders,
  parseContacts,
  parseTargetContact,
  contentType,
  parseWarnings,
  (message) => accepts(message, 'application', 'sdp'),
  (message) => parseNameAddrList(message, 'Route'),
  (message) => parseNameAddrList(message, 'Record-Route'),
  (message) => parseTokens(message, 'Allow'),
  (message) => parseOptionTags(message, 'Supported'),
];

/** Everything that happens to bytes from the network before somebody decides. */
function readAll(bytes: Uint8Array): void {
  const parsed = parseMessage(bytes);
  if (!parsed.ok) checkError(parsed.error, bytes.length);
  const message = parsed.ok ? parsed.value : parsed.partial;
  if (!message) return;
  for (const read of HEADER_READERS) {
    const result = read(message);
    if (!result.ok) checkError(result.error, bytes.length);
  }
  const core = readCoreHeaders(message);
  if (message.kind === 'request') {
    const noted = core.ok
      ? withTopVia(message, noteSource(core.value.via, { address: '::1', port: 1 }))
      : message;
    const response = parseMessage(serialize(buildResponse(noted, 400, { toTag: 't' })));
    expect(response.ok || response.error.code).toBe(true);
  }
  if (parsed.ok) {
    const again = parseMessage(serialize(message));
    const counts = again.ok && again.value.headers.filter(({ name }) => name !== 'Content-Length').length;
    expect(counts).toBe(message.headers.filter(({ name }) => name !== 'Content-Length').length);
  }
}

const fixtures = sipFixtureNames().map(sipFixture);

/** A real message with bytes changed, taken out and put in. */
const mutated = fc
  .tuple(
    fc.constantFrom(...fixtures),
    fc.array(
      fc.tuple(
        fc.nat(1_400),
        fc.nat(3),
        fc.oneof(
          grammar,
          fc.uint8Array({ maxLength: 4 }).map((b) => latin1(b)),
        ),
      ),
      {
        minLength: 1,
        maxLength: 6,
      },
    ),
  )
  .map(([bytes, edits]) => {
    let text = latin1(bytes);
    for (const [at, removed, inserted] of edits)
      text = text.slice(0, at) + inserted + text.slice(at + removed);
    return bytesOf(text);
  });

describe('fuzz: any bytes', () => {
  test('random bytes are read or refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), readAll), fuzz());
  });

  test('mutated messages are read or refused, answered, and written again with all their fields', () => {
    fc.assert(fc.property(mutated, readAll), fuzz());
  });

  test('a real message cut anywhere is read or refused', () => {
    for (const bytes of fixtures)
      for (let end = 0; end <= bytes.length; end += 3) readAll(bytes.subarray(0, end));
  });

  test('a stream of mutated messages is framed the same whatever the cut', () => {
    fc.assert(
      fc.property(
        fc.array(mutated, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 700 }),
        (messages, size) => {
          const stream = Buffer.concat(messages);
          const whole = new StreamFramer().push(stream);
          const framer = new StreamFramer();
          const cut = [];
          for (let at = 0; at < stream.length; at += size)
            cut.push(...framer.push(stream.subarray(at, at + size)));
          expect(cut.map((frame) => frame.type)).toEqual(whole.map((frame) => frame.type));
          for (const [index, frame] of cut.entries()) {
            const other = whole[index];
            if (frame.type === 'message' && other?.type === 'message') {
              expect(Buffer.compare(frame.bytes, other.bytes)).toBe(0);
            }
          }
        },
      ),
      // One to three messages.
      fuzz(2),
    );
  });
});
