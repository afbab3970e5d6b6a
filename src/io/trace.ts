/**
 * The trace of a session (`--trace FILE`): JSON lines. The first says what the endpoint was made of; then the events
 * as `--json` writes them, and between them what went in: each input before its events, with the counters and the
 * routes that were read meanwhile. That is all an endpoint depends on, so that it can be played again (trace-replay.ts).
 *
 *     {"trace":1,"version":"0.1.0","style":"transcript","config":{…}}
 *     {"input":{"type":"datagram","remote":{…},"text":"SIP/2.0 200 OK…"},"atMs":12.25}
 *     {"counters":{…},"slot":0}
 *     {"route":"198.51.100.7","local":"10.8.0.2"}
 *     {"v":1,"seq":7,"atMs":12.3,"type":"sip.received",…}
 *
 * A trace holds no password and no digest that could be tried against one (trace-secrets.ts). It holds the seed, so
 * whoever has it can guess the tags of a call that still runs.
 */
import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { type Event, streamEvent } from '../events.ts';
import type { MediaCounters } from '../rtp/session.ts';
import type { EndpointConfig } from '../sip/endpoint-config.ts';
import type { Input } from '../sip/endpoint-io.ts';
import { TLS_FAULT_CODES } from '../sip/tls.ts';

/** The version of this format: the number in the first line. */
const TRACE_VERSION = 1;
/** One line, in characters; what is longer was not written by us. */
const MAX_TRACE_LINE = 4 * 1024 * 1024;
/** How deep the values of a line may be nested; ours are not half as deep. */
const MAX_TRACE_DEPTH = 32;

/** How the session was printed: many calls, or one command (report/plain.ts), or pings. */
export type TraceStyle = 'service' | 'transcript' | 'ping';

/** One line, read. */
export type TraceLine =
  | {
      readonly type: 'header';
      readonly version: string;
      readonly style: TraceStyle;
      readonly config: EndpointConfig;
    }
  | { readonly type: 'input'; readonly input: Input; readonly atMs: number }
  | { readonly type: 'counters'; readonly slot: number; readonly counters: MediaCounters }
  | { readonly type: 'route'; readonly peer: string; readonly local: string | undefined }
  | { readonly type: 'event'; readonly event: Event };

const count = z.int().min(0);
const transport = z.enum(['udp', 'tcp', 'tls']);
const socket = z.object({ address: z.string().max(256), port: z.int().min(0).max(65_535) });
const bytes = { text: z.string().optional(), base64: z.base64().optional() };
/** What other parts of the program define; the endpoint that plays it says what it cannot use. */
const open = z.looseObject({ type: z.string() });

/** A number in the place of an address would be called as one. */
const namesItsPeer = (action: { type: string; to?: unknown }) =>
  action.type !== 'call' || typeof action.to === 'string';

const naptr = z.object({
  order: count,
  preference: count,
  flags: z.string(),
  service: z.string(),
  replacement: z.string(),
});
const srv = z.object({ priority: count, weight: count, port: count, target: z.string() });
const dnsAnswer = z.discriminatedUnion('type', [
  z.object({ type: z.literal('naptr'), name: z.string(), records: z.array(naptr) }),
  z.object({ type: z.literal('srv'), name: z.string(), records: z.array(srv) }),
  z.object({ type: z.literal('address'), name: z.string(), records: z.array(z.string()) }),
]);

const certificate = z.object({
  subject: z.string(),
  issuer: z.string(),
  commonName: z.string().optional(),
  alternatives: z.array(z.object({ kind: z.enum(['URI', 'DNS', 'IP']), value: z.string() })).optional(),
  notBefore: z.string(),
  notAfter: z.string(),
  serial: z.string(),
});
const tlsFault = z.object({
  code: z.enum(TLS_FAULT_CODES),
  domain: z.string().optional(),
  certificate: certificate.optional(),
  issuer: certificate.optional(),
  detail: z.string(),
  clock: z.string().optional(),
});
const tlsSession = z.object({
  protocol: z.string(),
  cipher: z.string(),
  verified: z.string().optional(),
  certificate: certificate.optional(),
  ignored: tlsFault.optional(),
});
const oneAddress = z.string().max(256);
const local = {
  defaultAddresses: z.object({ ipv4: oneAddress.optional(), ipv6: oneAddress.optional() }),
  interfaces: z.array(
    z.object({ address: oneAddress, prefixLength: count, zone: z.string().max(256).optional() }),
  ),
};

const input = z.discriminatedUnion('type', [
  z.object({ type: z.literal('listening'), transport, local: socket }),
  z.object({ type: z.literal('datagram'), remote: socket, ...bytes }),
  z.object({
    type: z.literal('connected'),
    connection: count,
    transport,
    local: socket,
    remote: socket,
    tls: tlsSession.optional(),
  }),
  z.object({ type: z.literal('stream'), connection: count, ...bytes }),
  z.object({
    type: z.literal('disconnected'),
    connection: count,
    error: z.string().optional(),
    tlsFault: tlsFault.optional(),
    remote: socket.optional(),
  }),
  z.object({ type: z.literal('unreachable'), remote: socket, error: z.string() }),
  z.object({ type: z.literal('addresses'), ...local }),
  z.object({
    type: z.literal('resolved'),
    host: z.string(),
    transport: transport.default('udp'),
    open: z.enum(['transport', 'port']).optional(),
    service: z.enum(['stun']).optional(),
    addresses: z.array(z.string()),
    answers: z.array(dnsAnswer).optional(),
    error: z.string().optional(),
  }),
  z.object({ type: z.literal('media'), report: open }),
  z.object({ type: z.literal('sample') }),
  z.object({ type: z.literal('action'), action: open.refine(namesItsPeer, 'a call is to somebody') }),
  z.object({ type: z.literal('time') }),
]);

