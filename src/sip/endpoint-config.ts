/**
 * What an `Endpoint` is told once, at the start. It is validated at the edge (cli/options.ts); in here it is right.
 */
import type { DigestAlgorithm } from '../auth/digest.ts';
import type { EventBody } from '../events.ts';
import type { NextHop } from './flow.ts';
import type { KeepaliveKind } from './keepalive-kind.ts';

/** One address of record and where it is registered. */
export interface Account {
  /** The address of record, `sip:100@lab.local`; it names the account everywhere. */
  readonly addressOfRecord: string;
  /** The user part of it, and of our Contact. */
  readonly user: string;
  readonly domain: string;
  /** The user name in digest credentials; `user` unless the provider gave another. */
  readonly authUser: string;
  readonly password: string;
  /** Where REGISTER goes: a host name, with what DNS may say of it, or an address. */
  readonly server: NextHop;
  /** Its requests go here first; `EndpointConfig.proxy` when absent. */
  readonly proxy?: NextHop;
  /** What we ask for, in seconds. */
  readonly expiresS: number;
}

/** A user of the lab's registrar. */
export interface RegistrarUser {
  readonly user: string;
  readonly password: string;
}

/** One address of this machine, with the network it is on: how an address towards a peer is picked. */
export interface LocalInterface {
  readonly address: string;
  /** Length of the network prefix, in bits. */
  readonly prefixLength: number;
  /** The name of the interface, for link-local addresses: `%eth0` (RFC 4007 §11). */
  readonly zone?: string;
}

/** The addresses of this machine, as they are now. */
export interface LocalAddresses {
  /** The local address of each family by the default route; absent when there is no route. */
  readonly defaultAddresses: { readonly ipv4?: string; readonly ipv6?: string };
  readonly interfaces: readonly LocalInterface[];
}

/** What the limit of open files leaves, where it is less than usual (RLIMIT_NOFILE in getrlimit(2)). */
export interface DescriptorShare {
  readonly openFiles: number;
  /** Connections that others open, and as many that we open. */
  readonly connections: number;
  /** `maxCalls` is less than was asked for. */
  readonly fewerCalls?: boolean;
}

/** All that an endpoint is told at its start; a trace has it, without the passwords. */
export interface EndpointConfig extends LocalAddresses {
  /** Four words that seed every identifier: the same words, the same run. */
  readonly seed: readonly [number, number, number, number];
  /** User-Agent and Server. */
  readonly product: string;
  /** Those of the start; `add-account` and `remove-account` change them later. */
  readonly accounts: readonly Account[];
  /** Answer calls and echo them; without it an INVITE gets 480. */
  readonly echo: boolean;
  /** Send a MESSAGE back as one of ours; otherwise it gets its 200 alone. */
  readonly echoMessages?: boolean;
  /** Be the registrar of this domain, and the proxy that stands in front of what is registered. */
  readonly registrar?: {
    readonly domain: string;
    readonly users: readonly RegistrarUser[];
    /** The digests that are asked for, the first the most wanted (RFC 8760 §2.3); SHA-256 and MD5. */
    readonly algorithms?: readonly DigestAlgorithm[];
  };
  /** Calls at once; one more gets 486. */
  readonly maxCalls: number;
  /** Absent where the system has descriptors for all that limits.ts allows. */
  readonly share?: DescriptorShare;
  /** `--prack`: reliable provisional responses to whoever can take them, not only to who demands them (RFC 3262). */
  readonly prack?: boolean;
  /** Between 100 and 180, and between 180 and 200, in ms. */
  readonly ringDelayMs: number;
  readonly answerDelayMs: number;
  /** A call that is not held and hears nothing for so long is ended; 0: never. */
  readonly mediaTimeoutMs: number;
  /** A call that has lasted so long is ended, held or not, when its counters are next read; 0 or absent: never. */
  readonly maxCallMs?: number;
  /** `--advertise-ip`: in Contact and Via. */
  readonly advertiseAddress?: string;
  /** `--advertise-media-ip`: in SDP; `advertiseAddress` when it is absent. */
  readonly advertiseMediaAddress?: string;
  /** `--stun`: who is asked for our public address (RFC 8489); without a port SRV, else 3478. */
  readonly stun?: { readonly host: string; readonly port?: number };
  /**
   * Where requests in a dialog go whose peer has a Contact that cannot be reached from here (contact-reach.ts):
   * `where-heard`, when it is absent, or as the Contact says all the same (`--contact-as-sent`).
   */
  readonly privateContacts?: 'as-sent' | 'where-heard';
  /** How often the flow of a registration is pinged at most, in ms (RFC 5626 §4.4.1); 0 or absent: never. */
  readonly keepaliveMs?: number;
  /**
   * What is sent for it, where there is a choice: absent means line breaks on a stream, and on UDP OPTIONS, or STUN
   * towards a registrar that keeps to RFC 5626. STUN is for UDP alone; a stream has line breaks then.
   */
  readonly keepaliveBy?: KeepaliveKind;
  /**
   * Register the flow beside the address where the registrar can (RFC 5626); absent: never. `instance` tells this user
   * agent from every other, and stays what it was when it is started again (instance-id.ts).
   */
  readonly outbound?: { readonly instance: string };
  /** Every request out of a dialog goes here first. */
  readonly proxy?: NextHop;
  /** Events that nobody reads, and that are not made. */
  readonly unwantedEvents?: ReadonlySet<EventBody['type']>;
  /** Put the message itself into `sip.received` and `sip.sent`, credentials masked. */
  readonly rawMessages: boolean;
  /** Say which timers run whenever they change: for a screen that counts them down. */
  readonly liveTimers?: boolean;
  /** RFC 3261 §17.1.1.1, in ms: 500, 4000, 5000. A test on a virtual network may not want to wait either. */
  readonly timers: { readonly t1Ms: number; readonly t2Ms: number; readonly t4Ms: number };
}
