/** What a response of DNS is worth, and for how long (RFC 1035 §4, RFC 2308). */
import { expect, test } from 'bun:test';
import { type Answer, encode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { isDomainName, type Question, questionBytes, readAnswer } from './dns-answer.ts';

const SRV: Question = { type: 'SRV', name: '_sip._udp.example.org' };

/** A response to that question, as a server of the library writes it. */
function response({ type, name }: Question, parts: Packet, rcode = 0): Uint8Array {
  return encode({
    type: 'response',
    id: 7,
    questions: [{ type, name }],
    ...parts,
    flags: (parts.flags ?? 0) | rcode,
  });
}

const srv = (name: string, ttl: number, port = 5060): Answer => {
  return { type: 'SRV', name, ttl, data: { priority: 1, weight: 2, port, target: 'a.example.org' } };
};
const soa = (ttl: number, minimum: number): Answer => {
  return { type: 'SOA', name: 'example.org', ttl, data: { mname: 'ns', rname: 'me', minimum } };
};

test('an answer by hand, to the byte: SRV with its time to live, its owner a pointer (RFC 1035 §4.1.4, RFC 2782)', () => {
  const hex =
    '0007 8180 0001 0001 0000 0000' +
    '04 5f736970 04 5f756470 07 6578616d706c65 03 6f7267 00 0021 0001' +
    'c00c 0021 0001 0000012c 0009 0001 0002 13c4 0161 00';
  const read = readAnswer(Buffer.from(hex.replaceAll(' ', ''), 'hex'), SRV, 7);
  expect(read).toMatchObject({
    ttlS: 300,
    records: [{ type: 'SRV', data: { priority: 1, weight: 2, port: 5060, target: 'a' } }],
  });
});

test('a set of records is worth as long as the shortest of them (RFC 2181 §5.2)', () => {
  const answers = [srv(SRV.name, 300), srv('_SIP._udp.Example.org.', 60, 5070)];
  expect(readAnswer(response(SRV, { answers }), SRV, 7)).toMatchObject({ ttlS: 60, records: [{}, {}] });
});

test('an alias leads to the records of another name, and counts in their time (RFC 1034 §3.6.2)', () => {
  const asked: Question = { type: 'A', name: 'pbx.example.org' };
  const answers: Answer[] = [
    { type: 'CNAME', name: 'pbx.example.org', ttl: 20, data: 'b.example.net' },
    { type: 'CNAME', name: 'b.example.net', ttl: 500, data: 'c.example.net' },
    { type: 'A', name: 'c.example.net', ttl: 100, data: '192.0.2.1' },
    { type: 'A', name: 'forged.example.net', ttl: 100, data: '192.0.2.66' },
  ];
  const read = readAnswer(response(asked, { answers }), asked, 7);
  expect(read).toMatchObject({ ttlS: 20, records: [{ data: '192.0.2.1' }] });
  const loop: Answer[] = [{ type: 'CNAME', name: asked.name, ttl: 20, data: asked.name }];
  expect(readAnswer(response(asked, { answers: loop }), asked, 7)).toMatchObject({
    records: [],
    code: 'ENODATA',
  });
});

test('"there is none" holds as long as the SOA says, the lesser of its two; without one not at all (RFC 2308 §5)', () => {
  const NXDOMAIN = 3;
  expect(readAnswer(response(SRV, { authorities: [soa(600, 30)] }, NXDOMAIN), SRV, 7)).toEqual({
    records: [],
    code: 'ENOTFOUND',
    ttlS: 30,
  });
  expect(readAnswer(response(SRV, { authorities: [soa(10, 30)] }), SRV, 7)).toEqual({
    records: [],
    code: 'ENODATA',
    ttlS: 10,
  });
  expect(readAnswer(response(SRV, {}), SRV, 7)).toEqual({ records: [], code: 'ENODATA', ttlS: 0 });
});

test('a time to live with its first bit set is none (RFC 2181 §8)', () => {
  expect(readAnswer(response(SRV, { answers: [srv(SRV.name, 0x8000_0001)] }), SRV, 7)).toMatchObject({
    ttlS: 0,
  });
});

test('another number, another question or a query is no answer: a forger does not know them (RFC 5452)', () => {
  const answers = [srv(SRV.name, 300)];
  expect(readAnswer(response(SRV, { answers }), SRV, 8)).toBeUndefined();
  expect(readAnswer(response(SRV, { answers }), { ...SRV, name: 'other.org' }, 7)).toBeUndefined();
  expect(readAnswer(response(SRV, { answers }), { ...SRV, type: 'A' }, 7)).toBeUndefined();
  expect(readAnswer(questionBytes(SRV, 7, true), SRV, 7)).toBeUndefined();
});

test('a truncated answer and a refusal are told apart from "there is none"', () => {
  expect(readAnswer(response(SRV, { flags: 0x0200 }), SRV, 7)).toBe('truncated');
  expect(readAnswer(response(SRV, {}, 5), SRV, 7)).toEqual({ refused: 'EREFUSED' });
  expect(readAnswer(response(SRV, {}, 2), SRV, 7)).toEqual({ refused: 'ESERVFAIL' });
});

test('whatever bytes come, nothing throws', () => {
  const good = response(SRV, { answers: [srv(SRV.name, 300)], authorities: [soa(1, 1)] });
  const edit = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 4 }), fc.nat(9), (edits, from) => {
      const bytes = Uint8Array.from(good);
      for (const [at, value] of edits) bytes[at] = value;
      // Whole and cut short at every tenth place.
      readAnswer(bytes, SRV, 7);
      for (let end = from; end < bytes.length; end += 10) readAnswer(bytes.subarray(0, end), SRV, 7);
    }),
    fuzz(Math.ceil(good.length / 10)),
  );
});

test('a label of more than 63 characters cannot be asked for (RFC 1035 §2.3.4)', () => {
  expect(['a.b', 'a.b.', `${'x'.repeat(63)}.b`].map(isDomainName)).toEqual([true, true, true]);
  expect(['', 'a..b', `${'x'.repeat(64)}.b`, 'x.'.repeat(127).concat('x')].map(isDomainName)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
