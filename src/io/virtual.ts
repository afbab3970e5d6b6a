/**
 * A virtual network: several endpoints, each at an address of its own, on simulated UDP and TCP, with a clock that
 * jumps to the next thing that happens (virtual-clock.ts).
 *
 * Nothing here waits and nothing is left to chance: loss, duplication, delay and the cuts of streams come from one
 * seeded generator, so that a run repeats to the byte (RFC 3261 §18 is what it stands in for: datagrams that may be
 * lost or doubled or overtaken, streams that are neither).
 */
import { EVENT_VERSION, type Event } from '../events.ts';
import { Endpoint } from '../sip/endpoint.ts';
import type { EndpointConfig } from '../sip/endpoint-config.ts';
import type { Action, Input, Output } from '../sip/endpoint-io.ts';
import { formatAddress, type SocketAddress, type Transport } from '../sip/flow.ts';
import { Identifiers } from '../sip/identifiers.ts';
import { latin1 } from '../sip/text.ts';
import { VirtualClock } from './virtual-clock.ts';
import { VirtualDns } from './virtual-dns.ts';
import { VirtualMedia } from './virtual-media.ts';
import { type StreamOwner, VirtualStreams } from './virtual-streams.ts';
import type { VirtualTls } from './virtual-tls.ts';
import { arrivalsMs, FAIR, latencyMs, type Weather } from './virtual-weather.ts';

/** Whoever stands at an address: an endpoint, or a peer that a test plays (virtual-peer.ts). */
export interface Actor {
  handle(input: Input, nowMs: number): readonly Output[];
  deadlineMs(): number | undefined;
}

/** One message or chunk as it was sent, whether or not it arrived. */
export interface Sent {
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly transport: Transport;
  readonly text: string;
}

/** One turn of an actor: what it was told and what it asked for. */
export interface Step {
  readonly node: Node;
  readonly input: Input;
  readonly outputs: readonly Output[];
}

/** An actor at its address. */
export interface Node extends StreamOwner {
  readonly name: string;
  readonly local: SocketAddress;
  readonly actor: Actor;
  readonly media: VirtualMedia | undefined;
  /** Listens on TCP; UDP always. */
  streams: StreamOwner['streams'];
  /** Away: what is sent to it vanishes, new connections are refused. */
  away: boolean;
  /**
   * Off the net: datagrams vanish both ways, streams wait. Unplugged, its clock goes on; asleep, it does nothing until
   * it wakes, and then finds that time has jumped.
   */
  off: 'unplugged' | 'asleep' | undefined;
  tls?: VirtualTls | undefined;
  /** Nobody runs it any more. */
  gone: boolean;
  /** What `stop` ended with. */
  stopped: string | undefined;
}

/** An endpoint on the network, and its ends for a test. */
export interface VirtualEndpoint extends Node {
  readonly endpoint: Endpoint;
  readonly media: VirtualMedia;
  act(action: Action): void;
  /** Reads the counters of its calls, as the driver does twice a second. */
  sample(): void;
}

/** How a network differs from one that a short test wants. */
export interface NetworkOptions {
  /** Keep `sent` and `events`; a long run watches instead. */
  readonly keep?: boolean;
  /** Told of every turn, once it was carried out. */
  readonly watch?: (step: Step, nowMs: number) => void;
}

/** Messages that one run may send: a loop that never ends is a fault, not a long test. */
const MAX_SENT = 200_000;

export class VirtualNetwork {
  weather: Weather;
  /** Everything that endpoints said, in order. */
  readonly events: Event[] = [];
  /** Everything that was sent, in order. */
  readonly sent: Sent[] = [];
  readonly dns = new VirtualDns();
  /** Host names and their addresses; what stands nowhere has none. */
  readonly names = this.dns.names;
  private readonly nodes = new Map<string, Node>();
  private readonly streams: VirtualStreams<Node>;
  private readonly clock = new VirtualClock<Node>((node) => this.feed(node, { type: 'time' }));
  private readonly chance: Identifiers;
  private sentSoFar = 0;
  private saidSoFar = 0;

