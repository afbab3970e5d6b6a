/**
 * A virtual network: several endpoints, each at an address of its own, on simulated UDP and TCP, with a clock that
 * jumps to the next thing that happens.
 *
 * Nothing here waits and nothing is left to chance: loss, duplication, delay and the cuts of streams come from one
 * seeded generator, so that a run repeats to the byte (RFC 3261 §18 is what it stands in for: datagrams that may be
 * lost or doubled or overtaken, streams that are neither).
 */
import { EVENT_VERSION, type Event } from '../events.ts';
import { Deadlines } from '../sip/deadlines.ts';
import { Endpoint } from '../sip/endpoint.ts';
import type { EndpointConfig } from '../sip/endpoint-config.ts';
import type { Action, Input, Output } from '../sip/endpoint-io.ts';
import { formatAddress, type SocketAddress, type Transport } from '../sip/flow.ts';
import { Identifiers } from '../sip/identifiers.ts';
import { latin1 } from '../sip/text.ts';
import { VirtualMedia } from './virtual-media.ts';

/** What a datagram meets on its way. Probabilities are 0 to 1. */
export interface Weather {
  /** One way, shortest and longest, in ms; a datagram may overtake another within that. */
  readonly latencyMs: readonly [number, number];
  readonly loss: number;
  readonly duplication: number;
  /** A datagram that is held back by another longest latency, and so overtaken. */
  readonly reordering: number;
}

/** Ten milliseconds, and nothing is lost. */
export const FAIR: Weather = { latencyMs: [10, 10], loss: 0, duplication: 0, reordering: 0 };

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

/** One end of a stream. */
interface StreamEnd {
  readonly owner: Node;
  readonly id: number;
  /** Nothing arrives before this: a stream keeps its order. */
  arrivesMs: number;
  /** Undefined until the connection is up. */
  other: StreamEnd | undefined;
  closed: boolean;
}

/** An actor at its address. */
export interface Node {
  readonly name: string;
  readonly local: SocketAddress;
  readonly actor: Actor;
  readonly media: VirtualMedia | undefined;
  /** Listens on TCP; UDP always. */
  readonly streams: boolean;
  /** Away: what is sent to it vanishes, new connections are refused. */
  away: boolean;
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

/** Datagrams and stream chunks that one run may send: a loop that never ends is a fault, not a long test. */
const MAX_SENT = 200_000;

export class VirtualNetwork {
  nowMs = 0;
  weather: Weather;
  /** Everything that endpoints said, in order. */
  readonly events: Event[] = [];
  /** Everything that was sent, in order. */
  readonly sent: Sent[] = [];
  /** Host names and their addresses; what stands nowhere has none. */
  readonly names = new Map<string, readonly string[]>();
  private readonly nodes: Node[] = [];
  private readonly streams = new Map<Node, Map<number, StreamEnd>>();
  private readonly arrivals = new Deadlines<() => void>();
  private readonly chance: Identifiers;
  private accepted = 1;

  constructor(seed: EndpointConfig['seed'] = [1, 2, 3, 4], weather: Weather = FAIR) {
    this.chance = new Identifiers(seed);
    this.weather = weather;
  }

