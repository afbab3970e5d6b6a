/**
 * The connections of an endpoint (RFC 3261 §18): which streams stand or are coming up, what waits for them, and which
 * are closed for what they do not say. They hold no socket: "open this one" is an output.
 *
 * Why those that peers open are counted apart from ours: what we open, strangers must not be able to use up.
 */
import { diagnoseFull, FULL_AGAIN_MS } from './connections-full.ts';
import { givesWay } from './crowding.ts';
import { type Deadline, Deadlines } from './deadlines.ts';
import type { DescriptorShare } from './endpoint-config.ts';
import { type Flow, isReliable, type ServerHop, type SocketAddress, type Transport } from './flow.ts';
import {
  IDLE_CONNECTION_MS,
  MAX_CONNECTIONS,
  MAX_NAMED_CONNECTIONS,
  MAX_UNSENT_BYTES,
  SILENT_CONNECTION_MS,
} from './limits.ts';
import { type Frame, StreamFramer } from './stream-framing.ts';
import type { Turn } from './turn.ts';

/** What is to be said of bytes once they leave. */
export type Report = (turn: Turn) => void;

/** Whether a call or a registration stands on a connection. */
type Needed = (connection: number) => boolean;

const NONE_NEEDED: Needed = () => false;

/** What waits for a connection. */
interface Waiting {
  readonly bytes: Uint8Array;
  readonly report: Report | undefined;
}

interface Connection {
  readonly id: number;
  readonly transport: Transport;
  readonly remote: SocketAddress;
  /** What its certificate was to show; absent where none was asked for. */
  readonly domain: string | undefined;
  readonly framer: StreamFramer;
  /** We opened it. */
  readonly ours: boolean;
  open: boolean;
  /** Our end, once it is up. */
  local: string | undefined;
  /** Waiting for the connection to come up. */
  waiting: Waiting[];
  waitingBytes: number;
  heardMs: number;
  /** When it is closed for what it does not say. */
  idle: Deadline<Connection> | undefined;
}

/** Those of one endpoint. */
export class Connections {
  private readonly connections = new Map<number, Connection>();
  private readonly idle = new Deadlines<Connection>();
  /** Those that peers opened. */
  private accepted = 0;
  /** Those of them that brought no message yet, the oldest first. */
  private readonly silent = new Set<number>();
  /** Those that we open are even, those that peers open are odd: the driver numbers the latter. */
  private nextConnection = 2;
  /** Strangers who can be up at once: fewer than usual where the system has not the descriptors for them. */
  private readonly room: number;
  /** When it was last said that there is no more room. */
  private toldFullMs = Number.NEGATIVE_INFINITY;

  /** `share`: what the system leaves, where that is less than the bounds of limits.ts. */
  constructor(private readonly share?: DescriptorShare) {
    this.room = Math.min(MAX_CONNECTIONS, share?.connections ?? MAX_CONNECTIONS);
  }

  get size(): number {
    return this.connections.size;
  }

  nextMs(): number | undefined {
    return this.idle.nextMs();
  }

  /** Closes connections that have said nothing for too long and that nobody `needs`, or no message at all. */
  advance(turn: Turn, needed: Needed): void {
    for (let due = this.idle.takeDue(turn.nowMs); due !== undefined; due = this.idle.takeDue(turn.nowMs)) {
      const connection = due.owner;
      const silentMs = turn.nowMs - connection.heardMs;
      // Keepalives and halves of messages are no reason to stay.
      const mute = this.silent.has(connection.id);
      if (mute || (silentMs >= IDLE_CONNECTION_MS && !needed(connection.id))) {
        this.close(turn, connection.id);
      } else {
        const againMs = silentMs >= IDLE_CONNECTION_MS ? turn.nowMs : connection.heardMs;
        connection.idle = this.idle.arm(againMs + IDLE_CONNECTION_MS, 'idle', connection);
      }
    }
  }

  /** Where a connection leads, while it stands or is coming up. */
  remoteOf(id: number): SocketAddress | undefined {
    return this.connections.get(id)?.remote;
  }

