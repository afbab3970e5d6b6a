import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { fuzz } from '../../fixtures/fuzz.ts';
import { type Answer, answerOffer, offeredAddressFamily, sameSession } from './offer-answer.ts';
import type { SipError } from './result.ts';
import { parseSdp, type SessionDescription } from './sdp.ts';
import { serializeSdp } from './serialize-sdp.ts';

const LOCAL = { address: '198.51.100.7', port: 10_000, sessionId: '4711', sessionVersion: '1' };

function offerOf(lines: string, connection = 'IN IP4 192.0.2.1'): SessionDescription {
  const result = parseSdp(`v=0\no=bob 1 2 IN IP4 192.0.2.1\ns=-\nc=${connection}\nt=0 0\n${lines}`);
  if (!result.ok) throw new Error(result.error.code);
  return result.value;
}

function answered(lines: string, connection?: string): Answer {
  const answer = answerOffer(offerOf(lines, connection), LOCAL);
  if (!answer.ok) throw new Error(answer.error.code);
  return answer.value;
}

function refused(lines: string): SipError {
  const answer = answerOffer(offerOf(lines), LOCAL);
  if (answer.ok) throw new Error('it was accepted');
  return answer.error;
}

/** The lines of the answer from the first m= on. */
function mediaText({ description }: Answer): string[] {
  const lines = serializeSdp(description).trimEnd().split('\r\n');
  return lines.slice(lines.findIndex((line) => line.startsWith('m=')));
}

describe('payload types', () => {
  test('numbers, order and format parameters are the ones of the offer (RFC 3264 §6.1)', () => {
    const answer = answered(
      'm=audio 4000 RTP/AVP 101 118 8 0\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-16\n' +
        'a=rtpmap:118 AMR-WB/16000\na=fmtp:118 octet-align=1; mode-set=0,1,2\n',
    );
    expect(mediaText(answer)).toEqual([
      'm=audio 10000 RTP/AVP 101 118 8 0',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=rtpmap:118 AMR-WB/16000',
      'a=fmtp:118 octet-align=1; mode-set=0,1,2',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=sendrecv',
    ]);
    expect(answer.media.codec).toEqual({ type: 118, name: 'AMR-WB', clockRate: 16000 });
  });

  test('what cannot be looped is left out, what can stays (RFC 3264 §6.1)', () => {
    const { media } = answered(
      'm=audio 4000 RTP/AVP 96 0 97 200 x 0\na=rtpmap:96 X-PRIVATE/8000\na=rtpmap:97 red/8000\n',
    );
    expect(media.payloads).toEqual([{ type: 0, name: 'PCMU', clockRate: 8000 }]);
  });

  test('an rtpmap counts before the static meaning of its number (RFC 3551 §6)', () => {
    const { media } = answered('m=audio 4000 RTP/AVP 0\na=rtpmap:0 PCMA/8000\n');
    expect(media.codec.name).toBe('PCMA');
  });

  test('stereo linear audio of static type 10 is answered with its two channels (RFC 3551 §6)', () => {
    expect(mediaText(answered('m=audio 4000 RTP/AVP 10\n'))).toContain('a=rtpmap:10 L16/44100/2');
  });

  test('encodings that the caller of answerOffer does not want are left out', () => {
    const without = new Set(['PCMU']);
    const answer = answerOffer(offerOf('m=audio 4000 RTP/AVP 0 8\n'), LOCAL, { without });
    expect(answer.ok && answer.value.media.codec.name).toBe('PCMA');
    const none = answerOffer(offerOf('m=audio 4000 RTP/AVP 0\n'), LOCAL, { without });
    expect(none.ok ? '' : none.error.code).toBe('no-common-codec');
  });

  test('telephone events alone are no call: 488 (RFC 4733)', () => {
    expect(refused('m=audio 4000 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n')).toMatchObject({
      code: 'no-common-codec',
      status: 488,
    });
  });
});

