/**
 * The event vocabulary: what ringback says about itself, written once.
 *
 * The same union is the `--json` output, what the screen draws, what golden tests compare and what `replay`
 * reads. A field that is not known is absent, never a made-up value. Units stand last in a name (`atMs`,
 * `expiresS`). The pure core emits an `EventBody`; whoever owns the stream adds the envelope (`Event`).
 */
import { z } from 'zod';

/** The version of this vocabulary, `v` in every line. It changes only when a reader would break. */
export const EVENT_VERSION = 1;

const address = z.string().describe('IP address, without brackets');
const port = z.int().min(0).max(65535);
const text = z.string();
const count = z.int().min(0);
const transport = z.enum(['udp', 'tcp', 'tls']);
const handle = text.describe('The name of the call everywhere in the CLI: call-<from>-<to>-<nnn>');

/** One event type: its own fields under the envelope's. */
const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({ type: z.literal(type), ...shape });

const sipLine = {
  call: handle.optional(),
  transport,
  remote: text.describe('address:port, IPv6 in brackets'),
  startLine: text,
  callId: text.optional(),
  cseq: text.optional().describe('number and method, "1 INVITE"'),
  branch: text.optional(),
  bytes: count,
  raw: text.optional().describe('the message, credentials masked; only when asked for'),
};

const mediaTotals = {
  packetsReceived: count,
  packetsSent: count,
  bytesReceived: count,
  bytesSent: count,
  lost: count.describe('packets expected and never received, RFC 3550 §A.3'),
  reordered: count.describe('packets that came after a later one'),
  jitterMs: z.number().optional().describe('interarrival jitter of what we receive, RFC 3550 §6.4.1'),
  rttMs: z.number().optional().describe('round trip by RTCP, RFC 3550 §6.4.1'),
};

