/** What is made of DNS, of the server's answers, of what they show of us, and of the registrar's. */
import { expect, test } from 'bun:test';
import type { NextHop, ServerHop } from '../sip/flow.ts';
import { judgeClock, readDate } from './clock.ts';
import { judgeCredentials, notAsked } from './credentials.ts';
import { type AskedQuestion, judgeDns } from './dns.ts';
import { isOddSighting, judgePublicAddress, type Sighting } from './public-address.ts';
import { type Answer, judgeReach, type Reach } from './reach.ts';
import { alterations, judgeAlg } from './sip-alg.ts';
import { exchangesIn, sightingsIn } from './wire.ts';

const HOP: NextHop = { host: 'pbx.example', port: 5060, transport: 'udp', open: 'transport' };
const UDP: ServerHop = { transport: 'udp', address: '198.51.100.1', port: 5060 };

const asked = (
  type: AskedQuestion['type'],
  name: string,
  records: readonly string[] = [],
  about: Partial<AskedQuestion> = {},
): AskedQuestion => ({ type, name, records, server: '192.0.2.53', tookMs: 4, ...about });
const srv = (...targets: string[]) =>
  asked(
    'SRV',
    '_sip._udp.pbx.example',
    targets.map((target, index) => `${20 - 10 * index} 0 5060 ${target}`),
  );
const dns = (questions: readonly AskedQuestion[], order: readonly ServerHop[] = [UDP], tookMs = 12.2) =>
  judgeDns({ hop: HOP, asked: questions, order, tookMs });

test('what DNS said becomes the order of the servers and why it is that one (RFC 3263 §4)', () => {
  const naptr = asked('NAPTR', HOP.host, [], { code: 'ENODATA' });
  const found = dns([naptr, srv('b.example', 'a.example'), asked('A', 'a.example', ['198.51.100.1'])]);
  expect(found).toEqual({
    check: 'dns',
    verdict: 'ok',
    evidence: 'pbx.example leads to udp 198.51.100.1:5060 (by SRV, no NAPTR); 12 ms, asked 192.0.2.53',
    details: [
      'NAPTR pbx.example: none (192.0.2.53, 4 ms)',
      'SRV _sip._udp.pbx.example: 10 0 5060 a.example and 20 0 5060 b.example (192.0.2.53, 4 ms)',
      'A a.example: 198.51.100.1 (192.0.2.53, 4 ms)',
    ],
  });
});

test('an SRV target without an address is a weak spot beside one that has one, and in the way alone', () => {
  const dead = [srv('gone.example'), asked('A', 'gone.example', [], { code: 'ENOTFOUND' })];
  expect(dns(dead)).toMatchObject({
    verdict: 'warning',
    evidence: expect.stringContaining('gone.example has no address'),
  });
  expect(dns(dead, [])).toMatchObject({ verdict: 'failed', cause: 'its SRV records are out of date' });
});

test('a name that is not there, a name server that is silent, slow, or out of reach, are four things', () => {
  const none = (code: string) => asked('A', HOP.host, [], { code });
  expect(dns([none('ENOTFOUND')], []).cause).toContain('misspelt');
  expect(dns([none('ETIMEOUT')], [])).toMatchObject({
    evidence: '192.0.2.53 did not answer for pbx.example',
    cause: expect.stringContaining('name server is down'),
  });
  const system = asked('name', HOP.host, [], { server: 'this system', code: 'EAI_AGAIN' });
  expect(dns([none('ENETUNREACH'), system], [])).toMatchObject({
    evidence: 'no way leads to 192.0.2.53, the name server that was to be asked for pbx.example',
    next: expect.stringContaining('bring the network up'),
  });
  expect(dns([none('ENETUNREACH'), none('ETIMEOUT')], []).cause).toContain('name server is down');
  expect(dns([none('EREFUSED')], [])).toMatchObject({
    evidence: '192.0.2.53 refuses to answer for pbx.example',
    cause: expect.stringContaining('its own network'),
  });
  expect(dns([asked('SRV', '_sip._udp.pbx.example', ['0 0 0 .'])], []).cause).toContain(
    'no SIP under this name',
  );
  expect(judgeDns({ hop: HOP, asked: [], order: [], tookMs: 3_500, gaveUpMs: 3_500 })).toMatchObject({
    verdict: 'failed',
    evidence: 'the name server did not answer for pbx.example in 3.5 s',
  });
  expect(dns([asked('A', HOP.host, ['198.51.100.1'])], [UDP], 1_600).verdict).toBe('warning');
});

test('a dead name server in front of one that answers is told of', () => {
  const dead = asked('A', HOP.host, [], { server: '192.0.2.1', code: 'ETIMEOUT', tookMs: 800 });
  expect(dns([dead, asked('A', HOP.host, ['198.51.100.1'])], [UDP], 810)).toMatchObject({
    verdict: 'warning',
    evidence: expect.stringContaining('asked 192.0.2.53; 192.0.2.1 did not answer'),
  });
});

