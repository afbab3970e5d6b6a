/**
 * The RTCP of one call: whom it listens to, what it reports and where that goes (RFC 3550 §6.4, RFC 5761).
 *
 * Why nothing is reported to a peer that has not spoken: an SDP can name anybody's address, and one priming
 * packet is all that such an address may get from us.
 */
import * as counter from './counters.ts';
import { drop, ownTimestamp } from './echo.ts';
import type { Echo } from './echo-state.ts';
import { jitterUnits } from './jitter.ts';
import { parseRtcp, type ReportBlock, type RtcpReport, roundTripMs, writeRtcp } from './rtcp.ts';
import { expectedPackets, extendedHighest } from './sequence.ts';
import type { MediaAddress } from './session.ts';

/** We count as a sender for two intervals after the last packet (§6.3.8), in ms. */
const SENDER_FOR_MS = 10_000;

/** How long the source of RTCP must have been silent before another one may go on: three reports, in ms. */
const RTCP_SILENCE_MS = 15_000;

/** Mutable; one a call. */
export interface RtcpSession {
  /** Where the peer's RTCP comes from; an empty address: none has come. */
  address: string;
  port: number;
  /** When RTCP last came. */
  heardMs: number;
  /** Its last sender report: the middle of its NTP time, and when it came. 0: none. */
  lastSenderReport: number;
  lastSenderReportMs: number;
}

/** Nothing heard yet. */
export function newRtcpSession(): RtcpSession {
  return { address: '', port: 0, heardMs: 0, lastSenderReport: 0, lastSenderReportMs: 0 };
}

/**
 * Takes one RTCP datagram, of the RTCP port or muxed. True when it was the peer's; then the counters know the
 * round trip. Anything else is counted as dropped.
 */
export function receiveRtcp(
  rtcp: RtcpSession,
  echo: Echo,
  bytes: Uint8Array,
  length: number,
  address: string,
  port: number,
  nowMs: number,
  unixMs: number,
): boolean {
  const compound = parseRtcp(bytes, length);
  if (compound === undefined || !admits(rtcp, echo, compound.ssrc, address, port, nowMs)) {
    drop(echo);
    return false;
  }
  rtcp.address = address;
  rtcp.port = port;
  rtcp.heardMs = nowMs;
  counter.addCounter(echo.counters, echo.base, counter.RTCP_RECEIVED, 1);
  if (compound.sender !== undefined) {
    rtcp.lastSenderReport = compound.sender.ntpMiddle;
    rtcp.lastSenderReportMs = nowMs;
  }
  for (const block of compound.blocks) {
    const rttMs = block.ssrc === echo.session.ssrc ? roundTripMs(block, unixMs) : undefined;
    if (rttMs !== undefined) echo.counters[echo.base + counter.RTT_MS] = rttMs;
  }
  return true;
}

/**
 * The negotiated address wins, as in latch.ts. Another one counts when it has the host of the audio and says the SSRC
 * of the audio, which a stranger at the same host (a CGNAT has thousands behind one) cannot guess; and only while no
 * other is heard.
 */
function admits(
  rtcp: RtcpSession,
  echo: Echo,
  ssrc: number,
  address: string,
  port: number,
  nowMs: number,
): boolean {
  if (address === rtcp.address && port === rtcp.port) return true;
  const { latch, session } = echo;
  if (session.rtcpMux) {
    if (address === latch.address && port === latch.port) return true;
    return address === latch.negotiatedAddress && port === latch.negotiatedPort;
  }
  if (address === session.remoteRtcp?.address && port === session.remoteRtcp.port) return true;
  const open = rtcp.address === '' || nowMs - rtcp.heardMs >= RTCP_SILENCE_MS;
  return open && address === latch.address && ssrc === echo.ssrc;
}

/** Where a report may go now; undefined while nobody there has spoken. */
export function rtcpDestination(rtcp: RtcpSession, echo: Echo): MediaAddress | undefined {
  const { latch, session } = echo;
  if (session.rtcpMux && latch.address !== '') return latch;
  if (rtcp.address !== '') return rtcp;
  return latch.address !== '' && latch.address === session.remoteRtcp?.address
    ? session.remoteRtcp
    : undefined;
}

/** The audio comes from another place now: a NAT that has rebound, and RTCP has another mapping as well. */
export function relatchRtcp(rtcp: RtcpSession, { session }: Echo): void {
  const { address, port } = session.remoteRtcp ?? {};
  if (rtcp.address !== address || rtcp.port !== port) renegotiateRtcp(rtcp);
}

/** A renegotiation to another address: the source of RTCP is learned anew. */
export function renegotiateRtcp(rtcp: RtcpSession): void {
  rtcp.address = '';
  rtcp.port = 0;
}

/** Writes what is to be reported now into `bytes`, which holds MAX_RTCP_BYTES. Returns its length. */
export function writeReport(
  rtcp: RtcpSession,
  echo: Echo,
  bytes: Uint8Array,
  nowMs: number,
  unixMs: number,
  bye: boolean,
): number {
  const { ssrc, cname } = echo.session;
  const report: RtcpReport = {
    ssrc,
    cname,
    unixMs,
    bye,
    ...(echo.sentAtMs >= 0 && nowMs - echo.sentAtMs < SENDER_FOR_MS
      ? { sender: senderInfo(echo, nowMs) }
      : {}),
    ...(echo.sequence.started ? { block: reportBlock(rtcp, echo, nowMs) } : {}),
  };
  return writeRtcp(bytes, report);
}

function senderInfo(echo: Echo, nowMs: number): NonNullable<RtcpReport['sender']> {
  return {
    rtpTimestamp: ownTimestamp(echo, nowMs, echo.sentClockRate),
    packets: echo.counters[echo.base + counter.PACKETS_SENT] as number,
    payloadBytes: echo.payloadBytesSent,
  };
}

/** §A.3: the fraction is of what was expected since the last report; both are remembered here for the next. */
function reportBlock(rtcp: RtcpSession, echo: Echo, nowMs: number): ReportBlock {
  const { sequence, jitter } = echo;
  const expected = expectedPackets(sequence);
  const expectedSince = expected - sequence.expectedPrior;
  const lostSince = expectedSince - (sequence.received - sequence.receivedPrior);
  sequence.expectedPrior = expected;
  sequence.receivedPrior = sequence.received;
  const lost = expected - sequence.received;
  const since = rtcp.lastSenderReport === 0 ? 0 : nowMs - rtcp.lastSenderReportMs;
  return {
    ssrc: echo.ssrc,
    fractionLost:
      expectedSince === 0 || lostSince <= 0 ? 0 : Math.floor((lostSince * 256) / expectedSince) & 0xff,
    cumulativeLost: Math.max(-0x80_0000, Math.min(0x7f_ffff, lost)),
    extendedHighest: extendedHighest(sequence),
    jitter: jitterUnits(jitter, jitter.clockRate === 0 ? 8000 : jitter.clockRate),
    lastSenderReport: rtcp.lastSenderReport,
    delaySinceLastSenderReport: Math.round((since * 0x1_0000) / 1000),
  };
}
