import { expect, test } from 'bun:test';
import type { EndpointConfig } from './endpoint-config.ts';
import type { Flow } from './flow.ts';
import { value } from './message.ts';
import { responseFlow, withSource } from './rport.ts';
import { latin1 } from './text.ts';
import { RFC_TIMERS } from './timers.ts';
import { DATAGRAMS, readRequest, requestText, STREAM } from './transaction-stage.ts';
import { Turn } from './turn.ts';
import { UserAgent } from './user-agent.ts';

const CONFIG: EndpointConfig = {
  seed: [1, 2, 3, 4],
  product: 'ringback-test',
  accounts: [],
  echo: true,
  maxCalls: 10,
  ringDelayMs: 0,
  answerDelayMs: 0,
  mediaTimeoutMs: 0,
  defaultAddresses: { ipv4: '198.51.100.1', ipv6: '2001:db8::1' },
  interfaces: [{ address: '10.0.0.1', prefixLength: 8 }],
  rawMessages: false,
  timers: RFC_TIMERS,
};

/** One that listens on UDP and TCP. */
function agent(config: Partial<EndpointConfig> = {}): UserAgent {
  const made = new UserAgent({ ...CONFIG, ...config });
  made.own.listening('udp', { address: '::', port: 5062 });
  made.own.listening('tcp', { address: '::', port: 5064 });
  return made;
}

function flowFrom(address: string, port = 5060): Flow {
  return { transport: 'udp', remote: { address, port } };
}

/** Where the response to a request with that Via goes. */
function responseTo(via: string, flow: Flow): Flow {
  return responseFlow(readRequest(requestText('OPTIONS', { Via: via })).core.via, flow);
}

test('a response goes to the source, at the port of sent-by (§18.2.2)', () => {
  const flow = flowFrom('203.0.113.9', 40_000);
  expect(responseTo('SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1', flow)).toEqual(
    flowFrom('203.0.113.9', 5070),
  );
  expect(responseTo('SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1', flow)).toEqual(flowFrom('203.0.113.9', 5060));
});

test('maddr sends no answer to a third party (§26.1.5)', () => {
  const flow = flowFrom('203.0.113.9', 5070);
  expect(responseTo('SIP/2.0/UDP 203.0.113.9:5070;maddr=192.0.2.66;branch=z9hG4bK1', flow)).toBe(flow);
});

test('rport asks for the port of the source (RFC 3581 §4)', () => {
  const flow = flowFrom('203.0.113.9', 40_000);
  expect(responseTo('SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bK1', flow)).toBe(flow);
});

test('on a stream a response goes back on it, whatever the Via says (§18.2.2)', () => {
  expect(responseTo('SIP/2.0/TCP 192.0.2.7:9;branch=z9hG4bK1', STREAM)).toBe(STREAM);
});

test('where a request came from is noted in its top Via (§18.2.1, RFC 3581 §4)', () => {
  const noted = (via: string, flow: Flow): string | undefined => {
    const { message, core } = readRequest(requestText('OPTIONS', { Via: via }));
    return value(withSource(message, core, flow), 'Via');
  };
  const flow = flowFrom('203.0.113.9', 40_000);
  expect(noted('SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1', flow)).toBe(
    'SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;received=203.0.113.9',
  );
  expect(noted('SIP/2.0/UDP 203.0.113.9:5070;rport;branch=z9hG4bK1', flow)).toBe(
    'SIP/2.0/UDP 203.0.113.9:5070;rport=40000;branch=z9hG4bK1;received=203.0.113.9',
  );
  expect(noted('SIP/2.0/UDP 203.0.113.9:5070;branch=z9hG4bK1', flow)).toBe(
    'SIP/2.0/UDP 203.0.113.9:5070;branch=z9hG4bK1',
  );
});

test('Contact is where that peer reaches us: the facing address, the listener, the transport (§8.1.1.8)', () => {
  const made = agent();
  expect(made.contact(flowFrom('10.9.9.9'), 'echo')).toBe('<sip:echo@10.0.0.1:5062>');
  expect(made.contact(flowFrom('203.0.113.9'), undefined)).toBe('<sip:198.51.100.1:5062>');
  expect(made.contact(flowFrom('2001:db8::9'), 'echo')).toBe('<sip:echo@[2001:db8::1]:5062>');
  expect(made.contact(STREAM, 'echo')).toBe('<sip:echo@198.51.100.1:5064;transport=tcp>');
});

test('the first socket of a transport is the one that is named', () => {
  const made = agent();
  made.own.listening('udp', { address: '::', port: 9999 });
  expect(made.contact(DATAGRAMS, undefined)).toBe('<sip:198.51.100.1:5062>');
});

