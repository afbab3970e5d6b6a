/**
 * The transport layer (RFC 3261 §18): the last step of every message out, on a datagram or on one of the connections
 * (connections.ts). Every message passes `transmit` or `send`, so that none goes unreported where somebody listens.
 */
import { AddressValidation } from './address-validation.ts';
import { Connections } from './connections.ts';
import type { CoreHeaders } from './core-headers.ts';
import type { DescriptorShare } from './endpoint-config.ts';
import type { Flow } from './flow.ts';
import { type Outgoing, outgoingBytes, reportSent } from './outgoing.ts';
import type { Turn } from './turn.ts';

const PING = new Uint8Array([0x0d, 0x0a, 0x0d, 0x0a]);

/** The way out for every message. */
export class TransportLayer {
  /** Which addresses hear us. */
  readonly sources = new AddressValidation();
  readonly connections: Connections;

  /** `rawMessages`: put the message itself into its event; `share`: as in `EndpointConfig`. */
  constructor(
    public rawMessages: boolean,
    share?: DescriptorShare,
  ) {
    this.connections = new Connections(share);
  }

  /**
   * Sends a message, now or when its connection is up, and says so then: what waits for a handshake that fails was never
   * sent. A flow that is gone swallows it, unsaid.
   */
  transmit(turn: Turn, flow: Flow, message: Outgoing, call: string | undefined): void {
    const { bytes } = message;
    const when = this.connections.when(flow, bytes.length);
    if (when === 'later') {
      return this.connections.hold(flow, bytes, (later) =>
        reportSent(later, flow, message, call, this.rawMessages),
      );
    }
    if (when === 'never') return;
    reportSent(turn, flow, message, call, this.rawMessages);
    turn.ask({ type: 'send', flow, bytes });
  }

  /**
   * The same for what a transaction sends, which keeps the bytes alone. `core` is of its request; where that is not
   * kept, an event that is wanted takes it from the message itself.
   */
  send(
    turn: Turn,
    flow: Flow,
    bytes: Uint8Array,
    core: CoreHeaders | undefined,
    call: string | undefined,
  ): void {
    if (flow.connection === undefined && !turn.wants('sip.sent')) {
      return turn.ask({ type: 'send', flow, bytes });
    }
    this.transmit(turn, flow, outgoingBytes(bytes, core), call);
  }

  /** A keepalive ping (RFC 5626 §3.5.1): two line breaks, which are one datagram on UDP. */
  ping(turn: Turn, flow: Flow): void {
    this.write(turn, flow, PING);
    this.connections.expectPong(flow);
  }

  /** Bytes that are no message: the answer to a keepalive ping (RFC 5626 §3.5.1). */
  write(turn: Turn, flow: Flow, bytes: Uint8Array): void {
    const when = this.connections.when(flow, bytes.length);
    if (when === 'later') this.connections.hold(flow, bytes);
    else if (when === 'now') turn.ask({ type: 'send', flow, bytes });
  }
}
