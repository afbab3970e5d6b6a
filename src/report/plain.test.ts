/**
 * A call as it is printed, at every level: a list of events against a file of lines (fixtures/report, written anew
 * with UPDATE_GOLDEN=1 and then read by a person).
 */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { EVENT_VERSION, type Event, type EventBody, eventBody } from '../events.ts';
import { type PlainOptions, plainLine } from './plain.ts';
import { duration } from './plain-call.ts';
import { plainReporter } from './plain-reporter.ts';

const CALL = 'call-100-echo-001';
const PHONE = '127.0.0.1:5062';
const CALL_ID = 'a84b4c76e66710';

const totals = {
  packetsReceived: 597,
  packetsSent: 598,
  bytesReceived: 102_684,
  bytesSent: 102_856,
  lost: 3,
  reordered: 1,
  jitterMs: 0.42,
};

function sip(type: 'sip.received' | 'sip.sent', startLine: string, cseq: string, call?: string): EventBody {
  const raw = `${startLine}\r\nCall-ID: ${CALL_ID}\r\nSubject: \u001b[31mred\r\n\r\n`;
  const body = { type, transport: 'udp', remote: PHONE, startLine, cseq, bytes: 412, raw } as const;
  return call === undefined ? body : { ...body, call };
}

function state(
  from: Extract<EventBody, { type: 'call.changed' }>['from'],
  to: Extract<EventBody, { type: 'call.changed' }>['to'],
  more: { reason?: string; status?: number; durationMs?: number } = {},
): EventBody {
  return {
    type: 'call.changed',
    call: CALL,
    callId: CALL_ID,
    direction: 'incoming',
    peer: 'sip:100@lab.local',
    displayName: 'Zoë \u001b[2J',
    from,
    to,
    ...more,
  };
}

const ACCOUNT = 'sip:echo@lab.local';