/** Every event body, told apart by `type`. */
export const eventBody = z.discriminatedUnion('type', [
  event('session.started', {
    version: text,
    wallTime: text.describe('ISO 8601, UTC: the only wall time in a stream'),
    configuration: z.record(text, z.unknown()).describe('effective, secrets masked'),
  }),
  event('session.stopped', { reason: text, exitCode: count }),
  event('address.discovered', {
    scope: z.enum(['local', 'public']),
    address,
    port: port.optional(),
    learnedBy: z.enum(['route', 'advertised', 'rport', 'stun']),
  }),
  event('listener.opened', { transport, address, port }),
  event('connection.secured', {
    call: handle.optional(),
    account: text.optional(),
    direction: z.enum(['incoming', 'outgoing']),
    remote: text.describe('address:port, IPv6 in brackets'),
    protocol: text.describe('TLSv1.2 or TLSv1.3'),
    cipher: text,
    verified: text
      .optional()
      .describe('the name that its certificate was verified for (RFC 5922); absent when none was'),
    subject: text.optional().describe("of the peer's certificate"),
    issuer: text.optional(),
    notAfter: text.optional().describe('ISO 8601, UTC'),
    serial: text.optional().describe('in hexadecimal'),
  }).describe('a connection over TLS is up'),
  event('registration.changed', {
    account: text.describe('the address of record, sip:100@lab.local'),
    callId: text.optional().describe('of its REGISTERs'),
    from: z.enum(['idle', 'registering', 'registered', 'retrying', 'failed', 'unregistered']),
    to: z.enum(['idle', 'registering', 'registered', 'retrying', 'failed', 'unregistered']),
    status: count.optional(),
    reason: text.optional(),
    expiresS: count.optional(),
    renewInMs: z.number().optional().describe('until the next REGISTER, while registered'),
    retryInMs: z.number().optional(),
    outbound: z
      .literal(true)
      .optional()
      .describe('the registrar keeps to RFC 5626: it calls over the flow of this registration'),
  }),
  event('binding.changed', {
    addressOfRecord: text.describe('of a user of our registrar, sip:100@lab.local'),
    contact: text.describe('where the user is reached'),
    change: z.enum(['added', 'refreshed', 'removed', 'expired']),
    expiresS: count.optional(),
  }),
  event('auth.challenged', {
    call: handle.optional(),
    account: text.optional(),
    realm: text,
    algorithm: text,
    qop: text.optional(),
    stale: z.boolean().optional(),
    status: count,
  }),
  event('sip.received', sipLine),
  event('sip.sent', sipLine),
  event('sip.rejected', {
    call: handle.optional(),
    transport,
    remote: text,
    code: text.describe('stable, kebab-case'),
    offset: count.describe('bytes from the start of the message'),
    header: text.optional(),
    status: count.optional().describe('what was answered; absent when nothing was'),
    detail: text.describe('what was wrong'),
    hint: text.optional().describe('what to do about it'),
    line: text.optional().describe('the line of the message that it stands in; in a replay of raw messages'),
    column: count.optional().describe('characters of that line before the place'),
  }),
  event('transaction.changed', {
    call: handle.optional(),
    id: text,
    kind: z.enum(['invite-client', 'invite-server', 'non-invite-client', 'non-invite-server']),
    method: text,
    from: text,
    to: text,
    cause: text,
  }),
  event('dialog.changed', {
    call: handle.optional(),
    callId: text,
    localTag: text,
    remoteTag: text.optional(),
    from: z.enum(['none', 'early', 'confirmed', 'terminated']),
    to: z.enum(['none', 'early', 'confirmed', 'terminated']),
    cause: text,
  }),
  event('call.changed', {
    call: handle,
    callId: text,
    direction: z.enum(['incoming', 'outgoing']),
    peer: text.describe('the address of the other side, sip:bob@example.org'),
    displayName: text.optional(),
    from: z.enum(['idle', 'calling', 'ringing', 'answered', 'established', 'held', 'terminated']),
    to: z.enum(['idle', 'calling', 'ringing', 'answered', 'established', 'held', 'terminated']),
    reason: text.optional(),
    status: count.optional(),
    durationMs: z.number().optional(),
    outcome: z
      .enum([
        'completed',
        'cancelled',
        'no-answer',
        'authentication',
        'refused',
        'unreachable',
        'unusable',
        'failed',
      ])
      .optional()
      .describe('how a call that we placed came out, when it is terminated'),
  }),
  event('timer.fired', { call: handle.optional(), name: text, transaction: text.optional() }),
  event('timers.changed', {
    call: handle.optional(),
    transaction: text.optional().describe('absent: the deadlines of the call itself'),
    timers: z.array(z.object({ name: text, inMs: z.number() })).describe('all that run'),
  }),
  event('media.started', {
    call: handle,
    codec: text,
    payloadType: count,
    localAddress: address,
    localPort: port,
    remoteAddress: address.optional().describe('expected: what the SDP said'),
    remotePort: port.optional(),
    direction: z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']),
    rtcp: z.enum(['mux', 'separate']),
  }),
  event('media.early', {
    call: handle,
    remoteTag: text.optional().describe('which of the phones that ring'),
    codec: text,
    payloadType: count,
    remoteAddress: address.optional(),
    remotePort: port.optional(),
    direction: z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']),
  }).describe('a 1xx has a session description: what is played before the call is answered'),
  event('media.latched', {
    call: handle,
    expectedAddress: address.optional(),
    expectedPort: port.optional(),
    address,
    port,
  }),
  event('media.sampled', {
    call: handle,
    ...mediaTotals,
    packetsReceivedPerS: z.number(),
    packetsSentPerS: z.number(),
    mos: z.number().optional(),
  }),
  event('media.stopped', { call: handle, ...mediaTotals, sendErrors: count, durationMs: z.number() }),
  event('dtmf.received', {
    call: handle,
    digit: text,
    durationMs: z.number().optional().describe('absent when an INFO did not say it'),
    by: z.enum(['rtp', 'info']).describe('a telephone-event (RFC 4733), or an INFO'),
  }),
  event('dtmf.sent', {
    call: handle,
    digit: text,
    durationMs: z.number(),
    by: z.enum(['rtp']).describe('a telephone-event (RFC 4733)'),
  }),
  event('ping.answered', {
    to: text.describe('the URI that was asked'),
    transport: transport.optional(),
    remote: text.optional().describe('address:port it went to; absent when there is none'),
    status: count.optional().describe('of the final response; absent when none came'),
    reason: text.optional().describe('its reason phrase'),
    rttMs: z
      .number()
      .optional()
      .describe('from sending to that response, the requests before a challenge aside'),
    server: text.optional().describe('Server, or User-Agent where that is missing'),
    allow: z.array(text).optional(),
    supported: z.array(text).optional(),
    accept: z.array(text).optional(),
    failure: z
      .enum(['no-answer', 'network', 'authentication'])
      .optional()
      .describe('why there is no answer, or none that counts'),
    detail: text.optional().describe('the failure in words'),
  }),
  event('ping.finished', {
    to: text.describe('the URI that was asked'),
    sent: count,
    answered: count.describe('with any final response'),
    minMs: z.number().optional().describe('round trip, of those that were answered'),
    avgMs: z.number().optional(),
    maxMs: z.number().optional(),
  }),
  event('registration.queried', {
    account: text.describe('the address of record, sip:100@lab.local'),
    transport: transport.optional(),
    remote: text.optional().describe('address:port it went to; absent when there is none'),
    status: count.optional().describe('of the final response; absent when none came'),
    reason: text.optional().describe('its reason phrase'),
    rttMs: z.number().optional(),
    contacts: z.array(text).optional().describe('what is bound there now, with its parameters'),
    failure: z.enum(['no-answer', 'network', 'authentication']).optional(),
    detail: text.optional().describe('the failure in words'),
  }).describe('a REGISTER that only asks (RFC 3261 §10.2.3)'),
  event('check.finished', {
    check: text.describe('what was looked at: stable, kebab-case'),
    verdict: z
      .enum(['ok', 'note', 'warning', 'failed', 'unknown'])
      .describe('note: not as it might be, and not needed; unknown: it could not be found out'),
    evidence: text.describe('what was seen'),
    details: z.array(text).optional().describe('more of it, a line each'),
    cause: text.optional().describe('the likely cause, of what is not good'),
    next: text.optional().describe('the one thing to do about it'),
    tookMs: z.number(),
  }),
  event('doctor.finished', {
    verdict: z.enum(['works', 'limited', 'fails']),
    summary: text.describe('what will work from here, or why it will not'),
    next: text.optional().describe('the first thing to do'),
    ok: count.describe('checks that came out so; those with a note are none of the four'),
    warnings: count,
    failed: count,
    unknown: count,
    tookMs: z.number(),
  }),
  event('message.waiting', {
    account: text.optional(),
    waiting: z.boolean(),
    newMessages: count.optional(),
    oldMessages: count.optional(),
    newUrgent: count.optional(),
    oldUrgent: count.optional(),
  }),
  event('diagnosis.raised', {
    call: handle.optional(),
    account: text.optional(),
    code: text.describe('stable, kebab-case'),
    severity: z.enum(['info', 'warning', 'error']),
    evidence: text,
    cause: text,
    next: text,
  }),
]);

/** What happened, without the envelope. */
export type EventBody = z.infer<typeof eventBody>;
/** One member of the union, by its `type`. */
export type EventOf<T extends EventBody['type']> = Extract<EventBody, { type: T }>;

/** What every line of a stream starts with. `atMs` counts from the start of the session. */
export const envelope = z.object({
  v: z.literal(EVENT_VERSION),
  seq: count,
  atMs: z.number(),
  endpoint: text.optional().describe('which endpoint, when a process runs several'),
});

/** One line of a `--json` stream. */
export type Event = z.infer<typeof envelope> & EventBody;

/** Checks one parsed line of a stream; used at the edge (`replay`, the control socket), never on the hot path. */
export const streamEvent = z.intersection(envelope, eventBody);
