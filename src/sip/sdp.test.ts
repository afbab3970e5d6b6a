import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { MAX_BODY_BYTES, MAX_SDP_LINES, MAX_SDP_MEDIA, MAX_SDP_PAYLOADS } from './limits.ts';
import type { SipError } from './result.ts';
import { parseSdp, type SessionDescription } from './sdp.ts';
import { serializeSdp } from './serialize-sdp.ts';

const START = 'v=0\r\no=bob 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n';

function parsed(text: string): SessionDescription {
  const result = parseSdp(text);
  if (!result.ok) throw new Error(`${result.error.code} at ${result.error.offset}`);
  return result.value;
}

function refused(text: string): SipError {
  const result = parseSdp(text);
  if (result.ok) throw new Error('it was accepted');
  return result.error;
}

describe('what is understood', () => {
  test('every line of a full description is read and written in the order of RFC 8866 §5', () => {
    const text = [
      'v=0',
      'o=jdoe 3724394400 3724394405 IN IP6 2001:db8::1',
      's=Call to John Smith',
      'i=SDP Offer #1',
      'u=http://www.jdoe.example.com/home.html',
      'e=Jane Doe <jane@jdoe.example.com>',
      'p=+1 617 555-6011',
      'c=IN IP4 198.51.100.1',
      'b=CT:128',
      't=3724394400 3724398000',
      'r=7d 1h 0 25h',
      'z=3730928400 -1h 3749680800 0',
      'k=prompt',
      'a=recvonly',
      'm=audio 49170/2 RTP/AVP 0 8',
      'i=the voice',
      'c=IN IP4 233.252.0.1/127/3',
      'b=AS:64',
      'a=ptime:20',
      'x=unknown letter',
      'm=video 0 RTP/AVP 99',
      '',
    ].join('\r\n');
    const session = parsed(text);
    expect(session.origin).toEqual({
      username: 'jdoe',
      sessionId: '3724394400',
      sessionVersion: '3724394405',
      family: 'ipv6',
      address: '2001:db8::1',
    });
    expect(session.media[0]).toMatchObject({ kind: 'audio', port: 49170, portCount: 2, formats: ['0', '8'] });
    expect(session.media[0]?.connection).toEqual({
      family: 'ipv4',
      address: '233.252.0.1',
      suffix: '127/3',
    });
    expect(session.media[0]?.other).toEqual([{ type: 'x', value: 'unknown letter' }]);
    expect(serializeSdp(session)).toBe(text);
  });

  test('lines under m= belong to that media, those before it to the session (RFC 8866 §5)', () => {
    const session = parsed(
      `${START}a=one\r\nm=audio 4000 RTP/AVP 0\r\na=two\r\nm=audio 4002 RTP/AVP 8\r\na=three\r\n`,
    );
    const names = [session, ...session.media].map((block) => block.attributes.map(({ name }) => name));
    expect(names).toEqual([['one'], ['two'], ['three']]);
  });

  test('an attribute keeps all that follows its first colon (RFC 8866 §5.13)', () => {
    expect(parsed(`${START}a=key:a:b c\r\n`).attributes).toEqual([{ name: 'key', value: 'a:b c' }]);
  });
});

