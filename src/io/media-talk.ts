/**
 * One call that talks, in the media thread: opens the files that it plays and records, sends a packet when it is told
 * that 20 ms have passed, keeps what is heard.
 *
 * What goes wrong with a file costs the file and not the call: it is reported once, silence is played instead.
 */
import type { Echo } from '../rtp/echo-state.ts';
import { isLaw } from '../rtp/g711.ts';
import { latchedOr } from '../rtp/latch.ts';
import {
  finishRecording,
  MAX_RECORDING_S,
  newRecorder,
  type Recorder,
  recordAudio,
} from '../rtp/recorder.ts';
import {
  readPayloadType,
  readSsrc,
  readTimestamp,
  rtpPayloadLength,
  rtpPayloadOffset,
} from '../rtp/rtp-packet.ts';
import type { MediaAddress, MediaMode, MediaReport, MediaSession, PlayedAudio } from '../rtp/session.ts';
import { MAX_TALK_BYTES, nextPacket, openTalker, press, skipIntervals, updateTalker } from '../rtp/talker.ts';
import { type SampleSource, silenceSource, toneSource } from '../rtp/tone.ts';
import {
  createRecordedFile,
  describeFileError,
  openPlayedFile,
  type PlayedFile,
  type RecordedFile,
} from './wav-file.ts';

type TalkMode = Extract<MediaMode, { type: 'talk' }>;
type Failure = Omit<Extract<MediaReport, { type: 'audio-failed' }>, 'type' | 'slot'>;

/** One call that talks. */
export interface Talk {
  /** 20 ms have passed, and `missed` times 20 ms before them in which nothing could be sent. */
  interval(missed: number): void;
  /** A packet that counts came in. */
  receive(bytes: Uint8Array): void;
  /** Whether a packet goes out every 20 ms: it may, and there is a codec for it. */
  sends(): boolean;
  press(digits: string): void;
  /** The call was renegotiated. */
  update(session: MediaSession): void;
  close(): void;
}

/** What a talk needs of the thread: how to send a packet to an address, and how to tell the engine. */
export interface TalkPorts {
  readonly send: (bytes: Buffer, to: MediaAddress) => void;
  readonly post: (report: MediaReport) => void;
}

/** A call begins to talk. `echo` is its stream; the numbers of what is sent are kept there. */
export function openTalk(echo: Echo, mode: TalkMode, { send, post }: TalkPorts): Talk {
  const { slot } = echo.session;
  const fail = (failure: Failure) => post({ type: 'audio-failed', slot, ...failure });
  const played = openPlay(mode.play, fail);
  const talker = openTalker(echo.session, played.source);
  const recording = mode.record === undefined ? undefined : openRecording(echo, mode.record, fail);
  const packet = Buffer.alloc(MAX_TALK_BYTES);
  if (talker.audio === undefined) {
    fail({
      code: 'play-failed',
      evidence: `nothing is sent: of ${named(echo.session)} none is PCMU or PCMA`,
      cause: 'ringback encodes G.711 alone; anything else it can only echo',
      next: 'offer PCMU or PCMA, or ask the peer to take it',
    });
  }

  return {
    interval(missed) {
      skipIntervals(talker, missed);
      const to = latchedOr(echo.latch, echo.session.remote);
      if (to === undefined) return skipIntervals(talker, 1);
      const length = nextPacket(talker, echo, packet, performance.now());
      if (length > 0) send(packet.subarray(0, length), to);
      const { pressed } = talker;
      if (pressed !== undefined) {
        post({ type: 'dtmf-sent', slot, digit: pressed.key, durationMs: pressed.durationMs });
      }
    },
    receive: (bytes) => recording?.receive(bytes),
    sends: () => echo.session.send && talker.audio !== undefined,
    press(digits) {
      if (press(talker, digits)) return;
      fail(
        talker.eventType < 0
          ? {
              code: 'dtmf-not-agreed',
              evidence: `the keys ${digits} were not sent: of ${named(echo.session)} none is telephone-event at 8000 Hz`,
              cause: 'the peer did not agree to telephone events (RFC 4733)',
              next: 'see whether the peer can be set to RFC 4733 (also called RFC 2833)',
            }
          : {
              code: 'dtmf-not-agreed',
              evidence: `the keys ${digits} were not sent: too many wait, or they are no keys`,
              cause: 'keys go out five a second, and 256 may wait',
              next: 'press fewer at a time; keys are 0 to 9, *, #, A to D, and a comma or w for a pause',
            },
      );
    },
    update(session) {
      updateTalker(talker, session);
    },
    close() {
      played.close();
      recording?.close();
    },
  };
}

