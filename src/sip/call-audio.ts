/**
 * The audio of calls, as the engine sees it: ports from the media thread's reserve, a slot of the counters each,
 * what was agreed, and whether anything is heard.
 *
 * The reserve makes answering one step: a port that is in it is bound already, so that a 200 never promises a
 * port that cannot be had.
 */
import type { MappedPort, MediaCounters, MediaMode, MediaReport, MediaSession } from '../rtp/session.ts';
import { diagnoseAddress } from './address-verdict.ts';
import { diagnoseLoss, diagnoseSilence } from './audio-diagnosis.ts';
import { type Call, type CallMedia, peerAddress } from './call.ts';
import type { NegotiatedMedia } from './negotiated-media.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/** A call that stood so long and was never heard is worth a word at its end, in ms. Test calls are shorter. */
const UNHEARD_MS = 2_000;
/** A call that stands is told of after so long, in ms: phones may take a second or two to start. */
const UNHEARD_LIVE_MS = 5_000;

/** The RTP ports and counter slots of all calls. */
export class CallAudio {
  /** Bound ports, the one that has been free longest first. */
  private readonly ports: number[] = [];
  /** Slots never used, and those given back. A slot rests as long as possible before it is used again. */
  private readonly freeSlots: number[] = [];
  private nextSlot = 0;
  private readonly bySlot = new Map<number, Call>();
  /** How a NAT shows ports of the range, those in use too. */
  private readonly mappings = new Map<number, MappedPort>();
  /** Until when ports are expected to get their mapping. */
  mappingUntilMs = 0;
  /** What the media thread said when it had no port left. */
  exhausted: string | undefined;
  /** Not one port came since the start. */
  neverAny = true;
  /** Ports that the media thread was told to close and has not given back yet. */
  private returning = 0;

  constructor(
    private readonly agent: UserAgent,
    private readonly readCounters: (slot: number) => MediaCounters,
  ) {}

  /** More of the reserve. */
  addPorts(ports: readonly number[]): void {
    this.ports.push(...ports);
    this.neverAny &&= ports.length === 0;
    this.returning = Math.max(0, this.returning - ports.length);
    this.exhausted = undefined;
  }

  /** Where a STUN server sees a port; undefined: nobody says any more. */
  mapped(port: number, mapped: MappedPort | undefined): void {
    if (mapped === undefined) this.mappings.delete(port);
    else this.mappings.set(port, mapped);
    if (mapped === undefined) return;
    // A call keeps what it told its peer, also when nobody confirms it any more.
    for (const { media } of this.bySlot.values()) {
      if (media?.port !== port) continue;
      media.mapped = mapped;
      this.agent.own.audioMoved();
    }
  }

  /** The NAT that they were told of is not ours any more. */
  forgetMappings(): void {
    this.mappings.clear();
    for (const { media } of this.bySlot.values()) if (media !== undefined) media.mapped = undefined;
  }

  /** Whether it is worth a moment to see where a STUN server sees the next port: just after the start alone. */
  mappingSoon(nowMs: number): boolean {
    const [port] = this.ports;
    return port !== undefined && nowMs < this.mappingUntilMs && !this.mappings.has(port);
  }

  /** Why there will be no port soon; undefined while there may be one, as that of a call that has just ended. */
  get noPortSoon(): string | undefined {
    return this.returning > 0 ? undefined : this.exhausted;
  }

  /** A port and a slot; undefined while the reserve is empty. Without a mode the audio is echoed. */
  take(turn: Turn, mode?: MediaMode): CallMedia | undefined {
    const port = this.ports.shift();
    if (port === undefined) return undefined;
    const slot = this.nextSlot < this.agent.config.maxCalls ? this.nextSlot++ : this.freeSlots.shift();
    if (slot === undefined) throw new Error('more calls than slots: maxCalls is checked before');
    return {
      slot,
      port,
      mapped: this.mappings.get(port),
      sessionId: String(this.agent.identifiers.word()),
      ...(mode === undefined ? undefined : { mode }),
      description: undefined,
      session: undefined,
      codec: '',
      held: false,
      holding: false,
      openedMs: turn.nowMs,
      heardMs: turn.nowMs,
      sampledMs: turn.nowMs,
      counters: undefined,
      rate: 0,
      diagnosed: false,
    };
  }

