/** The parts of an endpoint. One owner holds them; a function that moves several is handed all. */
import type { CallStore } from './call-store.ts';
import type { Pings } from './ping.ts';
import type { StatefulProxy } from './proxy.ts';
import type { Registrations } from './registration.ts';
import type { StunDiscovery } from './stun-discovery.ts';
import type { StunAnswers } from './stun-reception.ts';
import type { UserAgent } from './user-agent.ts';

/** What the functions of the endpoint share; each owns its own state. */
export interface EndpointParts {
  readonly agent: UserAgent;
  readonly calls: CallStore;
  readonly registrations: Registrations;
  /** Only when the endpoint is a registrar and a proxy as well. */
  readonly proxy: StatefulProxy | undefined;
  /** Where a MESSAGE of ours is under way to (pager-message.ts). */
  readonly messageEchoes: Set<string>;
  /** OPTIONS of ours that wait for an answer (ping.ts). */
  readonly pings: Pings;
  /** Where a STUN server sees us, when one was named (stun-discovery.ts). */
  readonly stun: StunDiscovery;
  /** How many strangers are told how we see them (stun-reception.ts). */
  readonly stunAnswers: StunAnswers;
}
