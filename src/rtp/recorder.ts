/**
 * Puts received audio in order: packets in, one unbroken row of G.711 samples out.
 *
 * A packet's place is its timestamp (RFC 3550 §5.1), so that what was lost, or not sent because somebody was silent,
 * is a gap of the right length, filled with silence; a late packet finds its place while it is still held, about a
 * second. The clocks of the two sides differ by a few parts in a million, which is left as it is.
 *
 * Why timestamps are held against the clock: a stranger writes them. A jump that the time passed does not explain
 * is a new start, and what follows is put where the row ends; so nobody can make a file grow faster than time.
 */
import { decodeSample, encodeSample, type Law, SILENCE } from './g711.ts';

const SAMPLE_RATE = 8_000;
/** The longest recording, in seconds; 57.6 MB. */
export const MAX_RECORDING_S = 7_200;
const MAX_SAMPLES = MAX_RECORDING_S * SAMPLE_RATE;
/** Samples held for what is late, and how many are handed on at a time. */
const WINDOW = 2 * SAMPLE_RATE;
const HAND_ON = SAMPLE_RATE;
/** How far a packet may be ahead of the time that passed, in samples. */
const TOLERANCE = SAMPLE_RATE;
/** A sender's clock may run so much faster than ours for the length of a call. */
const FASTEST_CLOCK = 1.1;

/** Takes samples, in the recorder's law; the bytes are its own again when it returns. */
export type SampleSink = (samples: Uint8Array) => void;

/** One recording. Mutable. */
export interface Recorder {
  readonly law: Law;
  /** The samples from `start` on. */
  readonly window: Uint8Array;
  start: number;
  /** One past the last sample heard. */
  end: number;
  /** The latest packet: whose it was (−1: none), its timestamp, its place, and when it came. */
  ssrc: number;
  timestamp: number;
  place: number;
  heardMs: number;
  /** When the first one came. */
  startedMs: number;
  /** MAX_RECORDING_S are there; nothing more is taken. */
  full: boolean;
}

/** Nothing is recorded yet. `law` is what comes out, whatever comes in. */
export function newRecorder(law: Law): Recorder {
  const window = new Uint8Array(WINDOW).fill(SILENCE[law]);
  return {
    law,
    window,
    start: 0,
    end: 0,
    ssrc: -1,
    timestamp: 0,
    place: 0,
    heardMs: 0,
    startedMs: 0,
    full: false,
  };
}

/** One packet of audio, as it came. */
export interface HeardAudio {
  readonly law: Law;
  readonly ssrc: number;
  readonly timestamp: number;
  readonly samples: Uint8Array;
}

/** Takes one packet; `sink` gets what is old enough to be in order. */
export function recordAudio(recorder: Recorder, heard: HeardAudio, nowMs: number, sink: SampleSink): void {
  const place = placeOf(recorder, heard, nowMs);
  if (place === undefined) return;
  const until = place + heard.samples.length;
  if (until > MAX_SAMPLES) recorder.full = true;
  if (recorder.full) return;
  while (until > recorder.start + WINDOW) handOn(recorder, sink);
  const { law, window, start } = recorder;
  const same = law === heard.law;
  for (let at = 0; at < heard.samples.length; at++) {
    const index = place + at - start;
    // Too late: it was handed on as silence.
    if (index < 0) continue;
    const code = heard.samples[at] as number;
    window[index] = same ? code : encodeSample(law, decodeSample(heard.law, code));
  }
  recorder.end = Math.max(recorder.end, until);
}

/** The call is over: the rest. */
export function finishRecording(recorder: Recorder, sink: SampleSink): void {
  const rest = recorder.end - recorder.start;
  if (rest > 0) sink(recorder.window.subarray(0, rest));
  recorder.start = recorder.end;
}

/** Where the packet's first sample belongs; undefined: nowhere, as more has come than time has passed. */
function placeOf(recorder: Recorder, heard: HeardAudio, nowMs: number): number | undefined {
  const { ssrc, place, heardMs } = recorder;
  if (ssrc === -1) recorder.startedMs = nowMs;
  const step = ssrc === heard.ssrc ? (heard.timestamp - recorder.timestamp) | 0 : Number.NaN;
  // A late one; echo.ts lets none through that is later than the window.
  if (step <= 0 && step >= -WINDOW) return place + step;
  const passed = ((nowMs - heardMs) * SAMPLE_RATE) / 1000 + TOLERANCE;
  const latest = ((nowMs - recorder.startedMs) * SAMPLE_RATE * FASTEST_CLOCK) / 1000 + 2 * TOLERANCE;
  const next = step > 0 && step <= passed ? place + step : recorder.end;
  return next <= latest ? remember(recorder, heard, next, nowMs) : undefined;
}

function remember(recorder: Recorder, heard: HeardAudio, place: number, nowMs: number): number {
  recorder.ssrc = heard.ssrc;
  recorder.timestamp = heard.timestamp;
  recorder.place = place;
  recorder.heardMs = nowMs;
  return place;
}

function handOn(recorder: Recorder, sink: SampleSink): void {
  const { window, law } = recorder;
  sink(window.subarray(0, HAND_ON));
  window.copyWithin(0, HAND_ON);
  window.fill(SILENCE[law], WINDOW - HAND_ON);
  recorder.start += HAND_ON;
}