const reach = (answer: Answer, address = '198.51.100.1'): Reach => ({ hop: { ...UDP, address }, answer });
const OK: Answer = { type: 'answered', status: 200, reason: 'OK', rttMs: 12.34, server: 'kamailio' };
const SILENT: Answer = { type: 'silent', waitedMs: 3_000 };
const udp = (reached: readonly Reach[], rest = {}) =>
  judgeReach({ transport: 'udp', wanted: true, reached, others: [], ...rest });

test('any final response shows that messages go there and back; a 5xx is a trouble of the server', () => {
  expect(udp([reach(OK)])).toEqual({
    check: 'udp',
    verdict: 'ok',
    evidence: '198.51.100.1:5060 200 OK in 12.3 ms, kamailio',
  });
  for (const status of [401, 404, 405, 501]) expect(udp([reach({ ...OK, status })]).verdict).toBe('ok');
  expect(udp([reach({ ...OK, status: 503 })]).verdict).toBe('warning');
});

test('a silent transport is in the way when it is wanted, and the one that answers is the next step', () => {
  expect(udp([reach(SILENT)], { others: ['tcp'] })).toEqual({
    check: 'udp',
    verdict: 'failed',
    evidence: '198.51.100.1:5060 is silent: no answer in 3 s',
    cause: 'a firewall drops UDP, a SIP ALG swallows it, or the server does not answer strangers',
    next: 'use --transport tcp, which answers',
  });
  expect(udp([reach(SILENT)], { wanted: false })).toEqual({
    check: 'udp',
    verdict: 'note',
    evidence: '198.51.100.1:5060 is silent: no answer in 3 s; not needed here',
  });
  expect(udp([reach({ type: 'refused' })]).next).toBe(
    'check the address and the port, and that the server runs',
  );
});

test('nobody is led around a certificate to a way without TLS', () => {
  const tls = (answer: Answer) =>
    judgeReach({ transport: 'tls', wanted: true, reached: [reach(answer)], others: ['udp'] }).next;
  expect(tls({ type: 'failed', detail: 'TLS: the certificate is not for x' })).toBe(
    'look at the certificate check',
  );
  expect(tls({ type: 'failed', detail: 'x does not speak TLS there', plain: true })).toContain('5061');
  expect(tls({ type: 'refused' })).toContain('5061');
  expect(tls(SILENT)).not.toContain('--transport');
});

test('what stands behind a certificate that is not good is no way, though it answers', () => {
  expect(udp([reach(OK)], { shut: true })).toEqual({
    check: 'udp',
    verdict: 'note',
    evidence:
      '198.51.100.1:5060 200 OK in 12.3 ms, kamailio; no way down from TLS, where the server did not prove who it is',
  });
});

test('of a server that refuses and one whose certificate is not good, the certificate is looked at', () => {
  const bad: Answer = { type: 'failed', detail: 'TLS: the certificate is not for x' };
  const reached = [reach({ type: 'refused' }, '198.51.100.9'), reach(bad)];
  const found = judgeReach({ transport: 'tls', wanted: true, reached, others: ['udp'] });
  expect(found).toMatchObject({ cause: 'TLS did not come up', next: 'look at the certificate check' });
});

test('an IPv6 address is missed by nobody where there is IPv4 alone, and is in the way when it is all there is', () => {
  const away = reach({ type: 'no-route' }, '2001:db8::1');
  expect(udp([reach(OK), away])).toEqual({
    check: 'udp',
    verdict: 'ok',
    evidence:
      '198.51.100.1:5060 200 OK in 12.3 ms, kamailio; [2001:db8::1]:5060 is not reached: no route leads there from here',
  });
  expect(udp([away])).toMatchObject({ verdict: 'failed', cause: 'no route leads there' });
  expect(udp([reach(SILENT), away]).verdict).toBe('failed');
});

test('one dead server beside one that answers is a weak spot', () => {
  const found = udp([reach({ type: 'refused' }), reach(OK, '198.51.100.2')]);
  expect(found).toMatchObject({ verdict: 'warning', cause: expect.stringContaining('the servers after it') });
});

const LOCAL = { address: '10.9.0.2', port: 5060 };
const sighting = (by: string, port: number, address = '198.51.100.2'): Sighting => ({
  by: { address: by, port: 5060 },
  how: 'rport',
  seen: { address, port },
});
const publicly = (sightings: readonly Sighting[], rest = {}) =>
  judgePublicAddress({ local: LOCAL, sightings, mute: [], ...rest });

