/**
 * Where SIP is heard: UDP and TCP on one port, TLS on a port of its own (RFC 3261 §18, §19.1.2).
 *
 * Why more than one try: with port 0 the system gives one that is free over UDP, and somebody may have it over TCP.
 */
import type { DescriptorShare } from '../sip/endpoint-config.ts';
import type { SocketAddress, Transport } from '../sip/flow.ts';
import { MAX_OPENED_CONNECTIONS } from '../sip/limits.ts';
import { isOneAddress } from './local-addresses.ts';
import type { StreamConnections, StreamHandlers } from './stream-connections.ts';
import { isInUse, openStreams } from './tcp-connections.ts';
import type { TlsCredentials } from './tls-credentials.ts';
import { listenUdp, type UdpListener } from './udp-listener.ts';

/** What is asked for; as in `DriverOptions`. */
export interface ListenOptions {
  /** What to listen on. UDP and TCP share one port. */
  readonly listen: readonly Transport[];
  /** Address to bind to; all interfaces of both families when absent. */
  readonly bind?: string;
  /** 0: any. */
  readonly sipPort: number;
  /** Absent: the machine's issuers are trusted, and there is no certificate of ours. */
  readonly tls?: TlsCredentials;
  /** Where TLS listens, when there is a certificate of ours; 0: any, and when it is absent. */
  readonly tlsPort?: number;
  /** Absent: the bounds of limits.ts. */
  readonly share?: DescriptorShare;
}

/** Whoever hears. */
export interface Hearing extends StreamHandlers {
  datagram(remote: SocketAddress, bytes: Uint8Array): void;
  icmpError(): void;
}

/** What was bound, and how connections are opened. */
export interface SipListeners {
  readonly udp: UdpListener | undefined;
  readonly streams: StreamConnections;
  readonly sipPort: number;
  /** Absent without a certificate of ours. */
  readonly tlsPort: number | undefined;
}

/** Tries for a port that is free over both UDP and TCP, when any will do. */
const PORT_TRIES = 20;

/** Binds. Rejects with an `Error` that has a sentence for people when something cannot be bound. */
export async function listenForSip(options: ListenOptions, hearing: Hearing): Promise<SipListeners> {
  const { bind, tls, tlsPort = 0, share } = options;
  const from = bind !== undefined && isOneAddress(bind) ? { from: bind } : {};
  const streams = openStreams(hearing, tls, { ...from, most: share?.connections ?? MAX_OPENED_CONNECTIONS });
  const bound = await bindBoth(options, hearing, streams);
  if (tls?.own === undefined) return { ...bound, streams, tlsPort: undefined };
  try {
    return { ...bound, streams, tlsPort: streams.listen('tls', bind, tlsPort) };
  } catch (error) {
    bound.udp?.close();
    streams.close();
    throw new Error(cannotBind(bind, tlsPort, '--tls-port', error));
  }
}

/** UDP and TCP, as far as they are asked for, on one port. */
async function bindBoth(
  { bind, listen, sipPort }: ListenOptions,
  hearing: Hearing,
  streams: StreamConnections,
): Promise<Pick<SipListeners, 'udp' | 'sipPort'>> {
  for (let tries = 1; ; tries++) {
    let udp: UdpListener | undefined;
    try {
      if (listen.includes('udp')) udp = await listenUdp(bind, sipPort, hearing.datagram, hearing.icmpError);
      const port = udp?.port ?? sipPort;
      return { udp, sipPort: listen.includes('tcp') ? streams.listen('tcp', bind, port) : port };
    } catch (error) {
      udp?.close();
      if (sipPort === 0 && isInUse(error) && tries < PORT_TRIES) continue;
      throw new Error(cannotBind(bind, sipPort, '--sip-port', error));
    }
  }
}

function cannotBind(bind: string | undefined, port: number, flag: string, error: unknown): string {
  const where = `${bind ?? 'all interfaces'} port ${port}`;
  if (isInUse(error)) {
    return `SIP cannot listen on ${where}: another program has it. Choose another with ${flag}, or 0 for any.`;
  }
  const why = error instanceof Error ? error.message : String(error);
  return `SIP cannot listen on ${where}: ${why}. Check --bind and ${flag}.`;
}
