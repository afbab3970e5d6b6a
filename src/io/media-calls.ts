/**
 * The calls of one media thread: carries out commands, moves packets between a port pair and the pure echo, lets those
 * that talk do so (media-talk.ts), and sends RTCP when it is due (RFC 3550 §6).
 *
 * A packet that the system does not take costs one packet and nothing else, and is counted.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { receivePacket, sendFailed, sentPacket } from '../rtp/echo.ts';
import { type Echo, openEcho, updateEcho } from '../rtp/echo-state.ts';
import { isPacketDue, type KeepOpen, restartKeepOpen } from '../rtp/keep-open.ts';
import { latchedOr } from '../rtp/latch.ts';
import { MAX_PRIMING_BYTES, writePriming } from '../rtp/priming.ts';
import { MAX_RTCP_BYTES } from '../rtp/rtcp.ts';
import { rtcpIntervalMs } from '../rtp/rtcp-interval.ts';
import {
  newRtcpSession,
  type RtcpSession,
  receiveRtcp,
  relatchRtcp,
  renegotiateRtcp,
  rtcpDestination,
  writeReport,
} from '../rtp/rtcp-session.ts';
import { isRtcp } from '../rtp/rtp-packet.ts';
import type { MediaAddress, MediaCommand, MediaMode, MediaReport, MediaSession } from '../rtp/session.ts';
import { TALK_INTERVAL_MS } from '../rtp/talker.ts';
import { type EarlyPacket, takeEarly } from './early-packets.ts';
import { BATCH_MS } from './media-batch.ts';
import { openTalk, type Talk } from './media-talk.ts';
import { openPacer } from './pacer.ts';
import type { PairHandler, PortPair, RtpPorts } from './rtp-ports.ts';

const MAPPED = '::ffff:';

/** How long before its call a packet may have come, when the port is told only now: twice the time that commands wait, and a little. */
const EARLY_MS = 3 * BATCH_MS;

/** As the handler of its pair it has three methods, the same functions in each call. What each packet needs stands first. */
interface Call extends PairHandler {
  readonly echo: Echo;
  readonly pair: PortPair;
  readonly rtcp: RtcpSession;
  /** Undefined: it echoes. */
  talk: Talk | undefined;
  readonly keepOpen: KeepOpen;
  rtcpDueMs: number;
}

/** The calls of one thread. */
export interface MediaCalls {
  execute(command: Exclude<MediaCommand, { type: 'stun' }>): void;
  /** Closes what the calls have open beside their ports. */
  close(): void;
}

/**
 * `counters` is the shared array of all slots; reports are posted as they come up. As long as there are calls it is looked
 * every `tickMs` whether a report or a packet that keeps a way open is due.
 */
