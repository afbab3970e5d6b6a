/**
 * Audio encodings: the static payload types (RFC 3551 §6), and which encodings an echo can loop.
 *
 * An echo decodes nothing. It can return any encoding whose packets stand for themselves: the packet goes back
 * as it came, and the one who made it can play it. The list is a list of names and not "everything", because
 * an encoding that refers to other payload types or to a key exchange (RED, ULPFEC, RTX) means something else
 * when it comes back.
 */
import type { Payload } from '../rtp/session.ts';

/** RFC 3551 §6 table 4, and payload type 2 as it was before (RFC 1890): phones still offer it for G.721. */
const STATIC: ReadonlyMap<number, Payload> = new Map(
  (
    [
      [0, 'PCMU', 8000],
      [2, 'G726-32', 8000],
      [3, 'GSM', 8000],
      [4, 'G723', 8000],
      [5, 'DVI4', 8000],
      [6, 'DVI4', 16000],
      [7, 'LPC', 8000],
      [8, 'PCMA', 8000],
      // G.722 samples at 16 kHz; its RTP clock is 8 kHz by an old mistake that was kept (§4.5.2).
      [9, 'G722', 8000],
      [10, 'L16', 44100],
      [11, 'L16', 44100],
      [12, 'QCELP', 8000],
      [13, 'CN', 8000],
      [14, 'MPA', 90000],
      [15, 'G728', 8000],
      [16, 'DVI4', 11025],
      [17, 'DVI4', 22050],
      [18, 'G729', 8000],
    ] as const
  ).map(([type, name, clockRate]) => [type, { type, name, clockRate }]),
);

/** Upper case, as names are compared (RFC 8866 §6.6). */
const SPEECH: ReadonlySet<string> = new Set([
  ...['PCMU', 'PCMA', 'PCMU-WB', 'PCMA-WB', 'L8', 'L16', 'L20', 'L24', 'DVI4', 'LPC', 'VDVI', 'MPA'],
  ...['G711-0', 'G719', 'G722', 'G7221', 'G723', 'G7231', 'G728', 'G729', 'G729D', 'G729E', 'G7291'],
  ...['G721', 'G726-16', 'G726-24', 'G726-32', 'G726-40'],
  ...['AAL2-G726-16', 'AAL2-G726-24', 'AAL2-G726-32', 'AAL2-G726-40'],
  ...['GSM', 'GSM-EFR', 'GSM-HR-08', 'QCELP', 'SMV', 'SMV0', 'VMR-WB'],
  ...['EVRC', 'EVRC0', 'EVRC1', 'EVRCB', 'EVRCB0', 'EVRCB1', 'EVRCWB', 'EVRCNW'],
  ...['AMR', 'AMR-WB', 'AMR-WB+', 'EVS', 'IVAS', 'ILBC', 'ISAC', 'SILK', 'SPEEX', 'OPUS', 'LYRA'],
  ...['BV16', 'BV32', 'IPMR_V2.5', 'SIREN7', 'SIREN14', 'SIREN22', 'CODEC2', 'MP4A-LATM'],
]);

/** Travel beside the speech and need it: an answer of these alone would be a silent call. */
const COMPANIONS: ReadonlySet<string> = new Set(['TELEPHONE-EVENT', 'TONE', 'CN']);

/** What a payload type means without an a=rtpmap (RFC 3551 §6). */
export function staticPayload(type: number): Payload | undefined {
  return STATIC.get(type);
}

/** Channels of a static payload type: 2 for type 10, else 1 (RFC 3551 §6). */
export function staticChannels(type: number): number {
  return type === 10 ? 2 : 1;
}

/** A voice that can be looped without decoding. `name` in upper case. */
export function isSpeech(name: string): boolean {
  return SPEECH.has(name);
}

/** A voice, or telephone events (RFC 4733) and comfort noise (RFC 3389) beside it. `name` in upper case. */
export function isLoopable(name: string): boolean {
  return SPEECH.has(name) || COMPANIONS.has(name);
}
