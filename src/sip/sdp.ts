/**
 * Session descriptions (RFC 8866): what one says, as a value, and how it is read from text; serialize-sdp.ts writes it.
 *
 * What an answer depends on is understood (o=, c=, m=, a=), the rest is carried in order. The text is latin1,
 * one character a byte, as the body of a message is, so that an offset is an offset in bytes. Strict where a
 * mistake would send audio to the wrong place; lenient where phones are known to be sloppy, and only there:
 *
 * | leniency                                      | reason                                                    |
 * |-----------------------------------------------|-----------------------------------------------------------|
 * | LF alone, CR CR LF, no CRLF after the last    | hand-made SDP, text editors, old gateways; §9 wants CRLF  |
 * | empty lines                                   | a stray CRLF after the body is common                     |
 * | spaces at the end of a line, doubled spaces   | printf formats with an empty field                        |
 * | no s=, no t=                                  | small embedded stacks; neither means anything in a call   |
 * | session lines in any order after v=           | some put a= or b= before t=; each is known by its letter  |
 * | spaces in the user name of o=                 | a display name put there                                  |
 * | IP4 before an IPv6 address, [brackets]        | gateways; the address itself is the better witness        |
 * | m= with port 0 and no format                  | refused lines cut short                                   |
 * | a second c=, i=, o=, s=, u= or k= in one place| the first counts, the others are carried                  |
 * | attribute names in any case                   | `a=SendRecv`, `a=RTPMAP` (sdp-attributes.ts)              |
 */

import type { AddressFamily } from './ip-address.ts';
import { MAX_BODY_BYTES, MAX_SDP_LINES, MAX_SDP_MEDIA } from './limits.ts';
import { fail, ok, type Result } from './result.ts';
import { parseConnection, parseMediaLine, parseOrigin } from './sdp-lines.ts';
import { wordAt } from './text.ts';

/** o= (§5.2). */
export interface Origin {
  readonly username: string;
  readonly sessionId: string;
  /** Counts up when, and only when, the description changes (RFC 3264 §8). */
  readonly sessionVersion: string;
  readonly family: AddressFamily;
  readonly address: string;
}

/** c= (§5.7). */
export interface Connection {
  readonly family: AddressFamily;
  /** Numeric without brackets, or a host name. */
  readonly address: string;
  /** What follows a slash: TTL and count of a multicast group. */
  readonly suffix?: string;
}

/** a= (§5.13): `a=sendrecv`, `a=ptime:20`. */
export interface Attribute {
  readonly name: string;
  readonly value?: string;
}

/** A line that is carried and not understood. */
export interface SdpLine {
  readonly type: string;
  readonly value: string;
}

/** What stands in m= itself (§5.14). */
export interface MediaLine {
  /** `audio`, `video`, `image`, `application`, … */
  readonly kind: string;
  /** 0: refused, or not wanted any more (RFC 3264 §6, §8.2). */
  readonly port: number;
  /** `m=audio 5004/2`. */
  readonly portCount?: number;
  /** `RTP/AVP`, `RTP/SAVP`, `udptl`, … */
  readonly protocol: string;
  readonly formats: readonly string[];
}

/** What stands at both levels. */
export interface SdpBlock {
  /** i= */
  readonly information?: string;
  readonly connection?: Connection;
  /** b=, each value as it stands: `AS:64`. */
  readonly bandwidth: readonly string[];
  /** k=, obsolete, carried. */
  readonly key?: string;
  readonly attributes: readonly Attribute[];
  /** Unknown letters and repeated lines, in order. */
  readonly other: readonly SdpLine[];
}

/** m= and the lines under it. */
export interface MediaDescription extends MediaLine, SdpBlock {}

export interface SessionDescription extends SdpBlock {
  readonly origin: Origin;
  /** s=, "-" when there is none. */
  readonly name: string;
  readonly uri?: string;
  /** e= */
  readonly emails: readonly string[];
  /** p= */
  readonly phones: readonly string[];
  /** t=, r= and z= in order. */
  readonly timing: readonly SdpLine[];
  readonly media: readonly MediaDescription[];
}

