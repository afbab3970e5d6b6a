import { expect, test } from 'bun:test';
import { sipFixture, sipFixtureNames } from '../../fixtures/sip/read.ts';
import { type CoreHeaders, readCoreHeaders } from './core-headers.ts';
import { parseMessage } from './parse-message.ts';
import type { Result } from './result.ts';
import { bytesOf, latin1 } from './text.ts';

const FIELDS: Readonly<Record<string, string>> = {
  Via: 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.2',
  From: 'From: "A" <sip:a@b>;tag=f1',
  To: 'To: <sip:b@b>',
  'Call-ID': 'Call-ID: 1@192.0.2.1',
  CSeq: 'CSeq: 1 INVITE',
};

/** The core of an INVITE with those fields, some replaced or left out. */
function read(changes: Record<string, string> = {}): Result<CoreHeaders> {
  const lines = Object.values({ ...FIELDS, ...changes }).filter((line) => line !== '');
  const parsed = parseMessage(bytesOf(`INVITE sip:b@b SIP/2.0\r\n${lines.join('\r\n')}\r\n\r\n`));
  if (!parsed.ok) throw new Error(parsed.error.detail);
  // In place, and out of values that were cut out: both say the same.
  const inPlace = readCoreHeaders(parsed.value, parsed.text);
  expect(readCoreHeaders(parsed.value)).toEqual(inPlace);
  return inPlace;
}

function code(changes: Record<string, string>): string {
  const core = read(changes);
  return core.ok ? 'ok' : `${core.error.code} ${core.error.status} ${core.error.header}`;
}

test('a field on several lines is read as well (§7.3.1)', () => {
  const core = read({ To: 'To: <sip:b@b>\r\n  ;tag=t1', CSeq: 'CSeq: 1\r\n INVITE' });
  expect(core.ok && core.value.toTag).toBe('t1');
  expect(core.ok && core.value.cseq.method).toBe('INVITE');
});

test('the core of a request outside a dialog (§8.1.1)', () => {
  const core = read();
  if (!core.ok) throw new Error(core.error.detail);
  expect(core.value.via.branch).toBe('z9hG4bK1');
  expect(core.value.viaCount).toBe(2);
  expect(core.value.from.displayName).toBe('A');
  expect(core.value.fromTag).toBe('f1');
  expect(core.value.toTag).toBeUndefined();
  expect(core.value.callId).toBe('1@192.0.2.1');
  expect(core.value.cseq).toEqual({ number: 1, method: 'INVITE' });
});

test('the five fields may stand in any order', () => {
  const lines = Object.values(FIELDS).reverse();
  const parsed = parseMessage(bytesOf(`INVITE sip:b@b SIP/2.0\r\n${lines.join('\r\n')}\r\n\r\n`));
  expect(parsed.ok && readCoreHeaders(parsed.value).ok).toBe(true);
});

test('each of the five must be there: 400 with its name (§8.1.1)', () => {
  for (const name of Object.keys(FIELDS)) {
    expect(code({ [name]: '' })).toBe(`${name.toLowerCase()}-missing 400 ${name}`);
  }
});

test('From, To, Call-ID and CSeq stand once only, in whatever form (§7.3.1)', () => {
  expect(code({ extra: 'f: <sip:c@d>;tag=2' })).toBe('from-duplicated 400 From');
  expect(code({ extra: 'TO: <sip:c@d>' })).toBe('to-duplicated 400 To');
  expect(code({ extra: 'i: 2' })).toBe('call-id-duplicated 400 Call-ID');
  expect(code({ extra: 'CSEQ: 1 INVITE' })).toBe('cseq-duplicated 400 CSeq');
  expect(code({ extra: 'v: SIP/2.0/UDP 192.0.2.3' })).toBe('ok');
});

test('all Via values are counted, over all fields', () => {
  const core = read({ extra: 'v: SIP/2.0/UDP 192.0.2.3' });
  expect(core.ok && core.value.viaCount).toBe(3);
});

test('the method of CSeq is the method of the request (§8.1.1.5)', () => {
  expect(code({ CSeq: 'CSeq: 1 OPTIONS' })).toBe('cseq-method-mismatch 400 CSeq');
  expect(code({ CSeq: 'CSeq: 1 invite' })).toBe('cseq-method-mismatch 400 CSeq');
});

test('the method of CSeq in a response may be any', () => {
  const parsed = parseMessage(bytesOf(`SIP/2.0 200 OK\r\n${Object.values(FIELDS).join('\r\n')}\r\n\r\n`));
  expect(parsed.ok && readCoreHeaders(parsed.value).ok).toBe(true);
});

test('a malformed one is 400 with its name, and the offset is in the message', () => {
  expect(code({ Via: 'Via: SIP/2.0/UDP' })).toBe('via-malformed 400 Via');
  expect(code({ From: 'From: bob' })).toBe('address-malformed 400 From');
  expect(code({ To: 'To: <sip:a@b>;tag=1;tag=2' })).toBe('parameter-duplicated 400 To');
  expect(code({ 'Call-ID': 'Call-ID:' })).toBe('call-id-malformed 400 Call-ID');
  expect(code({ 'Call-ID': 'Call-ID: two words' })).toBe('call-id-malformed 400 Call-ID');
  expect(code({ CSeq: 'CSeq: INVITE' })).toBe('cseq-malformed 400 CSeq');
  expect(code({ CSeq: 'CSeq: 2147483648 INVITE' })).toBe('cseq-too-large 400 CSeq');

  const bytes = bytesOf(
    `INVITE sip:b@b SIP/2.0\r\n${Object.values(FIELDS).join('\r\n').replace('f1', '"f1')}\r\n\r\n`,
  );
  const parsed = parseMessage(bytes);
  const core = parsed.ok ? readCoreHeaders(parsed.value) : undefined;
  expect(core && !core.ok && latin1(bytes, core.error.offset, core.error.offset + 3)).toBe('"f1');
});

test('a tag without a value is refused', () => {
  expect(code({ From: 'From: <sip:a@b>;tag' })).toBe('tag-malformed 400 From');
  expect(code({ To: 'To: <sip:a@b>;tag=' })).toBe('parameter-malformed 400 To');
});

test('a From without a tag is read: RFC 2543 had none', () => {
  const core = read({ From: 'From: <sip:a@b>' });
  expect(core.ok && core.value.fromTag).toBeUndefined();
});

test('only the top Via is read: a broken one below is the business of who wrote it', () => {
  expect(code({ Via: 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, rubbish' })).toBe('ok');
  expect(code({ extra: 'Via: rubbish' })).toBe('ok');
  expect(code({ Via: 'Via: rubbish, SIP/2.0/UDP 192.0.2.1' })).toBe('via-malformed 400 Via');
});

test('every message of the fixtures has its core', () => {
  for (const name of sipFixtureNames()) {
    const parsed = parseMessage(sipFixture(name));
    const core = parsed.ok ? readCoreHeaders(parsed.value) : undefined;
    expect([name, core?.ok]).toEqual([name, true]);
  }
  const folded = parseMessage(sipFixture('invite-folded'));
  const core = folded.ok ? readCoreHeaders(folded.value) : undefined;
  if (!core?.ok) throw new Error('no core');
  expect(core.value.via.branch).toBe('390skdjuw');
  expect(core.value.viaCount).toBe(3);
  expect(core.value.from.displayName).toBe('J Rosenberg \\"');
  expect([core.value.fromTag, core.value.toTag]).toEqual(['98asjd8', '1918181833n']);
});
