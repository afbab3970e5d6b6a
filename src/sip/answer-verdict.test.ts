/** Which answers answer an offer (RFC 3264 §6). */
import { expect, test } from 'bun:test';
import { offerText } from '../io/virtual-caller.ts';
import { answerAdvice, judgeAnswer } from './answer-verdict.ts';
import { parseSdp, type SessionDescription } from './sdp.ts';

function sdp(text: string): SessionDescription {
  const parsed = parseSdp(text);
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

const OFFER = offerText();
const code = (answer: string, offer = OFFER) => judgeAnswer(sdp(offer), sdp(answer))?.code;
const VIDEO = 'm=video 0 RTP/AVP 96\r\n';

const rows: readonly [string, string | undefined, string, string?][] = [
  ['the same again is an answer', undefined, OFFER],
  ['one encoding of several is one', undefined, offerText({ codecs: { 8: 'PCMA/8000' } })],
  ['a static number needs no rtpmap', undefined, OFFER.replaceAll(/a=rtpmap.*\r\n/g, '')],
  ['encoding names have no case', undefined, offerText({ codecs: { 0: 'pcmu/8000' } })],
  ['another number for the same encoding is allowed', undefined, offerText({ codecs: { 96: 'PCMA/8000' } })],
  ['port 0 refuses the audio', 'answer-refused', offerText({ port: 0 })],
  ['an encoding that was not offered', 'no-common-codec', offerText({ codecs: { 3: 'GSM/8000' } })],
  ['keys alone are no audio', 'no-common-codec', offerText({ codecs: { 101: 'telephone-event/8000' } })],
  [
    'a number that means something else',
    'payload-type-changed',
    offerText({ codecs: { 0: 'PCMU/8000', 101: 'opus/48000' } }),
  ],
  ['one line more', 'answer-line-count', `${OFFER}${VIDEO}`],
  ['one line less', 'answer-line-count', OFFER, `${OFFER}${VIDEO}`],
  ['a refused second line', undefined, `${OFFER}${VIDEO}`, `${OFFER}m=video 4000 RTP/AVP 96\r\n`],
  ['video where audio was', 'answer-line-kind', OFFER.replace('m=audio', 'm=video')],
  ['encryption that nobody offered', 'answer-line-kind', OFFER.replace('RTP/AVP', 'RTP/SAVP')],
  [
    'hold is answered by recvonly',
    undefined,
    offerText({ direction: 'recvonly' }),
    offerText({ direction: 'sendonly' }),
  ],
  [
    'sendonly cannot be answered by sendonly',
    'answer-direction',
    offerText({ direction: 'sendonly' }),
    offerText({ direction: 'sendonly' }),
  ],
  ['inactive stays inactive', 'answer-direction', OFFER, offerText({ direction: 'inactive' })],
];

for (const [what, expected, answer, offer] of rows) {
  test(`${what}: ${expected ?? 'taken'}`, () => {
    expect(code(answer, offer)).toBe(expected);
  });
}

test('every verdict has advice of its own', () => {
  const codes = rows.flatMap(([, expected]) => (expected === undefined ? [] : [expected]));
  const causes = new Set([...new Set(codes), 'answer-missing', 'else'].map((one) => answerAdvice(one).cause));
  expect(causes.size).toBe(new Set(codes).size + 2);
});