  /** An endpoint that listens on UDP and TCP at that address; `rtpPorts` are its media thread's whole range. */
  addEndpoint(
    name: string,
    local: SocketAddress,
    config: EndpointConfig,
    rtpPorts: readonly number[] = [],
  ): VirtualEndpoint {
    const media = new VirtualMedia(rtpPorts);
    const endpoint = new Endpoint(config, (slot) => media.read(slot));
    const node = this.attach({
      name,
      local,
      actor: endpoint,
      media,
      streams: true,
      away: false,
      stopped: undefined,
      endpoint,
      act: (action: Action) => this.feed(node, { type: 'action', action }),
      sample: () => this.feed(node, { type: 'sample' }),
    });
    for (const transport of ['udp', 'tcp'] as const) this.feed(node, { type: 'listening', transport, local });
    if (rtpPorts.length > 0) this.feed(node, { type: 'media', report: { type: 'ports', ports: rtpPorts } });
    return node;
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
      stopped: undefined,
    });
  }

  /** One input, now. */
  feed(node: Node, input: Input): void {
    this.carryOut(node, node.actor.handle(input, this.nowMs));
  }

  /** Carries out what an actor asked for. */
  carryOut(node: Node, outputs: readonly Output[]): void {
    for (const output of outputs) this.perform(node, output);
  }

  /** Lets so much time pass. */
  run(forMs: number): void {
    const untilMs = this.nowMs + forMs;
    while (this.step(untilMs));
    this.nowMs = untilMs;
  }

  /** Runs until nothing is on its way and no deadline is armed, for so long at most. True when it came to rest. */
  settle(forMs = 3_600_000): boolean {
    const untilMs = this.nowMs + forMs;
    while (this.step(untilMs));
    return this.nextMs() === undefined;
  }

  /** Runs until something holds, for so long at most. Whether it came to hold. */
  runUntil(holds: () => boolean, forMs = 120_000): boolean {
    const untilMs = this.nowMs + forMs;
    while (!holds()) if (!this.step(untilMs)) return holds();
    return true;
  }

  /** Breaks every stream of a node, as a cable that is pulled. */
  breakStreams(node: Node): void {
    for (const end of [...(this.streams.get(node)?.values() ?? [])]) {
      this.end(end, 'connection reset');
      if (end.other !== undefined) this.end(end.other, 'connection reset');
    }
  }

  /** Events of one endpoint and one type. */
  eventsOf<T extends Event['type']>(node: Node, type: T): (Event & { type: T })[] {
    return this.events.filter(
      (event): event is Event & { type: T } => event.type === type && event.endpoint === node.name,
    );
  }

  private attach<T extends Node>(node: T): T {
    this.nodes.push(node);
    this.streams.set(node, new Map());
    return node;
  }

  /** The next arrival or deadline by `untilMs`; false when there is none. */
  private step(untilMs: number): boolean {
    const nextMs = this.nextMs();
    if (nextMs === undefined || nextMs > untilMs) return false;
    this.nowMs = Math.max(this.nowMs, nextMs);
    const arrival = this.arrivals.takeDue(this.nowMs);
    if (arrival !== undefined) {
      arrival.owner();
      return true;
    }
    for (const node of this.nodes) {
      const deadlineMs = node.actor.deadlineMs();
      if (deadlineMs === undefined || deadlineMs > this.nowMs) continue;
      this.feed(node, { type: 'time' });
      const again = node.actor.deadlineMs();
      if (again !== undefined && again <= this.nowMs) {
        throw new Error(`${node.name} has a deadline at ${again} that ${this.nowMs} did not settle`);
      }
    }
    return true;
  }

  private nextMs(): number | undefined {
    let nextMs = this.arrivals.nextMs();
    for (const { actor } of this.nodes) {
      const deadlineMs = actor.deadlineMs();
      if (deadlineMs !== undefined && (nextMs === undefined || deadlineMs < nextMs)) nextMs = deadlineMs;
    }
    return nextMs;
  }

  private later(inMs: number, what: () => void): void {
    this.arrivals.arm(this.nowMs + inMs, 'arrival', what);
  }

  private perform(node: Node, output: Output): void {
    switch (output.type) {
      case 'event': {
        const { events } = this;
        const about = { v: EVENT_VERSION, seq: events.length + 1, atMs: this.nowMs, endpoint: node.name };
        events.push({ ...about, ...output.event } as Event);
        return;
      }
      case 'send':
        this.note(node, output);
        if (output.flow.connection === undefined)
          return this.datagram(node, output.flow.remote, output.bytes);
        return this.chunks(node, output.flow.connection, output.bytes);
      case 'connect':
        return this.connect(node, output.connection, output.transport, output.remote);
      case 'disconnect': {
        const end = this.streams.get(node)?.get(output.connection);
        if (end !== undefined) this.hangUp(end);
        return;
      }
      case 'resolve': {
        const { host } = output;
        const addresses = this.names.get(host) ?? [];
        const error = addresses.length === 0 ? { error: `${host} has no address in DNS (ENOTFOUND)` } : {};
        return this.later(this.latencyMs(), () =>
          this.feed(node, { type: 'resolved', host, addresses, ...error }),
        );
      }
      case 'media': {
        const given = node.media?.command(output.command);
        if (given === undefined) return;
        return this.later(0, () =>
          this.feed(node, { type: 'media', report: { type: 'ports', ports: [given] } }),
        );
      }
      case 'stopped':
        node.stopped = output.reason;
    }
  }

  private note(node: Node, { flow, bytes }: Extract<Output, { type: 'send' }>): void {
    if (this.sent.length >= MAX_SENT) throw new Error(`more than ${MAX_SENT} messages were sent`);
    this.sent.push({
      atMs: this.nowMs,
      from: node.name,
      to: formatAddress(flow.remote),
      transport: flow.transport,
      text: latin1(bytes),
    });
  }

  private datagram(from: Node, to: SocketAddress, bytes: Uint8Array): void {
    const { loss, duplication, reordering, latencyMs } = this.weather;
    const copies = this.happens(duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const lost = this.happens(loss);
      const inMs = this.latencyMs() + (this.happens(reordering) ? latencyMs[1] : 0);
      if (!lost) this.later(inMs, () => this.deliver(from, to, bytes));
    }
  }

  private deliver(from: Node, to: SocketAddress, bytes: Uint8Array): void {
    const target = this.nodeAt(to);
    if (target !== undefined && !target.away)
      return this.feed(target, { type: 'datagram', remote: from.local, bytes });
    // A machine that is up and has nobody on that port says so; one that is away says nothing.
    if (target === undefined) this.feed(from, { type: 'unreachable', remote: to, error: 'port unreachable' });
  }

  private connect(node: Node, id: number, transport: Transport, remote: SocketAddress): void {
    const near: StreamEnd = { owner: node, id, arrivesMs: this.nowMs, other: undefined, closed: false };
    this.streams.get(node)?.set(id, near);
    const target = this.nodeAt(remote);
    this.later(this.latencyMs(), () => {
      if (near.closed) return;
      if (target === undefined || target.away || !target.streams) return this.end(near, 'connection refused');
      this.accepted += 2;
      const far = {
        owner: target,
        id: this.accepted,
        arrivesMs: this.nowMs,
        other: near,
        closed: false,
      };
      near.other = far;
      this.streams.get(target)?.set(far.id, far);
      // The port that a client connects from is none that it listens on.
      const source = { address: node.local.address, port: 40_000 + (far.id % 20_000) };
      const arrived = { type: 'connected', transport } as const;
      this.feed(target, { ...arrived, connection: far.id, local: target.local, remote: source });
      this.arrive(near, () => this.feed(node, { ...arrived, connection: id, local: source, remote }));
    });
  }

  /** In order, cut anywhere. */
  private chunks(node: Node, id: number, bytes: Uint8Array): void {
    const end = this.streams.get(node)?.get(id);
    const other = end?.other;
    if (end === undefined || end.closed || other === undefined) return;
    for (let start = 0; start < bytes.length; ) {
      const length = 1 + Math.floor(this.chance.fraction() * bytes.length);
      const chunk = bytes.slice(start, start + length);
      start += length;
      this.arrive(other, () =>
        this.feed(other.owner, { type: 'stream', connection: other.id, bytes: chunk }),
      );
    }
  }

  /** Something reaches one end of a stream, after all that was sent before. */
  private arrive(end: StreamEnd, what: () => void): void {
    end.arrivesMs = Math.max(end.arrivesMs, this.nowMs + this.latencyMs());
    this.arrivals.arm(end.arrivesMs, 'arrival', () => {
      if (!end.closed) what();
    });
  }

  /** One side closes: the other hears of it after what is still on its way. */
  private hangUp(end: StreamEnd): void {
    const { other } = end;
    this.forget(end);
    if (other !== undefined) this.arrive(other, () => this.end(other, undefined));
  }

  private end(end: StreamEnd, error: string | undefined): void {
    if (end.closed) return;
    this.forget(end);
    const why = error === undefined ? {} : { error };
    this.feed(end.owner, { type: 'disconnected', connection: end.id, ...why });
  }

  private forget(end: StreamEnd): void {
    end.closed = true;
    this.streams.get(end.owner)?.delete(end.id);
  }

  private nodeAt({ address, port }: SocketAddress): Node | undefined {
    return this.nodes.find(({ local }) => local.address === address && local.port === port);
  }

  private latencyMs(): number {
    const [least, most] = this.weather.latencyMs;
    return least + Math.floor(this.chance.fraction() * (most - least + 1));
  }

  private happens(probability: number): boolean {
    return this.chance.fraction() < probability;
  }
}
