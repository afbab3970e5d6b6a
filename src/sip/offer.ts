/**
 * The offer we make (RFC 3264 §5), and what the answer to it agreed (§7).
 *
 * Made when we call, and in the 200 to an INVITE that came without an offer (RFC 3261 §13.3.1). One audio line:
 * an answer with anything else in it answers another offer.
 */
import type { Payload } from '../rtp/session.ts';
import {
  isAudio,
  loopablePayloads,
  type NegotiatedMedia,
  readMedia,
  restricted,
} from './negotiated-media.ts';
import { type LocalMedia, localSession, rtcpPortOf } from './offer-answer.ts';
import { fail, ok, type Result } from './result.ts';
import type { Attribute, MediaDescription, SessionDescription } from './sdp.ts';
import { attribute, type Direction, directionOf } from './sdp-attributes.ts';

/** One encoding in an offer of ours. */
export interface OfferedCodec extends Payload {
  /** As it stands after the clock rate: `2` in `opus/48000/2`. */
  readonly channels?: number;
  /** a=fmtp without the payload type. */
  readonly parameters?: string;
}

const TELEPHONE_EVENT: OfferedCodec = {
  type: 101,
  name: 'TELEPHONE-EVENT',
  clockRate: 8000,
  parameters: '0-15',
};

/** What a call of ours speaks: it makes its own audio, in G.711. */
export const CALLER_CODECS: readonly OfferedCodec[] = [
  { type: 0, name: 'PCMU', clockRate: 8000 },
  { type: 8, name: 'PCMA', clockRate: 8000 },
  TELEPHONE_EVENT,
];

/** Their names, for an answer that may have no others. */
export const CALLER_ENCODINGS: ReadonlySet<string> = new Set(CALLER_CODECS.map(({ name }) => name));

/** What the echo offers when the caller leaves the offer to us: it loops them all. */
export const ECHO_CODECS: readonly OfferedCodec[] = [
  { type: 96, name: 'OPUS', clockRate: 48000, channels: 2, parameters: 'useinbandfec=1' },
  { type: 9, name: 'G722', clockRate: 8000 },
  { type: 0, name: 'PCMU', clockRate: 8000 },
  { type: 8, name: 'PCMA', clockRate: 8000 },
  { type: 18, name: 'G729', clockRate: 8000, parameters: 'annexb=no' },
  TELEPHONE_EVENT,
];

/** Names that are not written in upper case in their own RFC. */
const SPELLING: ReadonlyMap<string, string> = new Map([
  ['OPUS', 'opus'],
  ['TELEPHONE-EVENT', 'telephone-event'],
  ['ILBC', 'iLBC'],
  ['SPEEX', 'speex'],
]);

/** One sendrecv audio line of those codecs, 20 ms packets, RTCP muxed if the peer can (RFC 5761 §5.1.1). */
export function buildOffer(
  local: LocalMedia,
  codecs: readonly OfferedCodec[] = CALLER_CODECS,
): SessionDescription {
  return localSession(local, [offerLine(local, 'RTP/AVP', codecs.flatMap(codecAttributes))]);
}

/**
 * An offer in a call that stands (§8): as many lines as before in their places, the audio in `direction`. A payload
 * number keeps its meaning for the whole session (§8.3.2), so what was agreed stays as it was written, and of
 * `codecs` only those come after it whose number and name are free.
 */
export function renewOffer(
  before: SessionDescription,
  local: LocalMedia,
  codecs: readonly OfferedCodec[],
  direction: Direction = 'sendrecv',
): SessionDescription {
  const media = before.media.map((line) =>
    isAudio(line) ? renewLine(line, local, codecs, direction) : line,
  );
  return localSession(local, media, before.timing);
}

function renewLine(
  line: MediaDescription,
  local: LocalMedia,
  codecs: readonly OfferedCodec[],
  direction: Direction,
): MediaDescription {
  const agreed = loopablePayloads(line);
  const free = codecs.filter(
    ({ type, name }) => !agreed.some((one) => one.type === type || one.name === name),
  );
  const kept = line.attributes.filter(({ name }) => name === 'rtpmap' || name === 'fmtp');
  return offerLine(local, line.protocol, [...kept, ...free.flatMap(codecAttributes)], direction);
}

/** The attributes name every payload type, also the static ones, so the formats are read from them. */
function offerLine(
  local: LocalMedia,
  protocol: string,
  codecs: readonly Attribute[],
  direction: Direction = 'sendrecv',
): MediaDescription {
  const formats = codecs.flatMap(({ name, value }) =>
    name === 'rtpmap' ? [value?.split(' ', 1)[0] ?? ''] : [],
  );
  return {
    kind: 'audio',
    port: local.port,
    protocol,
    formats,
    bandwidth: [],
    attributes: [
      ...codecs,
      { name: 'ptime', value: '20' },
      { name: direction },
      { name: 'rtcp-mux' },
      ...rtcpPortOf(local),
    ],
    other: [],
  };
}

function codecAttributes({ type, name, clockRate, channels, parameters }: OfferedCodec): Attribute[] {
  const suffix = channels === undefined ? '' : `/${channels}`;
  const rtpmap = { name: 'rtpmap', value: `${type} ${SPELLING.get(name) ?? name}/${clockRate}${suffix}` };
  return parameters === undefined ? [rtpmap] : [rtpmap, { name: 'fmtp', value: `${type} ${parameters}` }];
}

/**
 * What the answer to an offer of ours agreed. Errors: `answer-line-count` (400: §6 wants as many lines as the
 * offer has), `answer-refused` (488: port 0), `no-common-codec` (488).
 */
export function readAnswer(offer: SessionDescription, answer: SessionDescription): Result<NegotiatedMedia> {
  if (answer.media.length !== offer.media.length) {
    const [had, has] = [offer.media.length, answer.media.length];
    return fail('answer-line-count', 0, 400, `the offer has ${had} media lines, its answer ${has}`);
  }
  const index = offer.media.findIndex(isAudio);
  const [ours, theirs] = [offer.media[index], answer.media[index]];
  if (!ours || !theirs || !isAudio(theirs)) return fail('answer-refused', 0, 488, 'the audio was refused');
  const offered = loopablePayloads(ours);
  const answered = loopablePayloads(theirs).filter((one) =>
    offered.some((other) => sameEncoding(one, other)),
  );
  // §5.1: a number means what its own side's rtpmap says. We send with theirs and receive with ours.
  const received = offered.filter(
    (one) =>
      answered.some((other) => sameEncoding(one, other)) &&
      !answered.some((other) => other.type === one.type),
  );
  // RFC 5761 §5.1.1: muxed only when the offer asked for it as well.
  const mayMux = attribute(ours.attributes, 'rtcp-mux') !== undefined;
  const media = readMedia(answer, theirs, answered, mayMux);
  if (media === undefined) {
    return fail('no-common-codec', 0, 488, 'the answer names no encoding of the offer');
  }
  const all = { ...media, payloads: [...media.payloads, ...received] };
  return ok(restricted(all, directionOf(offer, ours)));
}

function sameEncoding(a: Payload, b: Payload): boolean {
  return a.name === b.name && a.clockRate === b.clockRate;
}
