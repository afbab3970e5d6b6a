import { describe, expect, test } from 'bun:test';
import { sipFixture, sipFixtureNames } from '../../fixtures/sip/read.ts';
import {
  MAX_BODY_BYTES,
  MAX_HEADER_BYTES,
  MAX_HEADER_FIELDS,
  MAX_MESSAGE_BYTES,
  MAX_START_LINE_BYTES,
} from './limits.ts';
import { fields, startLine, value } from './message.ts';
import { type ParsedMessage, parseMessage } from './parse-message.ts';
import { bytesOf, latin1 } from './text.ts';

const VIA = 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1';

/** A message of those lines, CRLF between them and an empty line after. */
function parse(...lines: string[]): ParsedMessage {
  return parseMessage(bytesOf(`${lines.join('\r\n')}\r\n\r\n`));
}

/** "code offset status", and "answerable" when there is a partial request. */
function verdict(parsed: ParsedMessage): string {
  if (parsed.ok) return 'ok';
  const { code, offset, status } = parsed.error;
  return `${code} ${offset} ${status}${parsed.partial ? ' answerable' : ''}`;
}

describe('the start line', () => {
  test('a request line has a method, a Request-URI and a version (§7.1)', () => {
    const parsed = parse('INVITE sip:bob@example.org;transport=tcp SIP/2.0', VIA);
    expect(parsed.ok && startLine(parsed.value)).toBe('INVITE sip:bob@example.org;transport=tcp SIP/2.0');
  });

  test('a method is any token, and its case counts (§7.1)', () => {
    const parsed = parse("!interesting-Method0123456789_*+`.%indeed'~ sip:a@b SIP/2.0", VIA);
    expect(parsed.ok && parsed.value.kind === 'request' && parsed.value.method).toBe(
      "!interesting-Method0123456789_*+`.%indeed'~",
    );
  });

  test('SIP in the version is compared without case (§7.1)', () => {
    expect(verdict(parse('OPTIONS sip:a@b sip/2.0', VIA))).toBe('ok');
    expect(verdict(parse('sIp/2.0 200 OK', VIA))).toBe('ok');
  });

  test('another version of a request is 505, and can be answered (§21.5.6)', () => {
    expect(verdict(parse('OPTIONS sip:a@b SIP/7.0', VIA))).toBe('version-unsupported 16 505 answerable');
    expect(verdict(parse('SIP/3.0 200 OK', VIA))).toBe('version-unsupported 0 505');
  });

  test('a malformed request line is 400, answerable once the method is known', () => {
    expect(verdict(parse('OPTIONS sip:a@b HTTP/1.1', VIA))).toBe('request-line-malformed 16 400 answerable');
    expect(verdict(parse('OPTIONS sip:a@b', VIA))).toBe('request-line-malformed 8 400 answerable');
    expect(verdict(parse('OPTIONS', VIA))).toBe('request-line-malformed 8 400 answerable');
    expect(verdict(parse('OPTIONS  SIP/2.0', VIA))).toBe('request-line-malformed 8 400 answerable');
    expect(verdict(parse('OPTIONS sip:a@b  SIP/2.0', VIA))).toBe('request-line-malformed 15 400 answerable');
    expect(verdict(parse('OPTIONS sip:a@b SIP/2.0 ', VIA))).toBe('request-line-malformed 24 400 answerable');
    expect(verdict(parse('OPTIONS <sip:a@b> SIP/2.0', VIA))).toBe('request-line-malformed 8 400 answerable');
    expect(verdict(parse('OPTI(NS sip:a@b SIP/2.0', VIA))).toBe('request-line-malformed 0 400');
    expect(verdict(parse(' OPTIONS sip:a@b SIP/2.0', VIA))).toBe('request-line-malformed 0 400');
  });

  test('a request line over the bound is 414, and can be answered (§21.4.12)', () => {
    const uri = (length: number) => `sip:${'a'.repeat(length - 'OPTIONS sip: SIP/2.0'.length)}`;
    expect(verdict(parse(`OPTIONS ${uri(MAX_START_LINE_BYTES)} SIP/2.0`, VIA))).toBe('ok');
    expect(verdict(parse(`OPTIONS ${uri(MAX_START_LINE_BYTES + 1)} SIP/2.0`, VIA))).toBe(
      'request-uri-too-long 8 414 answerable',
    );
    expect(verdict(parse(`SIP/2.0 200 ${'a'.repeat(MAX_START_LINE_BYTES)}`))).toBe(
      'start-line-too-long 0 400',
    );
  });

  test('a status is 100 to 699, three digits (§7.2)', () => {
    for (const status of [100, 180, 299, 699]) {
      const parsed = parse(`SIP/2.0 ${status} Some phrase`, VIA);
      expect(parsed.ok && parsed.value.kind === 'response' && parsed.value.status).toBe(status);
      expect(parsed.ok && startLine(parsed.value)).toBe(`SIP/2.0 ${status} Some phrase`);
    }
    for (const status of ['99', '099', '700', '4294967301', '20', '2x0', '-20', '']) {
      expect(verdict(parse(`SIP/2.0 ${status} OK`, VIA))).toBe('status-line-malformed 8 400');
    }
    expect(verdict(parse('SIP/2.0', VIA))).toBe('status-line-malformed 0 400');
  });

  test('a reason phrase may be empty and may hold any text (§7.2)', () => {
    const reasonOf = (line: string) => {
      const parsed = parse(line, VIA);
      return parsed.ok && parsed.value.kind === 'response' ? parsed.value.reason : 'failed';
    };
    expect(reasonOf('SIP/2.0 100 ')).toBe('');
    expect(reasonOf('SIP/2.0 200')).toBe('');
    expect(reasonOf('SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd')).toBe('= 2**3 * 5**2 \xd0\xbd');
  });

  test('line breaks before it are ignored, and offsets still count them (§7.5)', () => {
    expect(verdict(parse('\r\n\r\nOPTIONS sip:a@b SIP/2.0', VIA))).toBe('ok');
    expect(verdict(parse('\r\n\r\nOPTIONS sip:a@b SIP/9.0', VIA))).toBe(
      'version-unsupported 20 505 answerable',
    );
    expect(verdict(parseMessage(bytesOf('\r\n\r\n')))).toBe('message-empty 0 400');
    expect(verdict(parseMessage(new Uint8Array(0)))).toBe('message-empty 0 400');
  });
});