describe('media lines', () => {
  test('every other line is refused with port 0 in its place, formats kept (RFC 3264 §6)', () => {
    const answer = answered(
      'm=video 4010 RTP/AVP 96 97\nm=audio 4000 RTP/AVP 0\nm=audio 4020 RTP/AVP 8\nm=image 4030 udptl t38\n',
    );
    expect(mediaText(answer).filter((line) => line.startsWith('m='))).toEqual([
      'm=video 0 RTP/AVP 96 97',
      'm=audio 10000 RTP/AVP 0',
      'm=audio 0 RTP/AVP 8',
      'm=image 0 udptl t38',
    ]);
  });

  test('the first audio line that can be looped is taken, not the first one (RFC 3264 §6)', () => {
    const answer = answered('m=audio 4000 RTP/SAVP 0\nm=audio 4010 RTP/AVP 96\nm=audio 4020 RTP/AVPF 8\n');
    expect(answer.description.media.map(({ port }) => port)).toEqual([0, 0, 10_000]);
    expect(answer.description.media[2]?.protocol).toBe('RTP/AVPF');
    expect(answer.media.remote?.port).toBe(4020);
  });

  test('an audio line offered with port 0 is refused, and alone it is no audio (RFC 3264 §5.1)', () => {
    const answer = answered('m=audio 0 RTP/AVP 0\nm=audio 4000 RTP/AVP 8\n');
    expect(answer.description.media.map(({ port }) => port)).toEqual([0, 10_000]);
    expect(refused('m=audio 0 RTP/AVP 0\n')).toMatchObject({ code: 'no-audio', status: 488 });
  });

  test('an offer with no lines at all is no audio', () => {
    expect(refused('').code).toBe('no-audio');
  });

  test('encrypted audio alone is refused as a transport (RFC 4568 is not spoken yet)', () => {
    expect(refused('m=audio 4000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\n')).toMatchObject(
      {
        code: 'media-transport-unsupported',
        status: 488,
      },
    );
  });

  test('t= of the answer is t= of the offer (RFC 3264 §6)', () => {
    const offer = offerOf('m=audio 4000 RTP/AVP 0\n');
    const timing = [{ type: 't', value: '3724394400 3724398000' }];
    const answer = answerOffer({ ...offer, timing }, LOCAL);
    expect(answer.ok && answer.value.description.timing).toEqual(timing);
  });

  test('keys, ICE, DTLS, BUNDLE and feedback of the offer do not come back (RFC 3264 §6)', () => {
    const answer = answered(
      'a=group:BUNDLE 0\na=ice-lite\nm=audio 4000 RTP/AVPF 0\na=mid:0\na=crypto:1 x inline:y\na=candidate:1 1 udp 1 192.0.2.1 4000 typ host\n' +
        'a=ice-pwd:p\na=fingerprint:sha-256 00\na=setup:actpass\na=rtcp-fb:* nack\na=ssrc:1 cname:x\na=extmap:1 u\n',
    );
    expect(mediaText(answer)).toEqual(['m=audio 10000 RTP/AVPF 0', 'a=rtpmap:0 PCMU/8000', 'a=sendrecv']);
    expect(answer.description.attributes).toEqual([]);
  });
});

describe('direction and hold', () => {
  const cases = [
    // offer, our answer, send, receive, held
    ['sendrecv', 'sendrecv', true, true, false],
    ['sendonly', 'recvonly', false, true, true],
    ['recvonly', 'sendonly', true, false, true],
    ['inactive', 'inactive', false, false, true],
  ] as const;
  for (const [offered, ours, send, receive, held] of cases)
    test(`${offered} is answered ${ours}, at media and at session level (RFC 3264 §6.1)`, () => {
      for (const lines of [
        `m=audio 4000 RTP/AVP 0\na=${offered}\n`,
        `a=${offered}\nm=audio 4000 RTP/AVP 0\n`,
      ]) {
        const answer = answered(lines);
        expect(answer.media).toMatchObject({ direction: ours, send, receive, held });
        expect(mediaText(answer)).toContain(`a=${ours}`);
      }
    });

  test('the address 0.0.0.0 is hold whatever the attribute says (RFC 3264 §8.4)', () => {
    for (const [attribute, ours] of [
      ['', 'recvonly'],
      ['a=sendonly\n', 'recvonly'],
      ['a=recvonly\n', 'inactive'],
      ['a=inactive\n', 'inactive'],
    ] as const) {
      const { media } = answered(`m=audio 4000 RTP/AVP 0\n${attribute}`, 'IN IP4 0.0.0.0');
      expect(media).toMatchObject({ direction: ours, send: false, held: true });
      expect(media.remote).toBeUndefined();
    }
  });
});

