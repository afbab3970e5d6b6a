/**
 * The calls of one media thread: carries out commands, moves packets between a port pair and the pure echo, lets those
 * that talk do so (media-talk.ts), and sends RTCP when it is due (RFC 3550 §6).
 *
 * Why `send` stands in a try: Bun throws from it when an ICMP error is pending on the socket, and returns false
 * when the socket's buffer is full. Both cost one packet and nothing else; both are counted.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { type Echo, openEcho, receivePacket, sendFailed, sentPacket, updateEcho } from '../rtp/echo.ts';
import { MAX_PRIMING_BYTES, writePriming } from '../rtp/priming.ts';
import { MAX_RTCP_BYTES } from '../rtp/rtcp.ts';
import { rtcpIntervalMs } from '../rtp/rtcp-interval.ts';
import {
  newRtcpSession,
  type RtcpSession,
  receiveRtcp,
  renegotiateRtcp,
  rtcpDestination,
  writeReport,
} from '../rtp/rtcp-session.ts';
import { isRtcp } from '../rtp/rtp-packet.ts';
import type { MediaAddress, MediaCommand, MediaMode, MediaReport, MediaSession } from '../rtp/session.ts';
import { TALK_INTERVAL_MS } from '../rtp/talker.ts';
import { BATCH_MS } from './media-batch.ts';
import { openTalk, type Talk } from './media-talk.ts';
import { openPacer } from './pacer.ts';
import type { PortPair, RtpPorts } from './rtp-ports.ts';

const MAPPED = '::ffff:';

/** How long before its call a packet may have come: twice the time that commands wait, and a little. */
const EARLY_MS = 3 * BATCH_MS;

interface Call {
  readonly pair: PortPair;
  readonly echo: Echo;
  readonly rtcp: RtcpSession;
  /** Absent: it echoes. */
  talk?: Talk;
  rtcpDueMs: number;
}

/** The calls of one thread. */
export interface MediaCalls {
  execute(command: MediaCommand): void;
  /** Sends every report that is due; to be called a few times a second. */
  report(): void;
  /** Closes what the calls have open beside their ports. */
  close(): void;
}