describe('header fields', () => {
  const head = 'OPTIONS sip:a@b SIP/2.0';

  test('are kept in order, unknown ones too, names canonical (§7.3.1, §7.3.3)', () => {
    const parsed = parse(head, 'v: SIP/2.0/UDP a', 'X-Odd: 1', 'CALL-ID: x', 'x-odd: 2', 'Subject:');
    expect(parsed.ok && parsed.value.headers.map(({ name, value }) => [name, value])).toEqual([
      ['Via', 'SIP/2.0/UDP a'],
      ['X-Odd', '1'],
      ['Call-ID', 'x'],
      ['x-odd', '2'],
      ['Subject', ''],
    ]);
  });

  test('white space around the colon and after the value is no part of either (§7.3.1)', () => {
    const parsed = parse(head, 'Subject \t:\t  a b \t', VIA);
    expect(parsed.ok && parsed.value.headers[0]).toEqual({ name: 'Subject', value: 'a b', offset: 38 });
  });

  test('a field knows where its value starts, in bytes', () => {
    const bytes = bytesOf(`${head}\r\nSubject: \xc3\xbc\r\n${VIA}\r\n\r\n`);
    const parsed = parseMessage(bytes);
    if (!parsed.ok) throw new Error(verdict(parsed));
    for (const { value: text, offset } of parsed.value.headers) {
      expect(latin1(bytes, offset, offset + text.length)).toBe(text);
    }
  });

  test('a folded value is unfolded to one space a fold (§7.3.1)', () => {
    const parsed = parse(head, 'Subject: one', ' two  \t', '\t\tthree', VIA);
    expect(parsed.ok && value(parsed.value, 'Subject')).toBe('one two three');
    const leading = parse(head, 'Subject:', '  one', VIA);
    expect(leading.ok && leading.value.headers[0]).toEqual({ name: 'Subject', value: 'one', offset: 37 });
    const blank = parse(head, 'Subject: one', ' ', ' two', VIA);
    expect(blank.ok && value(blank.value, 'Subject')).toBe('one two');
  });

  test('a fold to the last line keeps 0xA0, the second byte of many UTF-8 characters', () => {
    const parsed = parse(head, 'Subject: \xc3\xa0', ' \xc3\xa0', VIA);
    expect(parsed.ok && value(parsed.value, 'Subject')).toBe('\xc3\xa0 \xc3\xa0');
  });

  test('lines may end with a line feed alone (leniency line-feed-alone)', () => {
    const parsed = parseMessage(bytesOf(`${head}\n${VIA}\nSubject: a\n b\nl: 2\n\nhi`));
    expect(parsed.ok && value(parsed.value, 'Subject')).toBe('a b');
    expect(parsed.ok && parsed.value.body).toBe('hi');
  });

  test('a line without a colon, or with a name that is no token, is 400 and can be answered', () => {
    expect(verdict(parse(head, 'no colon here', VIA))).toBe('header-without-colon 25 400 answerable');
    expect(verdict(parse(head, VIA, 'To'))).toBe('header-without-colon 69 400 answerable');
    expect(verdict(parse(head, 'two words: x', VIA))).toBe('header-name-malformed 25 400 answerable');
    expect(verdict(parse(head, ': x', VIA))).toBe('header-name-malformed 25 400 answerable');
    expect(verdict(parse(head, ' Subject: fold of nothing', VIA))).toBe(
      'header-name-malformed 25 400 answerable',
    );
  });

  test('a carriage return alone is refused: to another element it may be a line break', () => {
    expect(verdict(parse(head, 'Subject: a\rVia: b', VIA))).toBe('carriage-return-alone 34 400 answerable');
    expect(verdict(parse(head, VIA, 'Subject: a\r'))).toBe('carriage-return-alone 78 400 answerable');
    expect(verdict(parse(head, 'Subject: a', ' b\rc', VIA))).toBe('carriage-return-alone 34 400 answerable');
  });

  test('the first error counts, and a Via after it still makes the request answerable', () => {
    const parsed = parse(head, 'broken', 'also broken', VIA, 'To: <sip:a@b>');
    expect(verdict(parsed)).toBe('header-without-colon 25 400 answerable');
    const partial = parsed.ok ? undefined : parsed.partial;
    expect(partial?.method).toBe('OPTIONS');
    expect(partial?.headers.map(({ name }) => name)).toEqual(['Via', 'To']);
  });

  test('without a Via there is nothing to answer to', () => {
    expect(verdict(parse(head, 'broken', 'To: <sip:a@b>'))).toBe('header-without-colon 25 400');
  });

  test('a message without the empty line after its fields was cut off', () => {
    expect(verdict(parseMessage(bytesOf(`${head}\r\n${VIA}\r\n`)))).toBe(
      'headers-unterminated 69 400 answerable',
    );
    expect(verdict(parseMessage(bytesOf(`${head}\r\n${VIA}`)))).toBe('headers-unterminated 67 400');
    expect(verdict(parseMessage(bytesOf(head)))).toBe('headers-unterminated 23 400');
  });

  test('only a Content-Length of 0 and a whole last line make up for it (leniency empty-line-missing)', () => {
    const cut = (...lines: string[]) => verdict(parseMessage(bytesOf([head, VIA, ...lines].join('\r\n'))));
    expect(cut('Content-Length: 0', '')).toBe('ok');
    expect(cut('l: 0', 'Call-ID: 1', '')).toBe('ok');
    expect(cut('Content-Length: 0')).toStartWith('headers-unterminated');
    expect(cut('Content-Length: 4', '')).toStartWith('headers-unterminated');
  });

  test('their number and their length are bounded', () => {
    const many = (count: number) => Array.from({ length: count }, () => VIA);
    expect(verdict(parse(head, ...many(MAX_HEADER_FIELDS)))).toBe('ok');
    expect(verdict(parse(head, ...many(MAX_HEADER_FIELDS + 1)))).toMatch(
      /^too-many-header-fields \d+ 400 answerable/,
    );
    const long = (bytes: number) => `Subject: ${'a'.repeat(bytes - 'Subject: \r'.length)}`;
    expect(verdict(parse(head, VIA, long(MAX_HEADER_BYTES)))).toBe('ok');
    expect(verdict(parse(head, VIA, long(MAX_HEADER_BYTES + 1)))).toBe('header-too-long 69 400 answerable');
  });
});

