/**
 * What the echo of one call knows between two packets (RFC 3550 §5.1): whom it hears, where both numberings stand,
 * what was agreed.
 *
 * Why what every packet needs stands in one object and first, also what `session` and `events` say: with a thousand calls
 * nothing of a call is in a cache when its packet comes, and each object and each 64 bytes more are a wait for memory.
 */
import { clearCounters, slotBase } from './counters.ts';
import { type Jitter, newJitter } from './jitter.ts';
import { type Latch, newLatch, renegotiateLatch, type Stream } from './latch.ts';
import { newSequence, type Sequence } from './sequence.ts';
import type { MediaSession } from './session.ts';
import { type KeyPress, newTelephoneEvents, type TelephoneEvents } from './telephone-event.ts';

/** What a payload type is, in `Echo.kind`. */
export const NOT_NEGOTIATED = 0;
export const AUDIO = 1;
export const TELEPHONE_EVENT = 2;

/** All that one call's echo knows. Mutable; `latched` and `keyPress` are for the caller to look at after each packet. */
export interface Echo {
  readonly counters: Float64Array;
  /** Index of the first counter of this call. */
  readonly base: number;
  readonly latch: Latch;
  readonly sequence: Sequence;
  readonly jitter: Jitter;
  /** Of the session: whether RTCP comes on this port, our SSRC, and whether the call is one of ours that talks. */
  rtcpMux: boolean;
  ownSsrc: number;
  talks: boolean;
  /** Whether packets are returned: we may send and be sent to, and the call is no conversation of ours. */
  returns: boolean;
  /** The last payload type, −1 when it is to be looked up: what it is, and its clock in Hz. */
  type: number;
  kind: number;
  clockRate: number;
  /** The peer's SSRC; −1 while nothing was heard. */
  ssrc: number;
  /** What is added to the peer's numbers to get ours. */
  sequenceOffset: number;
  timestampOffset: number;
  /** The last packet of ours: when, and its numbers. `sentAtMs` is −1 while there is none. */
  sentAtMs: number;
  sentSequence: number;
  sentTimestamp: number;
  /** The clock of the last packet, in Hz, for the sender report. */
  sentClockRate: number;
  /** Payload bytes sent, for the sender report (§6.4.1). */
  payloadBytesSent: number;
  /** Our numbering has to be joined again: packets were not returned (a hold), or one was sent that is our own. */
  paused: boolean;
  /** A key is held down: audio may tell of its end. */
  keyDown: boolean;
  /** Another source was latched by the last packet. */
  latched: boolean;
  /** A key that the last packet ended. */
  keyPress: KeyPress | undefined;
  /** The second that packets and keys are counted in, for MAX_PACKETS_PER_S and MAX_KEYS_PER_S. */
  windowStartMs: number;
  windowPackets: number;
  windowKeys: number;
  readonly events: TelephoneEvents;
  session: MediaSession;
}

/**
 * The echo of a new call. `counters` is the shared array: this clears its slot. Addresses in `session` are in
 * the form in which the socket gives sources. `strangers`: streams that came to its port before the call.
 */
export function openEcho(
  session: MediaSession,
  counters: Float64Array,
  strangers: readonly Stream[] = [],
): Echo {
  clearCounters(counters, session.slot);
  const echo: Echo = {
    counters,
    base: slotBase(session.slot),
    latch: newLatch(session.remote, strangers, session.signalledFrom),
    sequence: newSequence(),
    jitter: newJitter(),
    rtcpMux: false,
    ownSsrc: 0,
    talks: false,
    returns: false,
    type: -1,
    kind: NOT_NEGOTIATED,
    clockRate: 0,
    ssrc: -1,
    sequenceOffset: 0,
    timestampOffset: 0,
    sentAtMs: -1,
    sentSequence: 0,
    sentTimestamp: 0,
    sentClockRate: 8000,
    payloadBytesSent: 0,
    paused: false,
    keyDown: false,
    latched: false,
    keyPress: undefined,
    windowStartMs: 0,
    windowPackets: 0,
    windowKeys: 0,
    events: newTelephoneEvents(),
    session,
  };
  learnAgreed(echo);
  return echo;
}

/** The call was renegotiated. Returns whether the peer's address is another one, and so wants priming again. */
export function updateEcho(echo: Echo, session: MediaSession, nowMs: number): boolean {
  echo.session = session;
  learnAgreed(echo);
  return renegotiateLatch(echo.latch, session.remote, session.receive, nowMs);
}

function learnAgreed(echo: Echo): void {
  const { send, receive, mode, ssrc, rtcpMux } = echo.session;
  echo.ownSsrc = ssrc;
  echo.rtcpMux = rtcpMux;
  echo.talks = mode?.type === 'talk';
  echo.returns = send && receive && !echo.talks;
  echo.type = -1;
}
