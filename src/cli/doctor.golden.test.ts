/**
 * What `ringback doctor` prints for facts as they are met: fixtures/golden/doctor-<what>.txt (a pipe), .60.txt (a narrow
 * terminal) and .jsonl. No network: facts go in, and lines come out.
 */
import { expect, test } from 'bun:test';
import { expectGolden, jsonText, plainText } from '../../fixtures/golden.ts';
import { judgeAddresses, judgeFacing } from '../doctor/addresses.ts';
import { CHECKS, type Finding, unfinished } from '../doctor/check.ts';
import { judgeClock } from '../doctor/clock.ts';
import { judgeCredentials } from '../doctor/credentials.ts';
import { judgeDns } from '../doctor/dns.ts';
import { judgeRtpPorts, judgeSipPort } from '../doctor/ports.ts';
import { judgePublicAddress } from '../doctor/public-address.ts';
import { type Answer, judgeReach } from '../doctor/reach.ts';
import { judgeRoutes } from '../doctor/routes.ts';
import { type Event, eventBody, streamEvent } from '../events.ts';
import { plainReporter } from '../report/plain-reporter.ts';
import type { ServerHop } from '../sip/flow.ts';
import { checkFinished, concluded } from './doctor-events.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

const ETH = { name: 'eth0', address: '192.168.1.20', prefixLength: 24 };
const ROUTES = [{ family: 'IPv4', via: '192.168.1.1', name: 'eth0', metric: 100 }] as const;
const SERVER: ServerHop = { transport: 'udp', address: '198.51.100.1', port: 5060 };
const NAME = 'pbx.example.org';
const OK: Answer = { type: 'answered', status: 200, reason: 'OK', rttMs: 12.3, server: 'kamailio (5.6.3)' };

const MACHINE: readonly Finding[] = [
  judgeAddresses({ interfaces: [ETH] }),
  judgeRoutes(ROUTES),
  judgeSipPort({ port: 5060, udp: { state: 'free' }, tcp: { state: 'free' } }),
  judgeRtpPorts({ range: [10_000, 20_000], tried: [{ port: 10_000, state: { state: 'free' } }] }),
];
const ASKED = { server: '192.168.1.1', tookMs: 8 };
const DNS = judgeDns({
  hop: { host: NAME, port: 5060, transport: 'udp', open: 'transport' },
  asked: [
    { ...ASKED, type: 'SRV', name: `_sip._udp.${NAME}`, records: [`10 0 5060 sbc1.${NAME}`] },
    { ...ASKED, type: 'A', name: `sbc1.${NAME}`, records: ['198.51.100.1'] },
  ],
  order: [SERVER],
  tookMs: 14,
});
const FACING = judgeFacing([{ server: '198.51.100.1', source: '192.168.1.20' }], [ETH], undefined);
const TCP = judgeReach({
  transport: 'tcp',
  wanted: false,
  reached: [{ hop: { ...SERVER, transport: 'tcp' }, answer: OK }],
  others: [],
});
const udp = (answer: Answer) =>
  judgeReach({ transport: 'udp', wanted: true, reached: [{ hop: SERVER, answer }], others: ['tcp'] });
const PUBLIC = judgePublicAddress({
  local: { address: '192.168.1.20', port: 5060 },
  sightings: [{ by: SERVER, how: 'rport', seen: { address: '203.0.113.7', port: 40_101 } }],
  mute: [],
});
const CLOCK = judgeClock([], true);
const QUERIED = { type: 'registration.queried', account: 'sip:100@pbx.example.org' } as const;

/** Compares what is said of these findings with the files. */
function story(name: string, findings: readonly Finding[], code: ExitCode, alone = false): void {
  const way = alone ? undefined : { server: NAME, wanted: ['udp'] as const };
  const { finished, code: ended } = concluded(findings, way, 3_210);
  const bodies = [
    ...findings.map((finding) => checkFinished(finding, 12)),
    finished,
    { type: 'session.stopped', reason: 'everything was looked at', exitCode: ended } as const,
  ];
  const events = bodies.map((body, index): Event => ({ v: 1, seq: index + 1, atMs: 100, ...body }));
  for (const event of events) expect(streamEvent.safeParse(event).success).toBe(true);
  expect(ended).toBe(code);
  expectGolden(`fixtures/golden/doctor-${name}.txt`, plainText(events));
  expectGolden(`fixtures/golden/doctor-${name}.60.txt`, narrow(events));
  expectGolden(`fixtures/golden/doctor-${name}.jsonl`, jsonText(events));
}

/** As a terminal of 60 columns shows them. */
function narrow(events: readonly Event[], width = 60): string {
  const report = plainReporter({ level: 0, style: 'transcript', color: false, showTime: false, width });
  return `${events.flatMap((event) => report(event) ?? []).join('\n')}\n`;
}

test('everything is well, behind a NAT', () => {
  const contacts = ['<sip:100@203.0.113.7:40101>;expires=3600'];
  const queried = { ...QUERIED, status: 200, reason: 'OK', contacts };
  const credentials = judgeCredentials({ queried, hasPassword: true, challenged: true });
  story('works', [...MACHINE, DNS, FACING, udp(OK), TCP, PUBLIC, CLOCK, credentials], EXIT.done);
});

test('UDP is dropped on the way, TCP works', () => {
  const silent = udp({ type: 'silent', waitedMs: 3_000 });
  story('udp-dropped', [...MACHINE, DNS, FACING, TCP, silent], EXIT.network);
});

test('the password is wrong', () => {
  const queried = { ...QUERIED, status: 401, reason: 'Unauthorized', failure: 'authentication' } as const;
  const credentials = judgeCredentials({ queried, hasPassword: true, challenged: true });
  story('wrong-password', [...MACHINE, DNS, FACING, udp(OK), TCP, credentials], EXIT.authenticationRefused);
});

test('this machine alone, and its SIP port is somebody else’s', () => {
  const taken = { state: 'taken', owner: { pid: 812, program: 'asterisk' } } as const;
  const port = judgeSipPort({ port: 5060, udp: taken, tcp: taken });
  story('port-taken', [...MACHINE.filter(({ check }) => check !== 'sip-port'), port], EXIT.network, true);
});

test('a check that is not done in time says so', () => {
  story('too-slow', [...MACHINE, DNS, unfinished('udp', 9_000), unfinished('tcp', 9_000)], EXIT.network);
});

test('no line is wider than the terminal, from 60 to 200 columns, whatever is in it', () => {
  const long = `${'a rather long story '.repeat(12)}${'x'.repeat(30)} 日本語 \u001b[31m`;
  const finding: Finding = { check: 'udp', verdict: 'failed', evidence: long, cause: long, next: long };
  const [event] = [checkFinished(finding, 1)].map((body): Event => ({ v: 1, seq: 1, atMs: 1, ...body }));
  for (const width of [60, 80, 120, 200]) {
    const rows = narrow(event === undefined ? [] : [event], width)
      .trimEnd()
      .split('\n');
    for (const row of rows) expect(Bun.stringWidth(row)).toBeLessThanOrEqual(width);
    expect(rows.join('')).not.toContain('\u001b');
  }
});

test('every check has its place in the order, and its name fits its column', () => {
  expect(new Set(CHECKS).size).toBe(CHECKS.length);
  for (const check of CHECKS) expect(check.length).toBeLessThan(16);
  expect(eventBody.safeParse(checkFinished(unfinished('dns', 1), 1)).success).toBe(true);
});
