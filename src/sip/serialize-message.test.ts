import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { sipFixture, sipFixtureNames } from '../../fixtures/sip/read.ts';
import { canonicalName } from './header-names.ts';
import type { SipMessage, SipRequest } from './message.ts';
import { parseMessage } from './parse-message.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { buildRequest, buildResponse, responseBytes, serialize } from './serialize-message.ts';
import { latin1, wire } from './text.ts';

function requestOf(name: string): SipRequest {
  const parsed = parseMessage(sipFixture(name));
  if (!parsed.ok || parsed.value.kind !== 'request') throw new Error(`${name} is no request`);
  return parsed.value;
}

/** A message without the offsets, which belong to the bytes it came from. */
function content(message: SipMessage): unknown {
  const headers = message.headers
    .map(({ name, value }) => [name, value])
    .filter(([name]) => name !== 'Content-Length');
  return { ...message, headers };
}

test('a message goes out with its fields in order and Content-Length last (§18.3)', () => {
  const request = buildRequest({
    method: 'MESSAGE',
    uri: 'sip:bob@example.org',
    headers: [
      ['Via', 'SIP/2.0/TCP a'],
      ['Content-Length', '99'],
      ['Subject', 'hi'],
    ],
    body: 'hello',
  });
  expect(latin1(serialize(request))).toBe(
    'MESSAGE sip:bob@example.org SIP/2.0\r\nVia: SIP/2.0/TCP a\r\nSubject: hi\r\nContent-Length: 5\r\n\r\nhello',
  );
});

test('a message without a body says Content-Length 0 (§20.14)', () => {
  expect(latin1(serialize(buildRequest({ method: 'BYE', uri: 'sip:a', headers: [] })))).toBe(
    'BYE sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n',
  );
});

test('no value of ours can write a header field of its own', () => {
  const request = buildRequest({
    method: 'BYE',
    uri: 'sip:a\r\nX: 1',
    headers: [['Subject', 'a\r\nVia: b\nc\u010a']],
  });
  const response = buildResponse(request, 200, { reason: 'OK\r\nX: 1', headers: [['Server', 'a\r\n\r\nb']] });
  expect(
    latin1(serialize(request))
      .split(/\r|\n/)
      .filter((line) => line !== ''),
  ).toHaveLength(3);
  expect(
    latin1(serialize(response))
      .split(/\r|\n/)
      .filter((line) => line !== ''),
  ).toHaveLength(3);
});

test('text of people goes out as UTF-8 (§7.3.1)', () => {
  const request = buildRequest({ method: 'A', uri: 'sip:a', headers: [['Subject', wire('Jürgen €')]] });
  expect(Buffer.from(serialize(request)).toString('utf8')).toContain('Subject: Jürgen €\r\n');
});

test('a response takes Via, From, To, Call-ID and CSeq from its request, in order (§8.2.6.2)', () => {
  const request = requestOf('invite-two-proxies');
  const response = buildResponse(request, 486);
  expect(response.reason).toBe('Busy Here');
  expect(response.headers).toEqual(
    request.headers.filter(({ name }) => ['Via', 'From', 'To', 'Call-ID', 'CSeq'].includes(name)),
  );
  expect(response.headers.filter(({ name }) => name === 'Via')).toHaveLength(3);
});

test('Record-Route is copied where a dialog may come of it: 101 to 299 to an INVITE (§12.1.1)', () => {
  const request = requestOf('invite-two-proxies');
  const copied = (status: number, method = 'INVITE') =>
    buildResponse({ ...request, method }, status).headers.filter(({ name }) => name === 'Record-Route')
      .length;
  expect([100, 180, 200, 302, 486].map((status) => copied(status))).toEqual([0, 2, 2, 0, 0]);
  expect([copied(200, 'SUBSCRIBE'), copied(200, 'OPTIONS'), copied(200, 'BYE')]).toEqual([2, 0, 0]);
});

test('a To without a tag gets ours, one with a tag keeps it (§8.2.6.2)', () => {
  const to = (value: string) => {
    const request = buildRequest({ method: 'INVITE', uri: 'sip:a', headers: [['To', value]] });
    return buildResponse(request, 180, { toTag: 'x1' }).headers[0]?.value;
  };
  expect(to('<sip:a@b>')).toBe('<sip:a@b>;tag=x1');
  expect(to('sip:a@b')).toBe('sip:a@b;tag=x1');
  expect(to('"tag" <sip:a@b;tag=no>')).toBe('"tag" <sip:a@b;tag=no>;tag=x1');
  expect(to('<sip:a@b>;tag=y')).toBe('<sip:a@b>;tag=y');
  expect(to('rubbish')).toBe('rubbish');
});

