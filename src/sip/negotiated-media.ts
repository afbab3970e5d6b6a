/**
 * What the peer's half of one audio line means for us: where to send, what may be sent, which payload types.
 *
 * RFC 3264 §5.1 and §6.1 (direction, ports), §8.4 (hold), RFC 3605 and RFC 5761 (RTCP). Offer and answer are
 * read by the same code, because a direction and an address say the same thing in both: what their writer does.
 */
import type { MediaAddress, MediaSession, Payload } from '../rtp/session.ts';
import { isLoopable, isSpeech, staticPayload } from './codecs.ts';
import { isUnspecified } from './ip-address.ts';
import type { MediaDescription, SessionDescription } from './sdp.ts';
import {
  attribute,
  connectionOf,
  type Direction,
  directionOf,
  packetTimeMs,
  type RtpMap,
  reachable,
  rtcpAttribute,
  rtpMaps,
} from './sdp-attributes.ts';
import { readDigits } from './text.ts';

/** One call's audio as agreed, in the words of rtp/session.ts. */
export interface NegotiatedMedia {
  /** The address in its c=, as it stands; absent when there is none. */
  readonly address: string | undefined;
  /** Where the peer listens; absent when it says nowhere (0.0.0.0) or gives a host name. */
  readonly remote: MediaAddress | undefined;
  /** Where it wants RTCP: `remote` when muxed, a=rtcp, or the next port. */
  readonly remoteRtcp: MediaAddress | undefined;
  readonly rtcpMux: boolean;
  /** Our direction, as it stands in our half. */
  readonly direction: Direction;
  /** Whether we may send to the peer. */
  readonly send: boolean;
  /** Whether the peer sends to us. */
  readonly receive: boolean;
  /** In the order of the peer's line. */
  readonly payloads: readonly Payload[];
  /** The first of them that carries speech. */
  readonly codec: Payload;
  /** What the peer asked for, in ms; absent when it did not. */
  readonly ptimeMs: number | undefined;
  /** Not both ways: the peer holds us, or listens only. Silence on such a call is no fault. */
  readonly held: boolean;
}

/** The payload types of a line that an echo can loop, in the order of the line. Empty when no speech is in it. */
export function loopablePayloads(media: MediaDescription): readonly Payload[] {
  const maps = rtpMaps(media);
  const payloads: Payload[] = [];
  let speech = false;
  for (const format of media.formats) {
    const type = format.length > 3 ? -1 : readDigits(format);
    if (type < 0 || type > 127) continue;
    const map = maps.get(type);
    const payload = map === undefined ? staticPayload(type) : mappedPayload(type, map);
    if (payload === undefined || !isLoopable(payload.name)) continue;
    if (payloads.some((one) => one.type === type)) continue;
    payloads.push(payload);
    speech ||= isSpeech(payload.name);
  }
  return speech ? payloads : [];
}

/** What a=rtpmap says; most write out what a static type means anyway. */
function mappedPayload(type: number, { name, clockRate }: RtpMap): Payload {
  const upper = name.toUpperCase();
  const usual = staticPayload(type);
  return usual?.name === upper && usual.clockRate === clockRate ? usual : { type, name: upper, clockRate };
}

/** RTP that is neither encrypted nor refused: the only audio we can answer today. */
export function isUsableAudio(media: MediaDescription): boolean {
  return isAudio(media) && isPlainRtp(media);
}

/** An audio line that is meant: port 0 says that it is not (RFC 3264 §5.1). */
export function isAudio(media: MediaDescription): boolean {
  return media.kind.toLowerCase() === 'audio' && media.port !== 0;
}

function isPlainRtp(media: MediaDescription): boolean {
  const { protocol } = media;
  return protocol === 'RTP/AVP' || /^RTP\/AVPF?$/i.test(protocol);
}

/** What we do when the peer does that (RFC 3264 §6.1). */
const OPPOSITE: Readonly<Record<Direction, Direction>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