describe('the body', () => {
  const head = `MESSAGE sip:a@b SIP/2.0\r\n${VIA}\r\n`;
  const body = (length: string, text: string) =>
    parseMessage(bytesOf(`${head}Content-Length: ${length}\r\n\r\n${text}`));

  test('is as long as Content-Length says, and what follows is ignored (§18.3)', () => {
    const parsed = body('5', 'hello there');
    expect(parsed.ok && parsed.value.body).toBe('hello');
    expect(body('0', 'surplus').ok).toBe(true);
  });

  test('goes to the end of the datagram without Content-Length (§18.3)', () => {
    const parsed = parseMessage(bytesOf(`${head}\r\nhello\r\n`));
    expect(parsed.ok && parsed.value.body).toBe('hello\r\n');
  });

  test('is one character a byte, whatever the bytes are', () => {
    const every = String.fromCharCode(...Array(256).keys());
    const parsed = body('256', every);
    expect(parsed.ok && parsed.value.body).toBe(every);
  });

  test('shorter than Content-Length is 400 (§18.3)', () => {
    expect(verdict(body('6', 'hello'))).toBe('content-length-too-large 85 400 answerable');
    expect(verdict(body('99999999999999999999', 'hello'))).toBe('content-length-too-large 85 400 answerable');
  });

  test('a Content-Length that is no number is 400', () => {
    for (const bad of ['-999', '+5', '5;x', '0x5', '5.0', '']) {
      expect([bad, verdict(body(bad, 'hello'))]).toEqual([
        bad,
        `content-length-malformed ${bad === '' ? 84 : 85} 400 answerable`,
      ]);
    }
  });

  test('two Content-Length fields are 400, whatever they say', () => {
    expect(verdict(body('5\r\nl: 4', 'hello'))).toBe('content-length-duplicated 91 400 answerable');
    expect(verdict(body('5\r\nContent-Length: 5', 'hello'))).toBe(
      'content-length-duplicated 104 400 answerable',
    );
  });

  test('over the bound is 413 (§21.4.11), and a message over the bound is 513 (§21.5.7)', () => {
    expect(verdict(parseMessage(bytesOf(`${head}\r\n${'a'.repeat(MAX_BODY_BYTES)}`)))).toBe('ok');
    expect(verdict(parseMessage(bytesOf(`${head}\r\n${'a'.repeat(MAX_BODY_BYTES + 1)}`)))).toMatch(
      /^body-too-large \d+ 413/,
    );
    expect(verdict(parseMessage(new Uint8Array(MAX_MESSAGE_BYTES + 1)))).toBe('message-too-large 0 513');
  });

  test('of a response that is wrong is refused without an answer', () => {
    expect(verdict(parseMessage(bytesOf(`SIP/2.0 200 OK\r\n${VIA}\r\nl: 9\r\n\r\n`)))).toMatch(
      /too-large \d+ 400$/,
    );
  });
});

