/**
 * Via: the way a request came, and so the way its response goes back (RFC 3261 §20.42, §18.2; RFC 3581).
 *
 * The top one is read for every message, the others never, as only their own elements need them.
 */
import { hostEndAt, hostPortError, hostText, portBehind, serializeHostPort } from './host-port.ts';
import { firstValueEnd } from './list.ts';
import type { SipMessage, SipRequest } from './message.ts';
import { type Params, parameterText, parseParams, serializeParams } from './params.ts';
import { fail, ok, type Result } from './result.ts';
import { knownWordAt, readDigits, skipSpace, tokenEnd, trimEnd } from './text.ts';

/** What every branch of RFC 3261 begins with (§8.1.1.7). */
export const MAGIC_COOKIE = 'z9hG4bK';

const COMMON_TRANSPORTS = ['UDP', 'TCP', 'TLS', 'WS', 'WSS'];

/** One Via value. */
export interface Via {
  /** In upper case: UDP, TCP, TLS, WS or any token. */
  readonly transport: string;
  /** sent-by, as it came; IPv6 without brackets. */
  readonly host: string;
  readonly port?: number | undefined;
  /** All of them, `branch` too. */
  readonly params: Params;
  /** Case is kept, although §7.3.1 compares without it. */
  readonly branch?: string | undefined;
}

/**
 * One value that fills `text` from `start` to `end`; `offset` is where `text` starts in the message. Errors:
 * `via-malformed`, `host-malformed`, `port-malformed`, those of `parseParams`; the protocol must be SIP/2.0.
 */
export function parseVia(text: string, offset = 0, start = 0, end = text.length): Result<Via> {
  const transportStart = afterProtocol(text, start, end);
  if (transportStart === -1) {
    return fail('via-malformed', offset + start, 400, 'the protocol of a Via is SIP/2.0', 'Via');
  }
  const transportEnd = tokenEnd(text, transportStart, end);
  const hostStart = skipSpace(text, transportEnd, end);
  if (transportEnd === transportStart || hostStart === transportEnd) {
    return fail('via-malformed', offset + start, 400, 'expected SIP/2.0/transport and a host', 'Via');
  }
  const semicolon = text.indexOf(';', hostStart);
  const paramsStart = semicolon === -1 || semicolon > end ? end : semicolon;
  // What `parseHostPort` does, without an object for it.
  const sentByEnd = trimEnd(text, hostStart, paramsStart);
  const hostEnd = hostEndAt(text, hostStart, sentByEnd);
  const port = portBehind(text, hostEnd, sentByEnd);
  if (port === -1) return hostPortError(text, hostStart, sentByEnd, offset, 'Via');
  const params = parseParams(text, paramsStart, offset, 'Via', end);
  if (!params.ok) return params;
  return ok({
    transport:
      knownWordAt(text, transportStart, transportEnd, COMMON_TRANSPORTS) ??
      text.slice(transportStart, transportEnd).toUpperCase(),
    host: hostText(text, hostStart, hostEnd),
    port: port === 0 ? undefined : port,
    params: params.value,
    branch: params.value.get('branch'),
  });
}

/** The index after `SIP/2.0/`, white space allowed around its parts (§20.42); -1 when that is not there. */
function afterProtocol(text: string, first: number, end: number): number {
  if (text.startsWith('SIP/2.0/', first)) return skipSpace(text, first + 8, end);
  const start = skipSpace(text, first, end);
  const nameEnd = tokenEnd(text, start, end);
  const slash = skipSpace(text, nameEnd, end);
  const versionStart = skipSpace(text, slash + 1, end);
  const versionEnd = tokenEnd(text, versionStart, end);
  const secondSlash = skipSpace(text, versionEnd, end);
  const protocol = text.slice(start, nameEnd).toUpperCase();
  if (protocol !== 'SIP' || text.slice(versionStart, versionEnd) !== '2.0') return -1;
  if (text.charCodeAt(slash) !== 0x2f || text.charCodeAt(secondSlash) !== 0x2f) return -1;
  return skipSpace(text, secondSlash + 1, end);
}

/** `SIP/2.0/UDP host:port;branch=…`. The parameters are written from `params`. */
export function serializeVia(via: Via): string {
  return `SIP/2.0/${via.transport} ${serializeHostPort(via)}${serializeParams(via.params)}`;
}

/** `received` (§18.2.1): the address that the request came from, IPv6 without brackets. */
export function viaReceived(via: Via): string | undefined {
  const received = parameterText(via.params, 'received');
  return received?.startsWith('[') ? received.slice(1, -1) : received;
}

/** `maddr` (§18.2.2), IPv6 without brackets. */
export function viaMaddr(via: Via): string | undefined {
  const maddr = parameterText(via.params, 'maddr');
  return maddr?.startsWith('[') ? maddr.slice(1, -1) : maddr;
}

/** `ttl` of a multicast request (§25.1): 0 to 255. */
export function viaTtl(via: Via): number | undefined {
  const ttl = readDigits(via.params.get('ttl') ?? '');
  return ttl >= 0 && ttl <= 255 ? ttl : undefined;
}

/**
 * The request with its malformed top Via mended: without the separators at its end, in our version, and with no
 * parameters when those cannot be read. Undefined when not even sent-by can. A sender of SIP/7.0 (RFC 4475
 * §3.1.2.16) or of stray separators (§3.1.2.1) learns of its mistake only from an answer.
 */
export function withMendedVia(request: SipRequest): { request: SipRequest; via: Via } | undefined {
  const index = request.headers.findIndex((header) => header.name === 'Via');
  const top = request.headers[index];
  if (!top) return undefined;
  const text = top.value
    .slice(0, firstValueEnd(top.value))
    .replace(/[;\s]+$/, '')
    .replace(/^SIP\s*\/\s*\d+\.\d+/i, 'SIP/2.0');
  const whole = parseVia(text);
  const via = whole.ok ? whole : parseVia(text.split(';', 1)[0] ?? '');
  if (!via.ok) return undefined;
  const headers = request.headers.with(index, { ...top, value: serializeVia(via.value) });
  return { request: { ...request, headers }, via: via.value };
}

/** The request with its top Via replaced; `via` must have been read from that request. */
export function withTopVia(request: SipRequest, via: Via): SipRequest {
  const index = request.headers.findIndex((header) => header.name === 'Via');
  const top = request.headers[index];
  if (!top) return request;
  const rest = top.value.slice(firstValueEnd(top.value));
  const headers = request.headers.with(index, { ...top, value: serializeVia(via) + rest });
  return { ...request, headers };
}

/** The message without its top Via value: how a proxy passes a response on (§16.7 step 3). Undefined when it was the only one. */
export function withoutTopVia<M extends SipMessage>(message: M): M | undefined {
  const index = message.headers.findIndex((header) => header.name === 'Via');
  const top = message.headers[index];
  if (!top) return undefined;
  const rest = top.value.slice(firstValueEnd(top.value) + 1).trim();
  const headers =
    rest === '' ? message.headers.toSpliced(index, 1) : message.headers.with(index, { ...top, value: rest });
  return headers.some((header) => header.name === 'Via') ? { ...message, headers } : undefined;
}
