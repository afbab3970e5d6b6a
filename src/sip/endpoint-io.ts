/**
 * All that goes into an `Endpoint` and all that comes out of it, as data. Whoever drives it (io/driver.ts on
 * real sockets, io/virtual.ts in a test, a trace in a replay) feeds inputs with the time, and carries out
 * outputs in order.
 */
import type { EventBody } from '../events.ts';
import type { MediaCommand, MediaReport, PlayedAudio } from '../rtp/session.ts';
import type { Account, LocalAddresses } from './endpoint-config.ts';
import type { Flow, NextHop, ServerHop, SocketAddress, Transport } from './flow.ts';
import type { HeaderLine } from './serialize-message.ts';
import type { FoundServers, ServerQuery } from './server-location.ts';
import type { TlsFault, TlsSession } from './tls.ts';

/** What the world tells the endpoint. */
export type Input =
  /** A socket of ours listens. */
  | { readonly type: 'listening'; readonly transport: Transport; readonly local: SocketAddress }
  /** One datagram. */
  | { readonly type: 'datagram'; readonly remote: SocketAddress; readonly bytes: Uint8Array }
  /** A stream is up: one that we asked for, or one that a peer opened. */
  | {
      readonly type: 'connected';
      readonly connection: number;
      readonly transport: Transport;
      readonly local: SocketAddress;
      readonly remote: SocketAddress;
      /** Over TLS. */
      readonly tls?: TlsSession;
    }
  /** Bytes of a stream, in any cut. */
  | { readonly type: 'stream'; readonly connection: number; readonly bytes: Uint8Array }
  /** A stream ended, or never came up; `tlsFault` when TLS was the reason. */
  | {
      readonly type: 'disconnected';
      readonly connection: number;
      readonly error?: string;
      readonly tlsFault?: TlsFault;
      /** Of a stream that a peer opened, and that was never `connected`. */
      readonly remote?: SocketAddress;
    }
  /** A datagram to that address could not be sent, or an ICMP error came back for it. */
  | { readonly type: 'unreachable'; readonly remote: SocketAddress; readonly error: string }
  /** The machine has other addresses now, or other ways out. */
  | ({ readonly type: 'addresses' } & LocalAddresses)
  /** The answer to a `resolve`; IPv4 first. */
  | ({ readonly type: 'resolved' } & FoundServers)
  /** Something from the media thread. */
  | { readonly type: 'media'; readonly report: MediaReport }
  /** It is time to read the counters of every open call. */
  | { readonly type: 'sample' }
  | { readonly type: 'action'; readonly action: Action }
  /** Nothing but the time: a deadline has come. */
  | { readonly type: 'time' };

/** What a person or a script asks for: a key, the control socket, a command and a signal all end here. */
export type Action =
  /** `sip:` URI or `user@host`; the account it is placed from, when there are several. */
  | {
      readonly type: 'call';
      readonly to: string;
      readonly from?: string;
      /** Whoever asks handles the audio, on a socket of its own that listens there. Absent: the media thread does. */
      readonly audio?: SocketAddress;
      /** What the media thread sends, silence when not said, and the WAV file for what it hears. */
      readonly play?: PlayedAudio;
      readonly record?: string;
      /** Keys to press once the call stands: 0 to 9, *, #, A to D; `,` and `w` wait half a second. */
      readonly dtmf?: string;
      /** A session description that goes out as it stands; the audio is somebody else's. */
      readonly sdp?: string;
      /** An INVITE without an offer: the peer makes it in its 2xx, the answer goes into the ACK (§13.2.1). */
      readonly lateOffer?: boolean;
      /** The INVITE goes here first, whatever the account or the configuration says. */
      readonly proxy?: NextHop;
      /** More header fields for the INVITE, in their canonical spelling; cli/flag-values.ts keeps out those that are ours to write. */
      readonly headers?: readonly HeaderLine[];
      /** From now until it has to be answered, in ms; three minutes of ringing when it is absent. */
      readonly ringTimeoutMs?: number;
      /** From its answer until we hang up, in ms; never when it is absent. */
      readonly durationMs?: number;
      /** Its Call-ID is the handle alone, without a random suffix: with a seed, the run repeats to the byte. */
      readonly repeatable?: boolean;
    }
  | { readonly type: 'hangup'; readonly call: string }
  | { readonly type: 'hangup-all' }
  /** A re-INVITE that asks the peer to send nothing, or to talk again. */
  | { readonly type: 'hold' | 'resume'; readonly call: string }
  /** OPTIONS to a `sip:` URI or `user@host`; its `ping.answered` comes within `timeoutMs`, 5000 when absent. */
  | {
      readonly type: 'ping';
      readonly to: string;
      readonly from?: string;
      readonly timeoutMs?: number;
      /** It goes there, wherever the target's name leads. */
      readonly server?: ServerHop;
    }
  /**
   * Asks the registrar of an account for its bindings and changes none (§10.2.3): `registration.queried` comes within
   * `timeoutMs`, 5000 when absent. `server` is one of the account's own.
   */
  | {
      readonly type: 'query-bindings';
      readonly account: string;
      readonly timeoutMs?: number;
      readonly server?: ServerHop;
    }
  /** Keys, as in `call`. */
  | { readonly type: 'dtmf'; readonly call: string; readonly digits: string }
  /** Somebody looks on, or nobody any more: every event is made then, with its message and the timers. */
  | { readonly type: 'watch'; readonly on: boolean }
  /** Registers every account, now. */
  | { readonly type: 'register' }
  /**
   * Takes an account up and registers it, unless it is for calls alone; replaces one of the same address. `once`: where
   * its first try fails it has failed, and none follows.
   */
  | {
      readonly type: 'add-account';
      readonly account: Account;
      readonly register?: boolean;
      readonly once?: boolean;
    }
  /** By its address of record: unregisters it and forgets it. */
  | { readonly type: 'remove-account'; readonly account: string }
  /** Identifiers go on as after a start with that seed: what follows is repeatable. */
  | { readonly type: 'seed'; readonly words: readonly [number, number, number, number] }
  /** No new calls, BYE to all, unregister; the endpoint says `stopped` when that is done or 5 s are over. */
  | { readonly type: 'stop'; readonly reason: string };

/** What the endpoint asks of the world. */
export type Output =
  | { readonly type: 'send'; readonly flow: Flow; readonly bytes: Uint8Array }
  /** Open a stream; answered by `connected` or `disconnected` with the same number. */
  | {
      readonly type: 'connect';
      readonly connection: number;
      readonly transport: Transport;
      readonly remote: SocketAddress;
      /** Over TLS: the name that the certificate has to show (RFC 5922 §7). */
      readonly tls?: { readonly domain: string };
    }
  | { readonly type: 'disconnect'; readonly connection: number }
  | ({ readonly type: 'resolve' } & ServerQuery)
  | { readonly type: 'media'; readonly command: MediaCommand }
  | { readonly type: 'event'; readonly event: EventBody }
  /** Everything asked for by `stop` is done. */
  | { readonly type: 'stopped'; readonly reason: string };
