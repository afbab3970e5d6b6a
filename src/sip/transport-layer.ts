/**
 * The transport layer (RFC 3261 §18): the last step of every message out, on a datagram or on one of the connections
 * (connections.ts). Everything that leaves passes `transmit`, so that no message goes unreported.
 */
import { maskCredentials } from '../auth/mask.ts';
import type { EventOf } from '../events.ts';
import { AddressValidation } from './address-validation.ts';
import { Connections } from './connections.ts';
import type { CSeq } from './cseq.ts';
import type { DescriptorShare } from './endpoint-config.ts';
import { type Flow, formatAddress } from './flow.ts';
import type { SipMessage } from './message.ts';
import { serialize } from './serialize-message.ts';
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
      return this.connections.hold(flow, bytes, (later) => this.report(later, flow, message, call));
    }
    if (when === 'never') return;
    this.report(turn, flow, message, call);
    turn.ask({ type: 'send', flow, bytes });
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
    this.connections.expectPong(flow);
  }

  /** Bytes that are no message: the answer to a keepalive ping (RFC 5626 §3.5.1). */
  write(turn: Turn, flow: Flow, bytes: Uint8Array): void {
    const when = this.connections.when(flow, bytes.length);
    if (when === 'later') this.connections.hold(flow, bytes);
    else if (when === 'now') turn.ask({ type: 'send', flow, bytes });
  }
}