describe('addresses and RTCP', () => {
  test("the media's own c= counts before the session's (RFC 8866 §5.7)", () => {
    const { media } = answered('m=audio 4000 RTP/AVP 0\nc=IN IP4 203.0.113.5\n');
    expect(media.remote).toEqual({ address: '203.0.113.5', port: 4000 });
    expect(media.remoteRtcp).toEqual({ address: '203.0.113.5', port: 4001 });
  });

  test('a=rtcp moves RTCP, with or without an address (RFC 3605 §2.1)', () => {
    expect(answered('m=audio 4000 RTP/AVP 0\na=rtcp:5555\n').media.remoteRtcp).toEqual({
      address: '192.0.2.1',
      port: 5555,
    });
    expect(answered('m=audio 4000 RTP/AVP 0\na=rtcp:5555 IN IP4 203.0.113.9\n').media.remoteRtcp).toEqual({
      address: '203.0.113.9',
      port: 5555,
    });
  });

  test('rtcp-mux is answered when it is offered, and never otherwise (RFC 5761 §5.1.1)', () => {
    const muxed = answered('m=audio 4000 RTP/AVP 0\na=rtcp:4000\na=rtcp-mux\n');
    expect(muxed.media).toMatchObject({ rtcpMux: true, remoteRtcp: { address: '192.0.2.1', port: 4000 } });
    expect(mediaText(muxed)).toContain('a=rtcp-mux');
    expect(mediaText(answered('m=audio 4000 RTP/AVP 0\n'))).not.toContain('a=rtcp-mux');
  });

  test('a payload type from 64 to 95 forbids muxing: it would read as RTCP (RFC 5761 §4)', () => {
    const { media } = answered('m=audio 4000 RTP/AVP 72\na=rtpmap:72 PCMU/8000\na=rtcp-mux\n');
    expect(media.rtcpMux).toBe(false);
  });

  test('a host name or a group in c= gives no address to send to, and the call stands', () => {
    for (const connection of ['IN IP4 phone.example.org', 'IN IP4 239.0.0.1/127']) {
      const { media } = answered('m=audio 4000 RTP/AVP 0\n', connection);
      expect(media.remote).toBeUndefined();
      expect(media.remoteRtcp).toBeUndefined();
      expect(media.held).toBe(false);
    }
  });

  test('there is no RTCP port above 65535', () => {
    const { media } = answered('m=audio 65535 RTP/AVP 0\n');
    expect(media.remote?.port).toBe(65_535);
    expect(media.remoteRtcp).toBeUndefined();
  });

  test('the family to answer with is that of the accepted line (RFC 3264 §6)', () => {
    expect(offeredAddressFamily(offerOf('m=audio 4000 RTP/AVP 0\n'))).toBe('ipv4');
    expect(offeredAddressFamily(offerOf('m=audio 4000 RTP/AVP 0\n', 'IN IP6 2001:db8::1'))).toBe('ipv6');
    const second = 'm=video 4010 RTP/AVP 96\nm=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::1\n';
    expect(offeredAddressFamily(offerOf(second))).toBe('ipv6');
    expect(offeredAddressFamily(offerOf('', 'IN IP6 2001:db8::1'))).toBe('ipv6');
  });

  test('o= and c= of the answer name our address and its family', () => {
    const local = { ...LOCAL, address: '2001:db8::7', username: 'echo' };
    const answer = answerOffer(offerOf('m=audio 4000 RTP/AVP 0\n', 'IN IP6 2001:db8::1'), local);
    const text = answer.ok ? serializeSdp(answer.value.description) : '';
    expect(text).toContain('o=echo 4711 1 IN IP6 2001:db8::7\r\n');
    expect(text).toContain('c=IN IP6 2001:db8::7\r\n');
  });
});

