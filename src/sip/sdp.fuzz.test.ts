/** Offers of real phones with characters changed, taken out and put in: answered or refused, never thrown at (RFC 3264 §6). */
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { anyCharacter, fuzz } from '../../fixtures/fuzz.ts';
import { answerOffer, offeredAddressFamily } from './offer-answer.ts';
import { parseSdp } from './sdp.ts';
import { serializeSdp } from './serialize-sdp.ts';

const folder = join(import.meta.dir, '../../fixtures/sdp');
const offers = readdirSync(folder)
  .filter((name) => name.endsWith('.sdp'))
  .map((name) => readFileSync(join(folder, name), 'latin1'));

const put = fc.oneof(
  fc.constantFrom(
    '\r\n',
    '\n',
    '\0',
    ' ',
    '=',
    ':',
    '/',
    ';',
    '0',
    '99999999999',
    'm=',
    'a=',
    'c=IN IP6 ::',
    '\xff',
  ),
  fc.constantFrom(
    'm=audio 0 RTP/AVP 0\r\n',
    'a=rtpmap:0 ',
    'a=inactive\r\n',
    'a=rtcp-mux\r\n',
    ' 96 97 98',
    'v=0\r\n',
  ),
  fc.string({ unit: anyCharacter, maxLength: 6 }),
);
const edits = fc.array(fc.tuple(fc.nat(1_500), fc.nat(12), put), { maxLength: 5 });

test('what becomes of a mutated offer can be read again, and answers each of its lines', () => {
  let answered = 0;
  fc.assert(
    fc.property(fc.constantFrom(...offers), edits, (offer, changes) => {
      let text = offer;
      for (const [at, removed, put] of changes) {
        const where = at % (text.length + 1);
        text = text.slice(0, where) + put + text.slice(where + removed);
      }
      const read = parseSdp(text);
      if (!read.ok) {
        expect(read.error.offset).toBeLessThanOrEqual(text.length + 1);
        return;
      }
      const address = offeredAddressFamily(read.value) === 'ipv6' ? '2001:db8::1' : '192.0.2.1';
      const answer = answerOffer(read.value, { address, port: 10_000, sessionId: '1', sessionVersion: '1' });
      if (!answer.ok) return;
      answered += 1;
      expect(answer.value.description.media).toHaveLength(read.value.media.length);
      expect(parseSdp(serializeSdp(answer.value.description)).ok).toBe(true);
    }),
    fuzz(),
  );
  expect(answered).toBeGreaterThan(0);
});
