import { expect, test } from 'bun:test';
import { parseCSeq, serializeCSeq } from './cseq.ts';

function read(text: string): string {
  const cseq = parseCSeq(text);
  return cseq.ok ? serializeCSeq(cseq.value) : cseq.error.code;
}

test('a CSeq is a number and a method (§20.16)', () => {
  expect(read('4711 INVITE')).toBe('4711 INVITE');
  expect(read('0009 \t INVITE')).toBe('9 INVITE');
  expect(read('0 x')).toBe('0 x');
});

test('the number is below 2^31 (§8.1.1.5)', () => {
  expect(read('2147483647 BYE')).toBe('2147483647 BYE');
  expect(read('2147483648 BYE')).toBe('cseq-too-large');
  expect(read('4294967295 BYE')).toBe('cseq-too-large');
  expect(read('36893488147419103232 REGISTER')).toBe('cseq-too-large');
});

test('anything else is malformed', () => {
  for (const bad of ['', '1', 'INVITE', '-1 INVITE', '1INVITE', '1 INVITE x', '1 INV(TE', '1.0 INVITE']) {
    expect([bad, read(bad)]).toEqual([bad, 'cseq-malformed']);
  }
});
