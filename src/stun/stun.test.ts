import { expect, test } from 'bun:test';
import { addressText } from '../address-bytes.ts';
import { isStun, MAX_ATTRIBUTES, type StunContent } from './message.ts';
import { parseStun } from './parse-stun.ts';
import { bindingAnswer, bindingRequest, writeStun } from './write-stun.ts';

const ID = '0123456789abcdef01234567';

function again(content: StunContent) {
  const parsed = parseStun(writeStun(content));
  if (!parsed.ok) throw new Error(parsed.fault.detail);
  return parsed.value;
}

/** A message of attributes as they stand. */
function raw(...attributes: readonly (readonly number[])[]): Uint8Array {
  const body = attributes.flat();
  const header = writeStun({ class: 'success', transactionId: ID });
  header[2] = body.length >> 8;
  header[3] = body.length & 0xff;
  return Buffer.concat([header, Uint8Array.from(body)]);
}

test('a Binding request is 28 bytes: header and fingerprint', () => {
  const { transactionId, bytes } = bindingRequest([0x01234567, 0x89abcdef, 0x01234567]);
  expect(transactionId).toBe(ID);
  expect(bytes).toHaveLength(28);
  expect(parseStun(bytes)).toMatchObject({
    ok: true,
    value: { class: 'request', method: 1, transactionId: ID, fingerprint: true },
  });
});

test('what is written is read again: error, alternate server, other address, unknown attributes, software (§14)', () => {
  const content = {
    class: 'error',
    transactionId: ID,
    error: { code: 300, reason: 'Try Alternate' },
    alternateServer: { address: '2001:db8::1', port: 3479 },
    otherAddress: { address: '192.0.2.2', port: 3479 },
    unknownAttributes: [0x0024, 0x0025],
    software: 'other',
    fingerprint: true,
  } as const;
  expect(again(content)).toEqual({ ...content, method: 1, notUnderstood: [] });
});

test('addresses of a dual-stack socket are written as IPv4, any spelling of IPv6 is read as one (RFC 5952)', () => {
  const mapped = (address: string) =>
    again({ class: 'success', transactionId: ID, mapped: { address, port: 9 } }).mapped;
  expect(mapped('::ffff:192.0.2.7')).toEqual({ address: '192.0.2.7', port: 9 });
  expect(mapped('fe80::1%eth0')).toEqual({ address: 'fe80::1', port: 9 });
  expect(mapped('2001:DB8:0:0:0:0:0:1')).toEqual({ address: '2001:db8::1', port: 9 });
  expect(mapped('::')).toEqual({ address: '::', port: 9 });
  expect(mapped('1::')).toEqual({ address: '1::', port: 9 });
  expect(mapped('1:0:3:4:5:6:7:8')).toEqual({ address: '1:0:3:4:5:6:7:8', port: 9 });
  for (const none of ['stun.example', '1.2.3', '1.2.3.256', '1:2', '1::2::3', '1:2:3:4:5:6:7:8:9', 'g::']) {
    expect(mapped(none)).toBeUndefined();
  }
  expect(addressText(Uint8Array.from([0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]))).toBe('1:0:0:1::1');
});

test('the plain MAPPED-ADDRESS of an old server counts, the XORed one before it (§14.1, §14.2)', () => {
  const plain = [0x00, 0x01, 0x00, 0x08, 0, 1, 0x13, 0xc4, 198, 51, 100, 2];
  const xored = [0x00, 0x20, 0x00, 0x08, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
  expect(parseStun(raw(plain))).toMatchObject({ value: { mapped: { address: '198.51.100.2', port: 5060 } } });
  for (const bytes of [raw(plain, xored), raw(xored, plain)]) {
    expect(parseStun(bytes)).toMatchObject({ value: { mapped: { address: '192.0.2.1', port: 32_853 } } });
  }
});

test('what follows the integrity is not read, but for the fingerprint (§14.5)', () => {
  const integrity = [0x00, 0x08, 0x00, 0x00];
  const plain = [0x00, 0x01, 0x00, 0x08, 0, 1, 0x13, 0xc4, 198, 51, 100, 2];
  const parsed = parseStun(raw(integrity, plain));
  expect(parsed).toMatchObject({ ok: true });
  expect(parsed).not.toHaveProperty('value.mapped');
});

test('every kind of damage is a fault with its place', () => {
  const fault = (bytes: Uint8Array) => {
    const parsed = parseStun(bytes);
    return parsed.ok ? 'none' : `${parsed.fault.code} ${parsed.fault.offset}`;
  };
  expect(fault(Buffer.from('INVITE sip:echo@192.0.2.1 SIP/2.0\r\n'))).toBe('not-stun 0');
  expect(fault(writeStun({ class: 'request', transactionId: ID }).subarray(0, 19))).toBe('not-stun 0');
  expect(fault(raw([0x00, 0x01, 0x00, 0x08, 0, 1]))).toBe('attribute-truncated 20');
  expect(fault(raw([0x80, 0x22, 0x00]))).toBe('attribute-truncated 20');
  expect(fault(raw([0x00, 0x20, 0x00, 0x04, 0, 1, 0, 0]))).toBe('attribute-malformed 20');
  expect(fault(raw([0x00, 0x09, 0x00, 0x04, 0, 0, 2, 0]))).toBe('attribute-malformed 20');
  expect(fault(raw([0x80, 0x28, 0x00, 0x04, 0, 0, 0, 0]))).toBe('fingerprint-wrong 20');
  const many = Array.from({ length: MAX_ATTRIBUTES + 1 }, () => [0x80, 0x22, 0, 0]);
  expect(fault(raw(...many))).toBe(`too-many-attributes ${20 + 4 * MAX_ATTRIBUTES}`);
});

test('RTP, RTCP, SIP and line breaks are no STUN (RFC 5626 §8)', () => {
  expect(isStun(Uint8Array.from([0x80, 0, ...new Array(18).fill(0)]))).toBe(false);
  expect(isStun(Buffer.from('OPTIONS sip:a SIP/2.0\r\n\r\n'))).toBe(false);
  expect(isStun(Buffer.from('\r\n\r\n'))).toBe(false);
  expect(isStun(new Uint8Array(20))).toBe(false);
  expect(isStun(bindingRequest([1, 2, 3]).bytes)).toBe(true);
});

test('an answer is 1.6 times as long as its request at most, over IPv4, and only requests are answered', () => {
  const source = { address: '192.0.2.1', port: 1 };
  const plain = writeStun({ class: 'request', transactionId: ID });
  const answers = [plain, bindingRequest([1, 2, 3]).bytes].map((bytes) => {
    const parsed = parseStun(bytes);
    return (parsed.ok ? (bindingAnswer(parsed.value, source)?.length ?? 0) : 0) / bytes.length;
  });
  for (const ratio of answers) expect(ratio).toBeWithin(1, 1.61);
  for (const kind of ['indication', 'success', 'error'] as const) {
    expect(bindingAnswer(again({ class: kind, transactionId: ID }), source)).toBeUndefined();
  }
});