  constructor(
    seed: EndpointConfig['seed'] = [1, 2, 3, 4],
    weather: Weather = FAIR,
    private readonly options: NetworkOptions = {},
  ) {
    this.chance = new Identifiers(seed);
    this.weather = weather;
    this.streams = new VirtualStreams<Node>({
      nowMs: () => this.nowMs,
      latencyMs: () => this.latencyMs(),
      fraction: () => this.chance.fraction(),
      at: (atMs, what) => this.clock.at(atMs, what),
      feed: (owner, input) => this.feed(owner, input),
      ownerAt: (address) => this.nodes.get(formatAddress(address)),
    });
  }

  /**
   * An endpoint that listens on UDP and TCP at that address; `rtpPorts` are its media thread's whole range. One that
   * stood there before is gone without a word, as a process that was killed. `wrap` stands between the two, to
   * falsify what either says.
   */
  addEndpoint(
    name: string,
    local: SocketAddress,
    config: EndpointConfig,
    rtpPorts: readonly number[] = [],
    wrap: (endpoint: Actor) => Actor = (endpoint) => endpoint,
  ): VirtualEndpoint {
    const media = new VirtualMedia(rtpPorts);
    const endpoint = new Endpoint(config, (slot) => media.read(slot));
    const node = this.attach({
      name,
      local,
      actor: wrap(endpoint),
      media,
      streams: true,
      away: false,
      off: undefined,
      gone: false,
      stopped: undefined,
      endpoint,
      act: (action: Action) => this.feed(node, { type: 'action', action }),
      sample: () => this.feed(node, { type: 'sample' }),
    });
    for (const transport of ['udp', 'tcp'] as const) this.feed(node, { type: 'listening', transport, local });
    if (rtpPorts.length > 0) this.feed(node, { type: 'media', report: { type: 'ports', ports: rtpPorts } });
    return node;
  }

  /** From now on it listens over TLS, too. */
  listenTls(node: Node, tls: VirtualTls): void {
    node.tls = tls;
    this.feed(node, { type: 'listening', transport: 'tls', local: { ...node.local, port: tls.port } });
  }

  /** Anybody else. */
  addActor(name: string, local: SocketAddress, actor: Actor, streams = false): Node {
    return this.attach({
      name,
      local,
      actor,
      media: undefined,
      streams,
      away: false,
      off: undefined,
      gone: false,
      stopped: undefined,
    });
  }

  /** One input, now. */
  feed(node: Node, input: Input): void {
    if (node.gone || node.off === 'asleep') return;
    const outputs = node.actor.handle(input, this.nowMs);
    this.carryOut(node, outputs);
    this.schedule(node);
    this.options.watch?.({ node, input, outputs }, this.nowMs);
  }

  /** Carries out what an actor asked for. */
  carryOut(node: Node, outputs: readonly Output[]): void {
    for (const output of outputs) this.perform(node, output);
  }

  get nowMs(): number {
    return this.clock.nowMs;
  }

  /** Lets so much time pass. */
  run(forMs: number): void {
    const untilMs = this.nowMs + forMs;
    this.look();
    while (this.clock.step(untilMs));
    this.clock.nowMs = untilMs;
  }

  /** Runs until nothing is on its way and no deadline is armed, for so long at most. True when it came to rest. */
  settle(forMs = 3_600_000): boolean {
    const untilMs = this.nowMs + forMs;
    this.look();
    while (this.clock.step(untilMs));
    return this.clock.nextMs() === undefined;
  }

  /** Runs until something holds, for so long at most. Whether it came to hold. */
  runUntil(holds: () => boolean, forMs = 120_000): boolean {
    const untilMs = this.nowMs + forMs;
    this.look();
    while (!holds()) if (!this.clock.step(untilMs)) return holds();
    return true;
  }

  /** Breaks every stream of a node, as a cable that is pulled. */
  breakStreams(node: Node): void {
    this.streams.breakAll(node);
  }