  /** Opens the audio, or changes it: the thread is told, and an event says what was agreed. */
  agree(turn: Turn, call: Call, media: CallMedia, agreed: NegotiatedMedia, localAddress: string): void {
    const before = media.session;
    diagnoseAddress(this.agent, turn, call, agreed);
    const session: MediaSession = {
      slot: media.slot,
      port: media.port,
      ...(agreed.remote === undefined ? undefined : { remote: agreed.remote }),
      ...(agreed.remoteRtcp === undefined ? undefined : { remoteRtcp: agreed.remoteRtcp }),
      signalledFrom: peerAddress(call),
      rtcpMux: agreed.rtcpMux,
      send: agreed.send,
      receive: agreed.receive,
      payloads: agreed.payloads,
      ssrc: before?.ssrc ?? this.agent.identifiers.word(),
      cname: before?.cname ?? this.agent.identifiers.tag(),
      ...(media.mode === undefined ? undefined : { mode: media.mode }),
      // What is played is for whoever answers, and not for the time that it rings.
      ...(media.mode?.type === 'talk' && call.answeredMs === undefined ? { early: true } : undefined),
    };
    media.session = session;
    media.held = agreed.held;
    media.codec = agreed.codec.name;
    media.heardMs = turn.nowMs;
    if (before === undefined) {
      media.openedMs = turn.nowMs;
      this.bySlot.set(media.slot, call);
    }
    if (before !== undefined) turn.ask({ type: 'media', command: { type: 'update', session } });
    else if (media.offeredMs === undefined) turn.ask({ type: 'media', command: { type: 'open', session } });
    else {
      const offeredForMs = Math.round(turn.nowMs - media.offeredMs);
      turn.ask({ type: 'media', command: { type: 'open', session: { ...session, offeredForMs } } });
    }
    if (!turn.wants('media.started')) return;
    turn.emit({
      type: 'media.started',
      call: call.handle,
      codec: agreed.codec.name,
      payloadType: agreed.codec.type,
      localAddress,
      localPort: media.mapped?.address === localAddress ? media.mapped.port : media.port,
      ...(agreed.remote === undefined
        ? undefined
        : { remoteAddress: agreed.remote.address, remotePort: agreed.remote.port }),
      direction: agreed.direction,
      rtcp: agreed.rtcpMux ? 'mux' : 'separate',
    });
  }

  /** The call was answered as an early session said: nothing is agreed anew, and what it plays begins. */
  begin(turn: Turn, media: CallMedia): void {
    if (media.session?.early !== true) return;
    const { early: _, ...session } = media.session;
    media.session = session;
    turn.ask({ type: 'media', command: { type: 'update', session } });
  }

  /** Closes the audio of a call and says what was counted. A port that was never opened goes back at once. */
  release(turn: Turn, call: Call): void {
    const { media } = call;
    if (media === undefined) return;
    call.media = undefined;
    this.freeSlots.push(media.slot);
    this.bySlot.delete(media.slot);
    if (media.session === undefined) {
      this.ports.push(media.port);
      return;
    }
    const counters = this.readCounters(media.slot);
    turn.ask({ type: 'media', command: { type: 'close', slot: media.slot } });
    this.returning += 1;
    const standingMs = turn.nowMs - media.openedMs;
    if (standingMs >= UNHEARD_MS && isUnheard(call, media, counters)) {
      diagnoseSilence(turn, call, media, counters, standingMs, 'warning');
    }
    diagnoseLoss(turn, call, media, counters);
    if (!turn.wants('media.stopped')) return;
    turn.emit({
      type: 'media.stopped',
      call: call.handle,
      ...totals(counters),
      sendErrors: counters.sendErrors,
      durationMs: Math.round(standingMs),
    });
  }

