import { expect, test } from 'bun:test';
import { buildOffer, CALLER_CODECS, ECHO_CODECS, readAnswer } from './offer.ts';
import { answerOffer } from './offer-answer.ts';
import { parseSdp, type SessionDescription } from './sdp.ts';
import { serializeSdp } from './serialize-sdp.ts';

const LOCAL = { address: '192.0.2.1', port: 20_000, sessionId: '1', sessionVersion: '1' };
const PEER = { address: '192.0.2.2', port: 10_000, sessionId: '2', sessionVersion: '1' };
const OFFER = buildOffer(LOCAL);

function answerWith(lines: string): SessionDescription {
  const result = parseSdp(`v=0\no=bob 1 2 IN IP4 192.0.2.2\ns=-\nc=IN IP4 192.0.2.2\nt=0 0\n${lines}`);
  if (!result.ok) throw new Error(result.error.code);
  return result.value;
}

test("the caller's offer is G.711, telephone events and 20 ms, sendrecv (RFC 3264 §5.1)", () => {
  expect(serializeSdp(OFFER)).toBe(
    [
      'v=0',
      'o=- 1 1 IN IP4 192.0.2.1',
      's=-',
      'c=IN IP4 192.0.2.1',
      't=0 0',
      'm=audio 20000 RTP/AVP 0 8 101',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=ptime:20',
      'a=sendrecv',
      'a=rtcp-mux',
      '',
    ].join('\r\n'),
  );
});

test('an offer of ours is answered by ourselves in full (RFC 3264 §6)', () => {
  for (const codecs of [CALLER_CODECS, ECHO_CODECS]) {
    const offer = buildOffer(LOCAL, codecs);
    const answer = answerOffer(offer, PEER);
    if (!answer.ok) throw new Error(answer.error.code);
    const agreed = readAnswer(offer, answer.value.description);
    if (!agreed.ok) throw new Error(agreed.error.code);
    expect(agreed.value.payloads.map(({ type }) => type)).toEqual(codecs.map(({ type }) => type));
    expect(agreed.value).toMatchObject({
      remote: { address: '192.0.2.2', port: 10_000 },
      remoteRtcp: { address: '192.0.2.2', port: 10_000 },
      rtcpMux: true,
      send: true,
      receive: true,
      ptimeMs: 20,
    });
  }
});

test("the answer's choice and order count (RFC 3264 §6.1)", () => {
  const agreed = readAnswer(OFFER, answerWith('m=audio 10000 RTP/AVP 8 18\n'));
  expect(agreed.ok && agreed.value.payloads).toEqual([{ type: 8, name: 'PCMA', clockRate: 8000 }]);
});

test('an answer with a number of its own means that number when we send, ours when it sends (RFC 3264 §5.1)', () => {
  const agreed = readAnswer(
    OFFER,
    answerWith('m=audio 10000 RTP/AVP 0 96\na=rtpmap:96 telephone-event/8000\n'),
  );
  expect(agreed.ok && agreed.value.payloads.map(({ type, name }) => `${type} ${name}`)).toEqual([
    '0 PCMU',
    '96 TELEPHONE-EVENT',
    '101 TELEPHONE-EVENT',
  ]);
});

test("the answer's direction is its writer's: recvonly lets us send alone (RFC 3264 §6.1)", () => {
  const agreed = readAnswer(OFFER, answerWith('m=audio 10000 RTP/AVP 0\na=recvonly\n'));
  expect(agreed.ok && agreed.value).toMatchObject({ send: true, receive: false, held: true });
});

test('an answer that refuses the audio with port 0 is answer-refused (RFC 3264 §6)', () => {
  expect(readAnswer(OFFER, answerWith('m=audio 0 RTP/AVP 0\n'))).toMatchObject({
    error: { code: 'answer-refused', status: 488 },
  });
  expect(readAnswer(OFFER, answerWith('m=video 5000 RTP/AVP 0\n'))).toMatchObject({
    error: { code: 'answer-refused' },
  });
});

test('an answer with another number of media lines is refused (RFC 3264 §6)', () => {
  for (const lines of ['', 'm=audio 10000 RTP/AVP 0\nm=video 0 RTP/AVP 96\n'])
    expect(readAnswer(OFFER, answerWith(lines))).toMatchObject({
      error: { code: 'answer-line-count', status: 400 },
    });
});

test('an answer that names nothing we offered is no-common-codec', () => {
  for (const lines of [
    'm=audio 10000 RTP/AVP 18\n',
    'm=audio 10000 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n',
  ])
    expect(readAnswer(OFFER, answerWith(lines))).toMatchObject({ error: { code: 'no-common-codec' } });
});

test('RTCP is not muxed when only the answer says so (RFC 5761 §5.1.1)', () => {
  const [audio, ...rest] = OFFER.media;
  if (!audio) throw new Error('fixture');
  const attributes = audio.attributes.filter(({ name }) => name !== 'rtcp-mux');
  const plain = { ...OFFER, media: [{ ...audio, attributes }, ...rest] };
  const answer = answerWith('m=audio 10000 RTP/AVP 0\na=rtcp-mux\n');
  const muxed = [readAnswer(OFFER, answer), readAnswer(plain, answer)].map(
    (one) => one.ok && one.value.rtcpMux,
  );
  expect(muxed).toEqual([true, false]);
});
