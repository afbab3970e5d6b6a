/**
 * Nothing that a stranger can send takes more than linear time: an input that grows 16-fold may take 16 times as
 * long, and a quadratic reader would take 256 times. Each piece below is what some reader scans, skips or escapes.
 *
 * The bound lies between, at 64, and a reader fails only when most of five rounds are beyond it, because one may meet a
 * garbage collection. Of each length the least of five times counts: a busy machine only adds to them, and to a long run
 * far more than to a short one.
 */
import { expect, test } from 'bun:test';
import { parseAuthorization } from './auth/authorization.ts';
import { parseChallenges } from './auth/challenge.ts';
import { maskCredentials, maskKeepingLength } from './auth/mask.ts';
import { readRawMessages } from './io/raw-messages.ts';
import { parseRtcp } from './rtp/rtcp.ts';
import { notAcceptable } from './sip/acceptable.ts';
import { parseContacts } from './sip/contact.ts';
import { readCoreHeaders } from './sip/core-headers.ts';
import { parseDtmfRelay } from './sip/dtmf-relay.ts';
import { listValues } from './sip/list.ts';
import { lineAround } from './sip/malformed.ts';
import type { SipMessage, SipRequest } from './sip/message.ts';
import { parseMessageWaiting } from './sip/message-waiting.ts';
import { parseNameAddr } from './sip/name-addr.ts';
import { parseParams } from './sip/params.ts';
import { parseMessage } from './sip/parse-message.ts';
import { statedReason } from './sip/reason.ts';
import { parseRetryAfter } from './sip/retry-after.ts';
import { parseSdp } from './sip/sdp.ts';
import { serialize } from './sip/serialize-message.ts';
import { StreamFramer } from './sip/stream-framing.ts';
import { bytesOf, displayText, fieldText, quote, unquote, wire } from './sip/text.ts';
import { parseUri } from './sip/uri.ts';
import { validateRequest } from './sip/validation.ts';
import { parseVia } from './sip/via.ts';
import { parseWarnings } from './sip/warning.ts';

const PIECES: readonly string[] = [
  ...',;"\\()<>= \t%@:[]/a0-'.split(''),
  ...[
    '\\"',
    '""',
    '"",',
    ';a',
    ';a=b',
    ';a="',
    '<>,',
    '(\\',
    '\r\n ',
    '\r\n',
    '\r\n\r\n',
    '\n',
    'a:b\r\n',
    '%41',
    'a=b, ',
  ],
  ...[
    'Digest ',
    'Digest a="b", ',
    'k="v",',
    'sip:',
    'a@',
    '1.',
    '::',
    '\xff',
    '\xc3\xbc',
    'a=rtpmap:0 PCMU/8000\r\n',
  ],
  ...[
    'm=audio 1 RTP/AVP 0\r\n',
    'Authorization: ',
    'Signal=5\n',
    'Voice-Message: 1/',
    'SIP;cause=1,',
    '---\nA\n',
  ],
];

const START = [
  'OPTIONS sip:a@b SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
  'From: <sip:a@b>;tag=1',
  'To: <sip:b@b>',
  'Call-ID: 1',
  'CSeq: 1 OPTIONS',
  '',
].join('\r\n');

const asField = (name: string, value: string): SipRequest => ({
  kind: 'request',
  method: 'OPTIONS',
  uri: 'sip:a@b',
  headers: [{ name, value, offset: 0 }],
  body: '',
});

/** A message, and what is read of it before anybody serves it. */
function readMessage(text: string): void {
  const parsed = parseMessage(bytesOf(text));
  const message: SipMessage | undefined = parsed.ok ? parsed.value : parsed.partial;
  if (message === undefined) return;
  readCoreHeaders(message);
  if (message.kind === 'request') validateRequest(message);
  serialize(message);
}

/** A stream in small pieces: what was looked through once is not looked through again. */
function frame(text: string): void {
  const framer = new StreamFramer();
  const bytes = bytesOf(text);
  for (let at = 0; at < bytes.length; at += 16) framer.push(bytes.subarray(at, at + 16));
}

