/**
 * The streams of a virtual network: ordered, cut anywhere, broken when somebody pulls the cable (RFC 3261 §18 asks
 * for no more of TCP than that).
 *
 * A stream whose machine is off the net for a while loses nothing: what is sent waits, as TCP repeats it, and goes on
 * in order when the machine is back.
 */
import type { Input } from '../sip/endpoint-io.ts';
import type { SocketAddress, Transport } from '../sip/flow.ts';
import type { TlsFault } from '../sip/tls.ts';
import { plainAddress, VIRTUAL_SESSION, type VirtualTls, virtualHandshake } from './virtual-tls.ts';

/** What stands at one end of a stream. */
export interface StreamOwner {
  readonly local: SocketAddress;
  /** Listens on TCP; dropped: a firewall swallows whoever tries. */
  readonly streams: boolean | 'dropped';
  /** Listens over TLS as well; a node at port 5060. */
  readonly tls?: VirtualTls | undefined;
  /** Deaf: new connections are refused. */
  readonly away: boolean;
  /** Off the net: what is for it waits. */
  readonly off: 'unplugged' | 'asleep' | undefined;
}

/** What streams need of the network they are a part of. */
export interface StreamGround<Owner> {
  nowMs(): number;
  latencyMs(): number;
  fraction(): number;
  /** Does something at that time. */
  at(atMs: number, what: () => void): void;
  feed(owner: Owner, input: Input): void;
  ownerAt(address: SocketAddress): Owner | undefined;
}

/** One end of a stream. */
interface StreamEnd<Owner> {
  readonly owner: Owner;
  readonly id: number;
  /** Nothing arrives before this: a stream keeps its order. */
  arrivesMs: number;
  /** Undefined until the connection is up. */
  other: StreamEnd<Owner> | undefined;
  closed: boolean;
  /** What arrived while the owner was off the net, in order. */
  readonly held: (() => void)[];
}

export class VirtualStreams<Owner extends StreamOwner> {
  private readonly ends = new Map<Owner, Map<number, StreamEnd<Owner>>>();
  /** Those that a peer opens are odd, as with the driver. */
  private accepted = 1;

  constructor(private readonly ground: StreamGround<Owner>) {}

  /** A connection that `owner` opens, under its own number; it is up, or refused, after the latency. */
  connect(owner: Owner, id: number, transport: Transport, remote: SocketAddress, domain?: string): void {
    const { ground } = this;
    const near = this.add(owner, id, undefined);
    ground.at(ground.nowMs() + ground.latencyMs(), () => {
      if (near.closed) return;
      const secure = domain === undefined ? undefined : ground.ownerAt(plainAddress(remote));
      const overTls = secure?.tls?.port === remote.port;
      const target = overTls ? secure : ground.ownerAt(remote);
      if (target?.streams === 'dropped') return;
      if (target === undefined || target.away || !target.streams) return this.end(near, 'connection refused');
      if (target.off !== undefined) return this.end(near, 'connection timed out');
      const shown =
        domain === undefined ? undefined : virtualHandshake(overTls ? target.tls : undefined, domain);
      if (shown !== undefined && 'code' in shown) return this.refuse(near, shown);
      this.accepted += 2;
      const far = this.add(target, this.accepted, near);
      near.other = far;
      // The port that a client connects from is none that it listens on.
      const source = { address: owner.local.address, port: 40_000 + (far.id % 20_000) };
      const arrived = { type: 'connected', transport } as const;
      const there = { ...arrived, connection: far.id, local: target.local, remote: source };
      const here = { ...arrived, connection: id, local: source, remote };
      ground.feed(target, shown === undefined ? there : { ...there, tls: VIRTUAL_SESSION });
      this.arrive(near, () => ground.feed(owner, shown === undefined ? here : { ...here, tls: shown }));
    });
  }

  /** Sends bytes: in order, cut anywhere. On a stream that is gone they are lost. */
  send(owner: Owner, id: number, bytes: Uint8Array): void {
    const end = this.ends.get(owner)?.get(id);
    const other = end?.other;
    if (end === undefined || other === undefined) return;
    for (let start = 0; start < bytes.length; ) {
      const length = 1 + Math.floor(this.ground.fraction() * bytes.length);
      const chunk = bytes.slice(start, start + length);
      start += length;
      this.arrive(other, () => {
        this.ground.feed(other.owner, { type: 'stream', connection: other.id, bytes: chunk });
      });
    }
  }

  /** One side closes: the other hears of it after what is still on its way. */
  close(owner: Owner, id: number): void {
    const end = this.ends.get(owner)?.get(id);
    if (end === undefined) return;
    this.forget(end);
    const { other } = end;
    if (other !== undefined) this.arrive(other, () => this.end(other, undefined));
  }

  /** Breaks every stream of an owner, as a cable that is pulled. */
  breakAll(owner: Owner): void {
    for (const end of this.all()) {
      if (end.owner === owner || end.other?.owner === owner) this.end(end, 'connection reset');
    }
  }

  /** Somebody is back on the net: what waited for that goes on. */
  goOn(): void {
    for (const end of this.all()) {
      if (!isHeld(end)) for (const what of end.held.splice(0)) if (!end.closed) what();
    }
  }

  private all(): StreamEnd<Owner>[] {
    return [...this.ends.values()].flatMap((own) => [...own.values()]);
  }

  private add(owner: Owner, id: number, other: StreamEnd<Owner> | undefined): StreamEnd<Owner> {
    const end = { owner, id, arrivesMs: this.ground.nowMs(), other, closed: false, held: [] };
    const own = this.ends.get(owner);
    if (own === undefined) this.ends.set(owner, new Map([[id, end]]));
    else own.set(id, end);
    return end;
  }

  /** Something reaches one end of a stream, after all that was sent before. */
  private arrive(end: StreamEnd<Owner>, what: () => void): void {
    const { ground } = this;
    end.arrivesMs = Math.max(end.arrivesMs, ground.nowMs() + ground.latencyMs());
    ground.at(end.arrivesMs, () => {
      if (end.closed) return;
      if (isHeld(end) || end.held.length > 0) end.held.push(what);
      else what();
    });
  }

  private end(end: StreamEnd<Owner>, error: string | undefined): void {
    if (end.closed) return;
    this.forget(end);
    const why = error === undefined ? {} : { error };
    this.ground.feed(end.owner, { type: 'disconnected', connection: end.id, ...why });
  }

  private refuse(end: StreamEnd<Owner>, tlsFault: TlsFault): void {
    this.forget(end);
    this.ground.feed(end.owner, { type: 'disconnected', connection: end.id, tlsFault });
  }

  private forget(end: StreamEnd<Owner>): void {
    end.closed = true;
    this.ends.get(end.owner)?.delete(end.id);
  }
}

/** Whether a machine at one end of it is off the net. */
function isHeld({ owner, other }: StreamEnd<StreamOwner>): boolean {
  return owner.off !== undefined || other?.owner.off !== undefined;
}
