/**
 * `host [":" port]`, as in a URI and in the sent-by of a Via (RFC 3261 §25.1 hostport).
 *
 * The host of an IPv6 reference is held without its brackets, as addresses are everywhere else in here.
 */
import { formatHost } from './flow.ts';
import { fail, ok, type Result } from './result.ts';
import { readDigits, skipSpace, trimEnd } from './text.ts';

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
  const reference = text.charCodeAt(first) === 0x5b;
  const hostEnd = reference ? text.indexOf(']', first) + 1 : colonOrEnd(text, first, last);
  const afterHost = skipSpace(text, hostEnd, last);
  const nameEnd = trimEnd(text, first, hostEnd);
  if (hostEnd <= first || hostEnd > last || !isHost(text, first, nameEnd, reference)) {
    return fail('host-malformed', offset + first, 400, 'expected a host name or an address', header);
  }
  const host = reference ? text.slice(first + 1, hostEnd - 1) : text.slice(first, nameEnd);
  if (afterHost === last) return ok({ host, port: undefined });
  const portStart = skipSpace(text, afterHost + 1, last);
  const port = readDigits(text, portStart, last);
  if (text.charCodeAt(afterHost) !== 0x3a || port < 1 || port > 65535) {
    return fail('port-malformed', offset + afterHost, 400, 'expected ":" and a port from 1 to 65535', header);
  }
  return ok({ host, port });
}

/** "example.org", "192.0.2.1:5060", "[2001:db8::1]:5060". */
export function serializeHostPort({ host, port }: HostPort): string {
  return port === undefined ? formatHost(host) : `${formatHost(host)}:${port}`;
}

function colonOrEnd(text: string, start: number, end: number): number {
  const colon = text.indexOf(':', start);
  return colon === -1 || colon > end ? end : colon;
}

/** Letters, digits, ".", "-", and "_" (leniency `host-underscore`); inside brackets hexadecimal, ":" and ".". */
function isHost(text: string, start: number, end: number, reference: boolean): boolean {
  if (reference) return isIpv6Text(text, start + 1, end - 1);
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    const letter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    const digit = code >= 0x30 && code <= 0x39;
    if (!letter && !digit && code !== 0x2d && code !== 0x2e && code !== 0x5f) return false;
  }
  return end > start;
}

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