export function openMediaCalls(
  ports: RtpPorts,
  counters: Float64Array,
  post: (report: MediaReport) => void,
  tickMs: number,
): MediaCalls {
  const calls = new Map<number, Call>();
  const priming = Buffer.alloc(MAX_PRIMING_BYTES);
  /** As much of it as was sent last: calls of one codec send packets of one length, and a view costs an object each. */
  let primed = priming;
  const primingOf = (length: number): Buffer => {
    if (primed.length !== length) primed = priming.subarray(0, length);
    return primed;
  };
  const rtcpBytes = Buffer.alloc(MAX_RTCP_BYTES);
  /** The next tick is on its way. */
  let ticking = false;
  /** The calls that talk; the pacer runs while there are any. */
  const talks = new Set<Talk>();
  const beat = (missed: number): void => {
    for (const talk of talks) talk.interval(missed);
  };
  const pacer = openPacer(TALK_INTERVAL_MS, beat, ports.after);

  const handling = {
    receiveRtp(this: Call, bytes: Buffer, port: number, address: string): void {
      receiveRtp(this, bytes, port, address);
    },
    receiveRtcp(this: Call, bytes: Buffer, port: number, address: string): void {
      receiveRtcpOn(this, bytes, port, address);
    },
    failed(this: Call): void {
      sendFailed(this.echo);
    },
  };

  function receiveRtp(call: Call, bytes: Buffer, port: number, address: string): void {
    const { echo } = call;
    const nowMs = performance.now();
    if (echo.rtcpMux && isRtcp(bytes, bytes.length)) {
      receiveRtcpOn(call, bytes, port, address);
      return;
    }
    const verdict = receivePacket(echo, bytes, bytes.length, address, port, nowMs);
    if (verdict === 'echo') transmit(call, bytes, echo.latch.port, echo.latch.address);
    else if (verdict === 'count') call.talk?.receive(bytes);
    if (echo.latched) {
      relatchRtcp(call.rtcp, echo);
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
    const agreed = inSocketForm(session, ports.dualStack);
    const nowMs = performance.now();
    const toldMs = nowMs - (session.offeredForMs ?? 0) - EARLY_MS;
    const { packets, strangers } = takeEarly(pair.early, toldMs, agreed.remote);
    const echo = openEcho(agreed, counters, strangers);
    const rtcpDueMs = nowMs + rtcpIntervalMs(Math.random());
    const keepOpen = { sinceMs: nowMs, quietMs: nowMs, sent: 0 };
    // Spelled out, because what is spread into an object is kept apart from it.
    const call: Call = {
      receiveRtp: handling.receiveRtp,
      echo,
      pair,
      rtcp: newRtcpSession(),
      talk: undefined,
      keepOpen,
      rtcpDueMs,
      receiveRtcp: handling.receiveRtcp,
      failed: handling.failed,
    };
    pair.handler = call;
    calls.set(session.slot, call);
    scheduleTick();
    if (session.mode?.type === 'talk') startTalk(call, session.mode);
    prime(call, nowMs);
    replayEarly(call, packets);
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
   * The 200 may be back with the peer before this thread hears of the call, and the peer's first packet here before its
   * 200. What the negotiated address sent meanwhile is the call's. What somebody else sent may be, when the port was
   * told to a peer behind a NAT a while ago; or else belongs to the call before.
   */
  function replayEarly(call: Call, packets: readonly EarlyPacket[]): void {
    const { latch, session } = call.echo;
    const { remote, offeredForMs } = session;
    for (const { bytes, port, address } of packets) {
      const negotiated = port === remote?.port && address === remote.address;
      const candidate = offeredForMs !== undefined && latch.address === '';
      const latched = port === latch.port && address === latch.address;
      if (negotiated || candidate || latched) receiveRtp(call, bytes, port, address);
    }
  }

  function update(session: MediaSession): void {
    const call = calls.get(session.slot);
    if (call === undefined) throw new Error(`slot ${session.slot} is not open`);
    // What a call does with its audio stands until its end.
    const { mode: _, ...agreed } = inSocketForm(session, ports.dualStack);
    const { mode } = call.echo.session;
    const { send, receive } = call.echo.session;
    const nowMs = performance.now();
    const moved = updateEcho(call.echo, mode === undefined ? agreed : { ...agreed, mode }, nowMs);
    call.talk?.update(call.echo.session);
    if (moved) renegotiateRtcp(call.rtcp);
    const resumed = (agreed.send && !send) || (agreed.receive && !receive);
    // As long as the peer is heard, a packet of our own would only be a gap in what it says.
    restartKeepOpen(call.keepOpen, nowMs, moved || resumed ? 0 : 1);
    if (moved || resumed) prime(call, nowMs);
  }

  function close(slot: number): void {
    const call = calls.get(slot);
    if (call === undefined) return;
    calls.delete(slot);
    if (call.talk !== undefined) stopTalk(call.talk);
    sendReport(call, true);
    ports.giveBack(call.pair);
  }

  /** The first packet of a session, and the next ones when they are due. */
  function prime(call: Call, nowMs: number): void {
    call.keepOpen.sent = Math.max(call.keepOpen.sent, 1);
    const { session } = call.echo;
    // Who talks needs no packet to open the way.
    const talks = call.talk?.sends() ?? false;
    if (!talks && (session.send || session.receive)) sendOwn(call, nowMs);
  }

  function sendOwn(call: Call, nowMs: number): void {
    const { latch, session } = call.echo;
    const to = session.remote === undefined ? undefined : latchedOr(latch, session.remote);
    if (to === undefined) return;
    const length = writePriming(call.echo, priming, nowMs);
    if (length > 0) transmit(call, primingOf(length), to.port, to.address);
  }

  function sendReport(call: Call, bye: boolean): void {
    const to = rtcpDestination(call.rtcp, call.echo);
    if (to === undefined) return;
    const nowMs = performance.now();
    const length = writeReport(call.rtcp, call.echo, rtcpBytes, nowMs, performance.timeOrigin + nowMs, bye);
    const socket = call.echo.session.rtcpMux ? call.pair.rtp : call.pair.rtcp;
    // One that does not go out is not counted, as for ICMP on the RTCP socket: a peer without RTCP.
    socket.send(rtcpBytes.subarray(0, length), to.port, to.address);
  }

  function scheduleTick(): void {
    if (ticking || calls.size === 0) return;
    ticking = true;
    ports.after(tickMs, tick);
  }

  function tick(): void {
    ticking = false;
    scheduleTick();
    const nowMs = performance.now();
    for (const call of calls.values()) {
      if (isPacketDue(call.keepOpen, call.echo, nowMs)) sendOwn(call, nowMs);
      if (nowMs < call.rtcpDueMs) continue;
      call.rtcpDueMs = nowMs + rtcpIntervalMs(Math.random());
      sendReport(call, false);
    }
  }

  function execute(command: Exclude<MediaCommand, { type: 'stun' }>): void {
    if (command.type === 'open') open(command.session);
    else if (command.type === 'update') update(command.session);
    else if (command.type === 'close') close(command.slot);
    // The call may just have ended.
    else calls.get(command.slot)?.talk?.press(command.digits);
  }

  return {
    execute,
    close() {
      for (const talk of talks) stopTalk(talk);
    },
  };
}

function transmit(call: Call, bytes: Buffer, port: number, address: string): void {
  if (call.pair.rtp.send(bytes, port, address)) sentPacket(call.echo, bytes.length);
  else sendFailed(call.echo);
}

/** The session with its addresses as the sockets will give them. */
function inSocketForm(session: MediaSession, dualStack: boolean): MediaSession {
  const { remote, remoteRtcp, signalledFrom: from } = session;
  const formed: { -readonly [Field in keyof MediaSession]: MediaSession[Field] } = { ...session };
  if (remote !== undefined) formed.remote = toSocketForm(remote, dualStack);
  if (remoteRtcp !== undefined) formed.remoteRtcp = toSocketForm(remoteRtcp, dualStack);
  if (from !== undefined) formed.signalledFrom = toSocketForm({ address: from, port: 0 }, dualStack).address;
  return formed;
}

/** The last address of toSocketForm and what it came to: a call names its host three times, and so does the next. */
let lastHost = '';
let lastDual = false;
let lastForm = '';

/** The one text of an address that the socket gives for it: IPv6 compressed (RFC 5952), IPv4 mapped if dual. */
export function toSocketForm({ address, port }: MediaAddress, dualStack: boolean): MediaAddress {
  if (address !== lastHost || dualStack !== lastDual) {
    lastForm = formOf(address, dualStack);
    lastHost = address;
    lastDual = dualStack;
  }
  return { address: lastForm, port };
}

function formOf(address: string, dualStack: boolean): string {
  const plain = fromSocketForm(address.toLowerCase());
  if (isIPv4(plain)) return dualStack ? `${MAPPED}${plain}` : plain;
  // No address at all, or one with a zone: sending to the first fails and is counted.
  if (!isIPv6(plain) || plain.includes('%')) return address;
  // Nothing in Bun compresses an IPv6 address but the URL parser.
  return new URL(`http://[${plain}]`).hostname.slice(1, -1);
}

/** An address of the socket as people write it. */
export function fromSocketForm(address: string): string {
  return address.startsWith(MAPPED) && address.includes('.') ? address.slice(MAPPED.length) : address;
}
