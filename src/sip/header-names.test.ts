import { expect, test } from 'bun:test';
import { COMPACT_FORMS, canonicalName, canonicalNameAt } from './header-names.ts';

test('each compact form stands for its name, in either case (§7.3.3)', () => {
  const expected: Record<string, string> = {
    a: 'Accept-Contact',
    b: 'Referred-By',
    c: 'Content-Type',
    d: 'Request-Disposition',
    e: 'Content-Encoding',
    f: 'From',
    i: 'Call-ID',
    j: 'Reject-Contact',
    k: 'Supported',
    l: 'Content-Length',
    m: 'Contact',
    n: 'Identity-Info',
    o: 'Event',
    r: 'Refer-To',
    s: 'Subject',
    t: 'To',
    u: 'Allow-Events',
    v: 'Via',
    x: 'Session-Expires',
    y: 'Identity',
  };
  expect(Object.fromEntries(COMPACT_FORMS)).toEqual(expected);
  for (const [letter, name] of Object.entries(expected)) {
    expect(canonicalName(letter)).toBe(name);
    expect(canonicalName(letter.toUpperCase())).toBe(name);
  }
});

test('a known name is brought to one spelling whatever its case (§7.3.1)', () => {
  for (const spelling of ['Call-ID', 'call-id', 'CALL-ID', 'Call-Id', 'cAlL-iD']) {
    expect(canonicalName(spelling)).toBe('Call-ID');
  }
  expect(canonicalName('cseq')).toBe('CSeq');
  expect(canonicalName('www-Authenticate')).toBe('WWW-Authenticate');
  expect(canonicalName('mime-version')).toBe('MIME-Version');
});

test('an unknown name is kept as it came', () => {
  expect(canonicalName('X-Vendor-thing')).toBe('X-Vendor-thing');
  expect(canonicalName('z')).toBe('z');
  expect(canonicalName('constructor')).toBe('constructor');
  expect(canonicalName('__proto__')).toBe('__proto__');
});

test('a name in a text is known in its canonical spelling with a colon after it, and as a whole', () => {
  for (const name of ['From', 'Via', 'To', 'Content-Length', 'Content-Type', 'Session-Expires']) {
    expect(canonicalNameAt(`ab${name}: x`, 2)).toBe(name);
  }
  for (const other of [
    'from: x',
    'FROM: x',
    'f: x',
    'From : x',
    'Fro: x',
    'Fromm: x',
    'X-Odd: x',
    'From',
    '',
    ':',
  ]) {
    expect(canonicalNameAt(`ab${other}`, 2)).toBeUndefined();
  }
});