/** A session with every kind of event in it. */
const SESSION: readonly EventBody[] = [
  { type: 'session.started', version: '0.1.0', wallTime: '2026-01-02T03:04:05.000Z', configuration: {} },
  { type: 'address.discovered', scope: 'local', address: '192.0.2.7', learnedBy: 'route' },
  { type: 'listener.opened', transport: 'udp', address: '0.0.0.0', port: 5060 },
  { type: 'listener.opened', transport: 'tcp', address: '::', port: 5060 },
  sip('sip.sent', 'REGISTER sip:lab.local SIP/2.0', '1 REGISTER'),
  { type: 'registration.changed', account: ACCOUNT, from: 'idle', to: 'registering' },
  sip('sip.received', 'SIP/2.0 401 Unauthorized', '1 REGISTER'),
  { type: 'auth.challenged', account: ACCOUNT, realm: 'lab', algorithm: 'SHA-256', qop: 'auth', status: 401 },
  sip('sip.sent', 'REGISTER sip:lab.local SIP/2.0', '2 REGISTER'),
  sip('sip.received', 'SIP/2.0 200 OK', '2 REGISTER'),
  {
    type: 'registration.changed',
    account: ACCOUNT,
    from: 'registering',
    to: 'registered',
    status: 200,
    expiresS: 3600,
  },
  {
    type: 'binding.changed',
    addressOfRecord: ACCOUNT,
    contact: 'sip:echo@192.0.2.7:5062',
    change: 'added',
    expiresS: 600,
  },
  {
    type: 'binding.changed',
    addressOfRecord: ACCOUNT,
    contact: 'sip:echo@192.0.2.7:5062',
    change: 'expired',
  },
  { type: 'dtmf.sent', call: CALL, digit: '#', durationMs: 100, by: 'rtp' },
  {
    type: 'ping.answered',
    to: 'sip:pbx.example.org',
    transport: 'udp',
    remote: '192.0.2.1:5060',
    status: 200,
    reason: 'OK',
    rttMs: 1.34,
    server: 'Kamailio (5.6.3)',
    allow: ['INVITE', 'ACK'],
    supported: ['path'],
  },
  { type: 'ping.answered', to: 'sip:pbx.example.org', failure: 'network', detail: 'the name is not known' },
  {
    type: 'ping.finished',
    to: 'sip:pbx.example.org',
    sent: 2,
    answered: 1,
    minMs: 1.34,
    avgMs: 1.34,
    maxMs: 1.34,
  },
  {
    type: 'registration.queried',
    account: ACCOUNT,
    transport: 'udp',
    remote: '192.0.2.1:5060',
    status: 200,
    reason: 'OK',
    rttMs: 3.14,
    contacts: ['<sip:100@192.0.2.7>;expires=60'],
  },
  { type: 'check.finished', check: 'dns', verdict: 'ok', evidence: 'found', details: ['A: x'], tookMs: 3.2 },
  {
    type: 'check.finished',
    check: 'udp',
    verdict: 'failed',
    evidence: '192.0.2.1:5060 is silent',
    cause: 'a firewall drops UDP',
    next: 'use --transport tcp',
    tookMs: 3_000,
  },
  {
    type: 'doctor.finished',
    verdict: 'fails',
    summary: 'calls will not work',
    next: 'use --transport tcp',
    ok: 1,
    warnings: 0,
    failed: 1,
    unknown: 0,
    tookMs: 3_010,
  },
  { type: 'message.waiting', account: ACCOUNT, waiting: true, newMessages: 2, oldMessages: 8 },
  sip('sip.received', 'INVITE sip:echo@192.0.2.7 SIP/2.0', '1 INVITE', CALL),
  {
    type: 'transaction.changed',
    call: CALL,
    id: 'z9hG4bKx',
    kind: 'invite-server',
    method: 'INVITE',
    from: 'none',
    to: 'proceeding',
    cause: 'INVITE',
  },
  sip('sip.sent', 'SIP/2.0 100 Trying', '1 INVITE', CALL),
  state('idle', 'ringing'),
  {
    type: 'dialog.changed',
    call: CALL,
    callId: CALL_ID,
    localTag: 'a',
    from: 'none',
    to: 'early',
    cause: '180',
  },
  sip('sip.sent', 'SIP/2.0 180 Ringing', '1 INVITE', CALL),
  {
    type: 'media.early',
    call: 'call-100-101-001',
    remoteTag: 'b1',
    codec: 'PCMU',
    payloadType: 0,
    remoteAddress: '192.0.2.20',
    remotePort: 31_000,
    direction: 'sendrecv',
  },
  {
    type: 'media.started',
    call: CALL,
    codec: 'PCMU',
    payloadType: 0,
    localAddress: '127.0.0.1',
    localPort: 10_000,
    remoteAddress: '127.0.0.1',
    remotePort: 6000,
    direction: 'sendrecv',
    rtcp: 'separate',
  },
  sip('sip.sent', 'SIP/2.0 200 OK', '1 INVITE', CALL),
  state('ringing', 'answered'),
  { type: 'timer.fired', call: CALL, name: 'Timer G' },
  { type: 'timers.changed', call: CALL, transaction: 'ist-1', timers: [{ name: 'Timer H', inMs: 31_500 }] },
  sip('sip.received', 'ACK sip:echo@192.0.2.7 SIP/2.0', '1 ACK', CALL),
  state('answered', 'established'),
  {
    type: 'media.latched',
    call: CALL,
    expectedAddress: '127.0.0.1',
    expectedPort: 6000,
    address: '127.0.0.1',
    port: 6002,
  },
  { type: 'media.sampled', call: CALL, ...totals, packetsReceivedPerS: 50, packetsSentPerS: 49.94 },
  { type: 'dtmf.received', call: CALL, digit: '5', durationMs: 160, by: 'rtp' },
  {
    type: 'sip.rejected',
    transport: 'udp',
    remote: '203.0.113.9:5060',
    code: 'cseq-malformed',
    offset: 212,
    header: 'CSeq',
    status: 400,
    detail: 'expected a number',
    hint: 'the sender has a fault',
  },
  {
    type: 'sip.rejected',
    transport: 'udp',
    remote: '[2001:db8::9]:5060',
    code: 'not-sip',
    offset: 0,
    detail: 'no start line\u001b[2J',
  },
  {
    type: 'diagnosis.raised',
    call: CALL,
    code: 'one-way-audio',
    severity: 'warning',
    evidence: '0 packets in 5 s',
    cause: 'a NAT',
    next: 'check --advertise-ip',
  },
  { type: 'diagnosis.raised', code: 'no-route', severity: 'error', evidence: 'a', cause: 'b', next: 'c' },
  {
    type: 'diagnosis.raised',
    account: ACCOUNT,
    code: 'note',
    severity: 'info',
    evidence: 'a',
    cause: 'b',
    next: 'c',
  },
  sip('sip.received', 'BYE sip:echo@192.0.2.7 SIP/2.0', '2 BYE', CALL),
  sip('sip.sent', 'SIP/2.0 200 OK', '2 BYE', CALL),
  { type: 'media.stopped', call: CALL, ...totals, sendErrors: 0, durationMs: 12_345 },
  state('established', 'terminated', { reason: 'BYE received', durationMs: 12_400 }),
  {
    type: 'registration.changed',
    account: ACCOUNT,
    from: 'registered',
    to: 'retrying',
    reason: 'connection lost',
    retryInMs: 500,
  },
  {
    type: 'registration.changed',
    account: ACCOUNT,
    from: 'registering',
    to: 'failed',
    status: 403,
    reason: 'the password was refused',
  },
  {
    type: 'connection.secured',
    account: ACCOUNT,
    direction: 'outgoing',
    remote: '192.0.2.1:5061',
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    verified: 'lab.local',
    subject: 'CN=lab.local',
    issuer: 'CN=Test CA',
    notAfter: '2030-01-01T00:00:00Z',
    serial: '1A2B',
  },
  { type: 'session.stopped', reason: 'SIGINT', exitCode: 0 },
];