test('Timestamp is copied into 100 and nothing else (§8.2.6.1)', () => {
  const request = buildRequest({ method: 'INVITE', uri: 'sip:a', headers: [['Timestamp', '54']] });
  expect(buildResponse(request, 100).headers).toHaveLength(1);
  expect(buildResponse(request, 200).headers).toHaveLength(0);
});

test('fields of the response follow those it copied, and its body comes last', () => {
  const response = buildResponse(requestOf('bye'), 200, {
    reason: 'Fine',
    headers: [['Server', 'r']],
    body: 'x',
  });
  expect(response.headers.at(-1)).toEqual({ name: 'Server', value: 'r', offset: 0 });
  expect(latin1(serialize(response))).toMatch(
    /^SIP\/2\.0 200 Fine\r\n[\s\S]*Server: r\r\nContent-Length: 1\r\n\r\nx$/,
  );
});

test('every registered status has its phrase, any other that of its class (§21)', () => {
  expect([100, 200, 302, 423, 481, 505, 606].map(reasonPhrase)).toEqual([
    'Trying',
    'OK',
    'Moved Temporarily',
    'Interval Too Brief',
    'Call/Transaction Does Not Exist',
    'Version Not Supported',
    'Not Acceptable',
  ]);
  expect([199, 299, 399, 499, 599, 699].map((status) => reasonPhrase(status))).toEqual([
    'Early Dialog Terminated',
    'Success',
    'Redirection',
    'Client Error',
    'Server Error',
    'Global Failure',
  ]);
});

test('a message from a real element is the same after parse, serialize and parse', () => {
  for (const name of sipFixtureNames()) {
    const once = parseMessage(sipFixture(name));
    if (!once.ok) throw new Error(once.error.detail);
    const twice = parseMessage(serialize(once.value));
    expect([name, twice.ok && content(twice.value)]).toEqual([name, content(once.value)]);
  }
});

test('parse and serialize are inverse on any message', () => {
  const token = fc.stringMatching(/^[A-Za-z0-9.!%*_+`'~-]{1,12}$/);
  const known = fc.constantFrom('Via', 'From', 'CSeq', 'WWW-Authenticate', 'Content-Type', 'X-Odd');
  const name = fc.oneof(known, token.map(canonicalName)).filter((text) => text !== 'Content-Length');
  const text = fc
    .string({
      unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
      maxLength: 60,
    })
    .map((line) => line.replace(/^[ \t]+|[ \t]+$/g, ''));
  const field = fc.record({ name, value: text, offset: fc.constant(0) });
  const parts = {
    headers: fc.array(field, { maxLength: 20 }),
    body: fc.uint8Array({ maxLength: 200 }).map((bytes) => latin1(bytes)),
  };
  const request = fc.record({
    kind: fc.constant('request' as const),
    method: token.filter((method) => method.toUpperCase() !== 'SIP'),
    uri: fc.stringMatching(/^[!-;=?-~]{1,40}$/),
    ...parts,
  });
  const response = fc.record({
    kind: fc.constant('response' as const),
    status: fc.integer({ min: 100, max: 699 }),
    reason: text,
    ...parts,
  });
  fc.assert(
    fc.property(fc.oneof(request, response), (message) => {
      const parsed = parseMessage(serialize(message));
      expect(parsed.ok && content(parsed.value)).toEqual(content(message));
    }),
    { numRuns: 2_000 },
  );
});

test('a response that is written at once has the bytes of the one that is built first (§8.2.6.2)', () => {
  const parts = {
    toTag: 'ours',
    headers: [
      ['Contact', '<sip:us@192.0.2.10>'],
      ['Content-Length', '7'],
      ['Subject', 'two\r\nlines'],
    ],
    body: 'v=0\r\n',
  } as const;
  let written = 0;
  for (const name of sipFixtureNames()) {
    const parsed = parseMessage(sipFixture(name));
    if (!parsed.ok || parsed.value.kind !== 'request') continue;
    for (const status of [100, 180, 200, 404]) {
      for (const about of [parts, { ...parts, body: 'v=0\r\n' }, { reason: 'Why\r\nnot' }, {}]) {
        const built = serialize(buildResponse(parsed.value, status, about, 'us'));
        expect(latin1(responseBytes(parsed.value, status, about, 'us'))).toBe(latin1(built));
        written += 1;
      }
    }
  }
  expect(written).toBeGreaterThan(50);
});
