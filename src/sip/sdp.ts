/**
 * Session descriptions (RFC 8866): text to a value and back.
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

interface SdpBlock {
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

/** A line with the place of its value in the body. */
interface PlacedLine extends SdpLine {
  readonly offset: number;
}

/** Session or media level, while it is being read. */
interface OpenBlock {
  information?: string;
  connection?: Connection;
  key?: string;
  bandwidth: string[];
  attributes: Attribute[];
  other: SdpLine[];
}

interface OpenSession extends OpenBlock {
  origin?: Origin;
  name?: string;
  uri?: string;
  emails: string[];
  phones: string[];
  timing: SdpLine[];
}

interface OpenMedia extends OpenBlock, MediaLine {}

/** Reads a session description. Errors carry status 400 and an offset in the body; never throws. */
export function parseSdp(text: string): Result<SessionDescription> {
  const lines = splitLines(text);
  if (!lines.ok) return lines;
  const first = lines.value[0];
  if (first?.type !== 'v') return fail('sdp-version-missing', 0, 400, 'the first line is not v=');
  if (first.value.trim() !== '0') {
    return fail('sdp-version-unsupported', first.offset, 400, 'the version is not 0');
  }
  const session: OpenSession = {
    bandwidth: [],
    attributes: [],
    other: [],
    emails: [],
    phones: [],
    timing: [],
  };
  const media: OpenMedia[] = [];
  for (const line of lines.value) {
    if (line === first) continue;
    const read = readLine(session, media, line);
    if (!read.ok) return read;
  }
  return finish(session, media, lines.value);
}

function splitLines(text: string): Result<PlacedLine[]> {
  if (text.length > MAX_BODY_BYTES) return fail('sdp-too-long', MAX_BODY_BYTES, 400, 'too long');
  const lines: PlacedLine[] = [];
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const next = newline < 0 ? text.length : newline + 1;
    let end = newline < 0 ? text.length : newline;
    while (end > start && ' \t\r'.includes(text.charAt(end - 1))) end -= 1;
    if (end > start) {
      if (lines.length === MAX_SDP_LINES) {
        return fail('sdp-too-many-lines', start, 400, `more than ${MAX_SDP_LINES} lines`);
      }
      if (text.charAt(start + 1) !== '=' || !isLetter(text.charCodeAt(start))) {
        return fail('sdp-line-malformed', start, 400, 'a line is not a letter, "=" and a value');
      }
      // What is mirrored in the answer must not be two lines to one reader and one to another.
      const broken = controlAt(text, start, end);
      if (broken < end) return fail('sdp-line-malformed', broken, 400, 'NUL or CR within a line');
      const from = Math.min(start + 2, end);
      lines.push({ type: text.charAt(start), value: text.slice(from, end), offset: from });
    }
    start = next;
  }
  return ok(lines);
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

function readLine(session: OpenSession, media: OpenMedia[], line: PlacedLine): Result<undefined> {
  if (line.type === 'm') {
    const parsed = parseMediaLine(line.value, line.offset);
    if (!parsed.ok) return parsed;
    if (media.length === MAX_SDP_MEDIA) {
      return fail('sdp-too-many-media', line.offset, 400, `more than ${MAX_SDP_MEDIA} media lines`);
    }
    media.push({ ...parsed.value, bandwidth: [], attributes: [], other: [] });
    return DONE;
  }
  const current = media.at(-1);
  if (current === undefined) return readSessionLine(session, line);
  if ('vosueptrz'.includes(line.type)) {
    return fail('sdp-line-misplaced', line.offset, 400, `${line.type}= stands under a media line`);
  }
  return readBlockLine(current, line);
}

function readSessionLine(session: OpenSession, line: PlacedLine): Result<undefined> {
  const { type, value } = line;
  if (type === 'v') return fail('sdp-line-misplaced', line.offset, 400, 'a second v=');
  if (type === 'o' && session.origin === undefined) {
    const origin = parseOrigin(value, line.offset);
    if (!origin.ok) return origin;
    session.origin = origin.value;
  } else if (type === 's' && session.name === undefined) session.name = value;
  else if (type === 'u' && session.uri === undefined) session.uri = value;
  else if (type === 'e') session.emails.push(value);
  else if (type === 'p') session.phones.push(value);
  else if (type === 't' || type === 'r' || type === 'z') session.timing.push({ type, value });
  else return readBlockLine(session, line);
  return DONE;
}