describe('what is forgiven', () => {
  const plain = parsed(`${START}m=audio 4000 RTP/AVP 0\r\n`);
  const sloppy: [string, string][] = [
    ['LF alone', `${START}m=audio 4000 RTP/AVP 0\r\n`.replaceAll('\r\n', '\n')],
    ['CR CR LF', `${START}m=audio 4000 RTP/AVP 0\r\n`.replaceAll('\r\n', '\r\r\n')],
    ['no line end after the last line', `${START}m=audio 4000 RTP/AVP 0`],
    ['empty lines', `\r\n${START}\r\nm=audio 4000 RTP/AVP 0\r\n\r\n\r\n`],
    ['spaces at the end of lines', `${START}m=audio 4000 RTP/AVP 0\r\n`.replaceAll('\r\n', ' \t\r\n')],
    ['doubled spaces', `${START.replace('IN IP4', 'IN  IP4')}m=audio  4000 RTP/AVP   0\r\n`],
    ['no s= and no t=', `${START.replace('s=-\r\n', '').replace('t=0 0\r\n', '')}m=audio 4000 RTP/AVP 0\r\n`],
    ['an empty s=', `${START.replace('s=-', 's= ')}m=audio 4000 RTP/AVP 0\r\n`],
    [
      'session lines in another order',
      'v=0\r\nt=0 0\r\nc=IN IP4 192.0.2.1\r\ns=-\r\no=bob 1 2 IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n',
    ],
    ['IP6 before an IPv4 address', `${START.replaceAll('IP4', 'IP6')}m=audio 4000 RTP/AVP 0\r\n`],
    ['a network type in lower case', `${START.replaceAll('IN IP4', 'in ip4')}m=audio 4000 RTP/AVP 0\r\n`],
  ];
  for (const [what, text] of sloppy)
    test(`${what} changes nothing`, () => {
      expect(parsed(text)).toEqual(plain);
    });

  test('spaces in the user name of o= are kept, the other five fields are found', () => {
    const { origin } = parsed(START.replace('bob', 'Bob  B. Builder'));
    expect(origin).toMatchObject({ username: 'Bob B. Builder', sessionId: '1', sessionVersion: '2' });
  });

  test('an IPv6 address in brackets counts without them', () => {
    expect(parsed(START.replace('c=IN IP4 192.0.2.1', 'c=IN IP6 [2001:db8::5]')).connection).toEqual({
      family: 'ipv6',
      address: '2001:db8::5',
    });
  });

  test('a refused line may lack its formats, one that is meant may not', () => {
    expect(parsed(`${START}m=video 0 RTP/AVP\r\n`).media[0]?.formats).toEqual([]);
    expect(refused(`${START}m=video 4000 RTP/AVP\r\n`).code).toBe('sdp-media-malformed');
  });

  test('a refused line needs no c= (§5.7 is for lines that are meant)', () => {
    const text = `${START.replace('c=IN IP4 192.0.2.1\r\n', '')}m=video 0 RTP/AVP 96\r\n`;
    expect(parsed(text).media).toHaveLength(1);
  });

  test('the first of two c= counts and the second is carried', () => {
    const session = parsed(`${START}c=IN IP4 203.0.113.9\r\n`);
    expect(session.connection?.address).toBe('192.0.2.1');
    expect(session.other).toEqual([{ type: 'c', value: 'IN IP4 203.0.113.9' }]);
  });
});