  /** A stream came up. False when it is one too many: it is closed at once. One that is `needed` gives no way to it. */
  connected(
    turn: Turn,
    id: number,
    transport: Transport,
    remote: SocketAddress,
    local?: SocketAddress,
    needed: Needed = NONE_NEEDED,
  ): boolean {
    const known = this.connections.get(id);
    const connection = known ?? this.accept(turn, id, transport, remote, needed);
    if (connection === undefined) {
      turn.ask({ type: 'disconnect', connection: id });
      return false;
    }
    connection.open = true;
    connection.local = local?.address;
    connection.heardMs = turn.nowMs;
    for (const { bytes, report } of connection.waiting) {
      report?.(turn);
      turn.ask({ type: 'send', flow: this.flow(connection), bytes });
    }
    connection.waiting = [];
    connection.waitingBytes = 0;
    return true;
  }

  /** A message came that could be read: whoever sent it speaks SIP. */
  spoke({ connection: id }: Flow): void {
    if (id === undefined || !this.silent.delete(id)) return;
    const connection = this.connections.get(id);
    if (connection === undefined) return;
    this.idle.disarm(connection.idle);
    connection.idle = this.idle.arm(connection.heardMs + IDLE_CONNECTION_MS, 'idle', connection);
  }

  /** What a chunk of a stream completes, and where it came from; undefined for a stream that is gone. */
  receive(turn: Turn, id: number, chunk: Uint8Array): { flow: Flow; frames: readonly Frame[] } | undefined {
    const connection = this.connections.get(id);
    if (connection === undefined) return undefined;
    connection.heardMs = turn.nowMs;
    return { flow: this.flow(connection), frames: connection.framer.push(chunk) };
  }

  /** Forgets a stream that ended. Its flow, when it was known. */
  disconnected(id: number): Flow | undefined {
    const connection = this.connections.get(id);
    if (connection === undefined) return undefined;
    this.connections.delete(id);
    if (!connection.ours) this.accepted -= 1;
    this.silent.delete(id);
    this.idle.disarm(connection.idle);
    return this.flow(connection);
  }

  close(turn: Turn, id: number): void {
    if (this.disconnected(id) !== undefined) turn.ask({ type: 'disconnect', connection: id });
  }

  closeAll(turn: Turn): void {
    for (const id of [...this.connections.keys()]) this.close(turn, id);
  }

  /** Those whose end here is such an address. */
  connectionsFrom(holds: (local: string) => boolean): number[] {
    return [...this.connections.values()]
      .filter(({ local }) => local !== undefined && holds(local))
      .map(({ id }) => id);
  }

  /** The flow of a connection; undefined when it is gone. */
  flowOf(connection: number): Flow | undefined {
    const found = this.connections.get(connection);
    return found === undefined ? undefined : this.flow(found);
  }

  isOpen(flow: Flow): boolean {
    return !isReliable(flow.transport) || this.connections.has(flow.connection ?? -1);
  }

  /**
   * A flow to that server: the datagram's, a connection that stands or is coming up, or a new one. Over TLS, only one
   * whose certificate is asked for the same name: an address that serves two names proves each for itself (RFC 5922 §7).
   */
  flowTo(turn: Turn, hop: ServerHop): Flow {
    const { transport, address, port, explicit } = hop;
    const remote = { address, port };
    if (!isReliable(transport))
      return explicit ? { transport, remote } : { transport, remote, largeOverTcp: true };
    const known = this.standing(hop);
    if (known !== undefined) return known;
    const name = nameToShow(hop);
    const id = this.nextConnection;
    this.nextConnection += 2;
    const connection = this.add(turn, id, transport, remote, { ours: true, domain: name });
    const tls = name === undefined ? undefined : { tls: { domain: name } };
    turn.ask({ type: 'connect', connection: id, transport, remote, ...tls });
    return this.flow(connection);
  }

  /** A stream to that server that stands or is coming up. */
  standing(hop: ServerHop): Flow | undefined {
    const { transport, address, port } = hop;
    const name = nameToShow(hop);
    for (const connection of this.connections.values()) {
      const same = connection.remote.port === port && connection.remote.address === address;
      if (same && connection.transport === transport && connection.domain === name)
        return this.flow(connection);
    }
    return undefined;
  }