function openPlay(play: PlayedAudio, fail: (failure: Failure) => void): PlayedFile {
  const close = () => {};
  if (play.type === 'tone') return { source: toneSource(), close };
  if (play.type === 'silence') return { source: silenceSource, close };
  const failed = (error: unknown) =>
    fail({
      code: 'play-failed',
      evidence: `${play.path}: ${describeFileError(error)}`,
      cause: 'the file cannot be played, and the peer hears silence',
      next: 'a WAV file with PCM of 16 bits, mono, 8000 Hz always works',
    });
  try {
    const file = openPlayedFile(play.path);
    let source: SampleSource = file.source;
    return {
      source(into) {
        try {
          source(into);
        } catch (error) {
          failed(error);
          source = silenceSource;
          into.fill(0);
        }
      },
      close: file.close,
    };
  } catch (error) {
    failed(error);
    return { source: silenceSource, close };
  }
}

interface Recording {
  receive(bytes: Uint8Array): void;
  close(): void;
}

/** Records in the law that the call prefers; undefined when that cannot be. */
function openRecording(echo: Echo, path: string, fail: (failure: Failure) => void): Recording | undefined {
  let file: RecordedFile | undefined;
  const failed = (error: unknown) => {
    file = undefined;
    fail({
      code: 'record-failed',
      evidence: `${path}: ${describeFileError(error)}`,
      cause: 'the file cannot be written; nothing more is recorded',
      next: 'give a file in a folder that you may write to',
    });
  };
  const law = echo.session.payloads.map(({ name }) => name).find(isLaw) ?? 'PCMU';
  try {
    file = createRecordedFile(path, law);
  } catch (error) {
    failed(error);
    return undefined;
  }
  const recorder: Recorder = newRecorder(law);
  const sink = (samples: Uint8Array) => file?.append(samples);
  const close = () => {
    try {
      if (file !== undefined) finishRecording(recorder, sink);
      file?.close();
    } catch (error) {
      failed(error);
    }
    file = undefined;
  };
  return {
    receive(bytes) {
      if (file === undefined || !echo.session.receive) return;
      try {
        record(recorder, echo, bytes, sink);
      } catch (error) {
        failed(error);
      }
      if (!recorder.full) return;
      close();
      fail({
        code: 'record-full',
        evidence: `${path} holds ${MAX_RECORDING_S / 3600} hours`,
        cause: 'no recording is longer',
        next: 'record what is said from now on in another call',
      });
    },
    close,
  };
}

/** Audio that is no G.711 and keys are a gap in the recording. */
function record(
  recorder: Recorder,
  echo: Echo,
  bytes: Uint8Array,
  sink: (samples: Uint8Array) => void,
): void {
  const type = readPayloadType(bytes);
  const law = echo.session.payloads.find((payload) => payload.type === type)?.name ?? '';
  if (!isLaw(law)) return;
  const offset = rtpPayloadOffset(bytes, bytes.length);
  const samples = bytes.subarray(offset, offset + rtpPayloadLength(bytes, bytes.length, offset));
  const heard = { law, ssrc: readSsrc(bytes), timestamp: readTimestamp(bytes), samples };
  recordAudio(recorder, heard, performance.now(), sink);
}

function named({ payloads }: MediaSession): string {
  return payloads.map(({ name }) => name).join(', ') || 'nothing';
}