  /** Something from the media thread about one call. */
  report(turn: Turn, report: Extract<MediaReport, { slot: number }>): void {
    const call = this.bySlot.get(report.slot);
    if (call === undefined) return;
    if (report.type === 'dtmf') {
      turn.emit({
        type: 'dtmf.received',
        call: call.handle,
        digit: report.digit,
        durationMs: report.durationMs,
        by: 'rtp',
      });
      return;
    }
    if (report.type === 'dtmf-sent') {
      const { digit, durationMs } = report;
      turn.emit({ type: 'dtmf.sent', call: call.handle, digit, durationMs, by: 'rtp' });
      return;
    }
    if (report.type === 'audio-failed') {
      const { code, evidence, cause, next } = report;
      turn.emit({
        type: 'diagnosis.raised',
        call: call.handle,
        severity: 'warning',
        code,
        evidence,
        cause,
        next,
      });
      return;
    }
    const { media } = call;
    if (media !== undefined) media.sources = (media.sources ?? 0) + 1;
    const expected = media?.session?.remote;
    turn.emit({
      type: 'media.latched',
      call: call.handle,
      ...(expected === undefined
        ? undefined
        : { expectedAddress: expected.address, expectedPort: expected.port }),
      address: report.address,
      port: report.port,
    });
  }

  /**
   * Reads the counters of a call. An event is due when something moved, or has just stopped moving. True when a
   * call that should be heard has not been for the media timeout.
   */
  sample(turn: Turn, call: Call): boolean {
    const { media } = call;
    if (media?.session === undefined) return false;
    const counters = this.readCounters(media.slot);
    const before = media.counters;
    const received = counters.packetsReceived - (before?.packetsReceived ?? 0);
    const sent = counters.packetsSent - (before?.packetsSent ?? 0);
    const seconds = (turn.nowMs - media.sampledMs) / 1000;
    media.counters = counters;
    media.sampledMs = turn.nowMs;
    if (received > 0 || counters.rtcpReceived > (before?.rtcpReceived ?? 0)) media.heardMs = turn.nowMs;
    const rate = seconds > 0 ? (received + sent) / seconds : 0;
    if (rate > 0 || media.rate > 0) {
      turn.emit({
        type: 'media.sampled',
        call: call.handle,
        ...totals(counters),
        packetsReceivedPerS: seconds > 0 ? round(received / seconds) : 0,
        packetsSentPerS: seconds > 0 ? round(sent / seconds) : 0,
      });
    }
    media.rate = rate;
    const standingMs = turn.nowMs - media.openedMs;
    if (standingMs >= UNHEARD_LIVE_MS && isUnheard(call, media, counters)) {
      // While the person is still on the phone.
      diagnoseSilence(turn, call, media, counters, standingMs, 'warning');
      media.diagnosed = true;
    }
    return this.isDead(turn, call, media);
  }

  /** Hold is no dead call, and a call that has not been acknowledged yet is not one either. */
  private isDead(turn: Turn, call: Call, media: CallMedia): boolean {
    const { mediaTimeoutMs } = this.agent.config;
    const silentMs = turn.nowMs - media.heardMs;
    const watched = mediaTimeoutMs > 0 && call.state === 'established' && call.ending === undefined;
    if (!watched || media.held || !media.session?.receive || silentMs < mediaTimeoutMs) return false;
    diagnoseSilence(turn, call, media, this.readCounters(media.slot), silentMs, 'error');
    media.diagnosed = true;
    return true;
  }
}

/** Whether a call that should be heard never was, and nobody has said so. */
function isUnheard(call: Call, media: CallMedia, { packetsReceived, rtcpReceived }: MediaCounters): boolean {
  if (packetsReceived > 0 || rtcpReceived > 0 || call.state !== 'established') return false;
  return media.session?.receive === true && !media.held && !media.diagnosed;
}

function totals(counters: MediaCounters) {
  return {
    packetsReceived: counters.packetsReceived,
    packetsSent: counters.packetsSent,
    bytesReceived: counters.bytesReceived,
    bytesSent: counters.bytesSent,
    lost: counters.lost,
    reordered: counters.reordered,
    ...(counters.packetsReceived > 1 ? { jitterMs: round(counters.jitterMs) } : undefined),
    ...(counters.rttMs > 0 ? { rttMs: round(counters.rttMs) } : undefined),
  };
}

/** To a hundredth: more digits are noise. */
function round(value: number): number {
  return Math.round(value * 100) / 100;
}
