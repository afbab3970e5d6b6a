/**
 * The one packet sent before the peer has spoken, so that a NAT on our side opens the port (RFC 6263).
 *
 * Why this form: it must be valid RTP with a payload type that was agreed, or peers log an error. For G.711 it
 * is 20 ms of silence, which every peer plays as nothing. Other codecs have no silence that can be written
 * without an encoder, so there, and while the call is held, the payload is empty (§4.1's empty packet, with an
 * RTP header so that the SSRC and the numbering of our stream are announced).
 */
import { startOwnStream } from './echo.ts';
import type { Echo } from './echo-state.ts';
import { isLaw, SILENCE } from './g711.ts';
import { RTP_HEADER_BYTES, writeRtpHeader } from './rtp-packet.ts';

/** Of 20 ms of G.711, in bytes. */
const G711_BYTES = 160;
/**
 * Of 2.5 ms, for what is repeated to an address that has not spoken: SDP may name anybody's, and all six packets
 * together should weigh no more than the INVITE that asked for them (keep-open.ts).
 */
const G711_REPEATED_BYTES = 20;
/** The longest priming packet, in bytes. */
export const MAX_PRIMING_BYTES = RTP_HEADER_BYTES + G711_BYTES;

/**
 * Writes the priming packet into `bytes`, which holds MAX_PRIMING_BYTES, as the next one of our stream. Returns
 * its length; 0 when no audio was agreed.
 */
export function writePriming(echo: Echo, bytes: Uint8Array, nowMs: number): number {
  const payload = echo.session.payloads.find(({ name }) => name !== 'TELEPHONE-EVENT');
  if (payload === undefined) return 0;
  const silence = echo.session.send && isLaw(payload.name) ? SILENCE[payload.name] : undefined;
  const first = echo.sentAtMs < 0;
  const silenceBytes = first || echo.latch.address !== '' ? G711_BYTES : G711_REPEATED_BYTES;
  const length = RTP_HEADER_BYTES + (silence === undefined ? 0 : silenceBytes);
  // The first numbers should be hard to guess (RFC 3550 §5.1); the SSRC is random and ours, so they come from it.
  const elapsedUnits = Math.round(((nowMs - echo.sentAtMs) * payload.clockRate) / 1000);
  const sequence = first ? (echo.session.ssrc >>> 16) ^ 0x5555 : (echo.sentSequence + 1) & 0xffff;
  const timestamp = first
    ? (echo.session.ssrc ^ 0xaaaa_5555) >>> 0
    : (echo.sentTimestamp + elapsedUnits) >>> 0;
  writeRtpHeader(bytes, payload.type, sequence, timestamp, echo.session.ssrc);
  if (silence !== undefined) bytes.fill(silence, RTP_HEADER_BYTES, length);
  startOwnStream(echo, sequence, timestamp, payload.clockRate, nowMs);
  echo.payloadBytesSent += length - RTP_HEADER_BYTES;
  return length;
}
