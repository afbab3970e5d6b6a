/**
 * Real phones' offers and our answers, side by side in fixtures/sdp (RFC 3264 §6).
 *
 * Each `.sdp` has its `.expected.txt`: the answer as text, then what was negotiated. `UPDATE_GOLDEN=1` writes
 * them anew; read the difference before committing it.
 */
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answerOffer, mediaWarning, offeredAddressFamily } from './offer-answer.ts';
import { parseSdp } from './sdp.ts';
import { serializeSdp } from './serialize-sdp.ts';

const folder = join(import.meta.dir, '../../fixtures/sdp');
const offers = readdirSync(folder).filter((name) => name.endsWith('.sdp'));

function outcome(text: string): string {
  const offer = parseSdp(text);
  if (!offer.ok) return `rejected ${offer.error.status} ${offer.error.code}\n`;
  const address = offeredAddressFamily(offer.value) === 'ipv4' ? '198.51.100.7' : '2001:db8:7::7';
  const local = { address, port: 10_000, username: 'echo', sessionId: '4711', sessionVersion: '1' };
  const answer = answerOffer(offer.value, local);
  if (!answer.ok) {
    const warning = mediaWarning(answer.error);
    return `rejected ${answer.error.status} ${answer.error.code}\nWarning: ${warning?.code} ${warning?.text}\n`;
  }
  const { payloads, codec, ...media } = answer.value.media;
  const names = payloads.map(({ type, name, clockRate }) => `${type}=${name}/${clockRate}`).join(' ');
  const facts = JSON.stringify({ ...media, codec: codec.name }, null, 2);
  return `${serializeSdp(answer.value.description)}\r\npayloads ${names}\n${facts}\n`;
}

test('there are offers of many makes', () => {
  expect(offers.length).toBeGreaterThanOrEqual(12);
});

for (const name of offers) {
  test(`the answer to ${name} is the expected one (RFC 3264 §6)`, () => {
    const text = readFileSync(join(folder, name), 'latin1');
    const golden = join(folder, name.replace(/\.sdp$/, '.expected.txt'));
    const actual = outcome(text);
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, actual, 'latin1');
    expect(actual).toBe(readFileSync(golden, 'latin1'));
  });
}
