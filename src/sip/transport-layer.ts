/**
 * The transport layer (RFC 3261 §18): connections, framing, and the last step of every message out.
 *
 * It holds no socket. It knows which connections stand, cuts streams into messages, and turns "send this on
 * that flow" into outputs, opening a connection when the flow has none. Everything that leaves passes
 * `transmit`, so that no message goes unreported.
 */
import { maskCredentials } from '../auth/mask.ts';
import type { EventOf } from '../events.ts';
import { AddressValidation } from './address-validation.ts';
import type { CSeq } from './cseq.ts';
import type { Deadline } from './deadlines.ts';
import { Deadlines } from './deadlines.ts';
import {
  type Flow,
  formatAddress,
  isReliable,
  type ServerHop,
  type SocketAddress,
  type Transport,
} from './flow.ts';
import {
  IDLE_CONNECTION_MS,
  MAX_CONNECTIONS,
  MAX_NAMED_CONNECTIONS,
  MAX_UNSENT_BYTES,
  SILENT_CONNECTION_MS,
} from './limits.ts';
import type { SipMessage } from './message.ts';
import { serialize } from './serialize-message.ts';
import { type Frame, StreamFramer } from './stream-framing.ts';
import { latin1 } from './text.ts';
import type { Turn } from './turn.ts';

/**
 * A message ready to leave, with what its event says of it. Kept for retransmission, for 32 s and in tens of
 * thousands: so it holds no text that can be made of something else when an event asks for it.
 */
export interface Outgoing {
  readonly bytes: Uint8Array;
  readonly callId: string;
  /** As text where it could not be read. */
  readonly cseq: CSeq | string;
  readonly branch: string | undefined;
}

/** Serializes a message once, for as many transmissions as it takes. */
export function outgoing(
  message: SipMessage,
  callId: string,
  cseq: CSeq | string,
  branch: string | undefined,
): Outgoing {
  return { bytes: serialize(message), callId, cseq, branch };
}

/** The first line of a message of ours. */
function startLineOf(bytes: Uint8Array): string {
  return latin1(bytes, 0, bytes.indexOf(CR));
}

const CR = 0x0d;

const PING = new Uint8Array([0x0d, 0x0a, 0x0d, 0x0a]);

/** What waits for a connection: its bytes, and what is to be said once they leave. */
interface Waiting {
  readonly bytes: Uint8Array;
  readonly report?: (turn: Turn) => void;
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

/** The connections of an endpoint, and the way out for every message. */
export class TransportLayer {
  /** Which addresses hear us. */
  readonly sources = new AddressValidation();
  private readonly connections = new Map<number, Connection>();
  private readonly idle = new Deadlines<Connection>();
  /** Connections that peers opened. Ours do not count: what we open, strangers must not be able to use up. */
  private accepted = 0;
  /** Those of them that brought no message yet, the oldest first. */
  private readonly silent = new Set<number>();
  /** Those that we open are even, those that peers open are odd: the driver numbers the latter. */
  private nextConnection = 2;

  /** `rawMessages`: put the message itself into its event. */
  constructor(public rawMessages: boolean) {}

  get connectionCount(): number {
    return this.connections.size;
  }

  nextMs(): number | undefined {
    return this.idle.nextMs();
  }

  /** Closes connections that have said nothing for too long and that nobody `needs`, or no message at all. */
  advance(turn: Turn, needed: (connection: number) => boolean): void {
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

  /** A stream came up. False when it is one too many: it is closed at once. */
  connected(
    turn: Turn,
    id: number,
    transport: Transport,
    remote: SocketAddress,
    local?: SocketAddress,
  ): boolean {
    const connection = this.connections.get(id) ?? this.add(turn, id, transport, remote, { ours: false });
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
    const connection = this.add(turn, id, transport, remote, { ours: true, domain: name }) as Connection;
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
    return !isReliable(hop.transport) || ours < MAX_NAMED_CONNECTIONS || this.standing(hop) !== undefined;
  }

  /** Whether a stream stands, and is not only coming up. */
  isUp(connection: number): boolean {
    return this.connections.get(connection)?.open === true;
  }

  /**
   * Sends a message, now or when its connection is up, and says so then: what waits for a handshake that fails was never
   * sent. A flow that is gone swallows it, unsaid.
   */
  transmit(turn: Turn, flow: Flow, message: Outgoing, call: string | undefined): void {
    if (!this.takes(flow, message.bytes)) return;
    const connection = flow.connection === undefined ? undefined : this.connections.get(flow.connection);
    if (connection?.open === false) {
      return this.write(turn, flow, message.bytes, (when) => this.report(when, flow, message, call));
    }
    this.report(turn, flow, message, call);
    this.write(turn, flow, message.bytes);
  }

  private report(turn: Turn, flow: Flow, message: Outgoing, call: string | undefined): void {
    if (!turn.wants('sip.sent')) return;
    const { cseq } = message;
    const event: EventOf<'sip.sent'> = {
      type: 'sip.sent',
      transport: flow.transport,
      remote: formatAddress(flow.remote),
      startLine: startLineOf(message.bytes),
      callId: message.callId,
      cseq: typeof cseq === 'string' ? cseq : `${cseq.number} ${cseq.method}`,
      bytes: message.bytes.length,
    };
    if (call !== undefined) event.call = call;
    if (message.branch !== undefined) event.branch = message.branch;
    if (this.rawMessages) event.raw = maskCredentials(latin1(message.bytes));
    turn.emit(event);
  }

  /** A keepalive ping (RFC 5626 §3.5.1): two line breaks, which are one datagram on UDP. */
  ping(turn: Turn, flow: Flow): void {
    this.write(turn, flow, PING);
    if (flow.connection !== undefined) this.connections.get(flow.connection)?.framer.expectPong();
  }

  /** Bytes that are no message: the answer to a keepalive ping (RFC 5626 §3.5.1). */
  write(turn: Turn, flow: Flow, bytes: Uint8Array, report?: Waiting['report']): void {
    if (!this.takes(flow, bytes)) return;
    const connection = flow.connection === undefined ? undefined : this.connections.get(flow.connection);
    if (connection === undefined || connection.open) return turn.ask({ type: 'send', flow, bytes });
    connection.waiting.push(report === undefined ? { bytes } : { bytes, report });
    connection.waitingBytes += bytes.length;
  }

  /** Whether the bytes can go out on that flow, or wait for it: what waits is bounded, and dropped as a whole. */
  private takes(flow: Flow, bytes: Uint8Array): boolean {
    if (flow.connection === undefined) return true;
    const connection = this.connections.get(flow.connection);
    if (connection === undefined) return false;
    return connection.open || connection.waitingBytes + bytes.length <= MAX_UNSENT_BYTES;
  }

  private add(
    turn: Turn,
    id: number,
    transport: Transport,
    remote: SocketAddress,
    opened: { readonly ours: boolean; readonly domain?: string | undefined },
  ): Connection | undefined {
    const { ours, domain } = opened;
    if (!ours && this.accepted >= MAX_CONNECTIONS && !this.makeRoom(turn)) return undefined;
    if (!ours) this.accepted += 1;
    if (!ours) this.silent.add(id);
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

  /** Whoever was silent longest gives way to somebody who may have something to say. */
  private makeRoom(turn: Turn): boolean {
    const oldest = this.silent.values().next().value;
    if (oldest === undefined) return false;
    this.close(turn, oldest);
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