/**
 * Our direction against the peer's. The address 0.0.0.0 says "send me nothing" (RFC 2543 hold, RFC 3264 §8.4)
 * whatever the attribute beside it says.
 */
function ourDirection(session: SessionDescription, media: MediaDescription): Direction {
  const direction = OPPOSITE[directionOf(session, media)];
  const address = connectionOf(session, media)?.address;
  if (address === undefined || !isUnspecified(address)) return direction;
  return direction === 'sendrecv' || direction === 'recvonly' ? 'recvonly' : 'inactive';
}

/**
 * Whether RTP and RTCP share a port: both sides say so, and no payload type reads as an RTCP packet type on the
 * wire (RFC 5761 §4 keeps 64–95 free).
 */
function muxable(media: MediaDescription, payloads: readonly Payload[]): boolean {
  const asked = attribute(media.attributes, 'rtcp-mux') !== undefined;
  return asked && !payloads.some(({ type }) => type >= 64 && type <= 95);
}

/**
 * Reads the peer's line. `payloads` is what is agreed; undefined when there is no speech in it. `mayMux`: whether
 * we can share a port for RTCP, which in an answer depends on what our offer said.
 */
export function readMedia(
  session: SessionDescription,
  media: MediaDescription,
  payloads: readonly Payload[],
  mayMux = true,
): NegotiatedMedia | undefined {
  const codec = payloads.find((one) => isSpeech(one.name));
  if (codec === undefined) return undefined;
  const direction = ourDirection(session, media);
  const rtcpMux = mayMux && muxable(media, payloads);
  const address = connectionOf(session, media)?.address;
  const remote = remoteOf(address, media);
  return {
    address,
    remote,
    remoteRtcp: remote && rtcpOf(remote, media, rtcpMux),
    rtcpMux,
    direction,
    send: direction === 'sendrecv' || direction === 'sendonly',
    receive: direction === 'sendrecv' || direction === 'recvonly',
    payloads,
    codec,
    ptimeMs: packetTimeMs(media, 'ptime'),
    held: direction !== 'sendrecv',
  };
}

/** The same, in no more directions than `to` allows: our own half said so (RFC 3264 §6.1). */
export function restricted(media: NegotiatedMedia, to: Direction): NegotiatedMedia {
  const send = media.send && (to === 'sendrecv' || to === 'sendonly');
  const receive = media.receive && (to === 'sendrecv' || to === 'recvonly');
  const direction = send ? (receive ? 'sendrecv' : 'sendonly') : receive ? 'recvonly' : 'inactive';
  return { ...media, send, receive, direction, held: direction !== 'sendrecv' };
}

/** Whether that is what runs already. */
export function sameMedia(
  running: Pick<MediaSession, 'remote' | 'send' | 'receive' | 'rtcpMux' | 'payloads'>,
  agreed: NegotiatedMedia,
): boolean {
  const types = (of: Pick<MediaSession, 'payloads'>) =>
    of.payloads.map(({ type, name }) => `${type} ${name}`).join();
  return (
    running.remote?.address === agreed.remote?.address &&
    running.remote?.port === agreed.remote?.port &&
    running.send === agreed.send &&
    running.receive === agreed.receive &&
    running.rtcpMux === agreed.rtcpMux &&
    types(running) === types(agreed)
  );
}

/** Where the audio goes; undefined when nobody is reached there. */
function remoteOf(address: string | undefined, media: MediaDescription): MediaAddress | undefined {
  if (address === undefined || media.port === 0 || !reachable(address)) return undefined;
  return { address, port: media.port };
}

function rtcpOf(remote: MediaAddress, media: MediaDescription, rtcpMux: boolean): MediaAddress | undefined {
  if (rtcpMux) return remote;
  const { address, port } = remote;
  const rtcp = rtcpAttribute(media);
  if (rtcp !== undefined) return { address: rtcp.address ?? address, port: rtcp.port };
  // RFC 3550 §11: the next higher port. There is none above 65535.
  return port === 65_535 ? undefined : { address, port: port + 1 };
}