const EVENTS: readonly Event[] = SESSION.map((body, index) => ({
  v: EVENT_VERSION,
  seq: index + 1,
  atMs: index * 100,
  ...body,
}));

function transcript(options: Omit<PlainOptions, 'clock'>): string {
  const report = plainReporter({ ...options, showTime: false });
  return `${EVENTS.map(report)
    .filter((line) => line !== undefined)
    .join('\n')}\n`;
}

const GOLDEN = {
  'service-quiet': { level: -1, style: 'service', color: false },
  service: { level: 0, style: 'service', color: false },
  'service-v': { level: 1, style: 'service', color: false },
  'service-vv': { level: 2, style: 'service', color: false },
  transcript: { level: 0, style: 'transcript', color: false },
} as const;

for (const [name, options] of Object.entries(GOLDEN)) {
  test(`the ${name} lines of a session are those of fixtures/report/${name}.txt`, async () => {
    const file = join(import.meta.dir, '..', '..', 'fixtures', 'report', `${name}.txt`);
    const lines = transcript(options);
    if (process.env.UPDATE_GOLDEN === '1') await Bun.write(file, lines);
    expect(lines).toBe(await Bun.file(file).text());
  });
}

test('the session above has every type of event in it', () => {
  const types = new Set<string>(SESSION.map(({ type }) => type));
  const missing = eventBody.options
    .map((option) => option.shape.type.value)
    .filter((type) => !types.has(type));
  expect(missing).toEqual([]);
});

