/**
 * A text file of raw messages (RFC 3261 §7), one or many, for `ringback replay`.
 *
 * Messages stand one after another, each from its start line to its end; or each under a line that says what is known
 * of it, in this order, any part left out:
 *
 *     --- received from 192.0.2.1:5060 udp at 12.3
 *     --- sent to 192.0.2.1:5060 tcp at 40
 *
 * The time is in ms. Lines before the first message that start with # are comments. Editors and mail take away the
 * carriage returns, so a file without any gets them back; and a missing empty line at the end of a message is added.
 */
import { Buffer } from 'node:buffer';
import type { SocketAddress, Transport } from '../sip/flow.ts';
import type { ObservedMessage } from '../sip/observed-message.ts';

/** Messages of one file; the rest is not read. */
const MAX_RAW_MESSAGES = 100_000;

/** Words of a `---` line that are looked at. */
const MAX_HEADING_WORDS = 16;

/** What a `---` line says. */
type Heading = Omit<ObservedMessage, 'bytes' | 'atMs' | 'transport'> & {
  readonly transport?: Transport;
  readonly atMs?: number;
};

const ANY_HEADING = /^---(?:[ \t].*)?$/;
const START_LINE = /^(?:SIP\/\d|[A-Za-z][\w.!%*+`'~-]*[ \t]+\S.*[ \t]SIP\/\d)/;

/** A start line, a heading, or a header field that no message does without (RFC 3261 §8.1.1), however ill-written. */
const SIGN_OF_SIP =
  /^(?:SIP\/|---[ \t]+(?:received|sent)\b|(?:via|v|call-id|i|cseq)[ \t]*:)|[ \t]SIP\/\S{0,16}[ \t]*\r?$/im;

/** Whether anything in a text file shows that it is about SIP: any line of any text could be a malformed message. */
export function showsMessages(file: Uint8Array): boolean {
  return SIGN_OF_SIP.test(Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString('latin1'));
}

/** The messages, in order. Whether they are good ones is for the parser to say. */
export function readRawMessages(file: Uint8Array): ObservedMessage[] {
  const given = Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString('latin1');
  const text = given.includes('\r') ? given : given.replaceAll('\n', '\r\n');
  const messages: ObservedMessage[] = [];
  let position = 0;
  let heading: Heading = {};
  let nextHeading = 0;
  while (position < text.length && messages.length < MAX_RAW_MESSAGES) {
    const end = lineEnd(text, position);
    const line = text.slice(position, end).trimEnd();
    if (ANY_HEADING.test(line)) {
      heading = readHeading(line);
      position = end;
    } else if (line === '' || (line.startsWith('#') && messages.length === 0)) {
      position = end;
    } else {
      if (nextHeading <= position) nextHeading = headingAfter(text, position);
      const messageEnd = endOfMessage(text, position, nextHeading);
      const { transport = 'udp', atMs = messages.at(-1)?.atMs ?? 0, ...rest } = heading;
      messages.push({ ...rest, transport, atMs, bytes: bytesOf(text.slice(position, messageEnd)) });
      heading = {};
      position = messageEnd;
    }
  }
  return messages;
}

/** Where the message that starts here ends: by its Content-Length if that is true, else before the next one. */
function endOfMessage(text: string, start: number, heading: number): number {
  // Not beyond the next heading: a file of many headings and no empty line would be searched to its end for each.
  const found = /\r?\n\r?\n/.exec(text.slice(start, heading));
  const bodyStart = found === null ? undefined : start + found.index + found[0].length;
  if (bodyStart === undefined) return heading;
  const length = /^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$/im.exec(
    text.slice(start, bodyStart),
  )?.[1];
  const announced = bodyStart + Number(length ?? 0);
  let position = length === undefined || announced > heading ? bodyStart : announced;
  // What follows a true Content-Length on the same line is no message of its own.
  if (position > bodyStart && text[position - 1] !== '\n')
    position = Math.min(lineEnd(text, position), heading);
  while (position < heading) {
    const end = lineEnd(text, position);
    if (START_LINE.test(text.slice(position, Math.min(end, position + 512)))) return position;
    position = end;
  }
  return heading;
}

/** The next line of three hyphens and no more; a boundary of a multipart body has more. */
function headingAfter(text: string, from: number): number {
  for (let at = text.indexOf('\n---', from); at !== -1; at = text.indexOf('\n---', at + 1)) {
    if (/[ \t\r\n]/.test(text[at + 4] ?? ' ')) return at + 1;
  }
  return text.length;
}

function lineEnd(text: string, from: number): number {
  const lineFeed = text.indexOf('\n', from);
  return lineFeed === -1 ? text.length : lineFeed + 1;
}

/** The words of such a line; one that means nothing here is passed over. */
function readHeading(line: string): Heading {
  const words = line.slice(3).split(/[ \t]+/, MAX_HEADING_WORDS);
  const after = (...names: readonly string[]) => words[words.findIndex((word) => names.includes(word)) + 1];
  const direction = words.find((word) => word === 'sent' || word === 'received');
  const transport = words.find((word) => word === 'udp' || word === 'tcp' || word === 'tls');
  const named = words.includes('from') || words.includes('to') ? after('from', 'to') : undefined;
  const remote = named === undefined ? undefined : readAddress(named);
  const time = words.includes('at') ? after('at') : undefined;
  const sent = direction === 'sent';
  return {
    ...(direction === undefined ? undefined : { direction }),
    ...(remote === undefined ? undefined : sent ? { destination: remote } : { source: remote }),
    ...(transport === undefined ? undefined : { transport }),
    ...(time !== undefined && /^\d{1,12}(?:\.\d{1,6})?$/.test(time) ? { atMs: Number(time) } : undefined),
  };
}

/** "192.0.2.1:5060", "[2001:db8::1]:5060", or without a port. */
function readAddress(text: string): SocketAddress | undefined {
  const [, bracketed, plain, port = '5060'] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  return address === undefined || Number(port) > 65_535 ? undefined : { address, port: Number(port) };
}

/** The text of one message; the empty line after its header fields is put back when an editor took it. */
function bytesOf(text: string): Uint8Array {
  const whole = /\r?\n\r?\n/.test(text) ? text : `${text.replace(/(\r?\n)*$/, '')}\r\n\r\n`;
  return Buffer.from(whole, 'latin1');
}