test('--advertise-ip goes into Contact and SDP, --advertise-media-ip into SDP alone', () => {
  const advertised = agent({ advertiseAddress: '203.0.113.77' });
  expect(advertised.contact(DATAGRAMS, 'echo')).toBe('<sip:echo@203.0.113.77:5062>');
  expect(advertised.own.media('10.9.9.9', 'ipv4', 4000)).toEqual({ address: '203.0.113.77', port: 4000 });
  const media = agent({ advertiseMediaAddress: '203.0.113.78' });
  expect(media.contact(flowFrom('10.9.9.9'), 'echo')).toBe('<sip:echo@10.0.0.1:5062>');
  expect(media.own.media('10.9.9.9', 'ipv4', 4000)).toEqual({ address: '203.0.113.78', port: 4000 });
});

test('the address for audio is of the family that the offer speaks', () => {
  const made = agent({ advertiseAddress: '203.0.113.77' });
  expect(made.own.media('10.9.9.9', 'ipv6', 4000)).toEqual({ address: '2001:db8::1', port: 4000 });
  expect(agent().own.media('2001:db8::9', 'ipv4', 4000)).toEqual({ address: '198.51.100.1', port: 4000 });
  expect(agent().own.media('10.9.9.9', 'ipv4', 4000)).toEqual({ address: '10.0.0.1', port: 4000 });
});

test('a request of ours has one Via with rport and a fresh branch, Max-Forwards 70 and our name (§8.1.1)', () => {
  const made = agent();
  const parts = {
    method: 'OPTIONS',
    uri: 'sip:lab.local',
    from: '<sip:100@lab.local>;tag=1',
    to: '<sip:lab.local>',
    callId: 'c',
    sequence: 3,
    routes: ['<sip:p1;lr>', '<sip:p2;lr>'],
  };
  const { request, core } = made.newRequest(parts, DATAGRAMS);
  const again = made.newRequest(parts, DATAGRAMS).core.via.branch;
  expect(request.headers.map(({ name, value: text }) => `${name}: ${text}`)).toEqual([
    `Via: SIP/2.0/UDP 198.51.100.1:5062;rport;branch=${core.via.branch}`,
    'Route: <sip:p1;lr>',
    'Route: <sip:p2;lr>',
    'Max-Forwards: 70',
    'From: <sip:100@lab.local>;tag=1',
    'To: <sip:lab.local>',
    'Call-ID: c',
    'CSeq: 3 OPTIONS',
    'User-Agent: ringback-test',
  ]);
  expect(core.via.branch).toMatch(/^z9hG4bK/);
  expect(again).not.toBe(core.via.branch);
});

test('handles are numbered for each session', () => {
  const made = agent();
  expect([made.newHandle('100', '101'), made.newHandle('a', 'b')]).toEqual([
    'call-100-101-001',
    'call-a-b-002',
  ]);
});

/** What goes out to a request that cannot be read whole. */
function malformed(text: string): string[] {
  const made = agent();
  const turn = new Turn(0);
  const { message } = readRequest(text);
  const error = { code: 'x', offset: 7, status: 400, detail: 'no\r\nCSeq' };
  made.respondMalformed(turn, message, DATAGRAMS, error);
  return turn.outputs.flatMap((output) => (output.type === 'send' ? [latin1(output.bytes)] : []));
}

test('what is malformed is told so in the reason, on one line (§8.2, §21.4.1)', () => {
  const [response = ''] = malformed(requestText('OPTIONS'));
  expect(response.split('\r\n')[0]).toMatch(/^SIP\/2\.0 400 Bad Request \(byte 7: no +CSeq\)$/);
  expect(response).toContain('\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-peer-1\r\n');
});

test('an ACK is never answered (§17, §8.2)', () => {
  expect(malformed(requestText('ACK'))).toEqual([]);
});

test('an answer without a transaction has the same To tag each time (§8.2.7)', () => {
  const tag = (text: string): string => /\r\nTo: .*;tag=(\w+)/.exec(malformed(text)[0] ?? '')?.[1] ?? 'none';
  const first = tag(requestText('OPTIONS'));
  expect(first).toMatch(/^[0-9a-f]{16}$/);
  expect(tag(requestText('OPTIONS'))).toBe(first);
  expect(tag(requestText('OPTIONS', { 'Call-ID': 'other' }))).not.toBe(first);
});

test('an account is found by its user, and when there is but one it serves all', () => {
  const account = (user: string) => ({
    addressOfRecord: `sip:${user}@lab.local`,
    user,
    domain: 'lab.local',
    authUser: user,
    password: 'secret',
    server: { host: 'lab.local', port: 5060, transport: 'udp' as const },
    expiresS: 600,
  });
  const two = agent({ accounts: [account('100'), account('101')] });
  expect(two.accountFor('101')?.user).toBe('101');
  expect(two.accountFor('102')).toBeUndefined();
  expect(agent({ accounts: [account('100')] }).accountFor('102')?.user).toBe('100');
  expect(agent().accountFor('100')).toBeUndefined();
});
