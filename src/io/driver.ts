/**
 * Carries an `Endpoint` on real sockets: feeds it what arrives, with the time, and does what it asks.
 *
 * One input at a time: what happens while an input is handled (a send that fails at once) waits in a queue.
 * There is one timer, for the endpoint's earliest deadline.
 */
import { EVENT_VERSION, type Event, type EventBody } from '../events.ts';
import { type MediaCommand, type MediaCounters, NOTHING_COUNTED } from '../rtp/session.ts';
import { Endpoint } from '../sip/endpoint.ts';
import type { EndpointConfig, LocalAddresses } from '../sip/endpoint-config.ts';
import type { Action, Input, Output } from '../sip/endpoint-io.ts';
import { type AddressWatch, watchAddresses } from './address-watch.ts';
import { shareDescriptors } from './descriptors.ts';
import { type ServerFinder, serverFinder } from './find-servers.ts';
import { addressesOf, findLocalAddresses, isOneAddress, sourceTowards } from './local-addresses.ts';
import { type Media, startMedia } from './media.ts';
import { recentPeers } from './recent-peers.ts';
import { firstEvents } from './session-start.ts';
import { type ListenOptions, listenForSip } from './sip-listeners.ts';
import type { StreamConnections } from './stream-connections.ts';
import type { TlsCredentials } from './tls-credentials.ts';
import type { UdpListener } from './udp-listener.ts';

/** What the driver needs beyond the endpoint's own configuration. */
export interface DriverOptions extends ListenOptions {
  /** Everything but what only the network can tell: the driver fills in addresses. */
  readonly endpoint: Omit<EndpointConfig, 'defaultAddresses' | 'interfaces'>;
  /** The DNS server to ask, `address:port`; the machine's own when absent. */
  readonly dns?: string;
  /** First and last RTP port. */
  readonly rtpPorts: readonly [number, number];
  /** 0: no audio of our own, and no thread for it. */
  readonly mediaThreads: number;
  /** Between two readings of the counters, in ms; 500. */
  readonly sampleIntervalMs: number;
  readonly onEvent: (event: Event) => void;
  /** Whoever writes down what goes into the endpoint, so that it can be played again (trace-recorder.ts). */
  readonly tap?: DriverTap;
}

/** All that an endpoint is made of and fed with. */
export interface DriverTap {
  readonly started: (config: EndpointConfig) => void;
  /** Just before the endpoint handles it; its events come before the next one. */
  readonly input: (input: Input, nowMs: number) => void;
  /** What the endpoint read while it handled the last input. */
  readonly counters: (slot: number, counters: MediaCounters) => void;
  /** Our address towards a peer, that the endpoint asked for meanwhile; undefined: there is no way. */
  readonly route: (peer: string, local: string | undefined) => void;
}

/** A running endpoint. */
export interface Running {
  act(action: Action): void;
  /** For connections from now on; those that stand go on. Throws an `Error` when they cannot be listened with. */
  useCredentials(credentials: TlsCredentials): void;
  /** The reason, once everything that `stop` asked for is done and the sockets are closed. */
  readonly stopped: Promise<string>;
  /** The SIP port that was bound. */
  readonly sipPort: number;
}

/** Binds, opens the media thread, starts. Throws an `Error` with a sentence for people when nothing can be bound. */
export async function start(asked: DriverOptions): Promise<Running> {
  const addresses = findLocalAddresses();
  const { reserve, ...shares } = shareDescriptors(asked.mediaThreads > 0 ? asked.endpoint.maxCalls : 0);
  const driver = new Driver({ ...asked, endpoint: { ...asked.endpoint, ...shares } }, reserve, addresses);
  await driver.open(addresses);
  return driver;
}

/** What setTimeout can wait for; more fires at once, again and again. A peer may ask for sessions of 136 years (RFC 4028). */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** What to give setTimeout, which knows whole ms. What is late by less than one would be -0, which is no integer. */
function wholeMs(ms: number): number {
  return ms > 0 ? Math.min(Math.ceil(ms), MAX_TIMEOUT_MS) : 0;
}