test('who is seen where he is has no NAT in between (RFC 3581 §4)', () => {
  const found = publicly([sighting('10.1.0.1', 5060, '10.9.0.2')]);
  expect(found).toMatchObject({ verdict: 'ok', evidence: expect.stringContaining('no NAT in between') });
});

test('one vantage point shows a NAT and not its kind; two show whether the mapping is the same for all (RFC 4787 §4.1)', () => {
  const one = publicly([sighting('198.51.100.1', 6060)]);
  expect(one.evidence).toContain('one vantage point does not tell its kind');
  const alike = publicly([sighting('198.51.100.1', 6060), sighting('198.51.100.7', 6060)]);
  expect(alike).toMatchObject({
    verdict: 'ok',
    evidence: expect.stringContaining('everybody sees the same'),
  });
  const each = publicly([sighting('198.51.100.1', 6060), sighting('198.51.100.7', 6061)]);
  expect(each).toMatchObject({ verdict: 'warning', evidence: expect.stringContaining('a symmetric NAT') });
});

test('where UDP tells nothing, a connection shows the address, and no port that others could use', () => {
  const overStreams = [sighting('198.51.100.1', 40_000)];
  expect(publicly([], { overStreams })).toEqual({
    check: 'public-address',
    verdict: 'ok',
    evidence: '198.51.100.2 by the connection to 198.51.100.1:5060; here it is 10.9.0.2: behind a NAT',
  });
});

test('an --advertise-ip that nobody sees is wrong; a server without rport tells nothing', () => {
  const wrong = publicly([sighting('198.51.100.1', 6060)], { advertised: '203.0.113.9' });
  expect(wrong).toMatchObject({ verdict: 'warning', next: expect.stringContaining('198.51.100.2') });
  const mute = publicly([], { mute: [{ address: '198.51.100.1', port: 5060 }] });
  expect(mute).toMatchObject({ verdict: 'unknown', evidence: expect.stringContaining('did not say') });
  expect(publicly([]).verdict).toBe('unknown');
  expect(publicly([], { stunFailure: 'no answer' }).verdict).toBe('failed');
  const odd = publicly([sighting('198.51.100.1', 5060, '10.9.0.2')]);
  expect(odd).toMatchObject({ verdict: 'unknown', evidence: expect.stringContaining('a private address') });
});

const SENT = [
  'OPTIONS sip:pbx.example SIP/2.0',
  'Via: SIP/2.0/UDP 10.9.0.2:5060;rport;branch=z9hG4bK1',
  'From: <sip:anonymous@anonymous.invalid>;tag=a',
  'To: <sip:pbx.example>',
  'Call-ID: abc',
  'CSeq: 1 OPTIONS',
  '',
  '',
].join('\r\n');
const BACK = SENT.replace(/^.*/, 'SIP/2.0 200 OK')
  .replace(';rport', ';rport=6060;received=198.51.100.2')
  .replace('<sip:pbx.example>', '<sip:pbx.example>;tag=b');

test('what a server adds by right is no alteration: received, rport, a To tag, short names, white space', () => {
  expect(alterations(SENT, BACK)).toEqual([]);
  const spaced = BACK.replace('Via: ', 'v : ').replace('Call-ID:', 'i:').replace(';branch', ' ; branch');
  expect(alterations(SENT, spaced)).toEqual([]);
});

test('an address that somebody wrote into our Via or Call-ID is seen (SIP ALG)', () => {
  const via = BACK.replace('10.9.0.2:5060', '198.51.100.2:6060');
  expect(alterations(SENT, via)).toEqual([
    'Via went as "SIP/2.0/UDP 10.9.0.2:5060;rport;branch=z9hG4bK1" and came back as "SIP/2.0/UDP 198.51.100.2:6060;rport=6060;received=198.51.100.2;branch=z9hG4bK1"',
  ]);
  expect(alterations(SENT, BACK.replace('abc', 'abc@198.51.100.2'))).toHaveLength(1);
  const remote = { address: '198.51.100.1', port: 5060 };
  const exchange = { remote, sent: SENT, received: [via] };
  expect(judgeAlg({ exchanges: [exchange], privateSightings: [] })).toMatchObject({ verdict: 'warning' });
  expect(judgeAlg({ exchanges: [{ ...exchange, received: [BACK] }], privateSightings: [] })).toMatchObject({
    verdict: 'ok',
  });
  expect(judgeAlg({ exchanges: [{ ...exchange, received: [] }], privateSightings: [] })).toBeUndefined();
});

