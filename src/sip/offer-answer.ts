/**
 * The answer to an offer (RFC 3264 §6), and the answer to a new offer in a call that stands (§8).
 *
 * The answer mirrors the caller: its payload numbers in its order, its format parameters, its packet time. An
 * echo sends back what it got, so the only right parameters are those of the one who sends. Everything that
 * we do not do (ICE, DTLS, SDES, BUNDLE, feedback) is left out of the answer, which refuses it.
 */
import { isSpeech, staticChannels } from './codecs.ts';
import { type AddressFamily, addressFamily } from './ip-address.ts';
import {
  isAudio,
  isUsableAudio,
  loopablePayloads,
  type NegotiatedMedia,
  readMedia,
  restricted,
} from './negotiated-media.ts';
import { fail, ok, type Result, type SipError } from './result.ts';
import type { Attribute, MediaDescription, SessionDescription } from './sdp.ts';
import { connectionOf, familyForSdp, formatParameters, packetTimeMs, rtpMaps } from './sdp-attributes.ts';
import { serializeSdp } from './serialize-sdp.ts';

/** Our end of the audio, and what names the session in o=. */
export interface LocalMedia {
  /** Numeric, of the family that `offeredAddressFamily` names. */
  readonly address: string;
  /** RTP; RTCP is on the next one, so that no a=rtcp is needed, or on the same one when muxed. */
  readonly port: number;
  /** RTCP's, where a NAT shows another than the next one (RFC 3605). */
  readonly rtcpPort?: number | undefined;
  /** o= user name; "-" when absent. */
  readonly username?: string;
  /** Decimal digits, the same for the whole call. */
  readonly sessionId: string;
  /** Decimal digits, one more for each description that differs from the last (§8); see `sameSession`. */
  readonly sessionVersion: string;
}

/** What narrows an answer. */
export interface AnswerOptions {
  /** Encodings to leave out, by upper-case name. */
  readonly without?: ReadonlySet<string>;
  /** The only speech that we speak, by upper-case name; all that can be looped when absent. */
  readonly only?: ReadonlySet<string> | undefined;
  /** We hold the peer: it is to send nothing. */
  readonly holding?: boolean;
}

/** Our half, and what both halves mean. */
export interface Answer {
  readonly description: SessionDescription;
  readonly media: NegotiatedMedia;
}

/**
 * Answers an offer: the first audio line with an encoding that can be looped is accepted, every other line is
 * refused with port 0 in its place. Errors, all 488: `no-audio`, `media-transport-unsupported`,
 * `no-common-codec`; `mediaWarning` has the Warning that goes with each.
 */
export function answerOffer(
  offer: SessionDescription,
  local: LocalMedia,
  options: AnswerOptions = {},
): Result<Answer> {
  const accepted = acceptedLine(offer, options);
  const read = accepted && readMedia(offer, accepted.line, accepted.payloads);
  if (read === undefined) return refuseOffer(offer);
  const media = options.holding === true ? restricted(read, 'sendonly') : read;
  const lines = offer.media.map((line) =>
    line === accepted?.line ? acceptLine(line, media, local) : refuseLine(line),
  );
  // §6: "the t= line in the answer MUST equal that of the offer".
  return ok({ description: localSession(local, lines, offer.timing), media });
}

/** Lines that we never write. */
const NONE: readonly never[] = [];
/** t= of a session without an end (RFC 8866 §5.9). */
const UNBOUNDED = [{ type: 't', value: '0 0' }];

/** A description of ours with those media lines. */
export function localSession(
  local: LocalMedia,
  media: readonly MediaDescription[],
  timing: SessionDescription['timing'] = UNBOUNDED,
): SessionDescription {
  const family = familyForSdp(local.address);
  const { username = '-', sessionId, sessionVersion, address } = local;
  return {
    origin: { username, sessionId, sessionVersion, family, address },
    name: '-',
    emails: NONE,
    phones: NONE,
    connection: { family, address },
    bandwidth: NONE,
    timing,
    attributes: NONE,
    other: NONE,
    media,
  };
}

function acceptable(media: MediaDescription, options: AnswerOptions): NegotiatedMedia['payloads'] {
  const { without, only } = options;
  const payloads = loopablePayloads(media);
  if (without === undefined && only === undefined) return payloads;
  return payloads.filter(({ name }) => !without?.has(name) && only?.has(name) !== false);
}

/** The first line that can be looped, and what can be looped of it. */
function acceptedLine(
  offer: SessionDescription,
  options: AnswerOptions,
): { readonly line: MediaDescription; readonly payloads: NegotiatedMedia['payloads'] } | undefined {
  for (const line of offer.media) {
    const payloads = isUsableAudio(line) ? acceptable(line, options) : [];
    if (payloads.some(({ name }) => isSpeech(name))) return { line, payloads };
  }
  return undefined;
}