class Driver implements Running {
  readonly stopped: Promise<string>;
  sipPort = 0;
  private readonly endpoint: Endpoint;
  private readonly startedMs = performance.now();
  private readonly queue: Input[] = [];
  private busy = false;
  /** The time of the input that is being handled: all that it causes happens then. */
  private turnMs = 0;
  private sequence = 0;
  private readonly peers = recentPeers();
  private readonly findServers: ServerFinder;
  private udp: UdpListener | undefined;
  private streams: StreamConnections | undefined;
  private tlsPort: number | undefined;
  private media: Media | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private timerMs = Number.POSITIVE_INFINITY;
  /**
   * Absent when we are bound to one address, which stays ours or is gone. Whatever fails on the way lets it look: the
   * network may be another one by now (ENETUNREACH, EADDRNOTAVAIL).
   */
  private watch: AddressWatch | undefined;
  private sampler: ReturnType<typeof setInterval> | undefined;
  private finish: (reason: string) => void = () => {};

  constructor(
    private readonly options: DriverOptions,
    private readonly reserve: number,
    addresses: LocalAddresses,
  ) {
    const { bind, dns, endpoint } = options;
    this.findServers = serverFinder(dns);
    const config = { ...endpoint, ...addressesOf(bind, addresses) };
    options.tap?.started(config);
    this.endpoint = new Endpoint(
      config,
      (slot) => this.readCounters(slot),
      // Bound to one address, that is the only one there is.
      isOneAddress(bind) ? undefined : (peer) => this.routeTo(peer),
    );
    this.stopped = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  act(action: Action): void {
    this.feed({ type: 'action', action });
  }

  useCredentials(credentials: TlsCredentials): void {
    this.streams?.useCredentials(credentials);
  }

  async open(addresses: LocalAddresses): Promise<void> {
    await this.listen();
    await this.openMedia();
    for (const event of firstEvents(this.options, addresses)) this.emit(event);
    const address = this.options.bind ?? '::';
    if (this.udp !== undefined) {
      this.feed({ type: 'listening', transport: 'udp', local: { address, port: this.udp.port } });
    }
    if (this.options.listen.includes('tcp')) {
      this.feed({ type: 'listening', transport: 'tcp', local: { address, port: this.sipPort } });
    }
    if (this.tlsPort !== undefined) {
      this.feed({ type: 'listening', transport: 'tls', local: { address, port: this.tlsPort } });
    }
    this.act({ type: 'register' });
    const { bind } = this.options;
    if (isOneAddress(bind)) return;
    this.watch = watchAddresses(addresses, (now) =>
      this.feed({ type: 'addresses', ...addressesOf(bind, now) }),
    );
  }

  private async listen(): Promise<void> {
    const { share } = this.options.endpoint;
    const bound = await listenForSip(
      { ...this.options, ...(share === undefined ? {} : { share }) },
      {
        datagram: (remote, bytes) => this.feed({ type: 'datagram', remote, bytes }),
        icmpError: () => this.icmpError(),
        connected: (connection, about) => this.feed({ type: 'connected', connection, ...about }),
        received: (connection, bytes) => this.feed({ type: 'stream', connection, bytes }),
        disconnected: (connection, why) => {
          if (why.error !== undefined) this.watch?.look();
          this.feed({ type: 'disconnected', connection, ...why });
        },
      },
    );
    this.udp = bound.udp;
    this.streams = bound.streams;
    this.sipPort = bound.sipPort;
    this.tlsPort = bound.tlsPort;
  }

  private async openMedia(): Promise<void> {
    const { bind, endpoint, mediaThreads, rtpPorts, sampleIntervalMs } = this.options;
    if (mediaThreads === 0) return;
    this.media = startMedia({
      threads: mediaThreads,
      rtpPorts,
      ...(bind === undefined ? {} : { bind }),
      maxCalls: endpoint.maxCalls,
      reserve: this.reserve,
      onReport: (report) => this.feed({ type: 'media', report }),
    });
    await this.media.ready;
    this.sampler = setInterval(() => {
      if (this.endpoint.alive.calls > 0) this.feed({ type: 'sample' });
    }, sampleIntervalMs);
  }

  /** Hands one input to the endpoint, after those that are waiting. */
  private feed(input: Input): void {
    this.queue.push(input);
    if (this.busy) return;
    this.busy = true;
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
        this.turnMs = this.nowMs();
        this.options.tap?.input(next, this.turnMs);
        this.carryOut(this.endpoint.handle(next, this.turnMs));
      }
    } finally {
      this.busy = false;
    }
    this.setTimer();
  }

  private readCounters(slot: number): MediaCounters {
    const counters = this.media?.read(slot) ?? NOTHING_COUNTED;
    this.options.tap?.counters(slot, counters);
    return counters;
  }

  private routeTo(peer: string): string | undefined {
    const local = sourceTowards(peer);
    this.watch?.note(peer, local);
    this.options.tap?.route(peer, local);
    return local;
  }

  private carryOut(outputs: readonly Output[]): void {
    let commands: MediaCommand[] | undefined;
    for (const output of outputs) {
      if (output.type === 'event') this.emit(output.event);
      else if (output.type === 'media') {
        commands ??= [];
        commands.push(output.command);
      } else {
        // A port listens before the peer is told of it.
        if (commands !== undefined) this.media?.send(commands);
        commands = undefined;
        this.perform(output);
      }
    }
    if (commands !== undefined) this.media?.send(commands);
  }

  private perform(output: Exclude<Output, { type: 'event' | 'media' }>): void {
    switch (output.type) {
      case 'send': {
        const { flow, bytes } = output;
        if (flow.connection !== undefined) return this.streams?.send(flow.connection, bytes);
        this.peers.sent(flow.remote, this.turnMs);
        const error = this.udp?.send(bytes, flow.remote);
        if (error === undefined) return;
        this.watch?.look();
        this.queue.push({ type: 'unreachable', remote: flow.remote, error });
        return;
      }
      case 'connect':
        return this.streams?.connect(output.connection, output.remote, output.tls?.domain);
      case 'disconnect':
        return this.streams?.disconnect(output.connection);
      case 'resolve':
        void this.findServers(output).then((found) => this.feed({ type: 'resolved', ...found }));
        return;
      case 'stopped':
        void this.close(output.reason);
    }
  }

  private icmpError(): void {
    this.watch?.look();
    const remote = this.peers.only(this.nowMs());
    if (remote === undefined) return;
    this.feed({
      type: 'unreachable',
      remote,
      error: 'nobody listens there, or no way leads there (ICMP)',
    });
  }

  private async close(reason: string): Promise<void> {
    clearTimeout(this.timer);
    clearInterval(this.sampler);
    this.watch?.stop();
    this.timerMs = Number.NEGATIVE_INFINITY;
    this.udp?.close();
    this.streams?.close();
    await this.media?.close();
    this.turnMs = this.nowMs();
    this.emit({ type: 'session.stopped', reason, exitCode: 0 });
    this.finish(reason);
  }

  private emit(event: EventBody): void {
    const atMs = Math.round(this.turnMs * 10) / 10;
    this.options.onEvent({ v: EVENT_VERSION, seq: ++this.sequence, atMs, ...event });
  }

  private nowMs(): number {
    return performance.now() - this.startedMs;
  }

  /** One timer for the earliest deadline. One that is earlier than needed is left: it only looks and sets the next. */
  private setTimer(): void {
    const deadlineMs = this.endpoint.deadlineMs();
    if (deadlineMs === undefined || deadlineMs >= this.timerMs) return;
    clearTimeout(this.timer);
    this.timerMs = deadlineMs;
    this.timer = setTimeout(
      () => {
        this.timerMs = Number.POSITIVE_INFINITY;
        this.feed({ type: 'time' });
      },
      wholeMs(deadlineMs - this.nowMs()),
    );
  }
}
