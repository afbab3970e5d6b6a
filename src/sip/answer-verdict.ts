/**
 * Whether an answer answers the offer (RFC 3264 §6): as many lines of the same kinds in the same places, a line that
 * was not refused, an encoding that both name, numbers that mean what they meant, a direction that is possible.
 *
 * Judged before a call of ours is called established: a call with no audio that is shown as up is the fault that takes
 * longest to find.
 */
import { staticPayload } from './codecs.ts';
import { type SipError, sipError } from './result.ts';
import type { MediaDescription, SessionDescription } from './sdp.ts';
import { type Direction, directionOf, rtpMaps } from './sdp-attributes.ts';

/** What may be answered to a direction (§6.1). */
const ANSWERS: Readonly<Record<Direction, readonly Direction[]>> = {
  sendrecv: ['sendrecv', 'sendonly', 'recvonly', 'inactive'],
  sendonly: ['recvonly', 'inactive'],
  recvonly: ['sendonly', 'inactive'],
  inactive: ['inactive'],
};

/** No audio of their own: keys (RFC 4733), comfort noise (RFC 3389). */
const BESIDE_SPEECH = /^(?:TELEPHONE-EVENT|TONE|CN)\//;

/**
 * What is wrong with an answer; undefined when nothing is. Codes: `answer-line-count`, `answer-line-kind`,
 * `answer-refused`, `payload-type-changed`, `no-common-codec`, `answer-direction`.
 */
export function judgeAnswer(offer: SessionDescription, answer: SessionDescription): SipError | undefined {
  if (answer.media.length !== offer.media.length) {
    const [had, has] = [offer.media.length, answer.media.length];
    return wrong('answer-line-count', `the offer has ${had} media lines, its answer ${has}`);
  }
  const pairs = offer.media.map((ours, index) => ({ ours, theirs: answer.media[index] ?? ours }));
  for (const { ours, theirs } of pairs) {
    if (ours.kind.toLowerCase() === theirs.kind.toLowerCase()) continue;
    return wrong('answer-line-kind', `${ours.kind} was offered and ${theirs.kind} answered in its place`);
  }
  const meant = pairs.filter(({ ours }) => ours.port !== 0);
  const taken = meant.filter(({ theirs }) => theirs.port !== 0);
  if (taken.length === 0) return wrong('answer-refused', `every line was refused: ${refusals(meant)}`);
  for (const { ours, theirs } of taken) {
    const error = judgeLine(offer, ours, answer, theirs);
    if (error !== undefined) return error;
  }
  return undefined;
}

function judgeLine(
  offer: SessionDescription,
  ours: MediaDescription,
  answer: SessionDescription,
  theirs: MediaDescription,
): SipError | undefined {
  if (ours.protocol.toUpperCase() !== theirs.protocol.toUpperCase()) {
    return wrong('answer-line-kind', `${ours.protocol} was offered and ${theirs.protocol} answered`);
  }
  const [offered, answered] = [encodings(ours), encodings(theirs)];
  const same = [...answered.values()].filter((name) => [...offered.values()].includes(name));
  if (!same.some((name) => !BESIDE_SPEECH.test(name))) {
    const [had, has] = [names(offered), names(answered)];
    return wrong('no-common-codec', `the answer names no encoding of the offer: ${has} to ${had}`);
  }
  for (const [format, name] of answered) {
    const meant = offered.get(format);
    // A number that the answer explains nowhere means what it meant: phones leave a=rtpmap out.
    if (meant === undefined || meant === name || name === format) continue;
    return wrong('payload-type-changed', `${format} is ${meant} in the offer and ${name} in its answer`);
  }
  const [asked, got] = [directionOf(offer, ours), directionOf(answer, theirs)];
  if (ANSWERS[asked].includes(got)) return undefined;
  return wrong('answer-direction', `${asked} was answered with ${got}`);
}

/** Each format of a line with what it means: `PCMU/8000`, or the format itself where nobody says. */
function encodings(line: MediaDescription): ReadonlyMap<string, string> {
  const maps = rtpMaps(line);
  return new Map(
    line.formats.map((format) => {
      const number = Number(format);
      const map = maps.get(number) ?? staticPayload(number);
      return [format, map === undefined ? format : `${map.name.toUpperCase()}/${map.clockRate}`];
    }),
  );
}

function names(of: ReadonlyMap<string, string>): string {
  return [...new Set(of.values())].join(', ') || 'nothing';
}

function refusals(pairs: readonly { readonly theirs: MediaDescription }[]): string {
  return pairs.map(({ theirs }) => `m=${theirs.kind} 0`).join(', ');
}

function wrong(code: string, detail: string): SipError {
  return sipError(code, 488, detail);
}

/** What is to be said of it, by its code: the likely cause, and what to look at next. */
export function answerAdvice(code: string): { readonly cause: string; readonly next: string } {
  return ADVICE[code] ?? OTHERWISE;
}

const OTHERWISE = {
  cause: 'the other side wrote a session description that cannot be read, or none',
  next: 'look at the body of the 2xx with -vv',
};

const ADVICE: Readonly<Record<string, { readonly cause: string; readonly next: string }>> = {
  'answer-missing': {
    cause: 'the 2xx has no session description, and no provisional response brought one (RFC 3261 §13.2.1)',
    next: 'look for a body in the 2xx; a proxy or a test tool may have dropped it',
  },
  'answer-line-count': {
    cause: 'the answer is to another offer (RFC 3264 §6 wants as many lines, in the same places)',
    next: 'compare the m= lines of the INVITE and the 2xx with -vv',
  },
  'answer-line-kind': {
    cause: 'the answer is to another offer, or wants encryption that was not offered',
    next: 'compare the m= lines of the INVITE and the 2xx with -vv',
  },
  'answer-refused': {
    cause: 'the other side took the call and refused its audio: port 0 (RFC 3264 §6)',
    next: 'look at the codecs and at the security (SRTP only) that it is set to',
  },
  'no-common-codec': {
    cause: 'the other side is set to encodings that were not offered',
    next: 'allow PCMU (G.711 µ-law) or PCMA (A-law) there',
  },
  'payload-type-changed': {
    cause: 'the other side gave a payload number another meaning, so both would decode noise',
    next: 'compare a=rtpmap of the offer and the answer with -vv',
  },
  'answer-direction': {
    cause: 'the answer is no possible one to that direction (RFC 3264 §6.1)',
    next: 'compare a=sendonly and a=recvonly of the offer and the answer with -vv',
  },
};