describe('messages from real elements', () => {
  test('all parse, and no field is lost', () => {
    expect(sipFixtureNames().length).toBeGreaterThanOrEqual(9);
    for (const name of sipFixtureNames()) {
      const bytes = sipFixture(name);
      const parsed = parseMessage(bytes);
      expect([name, verdict(parsed)]).toEqual([name, 'ok']);
      const head = latin1(bytes).split('\r\n\r\n')[0] ?? '';
      const lines = head.split(/\r\n(?![ \t])/).length - 1;
      expect([name, parsed.ok && parsed.value.headers.length]).toEqual([name, lines]);
    }
  });

  test('the folded INVITE reads as its author meant it (RFC 4475 §3.1.1.1)', () => {
    const parsed = parseMessage(sipFixture('invite-folded'));
    if (!parsed.ok) throw new Error(verdict(parsed));
    const message = parsed.value;
    expect(value(message, 'NewFangledHeader')).toBe('newfangled value continued newfangled value');
    expect(value(message, 'UnknownHeaderWithUnusualValue')).toBe(';;,,;,;');
    expect(value(message, 'CSeq')).toBe('0009 INVITE');
    expect(value(message, 'To')).toBe('sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n');
    expect(fields(message, 'Via')).toHaveLength(2);
  });

  test('the MESSAGE in compact forms has only full names', () => {
    const parsed = parseMessage(sipFixture('message-compact'));
    expect(parsed.ok && parsed.value.headers.filter(({ name }) => name.length < 2)).toEqual([]);
    expect(parsed.ok && parsed.value.body).toBe('hello there\r\n');
  });
});