describe('packet time', () => {
  test('ptime and maxptime are mirrored, and none is made up (RFC 3264 §6.1)', () => {
    const answer = answered('m=audio 4000 RTP/AVP 0\na=ptime:30\na=maxptime:60\n');
    expect(mediaText(answer)).toContain('a=ptime:30');
    expect(mediaText(answer)).toContain('a=maxptime:60');
    expect(answer.media.ptimeMs).toBe(30);
    expect(answered('m=audio 4000 RTP/AVP 0\n').media.ptimeMs).toBeUndefined();
  });
});

describe('versions', () => {
  test('two answers that differ in their version alone are the same, any other difference counts (RFC 3264 §8)', () => {
    const first = answered('m=audio 4000 RTP/AVP 0\n').description;
    const later = { ...first, origin: { ...first.origin, sessionVersion: '9' } };
    expect(sameSession(first, later)).toBe(true);
    expect(sameSession(first, answered('m=audio 4000 RTP/AVP 0\na=sendonly\n').description)).toBe(false);
    expect(sameSession(first, answered('m=audio 4000 RTP/AVP 0 8\n').description)).toBe(false);
    const moved = { ...first, origin: { ...first.origin, address: '203.0.113.1' } };
    expect(sameSession(first, moved)).toBe(false);
  });

  test('the same offer again, from another port of the peer, needs no new version', () => {
    const first = answered('m=audio 4000 RTP/AVP 0\n').description;
    expect(sameSession(first, answered('m=audio 6000 RTP/AVP 0\n').description)).toBe(true);
  });
});

test('an answer has as many lines as its offer, one port at most, and reads as it was written', () => {
  const direction = fc.constantFrom('sendrecv', 'sendonly', 'recvonly', 'inactive');
  const line = fc
    .record({
      kind: fc.constantFrom('audio', 'video', 'image'),
      port: fc.constantFrom(0, 9, 4000, 65_535),
      protocol: fc.constantFrom('RTP/AVP', 'RTP/AVPF', 'RTP/SAVP', 'udptl'),
      formats: fc.array(fc.constantFrom('0', '8', '9', '13', '72', '96', '101', '300', 't38'), {
        minLength: 1,
        maxLength: 5,
      }),
      direction,
    })
    .map(
      (one) =>
        `m=${one.kind} ${one.port} ${one.protocol} ${one.formats.join(' ')}\na=rtpmap:96 opus/48000/2\na=${one.direction}\na=rtcp-mux\n`,
    );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
      const offer = offerOf(lines.join(''));
      const answer = answerOffer(offer, LOCAL);
      if (!answer.ok) {
        expect(answer.error.status).toBe(488);
        return;
      }
      const { description, media } = answer.value;
      expect(description.media).toHaveLength(offer.media.length);
      expect(description.media.filter(({ port }) => port !== 0)).toHaveLength(1);
      for (const [at, ours] of description.media.entries()) {
        expect(ours.kind).toBe(offer.media[at]?.kind ?? '');
        expect(ours.protocol).toBe(offer.media[at]?.protocol ?? '');
        for (const format of ours.formats) expect(offer.media[at]?.formats ?? []).toContain(format);
      }
      expect(media.payloads).toContainEqual(media.codec);
      expect(parseSdp(serializeSdp(description))).toEqual({ ok: true, value: description });
    }),
    fuzz(),
  );
});
