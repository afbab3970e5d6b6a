/**
 * What the engine tells the media thread, and what it hears from it: plain data, so that it crosses a
 * `postMessage`, a virtual network or a trace alike. Counters do not travel: they stand in shared memory
 * (counters.ts), where the thread adds and the engine reads.
 */

/** A numeric address and a port. */
export interface MediaAddress {
  readonly address: string;
  readonly port: number;
}

/** One payload type that may come in, and what it means. */
export interface Payload {
  /** 0 to 127. */
  readonly type: number;
  /** Encoding name in upper case, `PCMU`, `TELEPHONE-EVENT`. */
  readonly name: string;
  /** RTP clock rate, in Hz. */
  readonly clockRate: number;
}

/** What a call of ours sends. */
export type PlayedAudio =
  /** 440 Hz, for as long as the call stands. */
  | { readonly type: 'tone' }
  | { readonly type: 'silence' }
  /** A WAV file, opened by the media thread: once through, then silence. */
  | { readonly type: 'file'; readonly path: string };

/** What is done with the audio: the caller's own voice returned, or a conversation of our own. */
export type MediaMode =
  | { readonly type: 'echo' }
  | {
      readonly type: 'talk';
      readonly play: PlayedAudio;
      /** A WAV file for what is heard, written by the media thread. */
      readonly record?: string;
    };

/** One call's audio, as it was negotiated. */
export interface MediaSession {
  /** Which slot of the counters is its own; 0 to maxCalls − 1, free again after `close`. */
  readonly slot: number;
  /** The RTP port, one of the reserve; RTCP is on port + 1 or muxed. */
  readonly port: number;
  /** Where the offer says the peer listens; absent while it has none (0.0.0.0, or a port 0). */
  readonly remote?: MediaAddress;
  /** Where the peer wants RTCP (a=rtcp, or port + 1). */
  readonly remoteRtcp?: MediaAddress;
  /** The address that the call's SIP messages come from. */
  readonly signalledFrom?: string;
  /** RTP and RTCP on one port (RFC 5761). */
  readonly rtcpMux: boolean;
  /** Whether we may send to the peer. False: what comes is counted and not returned. */
  readonly send: boolean;
  /** Whether the peer sends to us. */
  readonly receive: boolean;
  /** What was agreed, the preferred one first. */
  readonly payloads: readonly Payload[];
  /** Our SSRC, never the peer's (RFC 3550 §8.2). */
  readonly ssrc: number;
  /** The RTCP canonical name (RFC 7022). */
  readonly cname: string;
  /** Absent: echo. It stands from `open` to `close`; an `update` does not change it. */
  readonly mode?: MediaMode;
  /** The call has not been answered: what it plays waits, and silence goes out. */
  readonly early?: true;
  /**
   * On `open`: how long before it our offer named the port, in ms. What came to the port since then may be the peer's.
   * Absent: the port is told only now.
   */
  readonly offeredForMs?: number;
}

/** A port of the reserve as a NAT shows it, by a STUN server's word (RFC 8489). */
export interface MappedPort extends MediaAddress {
  /** Where RTCP's port is seen; absent when that is not known. */
  readonly rtcpPort?: number;
}

/** Engine to media thread. */
export type MediaCommand =
  | { readonly type: 'open'; readonly session: MediaSession }
  /** The same slot and port, renegotiated; a changed `remote` is latched anew. */
  | { readonly type: 'update'; readonly session: MediaSession }
  | { readonly type: 'close'; readonly slot: number }
  /**
   * Presses keys on a call that talks, after those of earlier commands (RFC 4733): 0 to 9, *, #, A to D; a `,` or a
   * `w` waits half a second.
   */
  | { readonly type: 'dtmf'; readonly slot: number; readonly digits: string }
  /** Ask that server about every port, now and before a NAT forgets; absent: forget what was told. */
  | { readonly type: 'stun'; readonly server?: MediaAddress };

/** Media thread to engine. */
export type MediaReport =
  /** Ports bound and ready, to be added to the reserve. */
  | { readonly type: 'ports'; readonly ports: readonly number[] }
  /** No port of the range could be bound for the reserve. */
  | { readonly type: 'ports-exhausted'; readonly detail: string }
  /** Where a STUN server sees a port; absent: nobody says any more. */
  | { readonly type: 'port-mapped'; readonly port: number; readonly mapped?: MappedPort }
  | { readonly type: 'latched'; readonly slot: number; readonly address: string; readonly port: number }
  | { readonly type: 'dtmf'; readonly slot: number; readonly digit: string; readonly durationMs: number }
  /** A key of a `dtmf` command is over. */
  | { readonly type: 'dtmf-sent'; readonly slot: number; readonly digit: string; readonly durationMs: number }
  /** Something that a call was to play, record or press could not be; the call stands. `code` is a diagnosis's. */
  | {
      readonly type: 'audio-failed';
      readonly slot: number;
      readonly code: 'play-failed' | 'record-failed' | 'record-full' | 'dtmf-not-agreed';
      /** The file or the keys, and what the system said. */
      readonly evidence: string;
      readonly cause: string;
      readonly next: string;
    };

/** What has been counted for one slot since `open`. */
export interface MediaCounters {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly lost: number;
  readonly reordered: number;
  readonly duplicates: number;
  /** Packets that were no RTP, or from a source that is not the latched one. */
  readonly dropped: number;
  readonly sendErrors: number;
  /** RTCP packets from the peer: a caller that is silent is heard by them. */
  readonly rtcpReceived: number;
  /** Interarrival jitter, RFC 3550 §6.4.1; 0 until there are two packets. */
  readonly jitterMs: number;
  /** By RTCP; 0 while unknown. */
  readonly rttMs: number;
}

/** Of a slot that was never used. */
export const NOTHING_COUNTED: MediaCounters = {
  packetsReceived: 0,
  packetsSent: 0,
  bytesReceived: 0,
  bytesSent: 0,
  lost: 0,
  reordered: 0,
  duplicates: 0,
  dropped: 0,
  sendErrors: 0,
  rtcpReceived: 0,
  jitterMs: 0,
  rttMs: 0,
};