test('a public server that sees a private address sees it through an ALG, or without a NAT; TCP or STUN decide', () => {
  const by = { address: '198.51.100.1', port: 5060 };
  expect(isOddSighting(by, LOCAL)).toBe(true);
  expect(isOddSighting({ address: '10.0.0.1', port: 5060 }, LOCAL)).toBe(false);
  expect(isOddSighting(by, { address: '203.0.113.4', port: 1 })).toBe(false);
  const exchanges = [{ remote: by, sent: SENT, received: [BACK] }];
  const privateSightings = [{ by, seen: LOCAL }];
  expect(judgeAlg({ exchanges, privateSightings })?.verdict).toBe('note');
  const judge = (...seenOtherwise: string[]) => judgeAlg({ exchanges, privateSightings, seenOtherwise });
  expect(judge(LOCAL.address)?.verdict).toBe('note');
  expect(judge('203.0.113.4')).toMatchObject({
    verdict: 'warning',
    evidence: expect.stringContaining('otherwise we are seen at 203.0.113.4'),
  });
});

test('answers are told to requests by Call-ID, and one that nobody sent belongs to who it came from', () => {
  const message = (type: 'sip.sent' | 'sip.received', raw: string, callId: string) => ({
    type,
    transport: 'udp' as const,
    remote: '198.51.100.1:5060',
    startLine: raw.slice(0, raw.indexOf('\r\n')),
    callId,
    bytes: raw.length,
    raw,
  });
  const changed = BACK.replace('abc', 'xyz');
  const found = exchangesIn([
    message('sip.sent', SENT, 'abc'),
    message('sip.sent', SENT, 'abc'),
    message('sip.received', changed, 'xyz'),
  ]);
  expect(found).toEqual([
    { remote: { address: '198.51.100.1', port: 5060 }, sent: SENT, received: [changed] },
  ]);
  expect(sightingsIn(found)).toEqual({
    local: LOCAL,
    sightings: [sighting('198.51.100.1', 6060)],
    mute: [],
  });
});

test('a Date is compared with the time when it came; without one nothing is said (§20.17)', () => {
  const dateMs = readDate('Sun, 22 Nov 2026 08:00:00 GMT') ?? 0;
  expect(dateMs).toBe(Date.UTC(2026, 10, 22, 8));
  expect(readDate('22 Nov 2026')).toBeUndefined();
  const heard = (skewMs: number) => [{ server: '198.51.100.1:5060', dateMs, heardMs: dateMs - skewMs }];
  expect(judgeClock(heard(900), true).verdict).toBe('ok');
  expect(judgeClock(heard(-20_000), true)).toMatchObject({
    verdict: 'note',
    evidence: '20 s ahead of the Date of 198.51.100.1:5060',
  });
  expect(judgeClock(heard(3_600_000), true)).toMatchObject({
    verdict: 'warning',
    evidence: '60 min behind the Date of 198.51.100.1:5060',
  });
  expect(judgeClock([], true)).toMatchObject({
    evidence: 'not known: the server sends no Date',
    next: expect.stringContaining('date -u'),
  });
});

const QUERIED = { type: 'registration.queried', account: 'sip:100@lab.local' } as const;
const credentials = (about: object, hasPassword = true, challenged = true) =>
  judgeCredentials({ queried: { ...QUERIED, ...about }, hasPassword, challenged });

test('credentials are shown to no server that stands behind one without proof (RFC 3261 §26.1.2)', () => {
  expect(notAsked(['tls', 'udp'], 'unproven')).toMatchObject({
    verdict: 'unknown',
    evidence: expect.stringContaining('did not prove over TLS'),
  });
});

test('credentials are right when the registrar asked for them and then took them (§10.2.3)', () => {
  const contacts = ['<sip:100@192.0.2.7>;expires=60'];
  expect(credentials({ status: 200, reason: 'OK', contacts })).toEqual({
    check: 'credentials',
    verdict: 'ok',
    evidence: 'the registrar takes the password of sip:100@lab.local; 1 bound now',
    details: contacts,
  });
  expect(credentials({ status: 200, reason: 'OK' }, true, false).verdict).toBe('note');
});

test('a refused password, a missing one and an unknown user are told apart; silence says nothing of them', () => {
  const refused = { status: 401, reason: 'Unauthorized', failure: 'authentication', detail: 'refused' };
  expect(credentials(refused)).toMatchObject({ verdict: 'failed', cause: expect.stringContaining('wrong') });
  expect(credentials(refused, false).evidence).toContain('no password was given');
  expect(credentials({ status: 404, reason: 'Not Found' }).verdict).toBe('failed');
  expect(credentials({ failure: 'no-answer', detail: 'nothing came in time' }).verdict).toBe('unknown');
  expect(notAsked(['udp', 'tcp'])).toMatchObject({
    verdict: 'unknown',
    evidence: expect.stringContaining('udp or tcp'),
  });
  expect(notAsked([])).toBeUndefined();
  expect(credentials({ status: 400, reason: 'Bad Request' }).verdict).toBe('unknown');
});