const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  'a message: start line': (text) => readMessage(`OPTIONS ${text} SIP/2.0\r\n\r\n`),
  'a message: header fields': (text) => readMessage(`${START}${text}\r\n\r\n`),
  'a message: one field': (text) => readMessage(`${START}Contact: ${text}\r\n\r\n`),
  'a message: Via': (text) => readMessage(`OPTIONS sip:a@b SIP/2.0\r\nVia: ${text}\r\n\r\n`),
  'a message: body': (text) => readMessage(`${START}\r\n${text}`),
  'a stream of header fields': (text) => frame(`${START}${text}`),
  'a stream of anything': frame,
  Via: (text) => parseVia(`SIP/2.0/UDP ${text}`),
  'name-addr': parseNameAddr,
  'name-addr, quoted': (text) => parseNameAddr(`"${text}" <sip:a@b>`),
  URI: (text) => parseUri(`sip:${text}`),
  list: listValues,
  parameters: (text) => parseParams(`;${text}`, 0),
  Contact: (text) => parseContacts(asField('Contact', text)),
  Accept: (text) => notAcceptable(asField('Accept', text)),
  'Accept-Encoding': (text) => notAcceptable(asField('Accept-Encoding', text)),
  Reason: (text) => statedReason(asField('Reason', text)),
  Warning: (text) => parseWarnings(asField('Warning', text)),
  'Retry-After': (text) => parseRetryAfter(`1 ${text}`),
  SDP: (text) => parseSdp(`v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n${text}`),
  'an attribute of SDP': (text) => parseSdp(`v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\na=${text}\r\n`),
  'WWW-Authenticate': (text) => parseChallenges([text, `Digest ${text}`]),
  Authorization: (text) => parseAuthorization(`Digest ${text}`),
  'what is shown, credentials masked': (text) => maskCredentials(`Authorization: Digest ${text}`),
  'what stands in a trace': (text) => maskKeepingLength(`Authorization: Digest ${text}`, () => undefined),
  'a file of raw messages': (text) => readRawMessages(bytesOf(`${START}\r\n${text}`)),
  'a heading of raw messages': (text) => readRawMessages(bytesOf(`--- ${text} x\n${START}\r\n`)),
  'the place in a malformed message': (text) => lineAround(bytesOf(text), text.length),
  'message-summary': (text) => parseMessageWaiting(`Messages-Waiting: yes\r\n${text}`),
  'voice-message counts': (text) => parseMessageWaiting(`Messages-Waiting: yes\r\nVoice-Message: 1${text}`),
  'dtmf-relay': parseDtmfRelay,
  RTCP: (text) => parseRtcp(bytesOf(`\x81\xc9\0\x07${text}`), text.length + 4),
  'text for people and back': (text) => [
    displayText(text),
    fieldText(text),
    wire(text),
    quote(text),
    unquote(`"${text}"`),
  ],
};

const SMALL = 400;
const GROWTH = 16;
const BOUND = 64;
/** A batch is at least this long, in ms: the clock is not finer than a few microseconds. */
const BATCH_MS = 0.05;

/** One run, in ms, from a batch of them. */
function timeOf(read: (text: string) => unknown, text: string): number {
  const start = performance.now();
  let elapsed = 0;
  let runs = 0;
  do {
    read(text);
    runs += 1;
    elapsed = performance.now() - start;
  } while (elapsed < BATCH_MS);
  return elapsed / runs;
}

/** How much longer the longer one takes, of each the least of five. It goes first: it has the code compiled for both. */
function growth(read: (text: string) => unknown, short: string, long: string): number {
  const least = (text: string) => Math.min(...Array.from({ length: 5 }, () => timeOf(read, text)));
  return least(long) / least(short);
}

/** Whether most of five rounds are beyond the bound; one that is not ends it, as nearly all do. */
function isWorseThanLinear(read: (text: string) => unknown, short: string, long: string): boolean {
  let beyond = 0;
  for (let round = 0; round < 5 && beyond < 3; round++) {
    if (growth(read, short, long) > BOUND) beyond += 1;
    else if (round === beyond) return false;
  }
  return beyond >= 3;
}

const repeated = (piece: string, length: number) =>
  piece.repeat(Math.ceil(length / piece.length)).slice(0, length);

test.each(Object.entries(READERS))('%s: time grows as the input does', (_, read) => {
  const slow = PIECES.filter((piece) =>
    isWorseThanLinear(read, repeated(piece, SMALL), repeated(piece, GROWTH * SMALL)),
  );
  expect(slow).toEqual([]);
});

test('the measure tells linear from quadratic', () => {
  const once = (text: string) => {
    let sum = 0;
    for (let index = 0; index < text.length; index++) sum += text.charCodeAt(index);
    return sum;
  };
  const twice = (text: string) => {
    let sum = 0;
    for (let index = 0; index < text.length; index++)
      for (let other = 0; other < text.length; other++) sum += text.charCodeAt(other) ^ index;
    return sum;
  };
  const [short, long] = [repeated('ab', SMALL), repeated('ab', GROWTH * SMALL)];
  expect(isWorseThanLinear(once, short, long)).toBe(false);
  expect(isWorseThanLinear(twice, short, long)).toBe(true);
});