/** `counters` is the shared array of all slots; reports are posted as they come up. */
export function openMediaCalls(
  ports: RtpPorts,
  counters: Float64Array,
  post: (report: MediaReport) => void,
): MediaCalls {
  const calls = new Map<number, Call>();
  const priming = Buffer.alloc(MAX_PRIMING_BYTES);
  const rtcpBytes = Buffer.alloc(MAX_RTCP_BYTES);
  /** The calls that talk; the pacer runs while there are any. */
  const talks = new Set<Talk>();
  const pacer = openPacer(TALK_INTERVAL_MS, (missed) => {
    for (const talk of talks) talk.interval(missed);
  });

  function receiveRtp(call: Call, bytes: Buffer, port: number, address: string): void {
    const { echo } = call;
    const nowMs = performance.now();
    if (echo.session.rtcpMux && isRtcp(bytes, bytes.length)) {
      receiveRtcpOn(call, bytes, port, address);
      return;
    }
    const verdict = receivePacket(echo, bytes, bytes.length, address, port, nowMs);
    if (verdict === 'echo') transmit(call, bytes, echo.latch.port, echo.latch.address);
    else if (verdict === 'count') call.talk?.receive(bytes);
    if (echo.latched) {
      const { slot } = echo.session;
      post({ type: 'latched', slot, address: fromSocketForm(echo.latch.address), port: echo.latch.port });
    }
    if (echo.keyPress !== undefined) post({ type: 'dtmf', slot: echo.session.slot, ...echo.keyPress });
  }

  function receiveRtcpOn(call: Call, bytes: Buffer, port: number, address: string): void {
    const nowMs = performance.now();
    const unixMs = performance.timeOrigin + nowMs;
    receiveRtcp(call.rtcp, call.echo, bytes, bytes.length, address, port, nowMs, unixMs);
  }

  function open(session: MediaSession): void {
    const pair = ports.take(session.port);
    if (pair === undefined) throw new Error(`port ${session.port} is not in the reserve`);
    const echo = openEcho(inSocketForm(session, ports.dualStack), counters);
    const rtcpDueMs = performance.now() + rtcpIntervalMs(Math.random());
    const call: Call = { pair, echo, rtcp: newRtcpSession(), rtcpDueMs };
    pair.handler = {
      rtp: (bytes, port, address) => receiveRtp(call, bytes, port, address),
      rtcp: (bytes, port, address) => receiveRtcpOn(call, bytes, port, address),
      failed: () => sendFailed(echo),
    };
    calls.set(session.slot, call);
    if (session.mode?.type === 'talk') startTalk(call, session.mode);
    prime(call);
    replayEarly(call);
  }

  function startTalk(call: Call, mode: Extract<MediaMode, { type: 'talk' }>): void {
    const send = (bytes: Buffer, to: MediaAddress) => transmit(call, bytes, to.port, to.address);
    call.talk = openTalk(call.echo, mode, { send, post });
    talks.add(call.talk);
    pacer.start();
  }

  function stopTalk(talk: Talk): void {
    talk.close();
    talks.delete(talk);
    if (talks.size === 0) pacer.stop();
  }

  /**
   * The 200 may be back with the peer before this thread hears of the call. What the negotiated address sent
   * meanwhile is the call's; anything older, or from elsewhere, belongs to the call before.
   */
  function replayEarly(call: Call): void {
    const { early } = call.pair;
    call.pair.early = [];
    const { remote } = call.echo.session;
    const oldestMs = performance.now() - EARLY_MS;
    for (const { bytes, port, address, atMs } of early) {
      if (atMs >= oldestMs && port === remote?.port && address === remote.address) {
        receiveRtp(call, bytes, port, address);
      }
    }
  }

  function update(session: MediaSession): void {
    const call = calls.get(session.slot);
    if (call === undefined) throw new Error(`slot ${session.slot} is not open`);
    // What a call does with its audio stands until its end.
    const { mode: _, ...agreed } = inSocketForm(session, ports.dualStack);
    const { mode } = call.echo.session;
    const moved = updateEcho(call.echo, mode === undefined ? agreed : { ...agreed, mode });
    call.talk?.update(call.echo.session);
    if (!moved) return;
    renegotiateRtcp(call.rtcp);
    prime(call);
  }

  function close(slot: number): void {
    const call = calls.get(slot);
    if (call === undefined) return;
    calls.delete(slot);
    if (call.talk !== undefined) stopTalk(call.talk);
    sendReport(call, true);
    ports.giveBack(call.pair);
  }

  function prime(call: Call): void {
    const { remote, send, receive } = call.echo.session;
    // Who talks needs no packet to open the way.
    if (call.talk !== undefined || remote === undefined || (!send && !receive)) return;
    const length = writePriming(call.echo, priming, performance.now());
    if (length > 0) transmit(call, priming.subarray(0, length), remote.port, remote.address);
  }

  function sendReport(call: Call, bye: boolean): void {
    const to = rtcpDestination(call.rtcp, call.echo);
    if (to === undefined) return;
    const nowMs = performance.now();
    const length = writeReport(call.rtcp, call.echo, rtcpBytes, nowMs, performance.timeOrigin + nowMs, bye);
    const socket = call.echo.session.rtcpMux ? call.pair.rtp : call.pair.rtcp;
    try {
      socket.send(rtcpBytes.subarray(0, length), to.port, to.address);
    } catch {
      // As for ICMP on the RTCP socket: a peer without RTCP.
    }
  }

  function report(): void {
    const nowMs = performance.now();
    for (const call of calls.values()) {
      if (nowMs < call.rtcpDueMs) continue;
      call.rtcpDueMs = nowMs + rtcpIntervalMs(Math.random());
      sendReport(call, false);
    }
  }

  function execute(command: MediaCommand): void {
    if (command.type === 'open') open(command.session);
    else if (command.type === 'update') update(command.session);
    else if (command.type === 'close') close(command.slot);
    // The call may just have ended.
    else calls.get(command.slot)?.talk?.press(command.digits);
  }

  return {
    execute,
    report,
    close() {
      for (const talk of talks) stopTalk(talk);
    },
  };
}

function transmit(call: Call, bytes: Buffer, port: number, address: string): void {
  try {
    if (call.pair.rtp.send(bytes, port, address)) sentPacket(call.echo, bytes.length);
    else sendFailed(call.echo);
  } catch {
    sendFailed(call.echo);
  }
}

/** The session with its addresses as the sockets will give them. */
function inSocketForm(session: MediaSession, dualStack: boolean): MediaSession {
  const { remote, remoteRtcp } = session;
  return {
    ...session,
    ...(remote === undefined ? {} : { remote: toSocketForm(remote, dualStack) }),
    ...(remoteRtcp === undefined ? {} : { remoteRtcp: toSocketForm(remoteRtcp, dualStack) }),
  };
}

/** The one text of an address that the socket gives for it: IPv6 compressed (RFC 5952), IPv4 mapped if dual. */
export function toSocketForm({ address, port }: MediaAddress, dualStack: boolean): MediaAddress {
  const plain = fromSocketForm(address.toLowerCase());
  if (isIPv4(plain)) return { address: dualStack ? `${MAPPED}${plain}` : plain, port };
  // No address at all, or one with a zone: sending to the first fails and is counted.
  if (!isIPv6(plain) || plain.includes('%')) return { address, port };
  // Nothing in Bun compresses an IPv6 address but the URL parser.
  return { address: new URL(`http://[${plain}]`).hostname.slice(1, -1), port };
}

/** An address of the socket as people write it. */
export function fromSocketForm(address: string): string {
  return address.startsWith(MAPPED) && address.includes('.') ? address.slice(MAPPED.length) : address;
}
