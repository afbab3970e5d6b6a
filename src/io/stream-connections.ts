/**
 * What connections of SIP over TCP and TLS (RFC 3261 §18) are to those above: what is asked of them and what they tell.
 * tcp-connections.ts keeps them; apart from it, so that nobody needs sockets to speak of them.
 */
import type { SocketAddress, Transport } from '../sip/flow.ts';
import type { TlsFault, TlsSession } from '../sip/tls.ts';
import type { TlsCredentials } from './tls-credentials.ts';

/** A connection that is up. */
export interface Connected {
  readonly transport: Transport;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly tls?: TlsSession;
}

/** Why one is gone; nothing when its peer closed it as it should. */
export interface Disconnected {
  readonly error?: string;
  readonly tlsFault?: TlsFault;
  /** Of one that a peer opened and that never was up. */
  readonly remote?: SocketAddress;
}

export interface StreamHandlers {
  connected(connection: number, about: Connected): void;
  received(connection: number, bytes: Uint8Array): void;
  disconnected(connection: number, why: Disconnected): void;
}

export interface StreamConnections {
  /** The port that was bound. Over TLS there has to be a certificate of ours. */
  listen(transport: 'tcp' | 'tls', bind: string | undefined, port: number): number;
  /** `domain`: what the certificate has to show; absent for TCP. */
  connect(connection: number, remote: SocketAddress, domain?: string): void;
  send(connection: number, bytes: Uint8Array): void;
  /** Sends what waits, then closes. */
  disconnect(connection: number): void;
  /** For handshakes from now on; what stands goes on. */
  useCredentials(credentials: TlsCredentials): void;
  /** Closes the listeners and every connection. */
  close(): void;
}

/** Waiting times, in ms. */
export interface StreamTimes {
  /** How long a connection that was ended may take to send what waits: a peer that never reads gets no longer. */
  readonly lingerMs: number;
  /** For the connection itself: TCP asks at 0, 1 and 3 s (RFC 6298 §5.7). */
  readonly connectMs: number;
  /** From then on for the handshake, on either side. */
  readonly handshakeMs: number;
}