/** Session or media level, while it is being read. */
interface OpenBlock {
  information?: string;
  connection?: Connection;
  key?: string;
  bandwidth: readonly string[];
  attributes: readonly Attribute[];
  other: readonly SdpLine[];
}

interface OpenMedia extends OpenBlock, MediaLine {}

interface OpenSession extends OpenBlock {
  origin?: Origin;
  name: string;
  uri?: string;
  emails: readonly string[];
  phones: readonly string[];
  timing: readonly SdpLine[];
  media: OpenMedia[];
}

/** Shared by all lists that have nothing yet, as most never will. */
const NONE: readonly never[] = [];

/** The list with one more at its end: a list of its own in the place of NONE, else `list` itself, which grows. */
function added<T>(list: readonly T[], one: T): readonly T[] {
  if (list.length === 0) return [one];
  (list as T[]).push(one);
  return list;
}

/** Reads a session description. Errors carry status 400 and an offset in the body; never throws. */
export function parseSdp(text: string): Result<SessionDescription> {
  if (text.length > MAX_BODY_BYTES) return fail('sdp-too-long', MAX_BODY_BYTES, 400, 'too long');
  const session: OpenSession = {
    name: '',
    bandwidth: NONE,
    attributes: NONE,
    other: NONE,
    emails: NONE,
    phones: NONE,
    timing: NONE,
    media: [],
  };
  let lines = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    let end = newline < 0 ? text.length : newline;
    const next = end + 1;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
    if (end > start) {
      const wrong = lines === MAX_SDP_LINES ? tooManyLines(start) : checkLine(text, start, end);
      if (wrong !== undefined) return wrong;
      const from = Math.min(start + 2, end);
      const read =
        lines === 0 ? readVersion(text, start, end) : readLine(session, text.charAt(start), text, from, end);
      if (!read.ok) return read;
      lines += 1;
    }
    start = next;
  }
  return lines === 0
    ? fail('sdp-version-missing', 0, 400, 'the first line is not v=')
    : finish(session, text);
}

/** What may stand before the LF and belongs to no value: CR, space, tab. */
function isBlank(code: number): boolean {
  return code === 0x0d || code === 0x20 || code === 0x09;
}

/** A letter, "=", and a value without NUL and CR: what is mirrored must not be two lines to one reader and one to another. */
function checkLine(text: string, start: number, end: number): Result<never> | undefined {
  if (text.charCodeAt(start + 1) !== 0x3d || !isLetter(text.charCodeAt(start))) {
    return fail('sdp-line-malformed', start, 400, 'a line is not a letter, "=" and a value');
  }
  const broken = controlAt(text, start, end);
  return broken < end ? fail('sdp-line-malformed', broken, 400, 'NUL or CR within a line') : undefined;
}

function tooManyLines(start: number): Result<never> {
  return fail('sdp-too-many-lines', start, 400, `more than ${MAX_SDP_LINES} lines`);
}

/** Where a byte stands that no value has (RFC 8866 §9, byte-string; LF ends the line): NUL or CR; `end` without one. */
function controlAt(text: string, start: number, end: number): number {
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code === 0 || code === 0x0d) return index;
  }
  return end;
}

