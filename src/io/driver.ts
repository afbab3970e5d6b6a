/**
 * Carries an `Endpoint` on real sockets: feeds it what arrives, with the time, and does what it asks.
 */
import type { Event } from '../events.ts';
import type { EndpointConfig } from '../sip/endpoint-config.ts';
import type { Action } from '../sip/endpoint-io.ts';
import type { Transport } from '../sip/flow.ts';

/** What the driver needs beyond the endpoint's own configuration. */
export interface DriverOptions {
  /** Everything but what only the network can tell: the driver fills in addresses. */
  readonly endpoint: Omit<EndpointConfig, 'defaultAddresses' | 'interfaces'>;
  /** What to listen on. UDP and TCP share one port. */
  readonly listen: readonly Transport[];
  /** Address to bind to; all interfaces of both families when absent. */
  readonly bind?: string;
  /** 0: any. */
  readonly sipPort: number;
  /** First and last RTP port. */
  readonly rtpPorts: readonly [number, number];
  readonly mediaThreads: number;
  /** Between two readings of the counters, in ms; 500. */
  readonly sampleIntervalMs: number;
  readonly onEvent: (event: Event) => void;
}

/** A running endpoint. */
export interface Running {
  act(action: Action): void;
  /** The reason, once everything that `stop` asked for is done and the sockets are closed. */
  readonly stopped: Promise<string>;
  /** The SIP port that was bound. */
  readonly sipPort: number;
}

/** Binds, opens the media thread, starts. Throws an `Error` with a sentence for people when nothing can be bound. */
export async function start(options: DriverOptions): Promise<Running> {
  throw new Error(`not written yet: ${options.sipPort}`);
}
