/**
 * The sending side of a call that talks: one packet every 20 ms out of a source of samples, or out of the keypad
 * (RFC 3550 §5.1, RFC 3551 §4.1, RFC 4733 §2.5.1).
 *
 * Why it writes its numbers into the call's `Echo`: that is the state of our one stream in this call, so that reports
 * (rtcp-session.ts), counters and the latch work for a call that talks as for one that echoes.
 *
 * Time is counted in intervals and not read from a clock: the timestamp goes on by 160 for each, sent or not, so that
 * a hold is a gap in time and none in the numbering.
 */
import type { Echo } from './echo-state.ts';
import { encodeSample, isLaw, type Law } from './g711.ts';
import { type KeyPacket, type Keypad, newKeypad, nextKeyPacket, pressKeys } from './keypad.ts';
import { RTP_HEADER_BYTES, writeMarker, writeRtpHeader } from './rtp-packet.ts';
import type { MediaSession } from './session.ts';
import { writeTelephoneEvent } from './telephone-event.ts';
import { SAMPLES_A_PACKET } from './test-signal.ts';
import { type SampleSource, silenceSource } from './tone.ts';

/** How often a packet goes out, in ms. */
export const TALK_INTERVAL_MS = 20;
/** The longest packet, in bytes. */
export const MAX_TALK_BYTES = RTP_HEADER_BYTES + SAMPLES_A_PACKET;

/** −10 dBm0, as most phones send it (§2.3.3: the power without its sign). */
const KEY_VOLUME = 10;
/** G.711's clock, in Hz; only telephone events on the same clock can be mixed in (§2.1). */
const CLOCK_RATE = 8_000;

/** All that one call's talking knows. Mutable; `pressed` is for the caller to look at after each interval. */
export interface Talker {
  readonly source: SampleSource;
  readonly keypad: Keypad;
  /** What G.711 was agreed as; undefined: not at all, and nothing is sent. */
  audio: { readonly law: Law; readonly type: number } | undefined;
  /** The payload type of telephone events; −1: not agreed. */
  eventType: number;
  /** Of the interval that comes next. */
  timestamp: number;
  /** The last interval was sent; if not, the next packet carries the marker. */
  talking: boolean;
  readonly samples: Int16Array;
  /** A key that the last packet ended. */
  pressed: KeyPacket | undefined;
}

/** A call that begins to talk. */
export function openTalker(session: MediaSession, source: SampleSource): Talker {
  const talker: Talker = {
    source,
    keypad: newKeypad(),
    audio: undefined,
    eventType: -1,
    // Hard to guess (RFC 3550 §5.1), as in priming.ts.
    timestamp: (session.ssrc ^ 0xaaaa_5555) >>> 0,
    talking: false,
    samples: new Int16Array(SAMPLES_A_PACKET),
    pressed: undefined,
  };
  updateTalker(talker, session);
  return talker;
}

/** What was agreed, at first and when the call was renegotiated. */
export function updateTalker(talker: Talker, { payloads }: MediaSession): void {
  talker.audio = undefined;
  talker.eventType = -1;
  for (const { type, name, clockRate } of payloads) {
    if (talker.audio === undefined && isLaw(name)) talker.audio = { law: name, type };
    if (talker.eventType < 0 && name === 'TELEPHONE-EVENT' && clockRate === CLOCK_RATE)
      talker.eventType = type;
  }
}

/** Presses keys after those that wait. False: telephone events were not agreed, or these are no keys. */
export function press(talker: Talker, digits: string): boolean {
  return talker.eventType >= 0 && pressKeys(talker.keypad, digits);
}

/**
 * Writes the packet of the next interval into `bytes`, which holds MAX_TALK_BYTES. Returns its length; 0: nothing may
 * or can be sent now, and the time passes all the same.
 */
export function nextPacket(talker: Talker, echo: Echo, bytes: Uint8Array, nowMs: number): number {
  const { timestamp, audio } = talker;
  skipIntervals(talker, 1);
  talker.pressed = undefined;
  if (audio === undefined || !echo.session.send) {
    talker.talking = false;
    return 0;
  }
  const key = talker.eventType < 0 ? undefined : nextKeyPacket(talker.keypad, timestamp);
  const sequence = echo.sentAtMs < 0 ? (echo.session.ssrc >>> 16) ^ 0x5555 : (echo.sentSequence + 1) & 0xffff;
  const payloadBytes =
    key === undefined
      ? writeAudio(talker, echo.session.early === true ? silenceSource : talker.source, audio.law, bytes)
      : writeTelephoneEvent(bytes, RTP_HEADER_BYTES, {
          event: key.event,
          end: key.end,
          volume: KEY_VOLUME,
          duration: (key.durationMs * CLOCK_RATE) / 1000,
        });
  const type = key === undefined ? audio.type : talker.eventType;
  writeRtpHeader(bytes, type, sequence, key?.timestamp ?? timestamp, echo.session.ssrc);
  if (key?.first ?? !talker.talking) writeMarker(bytes);
  if (key?.over) talker.pressed = key;
  talker.talking = true;
  // What the sender report relates to the wall clock is the interval's own time, also while a key stands still.
  echo.sentAtMs = nowMs;
  echo.sentSequence = sequence;
  echo.sentTimestamp = timestamp;
  echo.sentClockRate = CLOCK_RATE;
  echo.payloadBytesSent += payloadBytes;
  return RTP_HEADER_BYTES + payloadBytes;
}

/** Time passed in which nothing could be sent: the thread was held up. The audio waits, the timestamps do not. */
export function skipIntervals(talker: Talker, intervals: number): void {
  talker.timestamp = (talker.timestamp + intervals * SAMPLES_A_PACKET) >>> 0;
}

function writeAudio({ samples }: Talker, source: SampleSource, law: Law, bytes: Uint8Array): number {
  source(samples);
  for (let at = 0; at < SAMPLES_A_PACKET; at++) {
    bytes[RTP_HEADER_BYTES + at] = encodeSample(law, samples[at] as number);
  }
  return SAMPLES_A_PACKET;
}
