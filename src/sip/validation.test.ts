/** What is checked of every request (RFC 3261 §8.2), and what is not. */
import { afterEach, expect, test } from 'bun:test';
import { offerText } from '../io/virtual-caller.ts';
import { ECHO_ADDRESS, type EchoScene, echoScene, leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import { type SipResponse, value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';
import { readRequest, requestText } from './transaction-stage.ts';
import { validateRequest } from './validation.ts';

let scene: EchoScene | undefined;

afterEach(() => {
  if (scene !== undefined) expect(leftovers(scene.network, scene.echo)).toEqual([]);
  scene = undefined;
});

/** "code status" of what is wrong with an OPTIONS of those fields, or 'fine'. */
function verdict(lines: Record<string, string> = {}, uri = 'sip:echo@192.0.2.10'): string {
  const text = requestText('OPTIONS', lines).replace(/^OPTIONS \S+/, `OPTIONS ${uri}`);
  const wrong = validateRequest(readRequest(text).message);
  return wrong === undefined ? 'fine' : `${wrong.code} ${wrong.status}`;
}

/** The last response to one request of exactly those fields. */
function ask(method: string, headers: readonly HeaderLine[], body = ''): SipResponse | undefined {
  scene ??= echoScene();
  const { network, phone } = scene;
  phone.request(ECHO_ADDRESS, method, 'sip:echo@192.0.2.10', headers, body);
  network.run(50);
  return phone.responses(method).at(-1)?.message;
}

const CORE: readonly HeaderLine[] = [
  ['Via', `SIP/2.0/UDP ${PHONE_ADDRESS.address};branch=z9hG4bKvalidation`],
  ['From', '<sip:anna@example.org>;tag=anna'],
  ['To', '<sip:echo@192.0.2.10>'],
  ['Call-ID', 'validation'],
  ['CSeq', '1 OPTIONS'],
];

test('a Request-URI of a scheme that is not served gets 416; numbers are as good as names (§8.2.2.1)', () => {
  expect(verdict({}, 'odd:5060:100@pbx.example.org')).toBe('scheme-unsupported 416');
  expect(verdict({}, 'http://www.example.org/')).toBe('scheme-unsupported 416');
  for (const uri of ['tel:+49-30-123;phone-context=x', 'SIP:a@b', 'sips:a@b', 'sip:[::1]:5060']) {
    expect([uri, verdict({}, uri)]).toEqual([uri, 'fine']);
  }
});

test('a Request-URI that is malformed, or has header fields, gets 400 (§19.1.1)', () => {
  expect(verdict({}, 'sip:2001:db8::10')).toBe('port-malformed 400');
  expect(verdict({}, 'sip:')).toBe('host-malformed 400');
  expect(verdict({}, 'no-scheme')).toBe('uri-malformed 400');
  expect(verdict({}, 'sip:a@b?Route=%3Csip:c%3E')).toBe('request-uri-headers 400');
});

test('Max-Forwards is a number up to 255; 0 and none are served at their target (§8.1.1.6, §16.3)', () => {
  for (const good of ['0', '70', '0070', '255']) {
    expect([good, verdict({ 'Max-Forwards': good })]).toEqual([good, 'fine']);
  }
  for (const bad of ['256', '-1', 'seventy', '7 0']) {
    expect([bad, verdict({ 'Max-Forwards': bad })]).toEqual([bad, 'max-forwards-malformed 400']);
  }
});

test('what may stand once is refused when it stands twice, and says which and where (§7.3.1)', () => {
  expect(verdict({ 'Max-Forwards': '70\r\nMax-Forwards: 5' })).toBe('max-forwards-duplicated 400');
  expect(verdict({ 'Content-Type': 'a/b\r\nc: a/b' })).toBe('content-type-duplicated 400');
  expect(verdict({ Subject: 'a\r\nSubject: b' })).toBe('fine');
  const response = ask('OPTIONS', [...CORE, ['Max-Forwards', '70'], ['Max-Forwards', '5']]);
  expect(response?.status).toBe(400);
  expect(response?.reason).toMatch(/^Bad Request \(Max-Forwards, byte \d+: Max-Forwards stands twice\)$/);
});

test('a Date of another zone is malformed, any other Date is nobody’s business (§20.17)', () => {
  for (const bad of ['EST', '+0200', 'CEST', '-0000']) {
    expect([bad, verdict({ Date: `Sun, 22 Nov 2026 16:00:00 ${bad}` })]).toEqual([bad, 'date-malformed 400']);
  }
  for (const good of ['Sun, 22 Nov 2026 16:00:00 GMT', 'Sun Nov 22 2026', 'today', '2026-11-22T16:00:00Z']) {
    expect([good, verdict({ Date: good })]).toEqual([good, 'fine']);
  }
});

test('a Require that cannot be read is malformed; Proxy-Require is for proxies (§20.32, §20.29)', () => {
  expect(verdict({ Require: 'timer,,100rel' })).toBe('list-value-empty 400');
  expect(verdict({ Require: '"timer"' })).toBe('token-malformed 400');
  expect(verdict({ 'Proxy-Require': 'x, y' })).toBe('fine');
});

test('a Contact that cannot be read is malformed, also where nobody needs it (§20.10)', () => {
  expect(verdict({ Contact: 'sip:a@b?Route=%3Csip:c%3E' })).toBe('address-malformed 400');
  expect(verdict({ Contact: '<sip:a@b?Route=%3Csip:c%3E>' })).toBe('fine');
});

test('what nobody reads is not looked at', () => {
  const odd = {
    Authorization: 'Nobody knows=this',
    'X-Any': ';;,,;',
    Warning: '1812 x',
    'Retry-After': 'soon',
  };
  expect(verdict(odd)).toBe('fine');
});

test('a message without From, To, Call-ID or CSeq, or with a Content-Length that lies, ends nothing (§8.1.1)', () => {
  for (const without of ['From', 'To', 'Call-ID', 'CSeq']) {
    const answer = ask(
      'OPTIONS',
      CORE.filter(([name]) => name !== without),
    );
    expect([without, answer?.status ?? 400]).toEqual([without, 400]);
  }
  const { network, phone } = scene as EchoScene;
  const lies = ['99999', '-1', '1 2', '0x10', '9'.repeat(400)];
  for (const length of lies) {
    const lines = CORE.map(([name, text]) => `${name}: ${text}`).join('\r\n');
    phone.sendText(ECHO_ADDRESS, `OPTIONS sip:a@b SIP/2.0\r\n${lines}\r\nContent-Length: ${length}\r\n\r\n`);
  }
  network.run(50);
  const refused = network.sent.filter(({ text }) => text.startsWith('SIP/2.0 400')).length;
  expect(refused).toBe(4 + lies.length);
  expect(ask('OPTIONS', CORE)?.status).toBe(200);
});

test('a call of RFC 2543 goes from INVITE to BYE: no branch, no From tag, no Contact, no Max-Forwards', () => {
  const old = (method: string, number: number, to = ''): HeaderLine[] => [
    ['Via', `SIP/2.0/UDP ${PHONE_ADDRESS.address}`],
    ['From', '<sip:anna@example.org>'],
    ['To', `<sip:echo@192.0.2.10>${to}`],
    ['Call-ID', 'old'],
    ['CSeq', `${number} ${method}`],
  ];
  const ok = ask('INVITE', [...old('INVITE', 1), ['Content-Type', 'application/sdp']], offerText());
  expect(ok?.status).toBe(200);
  const { network, echo, phone } = scene as EchoScene;
  // The same INVITE again is a retransmission, by Call-ID and CSeq (§17.2.3).
  ask('INVITE', [...old('INVITE', 1), ['Content-Type', 'application/sdp']], offerText());
  expect(echo.endpoint.alive.calls).toBe(1);
  const tag = /;tag=.*/.exec((ok && value(ok, 'To')) ?? '')?.[0];
  ask('ACK', old('ACK', 1, tag));
  const states = network.eventsOf(echo, 'call.changed').map(({ to }) => to);
  expect(states).toEqual(['ringing', 'answered', 'established']);
  echo.act({ type: 'hangup-all' });
  network.run(50);
  const [bye] = phone.requests('BYE');
  expect(bye?.message.uri).toBe('sip:anna@example.org');
  if (bye !== undefined) phone.respond(bye, 200);
});

test('a request that came by two ways is served once, the other way gets 482; pings are let off (§8.2.2.2)', () => {
  const by = (way: string, method: string, sequence = 1): number | undefined => {
    const headers: HeaderLine[] = [
      ['Via', `SIP/2.0/UDP ${PHONE_ADDRESS.address};branch=z9hG4bK${way}${method}${sequence}`],
      ['From', '<sip:anna@example.org>;tag=anna'],
      ['To', '<sip:echo@192.0.2.10>'],
      ['Call-ID', 'merged'],
      ['CSeq', `${sequence} ${method}`],
    ];
    return ask(method, headers)?.status;
  };
  expect([by('left', 'MESSAGE'), by('right', 'MESSAGE'), by('left', 'MESSAGE')]).toEqual([200, 482, 200]);
  expect([by('left', 'MESSAGE', 2), by('left', 'OPTIONS'), by('right', 'OPTIONS')]).toEqual([200, 200, 200]);
  scene?.network.run(40_000);
  expect(by('right', 'MESSAGE', 1)).toBe(200);
});