/** What may stand at both levels. */
function readBlockLine(block: OpenBlock, { type, value, offset }: PlacedLine): Result<undefined> {
  if (type === 'c' && block.connection === undefined) {
    const connection = parseConnection(value, offset);
    if (!connection.ok) return connection;
    block.connection = connection.value;
  } else if (type === 'i' && block.information === undefined) block.information = value;
  else if (type === 'k' && block.key === undefined) block.key = value;
  else if (type === 'b') block.bandwidth.push(value);
  else if (type === 'a') block.attributes.push(attributeOf(value));
  else block.other.push({ type, value });
  return DONE;
}

function attributeOf(text: string): Attribute {
  const colon = text.indexOf(':');
  return colon < 0 ? { name: text } : { name: text.slice(0, colon), value: text.slice(colon + 1) };
}

function finish(
  session: OpenSession,
  media: readonly OpenMedia[],
  lines: readonly PlacedLine[],
): Result<SessionDescription> {
  const { origin, name = '' } = session;
  if (origin === undefined) return fail('sdp-origin-missing', 0, 400, 'there is no o=');
  // §5.7: a c= for the session, or one under every media line. A refused line needs none.
  const homeless = media.findIndex((one) => one.port !== 0 && (one.connection ?? session.connection) == null);
  if (homeless >= 0) {
    const line = lines.filter(({ type }) => type === 'm')[homeless];
    return fail('sdp-connection-missing', line?.offset ?? 0, 400, 'no c= for a media line');
  }
  const timing = session.timing.length > 0 ? session.timing : [{ type: 't', value: '0 0' }];
  return ok({ ...session, origin, name: name === '' ? '-' : name, timing, media });
}

/** The text of a description, in the order of §5, CRLF after every line. */
export function serializeSdp(session: SessionDescription): string {
  const lines = ['v=0', `o=${formatOrigin(session.origin)}`, `s=${session.name}`];
  if (session.information !== undefined) lines.push(`i=${session.information}`);
  if (session.uri !== undefined) lines.push(`u=${session.uri}`);
  for (const email of session.emails) lines.push(`e=${email}`);
  for (const phone of session.phones) lines.push(`p=${phone}`);
  if (session.connection !== undefined) lines.push(formatConnection(session.connection));
  for (const value of session.bandwidth) lines.push(`b=${value}`);
  for (const { type, value } of session.timing) lines.push(`${type}=${value}`);
  pushBlockEnd(lines, session);
  for (const media of session.media) pushMedia(lines, media);
  return `${lines.join('\r\n')}\r\n`;
}

function pushMedia(lines: string[], media: MediaDescription): void {
  const port = media.portCount === undefined ? `${media.port}` : `${media.port}/${media.portCount}`;
  lines.push(`m=${[media.kind, port, media.protocol, ...media.formats].join(' ')}`);
  if (media.information !== undefined) lines.push(`i=${media.information}`);
  if (media.connection !== undefined) lines.push(formatConnection(media.connection));
  for (const value of media.bandwidth) lines.push(`b=${value}`);
  pushBlockEnd(lines, media);
}

function pushBlockEnd(lines: string[], block: SdpBlock): void {
  if (block.key !== undefined) lines.push(`k=${block.key}`);
  for (const { name, value } of block.attributes)
    lines.push(value === undefined ? `a=${name}` : `a=${name}:${value}`);
  for (const { type, value } of block.other) lines.push(`${type}=${value}`);
}

function formatType(family: AddressFamily): string {
  return family === 'ipv4' ? 'IP4' : 'IP6';
}

function formatOrigin({ username, sessionId, sessionVersion, family, address }: Origin): string {
  return `${username} ${sessionId} ${sessionVersion} IN ${formatType(family)} ${address}`;
}

function formatConnection({ family, address, suffix }: Connection): string {
  return `c=IN ${formatType(family)} ${address}${suffix === undefined ? '' : `/${suffix}`}`;
}