/** Compiles only while every input of the endpoint can stand in a trace. */
export type RecordedInput = z.infer<typeof input>['type'] & Input['type'];

const config = z.looseObject({
  seed: z.tuple([z.int(), z.int(), z.int(), z.int()]),
  product: z.string(),
  accounts: z.array(z.looseObject({ addressOfRecord: z.string(), user: z.string(), password: z.string() })),
  echo: z.boolean(),
  maxCalls: count,
  defaultAddresses: z.looseObject({}),
  interfaces: z.array(z.looseObject({ address: z.string(), prefixLength: count })),
  rawMessages: z.boolean(),
  timers: z.object({ t1Ms: z.number().positive(), t2Ms: z.number().positive(), t4Ms: z.number().positive() }),
});

const header = z.object({
  trace: z.literal(TRACE_VERSION),
  version: z.string(),
  style: z.enum(['service', 'transcript', 'ping']),
  config,
});
/** 30 years; what is later was not measured. */
const LATEST_MS = 1e12;
const inputLine = z.object({ input, atMs: z.number().min(0).max(LATEST_MS) });
const countersLine = z.object({ counters: z.record(z.string(), z.number()), slot: count });
const routeLine = z.object({ route: oneAddress, local: oneAddress.optional() });

/** The first line. */
export function headerLine(version: string, style: TraceStyle, of: unknown): string {
  return JSON.stringify({ trace: TRACE_VERSION, version, style, config: of });
}

/** An input. Bytes are text where they are nothing else, so that a person can read them. */
export function inputLineOf(given: Input, atMs: number): string {
  if (given.type !== 'datagram' && given.type !== 'stream') return JSON.stringify({ input: given, atMs });
  const { bytes: raw, ...rest } = given;
  const buffer = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const text = buffer.toString('latin1');
  const written = /^[\t\r\n\x20-\x7e]*$/.test(text) ? { text } : { base64: buffer.toString('base64') };
  return JSON.stringify({ input: { ...rest, ...written }, atMs });
}

/** What was counted for a slot when the endpoint looked. */
export function countersLineOf(slot: number, counters: MediaCounters): string {
  return JSON.stringify({ counters, slot });
}

/** What the machine said of the way to a peer when the endpoint asked. */
export function routeLineOf(peer: string, from: string | undefined): string {
  return JSON.stringify({ route: peer, ...(from === undefined ? undefined : { local: from }) });
}

/** Reads one line, or says in words what is wrong with it. */
export function readTraceLine(line: string): TraceLine | string {
  if (line.length > MAX_TRACE_LINE) return `it is longer than ${MAX_TRACE_LINE} characters`;
  let given: unknown;
  try {
    given = JSON.parse(line);
  } catch {
    return 'it is not JSON';
  }
  if (typeof given !== 'object' || given === null) return 'it is not an object';
  if (isDeeper(given, MAX_TRACE_DEPTH)) return `it is nested more than ${MAX_TRACE_DEPTH} deep`;
  if ('trace' in given) return readHeader(given);
  if ('input' in given) return readInput(given);
  if ('counters' in given) {
    const read = countersLine.safeParse(given);
    if (!read.success) return problem(read.error);
    const { slot, counters } = read.data;
    return { type: 'counters', slot, counters: counters as unknown as MediaCounters };
  }
  if ('route' in given) {
    const read = routeLine.safeParse(given);
    if (!read.success) return problem(read.error);
    return { type: 'route', peer: read.data.route, local: read.data.local };
  }
  const read = streamEvent.safeParse(given);
  // The event as it stands, not as zod copies it: fields of a newer version must show as a difference.
  return read.success ? { type: 'event', event: given as Event } : problem(read.error);
}

/** Whether anything in it lies deeper than that: whoever compares or prints it goes as deep, and has one stack. */
function isDeeper(given: unknown, levels: number): boolean {
  if (typeof given !== 'object' || given === null) return false;
  return levels === 0 || Object.values(given).some((inner) => isDeeper(inner, levels - 1));
}

function readHeader(given: object): TraceLine | string {
  if ('trace' in given && typeof given.trace === 'number' && given.trace > TRACE_VERSION) {
    return `it is a trace of version ${given.trace}; this ringback reads up to ${TRACE_VERSION}`;
  }
  const read = header.safeParse(given);
  if (!read.success) return problem(read.error);
  const { version, style, config: endpoint } = read.data;
  return { type: 'header', version, style, config: endpoint as unknown as EndpointConfig };
}

function readInput(given: object): TraceLine | string {
  const read = inputLine.safeParse(given);
  if (!read.success) return problem(read.error);
  const { input: one, atMs } = read.data;
  if (one.type !== 'datagram' && one.type !== 'stream') return { type: 'input', input: one as Input, atMs };
  const { text, base64, ...rest } = one;
  const raw = base64 === undefined ? Buffer.from(text ?? '', 'latin1') : Buffer.from(base64, 'base64');
  return { type: 'input', input: { ...rest, bytes: raw } as Input, atMs };
}

function problem(error: z.ZodError): string {
  const [issue] = error.issues;
  const where = issue?.path.join('.') ?? '';
  return `${where === '' ? 'it' : where}: ${issue?.message ?? 'is not as it should be'}`;
}