describe('what is refused', () => {
  const cases: [string, string, string, string | undefined][] = [
    ['no v= first (§5.1)', `s=-\r\n${START}`, 'sdp-version-missing', undefined],
    ['an empty text', '', 'sdp-version-missing', undefined],
    ['another version (§5.1)', START.replace('v=0', 'v=1'), 'sdp-version-unsupported', '1'],
    ['no o= (§5.2)', 'v=0\r\ns=-\r\nt=0 0\r\n', 'sdp-origin-missing', undefined],
    [
      'o= with four fields (§5.2)',
      START.replace('bob 1 2 IN IP4', '1 IN IP4'),
      'sdp-origin-malformed',
      '1 IN',
    ],
    ['o= of another network', START.replace('IN IP4', 'ATM NSAP'), 'sdp-origin-malformed', 'bob'],
    [
      'c= with two fields (§5.7)',
      START.replace('c=IN IP4', 'c=IP4'),
      'sdp-connection-malformed',
      'IP4 192.0.2.1\r\nt',
    ],
    ['a port above 65535 (§5.14)', `${START}m=audio 65536 RTP/AVP 0\r\n`, 'sdp-media-malformed', 'audio'],
    ['a port that is no number', `${START}m=audio x RTP/AVP 0\r\n`, 'sdp-media-malformed', 'audio'],
    ['a line without "="', `${START}hello\r\n`, 'sdp-line-malformed', 'hello'],
    ['a CR within a line (§9)', `${START}a=fmtp:0 x\ra=y\r\n`, 'sdp-line-malformed', '\ra=y'],
    ['a NUL within a line (§9)', `${START}a=fmtp:0 \0\r\n`, 'sdp-line-malformed', '\0'],
    ['a session line under m= (§5)', `${START}m=audio 0 RTP/AVP 0\r\nt=7 8\r\n`, 'sdp-line-misplaced', '7 8'],
    ['a second v=', `${START}v=0\r\n`, 'sdp-line-misplaced', undefined],
    [
      'a media line with no c= anywhere (§5.7)',
      `${START.replace('c=IN IP4 192.0.2.1\r\n', '')}m=audio 4000 RTP/AVP 0\r\n`,
      'sdp-connection-missing',
      'audio',
    ],
  ];
  for (const [what, text, code, at] of cases)
    test(`${what} is ${code}, with its offset and status 400`, () => {
      const error = refused(text);
      expect(error).toMatchObject({ code, status: 400 });
      if (at !== undefined) expect(text.slice(error.offset).startsWith(at)).toBe(true);
    });

  test('the bounds of limits.ts hold, and what is just inside is read', () => {
    const lines = (count: number) => `${START}${'a=x\r\n'.repeat(count - 5)}`;
    expect(parsed(lines(MAX_SDP_LINES)).attributes).toHaveLength(MAX_SDP_LINES - 5);
    expect(refused(lines(MAX_SDP_LINES + 1)).code).toBe('sdp-too-many-lines');
    const media = (count: number) => START + 'm=audio 0 RTP/AVP 0\r\n'.repeat(count);
    expect(parsed(media(MAX_SDP_MEDIA)).media).toHaveLength(MAX_SDP_MEDIA);
    expect(refused(media(MAX_SDP_MEDIA + 1)).code).toBe('sdp-too-many-media');
    const formats = (count: number) => `${START}m=audio 4000 RTP/AVP${' 0'.repeat(count)}\r\n`;
    expect(parsed(formats(MAX_SDP_PAYLOADS)).media[0]?.formats).toHaveLength(MAX_SDP_PAYLOADS);
    expect(refused(formats(MAX_SDP_PAYLOADS + 1)).code).toBe('sdp-too-many-payloads');
    expect(refused(`${START}a=${'x'.repeat(MAX_BODY_BYTES)}\r\n`).code).toBe('sdp-too-long');
  });
});

describe('properties', () => {
  const word = fc.string({ unit: fc.constantFrom(...'ab0.:/[] \t\r=9'), maxLength: 12 });
  const address = fc.constantFrom(
    '192.0.2.1',
    '::1',
    '[::1]',
    '[[::1]]',
    '[]',
    'host.example',
    '0.0.0.0/1',
    '',
  );
  const line = fc.oneof(
    fc.tuple(fc.constantFrom(...'vosiuepcbtrzkamxA'), word).map(([type, value]) => `${type}=${value}`),
    address.map((where) => `c=IN IP4 ${where}`),
    address.map((where) => `o=a b 1 2 IN IP6 ${where}`),
    fc.tuple(word, fc.nat(70_000), word).map(([kind, port, rest]) => `m=${kind} ${port} RTP/AVP ${rest}`),
    word,
  );
  const text = fc
    .tuple(fc.boolean(), fc.array(line, { maxLength: 12 }), fc.constantFrom('\r\n', '\n', '\r\r\n'))
    .map(([start, lines, end]) => (start ? START : '') + lines.join(end));

  test('no text throws, and an offset lies in the text', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: 'binary-ascii' })), (input) => {
        const result = parseSdp(input);
        if (!result.ok) {
          expect(result.error.status).toBe(400);
          expect(result.error.offset).toBeWithin(0, input.length + 1);
        }
      }),
      fuzz(),
    );
  });

  test('what was read is written so that it reads the same (parse ∘ serialize)', () => {
    let accepted = 0;
    fc.assert(
      fc.property(text, (input) => {
        const first = parseSdp(input);
        if (!first.ok) return;
        accepted += 1;
        const again = parseSdp(serializeSdp(first.value));
        expect(again).toEqual(first);
      }),
      fuzz(),
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