  /** Whether a stranger may have us send there: over a stream that stands, or one more of ours (limits.ts). */
  mayOpen(hop: ServerHop): boolean {
    const ours = this.connections.size - this.accepted;
    return (
      !isReliable(hop.transport) ||
      ours < Math.min(MAX_NAMED_CONNECTIONS, this.room / 2) ||
      this.standing(hop) !== undefined
    );
  }

  /** Whether a stream stands, and is not only coming up. */
  isUp(connection: number): boolean {
    return this.connections.get(connection)?.open === true;
  }

  /**
   * Whether so many bytes go out on that flow `now` or `later`, when it is up; `never` where it is gone, or too much
   * waits for it already: what waits is bounded, and dropped as a whole.
   */
  when(flow: Flow, length: number): 'now' | 'later' | 'never' {
    if (flow.connection === undefined) return 'now';
    const connection = this.connections.get(flow.connection);
    if (connection === undefined) return 'never';
    if (connection.open) return 'now';
    return connection.waitingBytes + length > MAX_UNSENT_BYTES ? 'never' : 'later';
  }

  /** Keeps what goes out later. */
  hold(flow: Flow, bytes: Uint8Array, report?: Report): void {
    const connection = this.connections.get(flow.connection ?? -1);
    if (connection === undefined) return;
    connection.waiting.push({ bytes, report });
    connection.waitingBytes += bytes.length;
  }

  /** A ping went out on it: the next line break is its answer. */
  expectPong({ connection }: Flow): void {
    if (connection !== undefined) this.connections.get(connection)?.framer.expectPong();
  }

  /** One that a peer opened; undefined when there is no room for it. */
  private accept(
    turn: Turn,
    id: number,
    transport: Transport,
    remote: SocketAddress,
    needed: Needed,
  ): Connection | undefined {
    if (this.accepted >= this.room && !this.makeRoom(turn, remote, needed)) return undefined;
    this.accepted += 1;
    this.silent.add(id);
    return this.add(turn, id, transport, remote, { ours: false });
  }

  private add(
    turn: Turn,
    id: number,
    transport: Transport,
    remote: SocketAddress,
    opened: { readonly ours: boolean; readonly domain?: string | undefined },
  ): Connection {
    const { ours, domain } = opened;
    const connection: Connection = {
      id,
      transport,
      remote,
      framer: new StreamFramer(),
      domain,
      ours,
      open: false,
      local: undefined,
      waiting: [],
      waitingBytes: 0,
      heardMs: turn.nowMs,
      idle: undefined,
    };
    const patienceMs = ours ? IDLE_CONNECTION_MS : SILENT_CONNECTION_MS;
    connection.idle = this.idle.arm(turn.nowMs + patienceMs, 'idle', connection);
    this.connections.set(id, connection);
    return connection;
  }

  /** Whoever was silent longest gives way to somebody who may have something to say, or else who takes most of the room. */
  private makeRoom(turn: Turn, remote: SocketAddress, needed: Needed): boolean {
    if (turn.nowMs - this.toldFullMs >= FULL_AGAIN_MS) {
      this.toldFullMs = turn.nowMs;
      diagnoseFull(turn, this.room, remote, this.share);
    }
    const given =
      this.silent.values().next().value ??
      givesWay(
        [...this.connections.values()].filter(({ ours }) => !ours),
        remote,
        needed,
      );
    if (given === undefined) return false;
    this.close(turn, given);
    return true;
  }

  private flow(connection: Connection): Flow {
    const { transport, remote, id, domain } = connection;
    const flow = { transport, remote, connection: id };
    return domain === undefined ? flow : { ...flow, domain };
  }
}

/** The name that the certificate of a server has to show; undefined where there is no certificate. */
function nameToShow({ transport, address, domain }: ServerHop): string | undefined {
  return transport === 'tls' ? (domain ?? address).toLowerCase() : undefined;
}
