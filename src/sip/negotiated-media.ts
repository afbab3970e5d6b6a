/**
 * What the peer's half of one audio line means for us: where to send, what may be sent, which payload types.
 *
 * RFC 3264 §5.1 and §6.1 (direction, ports), §8.4 (hold), RFC 3605 and RFC 5761 (RTCP). Offer and answer are
 * read by the same code, because a direction and an address say the same thing in both: what their writer does.
 */
import type { MediaAddress, Payload } from '../rtp/session.ts';
import { isLoopable, isSpeech, staticPayload } from './codecs.ts';
import { isUnspecified } from './ip-address.ts';
import type { MediaDescription, SessionDescription } from './sdp.ts';
import {
  attribute,
  connectionOf,
  type Direction,
  directionOf,
  packetTimeMs,
  reachable,
  rtcpAttribute,
  rtpMaps,
} from './sdp-attributes.ts';

/** One call's audio as agreed, in the words of rtp/session.ts. */
export interface NegotiatedMedia {
  /** The address in its c=, as it stands; absent when there is none. */
  readonly address?: string;
  /** Where the peer listens; absent when it says nowhere (0.0.0.0) or gives a host name. */
  readonly remote?: MediaAddress;
  /** Where it wants RTCP: `remote` when muxed, a=rtcp, or the next port. */
  readonly remoteRtcp?: MediaAddress;
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
  /** What the peer asked for, in ms. */
  readonly ptimeMs?: number;
  /** Not both ways: the peer holds us, or listens only. Silence on such a call is no fault. */
  readonly held: boolean;
}

/** The payload types of a line that an echo can loop, in the order of the line. Empty when no speech is in it. */
export function loopablePayloads(media: MediaDescription): readonly Payload[] {
  const maps = rtpMaps(media);
  const payloads: Payload[] = [];
  for (const format of media.formats) {
    if (!/^\d{1,3}$/.test(format) || Number(format) > 127) continue;
    const type = Number(format);
    const map = maps.get(type);
    const payload = map
      ? { type, name: map.name.toUpperCase(), clockRate: map.clockRate }
      : staticPayload(type);
    if (payload === undefined || !isLoopable(payload.name)) continue;
    if (!payloads.some((one) => one.type === type)) payloads.push(payload);
  }
  return payloads.some((one) => isSpeech(one.name)) ? payloads : [];
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
  return ['RTP/AVP', 'RTP/AVPF'].includes(media.protocol.toUpperCase());
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
  const ptimeMs = packetTimeMs(media, 'ptime');
  return {
    ...addresses(session, media, rtcpMux),
    rtcpMux,
    direction,
    send: direction === 'sendrecv' || direction === 'sendonly',
    receive: direction === 'sendrecv' || direction === 'recvonly',
    payloads,
    codec,
    ...(ptimeMs === undefined ? {} : { ptimeMs }),
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
  running: Pick<NegotiatedMedia, 'remote' | 'send' | 'receive' | 'rtcpMux' | 'payloads'>,
  agreed: NegotiatedMedia,
): boolean {
  const types = (of: typeof running) => of.payloads.map(({ type, name }) => `${type} ${name}`).join();
  return (
    running.remote?.address === agreed.remote?.address &&
    running.remote?.port === agreed.remote?.port &&
    running.send === agreed.send &&
    running.receive === agreed.receive &&
    running.rtcpMux === agreed.rtcpMux &&
    types(running) === types(agreed)
  );
}

function addresses(
  session: SessionDescription,
  media: MediaDescription,
  rtcpMux: boolean,
): { address?: string; remote?: MediaAddress; remoteRtcp?: MediaAddress } {
  const address = connectionOf(session, media)?.address;
  if (address === undefined) return {};
  if (!reachable(address) || media.port === 0) return { address };
  const remote = { address, port: media.port };
  if (rtcpMux) return { address, remote, remoteRtcp: remote };
  const rtcp = rtcpAttribute(media);
  if (rtcp !== undefined) {
    return { address, remote, remoteRtcp: { address: rtcp.address ?? address, port: rtcp.port } };
  }
  // RFC 3550 §11: the next higher port. There is none above 65535.
  if (media.port === 65_535) return { address, remote };
  return { address, remote, remoteRtcp: { address, port: media.port + 1 } };
}