  /** Takes a node off the net; `asleep` takes its clock as well. */
  takeOff(node: Node, how: 'unplugged' | 'asleep'): void {
    node.off = how;
    this.schedule(node);
  }

  /** It is back. One that slept finds that time has jumped. */
  bringBack(node: Node): void {
    const slept = node.off === 'asleep';
    node.off = undefined;
    if (slept) this.feed(node, { type: 'time' });
    this.streams.goOn();
  }

  /** Events of one endpoint and one type. */
  eventsOf<T extends Event['type']>(node: Node, type: T): (Event & { type: T })[] {
    return this.events.filter(
      (event): event is Event & { type: T } => event.type === type && event.endpoint === node.name,
    );
  }

  private attach<T extends Node>(node: T): T {
    const key = formatAddress(node.local);
    const before = this.nodes.get(key);
    if (before !== undefined) {
      before.gone = true;
      this.streams.breakAll(before);
      this.schedule(before);
    }
    this.nodes.set(key, node);
    return node;
  }

  /** An actor that a test moves by hand may have a deadline that nobody has heard of. */
  private look(): void {
    for (const node of this.nodes.values()) this.schedule(node);
  }

  /** Notes when a node wants to be called next. */
  private schedule(node: Node): void {
    const asleep = node.gone || node.off === 'asleep';
    this.clock.schedule(node, asleep ? undefined : node.actor.deadlineMs());
  }

  private later(inMs: number, what: () => void): void {
    this.clock.at(this.nowMs + inMs, what);
  }

  private perform(node: Node, output: Output): void {
    switch (output.type) {
      case 'event': {
        this.saidSoFar += 1;
        if (this.options.keep === false) return;
        const about = { v: EVENT_VERSION, seq: this.saidSoFar, atMs: this.nowMs, endpoint: node.name };
        this.events.push({ ...about, ...output.event } as Event);
        return;
      }
      case 'send':
        this.note(node, output);
        if (output.flow.connection === undefined)
          return this.datagram(node, output.flow.remote, output.bytes);
        return this.streams.send(node, output.flow.connection, output.bytes);
      case 'connect':
        return this.streams.connect(
          node,
          output.connection,
          output.transport,
          output.remote,
          output.tls?.domain,
        );
      case 'disconnect':
        return this.streams.close(node, output.connection);
      case 'resolve': {
        const found = this.dns.find(output);
        return this.later(this.latencyMs(), () => this.feed(node, { type: 'resolved', ...found }));
      }
      case 'media': {
        const reports = node.media?.command(output.command) ?? [];
        for (const report of reports) this.later(0, () => this.feed(node, { type: 'media', report }));
        return;
      }
      case 'stopped':
        node.stopped = output.reason;
    }
  }

  private note(node: Node, { flow, bytes }: Extract<Output, { type: 'send' }>): void {
    this.sentSoFar += 1;
    if (this.options.keep === false) return;
    if (this.sentSoFar > MAX_SENT) throw new Error(`more than ${MAX_SENT} messages were sent`);
    this.sent.push({
      atMs: this.nowMs,
      from: node.name,
      to: formatAddress(flow.remote),
      transport: flow.transport,
      text: latin1(bytes),
    });
  }

  private datagram(from: Node, to: SocketAddress, bytes: Uint8Array): void {
    if (from.off !== undefined) return;
    for (const inMs of arrivalsMs(this.weather, this.chance)) {
      this.later(inMs, () => this.deliver(from, to, bytes));
    }
  }

  private deliver(from: Node, to: SocketAddress, bytes: Uint8Array): void {
    const target = this.nodes.get(formatAddress(to));
    if (target !== undefined && (target.away || target.off !== undefined)) return;
    if (target !== undefined) return this.feed(target, { type: 'datagram', remote: from.local, bytes });
    // A machine that is up and has nobody on that port says so; one that is away says nothing.
    this.feed(from, { type: 'unreachable', remote: to, error: 'port unreachable' });
  }

  private latencyMs(): number {
    return latencyMs(this.weather, this.chance);
  }
}
