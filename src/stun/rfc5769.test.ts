/** The test vectors of RFC 5769, byte for byte. Messages from elsewhere, so that we do not agree with ourselves alone. */
import { expect, test } from 'bun:test';
import { parseStun } from './parse-stun.ts';
import { bindingAnswer } from './write-stun.ts';

const HEADER = '2112a442 b7e7a701 bc34d686 fa87dfae';
const REQUEST = `00010058 ${HEADER} 80220010 5354554e 20746573 7420636c 69656e74 00240004 6e0001ff
  80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020
  00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2 80280004 e57a3bcf`;
const IPV4_RESPONSE = `0101003c ${HEADER} 8022000b 74657374 20766563 746f7220 00200008 0001a147 e112a643
  00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96`;
const IPV6_RESPONSE = `01010048 ${HEADER} 8022000b 74657374 20766563 746f7220
  00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9
  00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c`;
const LONG_TERM = `00010060 2112a442 78ad3433 c6ad72c0 29da412e
  00060012 e3839ee3 8388e383 aae38383 e382afe3 82b90000
  0015001c 662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341
  0014000b 6578616d 706c652e 6f726700 00080014 f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666`;

function read(hex: string) {
  const parsed = parseStun(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
  if (!parsed.ok) throw new Error(parsed.fault.detail);
  return parsed.value;
}

test('a Binding request with a fingerprint, of an ICE agent (RFC 5769 §2.1)', () => {
  expect(read(REQUEST)).toEqual({
    class: 'request',
    method: 1,
    transactionId: 'b7e7a701bc34d686fa87dfae',
    software: 'STUN test client',
    fingerprint: true,
    // PRIORITY: only ICE knows it.
    notUnderstood: [0x0024],
  });
});

test('a request that has to be understood and is not gets 420 with what it was (RFC 8489 §6.3.1)', () => {
  const answer = bindingAnswer(read(REQUEST), { address: '192.0.2.1', port: 32_853 });
  const said = parseStun(answer ?? new Uint8Array());
  expect(said).toMatchObject({
    ok: true,
    value: { class: 'error', error: { code: 420 }, unknownAttributes: [0x0024], fingerprint: true },
  });
});

test('an IPv4 response says where we were seen (RFC 5769 §2.2)', () => {
  expect(read(IPV4_RESPONSE)).toEqual({
    class: 'success',
    method: 1,
    transactionId: 'b7e7a701bc34d686fa87dfae',
    software: 'test vector',
    mapped: { address: '192.0.2.1', port: 32_853 },
    fingerprint: true,
    notUnderstood: [],
  });
});

test('an IPv6 response is unmasked with the transaction id as well (RFC 5769 §2.3)', () => {
  expect(read(IPV6_RESPONSE).mapped).toEqual({
    address: '2001:db8:1234:5678:11:2233:4455:6677',
    port: 32_853,
  });
});

test('a request with credentials for long is read, without them (RFC 5769 §2.4)', () => {
  expect(read(LONG_TERM)).toEqual({
    class: 'request',
    method: 1,
    transactionId: '78ad3433c6ad72c029da412e',
    fingerprint: false,
    notUnderstood: [],
  });
});

test('a message of which one bit is another has a fingerprint that is wrong (RFC 8489 §14.7)', () => {
  const bytes = Buffer.from(IPV4_RESPONSE.replace(/\s/g, ''), 'hex');
  bytes[30] = (bytes[30] ?? 0) ^ 0x01;
  expect(parseStun(bytes)).toMatchObject({ ok: false, fault: { code: 'fingerprint-wrong', offset: 72 } });
});