function isLetter(code: number): boolean {
  return (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
}

const DONE: Result<undefined> = ok(undefined);

function readVersion(text: string, start: number, end: number): Result<undefined> {
  if (text.charAt(start) !== 'v') return fail('sdp-version-missing', 0, 400, 'the first line is not v=');
  if (text.slice(start + 2, end).trim() === '0') return DONE;
  return fail('sdp-version-unsupported', start + 2, 400, 'the version is not 0');
}

/** One line, whose value stands in `text` from `start` to `end`: values are cut out where they are kept, and no sooner. */
function readLine(
  session: OpenSession,
  type: string,
  text: string,
  start: number,
  end: number,
): Result<undefined> {
  if (type === 'm') {
    const parsed = parseMediaLine(text, start, end);
    if (!parsed.ok) return parsed;
    if (session.media.length === MAX_SDP_MEDIA) {
      return fail('sdp-too-many-media', start, 400, `more than ${MAX_SDP_MEDIA} media lines`);
    }
    const { kind, port, portCount, protocol, formats } = parsed.value;
    const block = { kind, port, protocol, formats, bandwidth: NONE, attributes: NONE, other: NONE };
    session.media.push(portCount === undefined ? block : { ...block, portCount });
    return DONE;
  }
  const current = session.media.at(-1);
  if (current === undefined) return readSessionLine(session, type, text, start, end);
  if ('vosueptrz'.includes(type)) {
    return fail('sdp-line-misplaced', start, 400, `${type}= stands under a media line`);
  }
  return readBlockLine(current, type, text, start, end);
}

function readSessionLine(
  session: OpenSession,
  type: string,
  text: string,
  start: number,
  end: number,
): Result<undefined> {
  if (type === 'v') return fail('sdp-line-misplaced', start, 400, 'a second v=');
  if (type === 'o' && session.origin === undefined) {
    const origin = parseOrigin(text, start, end);
    if (!origin.ok) return origin;
    session.origin = origin.value;
  } else if (type === 's' && session.name === '')
    session.name = wordAt(text, start, end, COMMON_VALUES) || '-';
  else if (type === 'u' && session.uri === undefined) session.uri = text.slice(start, end);
  else if (type === 'e') session.emails = added(session.emails, text.slice(start, end));
  else if (type === 'p') session.phones = added(session.phones, text.slice(start, end));
  else if (type === 't' || type === 'r' || type === 'z') {
    const value = wordAt(text, start, end, COMMON_VALUES);
    session.timing = added(session.timing, { type, value });
  } else return readBlockLine(session, type, text, start, end);
  return DONE;
}

/** What may stand at both levels. */
function readBlockLine(
  block: OpenBlock,
  type: string,
  text: string,
  start: number,
  end: number,
): Result<undefined> {
  if (type === 'c' && block.connection === undefined) {
    const connection = parseConnection(text, start, end);
    if (!connection.ok) return connection;
    block.connection = connection.value;
  } else if (type === 'i' && block.information === undefined) block.information = text.slice(start, end);
  else if (type === 'k' && block.key === undefined) block.key = text.slice(start, end);
  else if (type === 'b') block.bandwidth = added(block.bandwidth, text.slice(start, end));
  else if (type === 'a') block.attributes = added(block.attributes, attributeAt(text, start, end));
  else block.other = added(block.other, { type, value: text.slice(start, end) });
  return DONE;
}

/** In s= and t= of nearly all descriptions. */
const COMMON_VALUES = ['-', '0 0'];
/** Attributes that are asked for by name (sdp-attributes.ts). */
const COMMON_ATTRIBUTES = ['rtpmap', 'fmtp', 'sendrecv', 'ptime', 'rtcp', 'rtcp-mux', 'sendonly', 'recvonly'];

function attributeAt(text: string, start: number, end: number): Attribute {
  let colon = start;
  while (colon < end && text.charCodeAt(colon) !== 0x3a) colon += 1;
  if (colon === end) return { name: wordAt(text, start, end, COMMON_ATTRIBUTES) };
  return { name: wordAt(text, start, colon, COMMON_ATTRIBUTES), value: text.slice(colon + 1, end) };
}

/** t= of a session without an end (§5.9). */
const UNBOUNDED: readonly SdpLine[] = [{ type: 't', value: '0 0' }];

function finish(session: OpenSession, text: string): Result<SessionDescription> {
  const { origin, connection, media, timing } = session;
  if (origin === undefined) return fail('sdp-origin-missing', 0, 400, 'there is no o=');
  // §5.7: a c= for the session, or one under every media line. A refused line needs none.
  if (connection === undefined) {
    const homeless = media.findIndex((one) => one.port !== 0 && one.connection === undefined);
    if (homeless >= 0) {
      return fail('sdp-connection-missing', mediaOffset(text, homeless), 400, 'no c= for a media line');
    }
  }
  if (session.name === '') session.name = '-';
  if (timing.length === 0) session.timing = UNBOUNDED;
  return ok(session as OpenSession & { origin: Origin });
}

/** Where the value of that m= stands. */
function mediaOffset(text: string, index: number): number {
  return [...text.matchAll(/(?<=^m=)/gm)][index]?.index ?? 0;
}