test('a registration and a call by a command are the transcript of the design, word for word', () => {
  const options = { level: 0, style: 'transcript', color: false } as const;
  const bodies: EventBody[] = [
    sip('sip.sent', 'INVITE sip:101@lab.local SIP/2.0', '1 INVITE', 'call-100-101-001'),
    sip('sip.received', 'SIP/2.0 100 Trying', '1 INVITE', 'call-100-101-001'),
    sip('sip.received', 'SIP/2.0 180 Ringing', '1 INVITE', 'call-100-101-001'),
    sip('sip.received', 'SIP/2.0 200 OK', '1 INVITE', 'call-100-101-001'),
    sip('sip.sent', 'ACK sip:101@192.0.2.1 SIP/2.0', '1 ACK', 'call-100-101-001'),
    state('answered', 'established'),
    { type: 'session.stopped', reason: 'done', exitCode: 0 },
  ];
  const lines = bodies.map((body) => plainLine({ v: 1, seq: 1, atMs: 0, ...body }, options, new Map()));
  expect(lines).toEqual([
    '[TX] INVITE cseq=1 call_id=call-100-101-001',
    '[RX] 100 Trying',
    '[RX] 180 Ringing',
    '[RX] 200 OK',
    '[TX] ACK cseq=1',
    '[STATE] established',
    '[EXIT] code=0',
  ]);
});

test('on a terminal a line has the local time and one colour, and no other escape sequence', () => {
  const report = plainReporter({ level: 2, style: 'service', color: true, showTime: true });
  // Those of doctor have marks in front, and no time: plain-check.ts.
  const own = EVENTS.filter(({ type }) => type !== 'check.finished' && type !== 'doctor.finished');
  const lines = own.map(report).filter((line) => line !== undefined);
  for (const line of lines) {
    expect(line.replaceAll('\u001b', 'ESC')).toMatch(/^\d\d:\d\d:\d\d ESC\[3[36]m\[[A-Z]+\]ESC\[39m /);
    expect(line.split('\u001b')).toHaveLength(3);
  }
  const started = new Date('2026-01-02T03:04:05.000Z');
  expect(lines[0]).toStartWith(started.toTimeString().slice(0, 8));
  // 100 ms an event.
  const last = new Date(started.getTime() + (EVENTS.length - 1) * 100);
  expect(lines.at(-1)).toStartWith(last.toTimeString().slice(0, 8));
});

test('a duration is in the unit that a person would say', () => {
  expect([0, 12_345, 59_999, 65_000, 3_599_999, 7_380_000].map(duration)).toEqual([
    '0.0 s',
    '12.3 s',
    '60.0 s',
    '1 min 05 s',
    '59 min 59 s',
    '2 h 03 min',
  ]);
});

test('the OPTIONS that keep a registration reachable, and their answers, are lines with -v alone', () => {
  const about = { transport: 'udp', remote: PHONE, cseq: '1 OPTIONS', bytes: 400 } as const;
  const messages: readonly EventBody[] = [
    { ...about, type: 'sip.sent', startLine: 'OPTIONS sip:lab.local SIP/2.0', callId: 'ours' },
    { ...about, type: 'sip.received', startLine: 'SIP/2.0 200 OK', callId: 'ours' },
    { ...about, type: 'sip.received', startLine: 'OPTIONS sip:100@lab.local SIP/2.0', callId: 'theirs' },
    { ...about, type: 'sip.sent', startLine: 'SIP/2.0 200 OK', callId: 'theirs' },
  ];
  const linesAt = (level: 0 | 1) => {
    const report = plainReporter({ level, style: 'service', color: false, showTime: false });
    return messages.flatMap(
      (body, index) => report({ v: EVENT_VERSION, seq: index, atMs: 0, ...body }) ?? [],
    );
  };
  expect(linesAt(0)).toEqual([
    '[RX] OPTIONS cseq=1 from udp 127.0.0.1:5062',
    '[TX] 200 OK to udp 127.0.0.1:5062',
  ]);
  expect(linesAt(1)).toHaveLength(4);
});
