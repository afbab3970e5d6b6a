/**
 * What the reports read out of the raw message of an event: addresses, and the session description in few words
 * (RFC 8866). A report knows events alone, and the message in them was read by the parser before; so this looks, and
 * does not judge.
 */

/** A session description as a line of a report. */
export interface SdpSummary {
  /** "192.0.2.1:4000", by c= and m= of the first audio line. */
  readonly address: string;
  /** "0 PCMU/8000", in the order of the line. */
  readonly formats: readonly string[];
  readonly direction: string;
  /** Media lines beside that one: "video 0". */
  readonly others: readonly string[];
}

/** Formats, and lines beside the first, that a summary names. */
const MAX_NAMED = 12;

/** Names that every reader knows (RFC 3551 §6): payload types without a rtpmap. */
const STATIC: Readonly<Record<string, string>> = {
  '0': 'PCMU/8000',
  '3': 'GSM/8000',
  '4': 'G723/8000',
  '8': 'PCMA/8000',
  '9': 'G722/8000',
  '18': 'G729/8000',
};

/** The value of the first header field of those names, compact form and all; folded lines are left out. */
export function headerOf(raw: string, ...names: readonly string[]): string | undefined {
  const end = raw.search(/\r?\n\r?\n/);
  const head = end === -1 ? raw : raw.slice(0, end);
  for (const line of head.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    if (names.includes(name)) return line.slice(colon + 1).trim();
  }
  return undefined;
}

/** The URI in a From or a To, without parameters: "sip:100@lab.local". */
export function uriIn(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const bracketed = /<([^>]*)>/.exec(value)?.[1];
  return (bracketed ?? value).split(';', 1)[0]?.trim();
}

/** The session description in a message; undefined when it has none. */
export function sdpIn(raw: string): SdpSummary | undefined {
  const start = raw.search(/^v=0\r?$/m);
  if (start === -1 || !/^(?:content-type|c)\s*:/im.test(raw.slice(0, start))) return undefined;
  const lines = raw.slice(start).split(/\r?\n/, 600);
  const audio = lines.findIndex((line) => line.startsWith('m=audio'));
  const media = lines.filter((line) => line.startsWith('m='));
  const [kind, port = '', , ...formats] = (lines[audio] ?? media[0] ?? '').slice(2).split(' ');
  if (kind === undefined || kind === '') return undefined;
  const next = lines.findIndex((line, index) => index > audio && line.startsWith('m='));
  const section = audio === -1 ? [] : lines.slice(audio, next === -1 ? lines.length : next);
  const session = lines.slice(
    0,
    lines.findIndex((line) => line.startsWith('m=')),
  );
  const host = addressIn(section) ?? addressIn(session) ?? '';
  const maps = new Map(section.flatMap((line) => rtpmapIn(line)));
  return {
    address: `${host.includes(':') ? `[${host}]` : host}:${port.split('/', 1)[0]}`,
    formats: formats.slice(0, MAX_NAMED).map((format) => named(format, maps.get(format) ?? STATIC[format])),
    direction: directionIn(section) ?? directionIn(session) ?? 'sendrecv',
    others: media
      .filter((line) => line !== lines[audio])
      .slice(0, MAX_NAMED)
      .map((line) => line.slice(2).split(' ', 2).join(' ')),
  };
}

function named(format: string, name: string | undefined): string {
  return name === undefined ? format : `${format} ${name}`;
}

function addressIn(lines: readonly string[]): string | undefined {
  return lines.find((line) => line.startsWith('c='))?.split(' ')[2];
}

function rtpmapIn(line: string): [string, string][] {
  const [, format, name] = /^a=rtpmap:(\d{1,3})\s+(\S+)/.exec(line) ?? [];
  return format === undefined || name === undefined ? [] : [[format, name]];
}

function directionIn(lines: readonly string[]): string | undefined {
  return lines.find((line) => /^a=(?:sendrecv|sendonly|recvonly|inactive)$/.test(line))?.slice(2);
}