function refuseOffer(offer: SessionDescription): Result<never> {
  if (!offer.media.some(isAudio)) return fail('no-audio', 0, 488, 'the offer has no audio line');
  if (!offer.media.some(isUsableAudio)) {
    return fail('media-transport-unsupported', 0, 488, 'the audio is neither RTP/AVP nor RTP/AVPF');
  }
  return fail('no-common-codec', 0, 488, 'no encoding of the audio line can be looped');
}

/** The Warning for a 488 that `answerOffer` asked for (RFC 3261 §20.43): code and text. */
export function mediaWarning(error: SipError): { code: number; text: string } | undefined {
  if (error.code === 'no-audio') return { code: 304, text: 'Media type not available: audio is needed' };
  if (error.code === 'media-transport-unsupported')
    return { code: 302, text: 'Incompatible transport protocol: RTP/AVP or RTP/AVPF is needed' };
  if (error.code === 'no-common-codec')
    return { code: 305, text: 'Incompatible media format: no common audio encoding' };
  return undefined;
}

function acceptLine(line: MediaDescription, media: NegotiatedMedia, local: LocalMedia): MediaDescription {
  const attributes = payloadAttributes(line, media.payloads);
  const { ptimeMs } = media;
  const maxptimeMs = packetTimeMs(line, 'maxptime');
  if (ptimeMs !== undefined) attributes.push({ name: 'ptime', value: `${ptimeMs}` });
  if (maxptimeMs !== undefined) attributes.push({ name: 'maxptime', value: `${maxptimeMs}` });
  attributes.push({ name: media.direction });
  if (media.rtcpMux) attributes.push({ name: 'rtcp-mux' });
  else attributes.push(...rtcpPortOf(local));
  return {
    kind: line.kind,
    port: local.port,
    protocol: line.protocol,
    formats: media.payloads.map(({ type }) => `${type}`),
    bandwidth: NONE,
    attributes,
    other: NONE,
  };
}

/** a=rtcp, where the port of RTCP is not the next one (RFC 3605 §2.1). */
export function rtcpPortOf({ port, rtcpPort }: Pick<LocalMedia, 'port' | 'rtcpPort'>): Attribute[] {
  if (rtcpPort === undefined || rtcpPort === port + 1) return [];
  return [{ name: 'rtcp', value: `${rtcpPort}` }];
}

/** a=rtpmap and a=fmtp of each accepted payload, as the caller wrote them; static types get theirs written out. */
function payloadAttributes(line: MediaDescription, payloads: NegotiatedMedia['payloads']): Attribute[] {
  const maps = rtpMaps(line);
  const parameters = formatParameters(line);
  const attributes: Attribute[] = [];
  for (const { type, name, clockRate } of payloads) {
    const map = maps.get(type);
    const channels = map ? map.parameters : staticChannels(type) > 1 ? `${staticChannels(type)}` : undefined;
    const encoding = `${type} ${map?.name ?? name}/${clockRate}`;
    attributes.push({ name: 'rtpmap', value: channels === undefined ? encoding : `${encoding}/${channels}` });
    const fmtp = parameters.get(type);
    if (fmtp !== undefined) attributes.push({ name: 'fmtp', value: `${type} ${fmtp}` });
  }
  return attributes;
}

/** The answer that refuses every line: a 2xx brought an offer, and its ACK has to bring an answer (§6). */
export function refuseAll(offer: SessionDescription, local: LocalMedia): SessionDescription {
  return localSession(local, offer.media.map(refuseLine), offer.timing);
}

/** §6: port 0, and the formats of the offer because one at least must stand there. */
function refuseLine(line: MediaDescription): MediaDescription {
  return {
    kind: line.kind,
    port: 0,
    protocol: line.protocol,
    formats: line.formats.length > 0 ? line.formats : ['0'],
    bandwidth: NONE,
    attributes: NONE,
    other: NONE,
  };
}

/**
 * The family of address that the answer has to name: that of the audio line we would accept, else of the first
 * audio line, else of the session. IPv4 when the offer names none.
 */
export function offeredAddressFamily(offer: SessionDescription): AddressFamily {
  const audio = offer.media.filter(isAudio);
  // Which one only matters where there are several: codecs are looked up once more in the answer.
  const media = (audio.length > 1 ? acceptedLine(offer, {})?.line : undefined) ?? audio[0] ?? offer.media[0];
  const connection = media === undefined ? offer.connection : connectionOf(offer, media);
  if (connection === undefined) return offer.origin.family;
  return addressFamily(connection.address) ?? connection.family;
}

/** Whether two descriptions say the same, so that the version in o= must not change (§8). */
export function sameSession(a: SessionDescription, b: SessionDescription): boolean {
  return withoutVersion(a) === withoutVersion(b);
}

function withoutVersion(session: SessionDescription): string {
  return serializeSdp({ ...session, origin: { ...session.origin, sessionVersion: '0' } });
}
