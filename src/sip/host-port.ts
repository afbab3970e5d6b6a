/**
 * `host [":" port]`, as in a URI and in the sent-by of a Via (RFC 3261 §25.1 hostport).
 *
 * The host of an IPv6 reference is held without its brackets, as addresses are everywhere else in here.
 */
import { formatHost } from './flow.ts';
import { fail, ok, type Result } from './result.ts';
import { characterTable, readDigits, skipSpace, trimEnd } from './text.ts';

const COLON = 0x3a;

/** Letters, digits, ".", "-", and "_" (leniency `host-underscore`). */
const HOST = characterTable('.-_');

/** A name or an address, and a port when one was given. */
export interface HostPort {
  /** As it came; IPv6 without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port?: number | undefined;
}

/**
 * Reads `text` from `start` to `end`, white space around either part allowed (§25.1 COLON). `offset` is where
 * `text` starts in the message. Errors: `host-malformed`, `port-malformed`.
 */
export function parseHostPort(
  text: string,
  start: number,
  end: number,
  offset = 0,
  header?: string,
): Result<HostPort> {
  const first = skipSpace(text, start, end);
  const last = trimEnd(text, first, end);
  const hostEnd = hostEndAt(text, first, last);
  const port = portBehind(text, hostEnd, last);
  if (port === -1) return hostPortError(text, first, last, offset, header);
  return ok({ host: hostText(text, first, hostEnd), port: port === 0 ? undefined : port });
}

/** What is wrong with `text` from `start` to `end`, white space around it excluded, which hold no host and port. */
export function hostPortError(
  text: string,
  start: number,
  end: number,
  offset: number,
  header?: string,
): Result<never> {
  const hostEnd = hostEndAt(text, start, end);
  if (hostEnd === -1) {
    return fail('host-malformed', offset + start, 400, 'expected a host name or an address', header);
  }
  const place = offset + skipSpace(text, hostEnd, end);
  return fail('port-malformed', place, 400, 'expected ":" and a port from 1 to 65535', header);
}

/**
 * Where the host that starts at `start` ends, an IPv6 reference behind its bracket; -1 when there is none, or when
 * more follows a name before `end` than white space and what a ":" begins.
 */
export function hostEndAt(text: string, start: number, end: number): number {
  if (text.charCodeAt(start) === 0x5b) {
    const close = text.indexOf(']', start);
    return close !== -1 && close < end && isIpv6Text(text, start + 1, close) ? close + 1 : -1;
  }
  let index = start;
  while (index < end && HOST[text.charCodeAt(index)] === 1) index++;
  const next = skipSpace(text, index, end);
  return index === start || (next < end && text.charCodeAt(next) !== COLON) ? -1 : index;
}

/** The port between `hostEnd` and `end`: 0 when nothing stands there, -1 when something else does, or `hostEnd` is -1. */
export function portBehind(text: string, hostEnd: number, end: number): number {
  if (hostEnd === end) return 0;
  if (hostEnd === -1) return -1;
  const colon = skipSpace(text, hostEnd, end);
  if (colon === end) return 0;
  const port = readDigits(text, skipSpace(text, colon + 1, end), end);
  return text.charCodeAt(colon) === COLON && port >= 1 && port <= 65535 ? port : -1;
}

/** The host from `start` to `hostEnd`, IPv6 without brackets. */
export function hostText(text: string, start: number, hostEnd: number): string {
  return text.charCodeAt(start) === 0x5b ? text.slice(start + 1, hostEnd - 1) : text.slice(start, hostEnd);
}

/** "example.org", "192.0.2.1:5060", "[2001:db8::1]:5060". */
export function serializeHostPort({ host, port }: HostPort): string {
  return port === undefined ? formatHost(host) : `${formatHost(host)}:${port}`;
}

/** Hexadecimal digits, ":" and ".". */
function isIpv6Text(text: string, start: number, end: number): boolean {
  let colons = 0;
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    const hexadecimal = (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
    if (code === 0x3a) colons++;
    else if (!hexadecimal && code !== 0x2e) return false;
  }
  return colons >= 2 && end - start <= 45;
}
