/** What is served without a call, and what is refused (RFC 3261 §8.2, §11.2; RFC 3842; RFC 5626 §3.5.1). */
import { afterEach, expect, test } from 'bun:test';
import { offerText } from '../io/virtual-caller.ts';
import { accountOf, ECHO_ADDRESS, type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { type SipResponse, value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: EchoScene;

function open(about: Partial<EndpointConfig> = {}): EchoScene {
  scene = echoScene(about);
  return scene;
}

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

/** One request out of any dialog, and its last response. */
function ask(
  method: string,
  headers: readonly HeaderLine[] = [],
  body = '',
  to = '',
): SipResponse | undefined {
  const { network, phone } = scene;
  const number = phone.heard.length + 1;
  phone.request(
    ECHO_ADDRESS,
    method,
    'sip:echo@192.0.2.10',
    [
      ['Via', `SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKask${method}${number}`],
      ['From', '<sip:anna@example.org>;tag=a'],
      ['To', `<sip:echo@192.0.2.10>${to}`],
      ['Call-ID', `ask-${method}-${number}`],
      ['CSeq', `${number} ${method}`],
      ...headers,
    ],
    body,
  );
  network.run(50);
  return phone.responses(method).at(-1)?.message;
}

test('OPTIONS is answered with what we can do (§11.2)', () => {
  open();
  const response = ask('OPTIONS');
  expect(response?.status).toBe(200);
  const fieldsOf = (name: string) => response && value(response, name);
  expect(fieldsOf('Allow')).toBe('INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, NOTIFY, INFO, MESSAGE');
  expect(fieldsOf('Accept')).toBe(
    'application/sdp, application/dtmf-relay, application/dtmf, application/simple-message-summary, text/plain',
  );
  expect(fieldsOf('Contact')).toBe('<sip:echo@192.0.2.10:5060>');
  expect(fieldsOf('Supported')).toBeDefined();
  expect(fieldsOf('To')).toContain(';tag=');
});

test('OPTIONS says 486 when an INVITE would get it (§11.2)', () => {
  const { network, caller } = open({ maxCalls: 1 });
  const call = caller();
  call.invite();
  network.run(50);
  call.ack();
  expect(ask('OPTIONS')?.status).toBe(486);
  call.request('OPTIONS');
  network.run(50);
  expect(call.statuses('OPTIONS')).toEqual([200]);
  call.bye();
});

test('a method that is not served gets 405 with Allow (§8.2.1)', () => {
  const { echo, network } = open();
  for (const method of ['REFER', 'PUBLISH', 'REGISTER', 'invite', 'X-WHATEVER']) {
    const response = ask(method);
    expect([method, response?.status]).toEqual([method, 405]);
    expect(response && value(response, 'Allow')).toContain('INVITE');
  }
  expect(network.eventsOf(echo, 'sip.rejected').every(({ code }) => code === 'method-not-allowed')).toBe(
    true,
  );
});

test('a request in a dialog that is not there gets 481 (§12.2.2)', () => {
  open();
  for (const method of ['BYE', 'OPTIONS', 'NOTIFY', 'INVITE', 'UPDATE']) {
    const headers: HeaderLine[] = [['Contact', '<sip:anna@192.0.2.20>']];
    expect([method, ask(method, headers, '', ';tag=nobody')?.status]).toEqual([method, 481]);
  }
  // The INVITE waits for its ACK.
  scene.network.run(40_000);
});

test('a BYE without a To tag gets 481 as well: it matches no dialog (§15.1.2)', () => {
  open();
  expect(ask('BYE')?.status).toBe(481);
});

const SUMMARY = [
  'Messages-Waiting: yes',
  'Message-Account: sip:100@lab.local',
  'Voice-Message: 2/8 (0/2)',
  '',
].join('\r\n');
const SUMMARY_TYPE: HeaderLine = ['Content-Type', 'application/simple-message-summary'];

test('NOTIFY of waiting messages gets 200 and becomes an event (RFC 3842 §3.5)', () => {
  const { network, echo } = open();
  expect(ask('NOTIFY', [['Event', 'message-summary'], SUMMARY_TYPE], SUMMARY)?.status).toBe(200);
  expect(network.eventsOf(echo, 'message.waiting')).toMatchObject([
    { waiting: true, newMessages: 2, oldMessages: 8, newUrgent: 0, oldUrgent: 2 },
  ]);
});

test('NOTIFY without an account in it is for the account that it was sent to (RFC 3842 §3.5)', () => {
  const { network, echo } = open({ accounts: [accountOf('100')] });
  ask('NOTIFY', [['Event', 'message-summary'], SUMMARY_TYPE], 'Messages-Waiting: no\r\n');
  expect(network.eventsOf(echo, 'message.waiting')).toMatchObject([
    { waiting: false, account: 'sip:100@lab.local' },
  ]);
});

test('a retransmitted request gets the same bytes again, and is served once (§17.2.2)', () => {
  const { network, phone, echo } = open();
  ask('NOTIFY', [SUMMARY_TYPE], SUMMARY);
  const [request] = network.sent.filter(({ from }) => from === 'phone');
  phone.sendText(ECHO_ADDRESS, request?.text ?? '');
  network.run(50);
  const answers = network.sent.filter(({ from }) => from === 'echo').map(({ text }) => text);
  expect(answers).toHaveLength(2);
  expect(answers[1]).toBe(answers[0] as string);
  expect(network.eventsOf(echo, 'message.waiting')).toHaveLength(1);
});

const MALFORMED: readonly [string, string, string][] = [
  ['no Call-ID', 'From: <sip:a@b>;tag=1\nTo: <sip:c@d>\nCSeq: 1 OPTIONS\n', 'call-id-missing'],
  [
    'a CSeq of another method',
    'From: <sip:a@b>;tag=1\nTo: <sip:c@d>\nCall-ID: x\nCSeq: 1 INVITE\n',
    'cseq-method-mismatch',
  ],
  [
    'two From',
    'From: <sip:a@b>;tag=1\nFrom: <sip:a@b>;tag=2\nTo: <sip:c@d>\nCall-ID: x\nCSeq: 1 OPTIONS\n',
    'from-duplicated',
  ],
  ['a broken To', 'From: <sip:a@b>;tag=1\nTo: "Bob <sip:c@d>\nCall-ID: x\nCSeq: 1 OPTIONS\n', ''],
];

for (const [name, headers, code] of MALFORMED) {
  test(`a request with ${name} gets 400, the reason says what is wrong, and so does an event (§8.2)`, () => {
    const { network, phone, echo } = open();
    phone.sendText(
      ECHO_ADDRESS,
      `OPTIONS sip:echo@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKbad\n${headers}\n`,
    );
    network.run(50);
    const [answer] = network.sent.filter(({ from }) => from === 'echo');
    expect(answer?.text).toMatch(/^SIP\/2\.0 400 Bad Request \(.+\)\r\n/);
    const [rejected] = network.eventsOf(echo, 'sip.rejected');
    expect(rejected).toMatchObject({ status: 400 });
    if (code !== '') expect(rejected?.code).toBe(code);
    expect(phone.heard).toHaveLength(1);
  });
}

test('a request without a readable Via is dropped with an event: there is nowhere to answer (§8.2.6)', () => {
  const { network, phone, echo } = open();
  phone.sendText(ECHO_ADDRESS, 'OPTIONS sip:echo@192.0.2.10 SIP/2.0\nVia: rubbish\n\n');
  network.run(50);
  expect(phone.heard).toEqual([]);
  expect(network.eventsOf(echo, 'sip.rejected')[0]?.status).toBeUndefined();
});

test('a malformed ACK is never answered (§17.1.1.3)', () => {
  const { network, phone } = open();
  phone.sendText(
    ECHO_ADDRESS,
    'ACK sip:echo@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKbad\n\n',
  );
  network.run(50);
  expect(phone.heard).toEqual([]);
});

test('a response that nobody waits for is dropped with an event (§18.1.2)', () => {
  const { network, phone, echo } = open();
  phone.sendText(
    ECHO_ADDRESS,
    'SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKnever\nFrom: <sip:a@b>;tag=1\nTo: <sip:c@d>;tag=2\nCall-ID: x\nCSeq: 1 BYE\n\n',
  );
  network.run(50);
  expect(phone.heard).toEqual([]);
  expect(network.eventsOf(echo, 'sip.rejected')).toMatchObject([{ code: 'response-unexpected' }]);
});

test('a keepalive in a datagram is no message (RFC 5626 §3.5.1)', () => {
  const { network, phone, echo } = open();
  for (const text of ['', '\r\n', '\r\n\r\n', '\0\0\0\0']) phone.sendText(ECHO_ADDRESS, text);
  network.run(50);
  expect(phone.heard).toEqual([]);
  expect(network.eventsOf(echo, 'sip.rejected')).toEqual([]);
});

test('a keepalive ping on a stream is answered with one line break (RFC 5626 §3.5.1)', () => {
  const { network, phone } = open();
  const flow = phone.connect(ECHO_ADDRESS);
  network.run(50);
  phone.sendText(flow, '\n\n');
  network.run(50);
  const answers = network.sent.filter(({ from }) => from === 'echo').map(({ text }) => text);
  expect(answers).toEqual(['\r\n']);
  phone.disconnect(flow);
});

test('a stream without a Content-Length is answered with 400 and closed (§18.3)', () => {
  const { network, phone, echo } = open();
  const flow = phone.connect(ECHO_ADDRESS);
  network.run(50);
  phone.sendText(
    flow,
    'OPTIONS sip:echo@192.0.2.10 SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.20;branch=z9hG4bKnl\nFrom: <sip:a@b>;tag=1\nTo: <sip:c@d>\nCall-ID: x\nCSeq: 1 OPTIONS\n\n',
  );
  network.run(200);
  expect(phone.responses('OPTIONS').map(({ message }) => message.status)).toEqual([400]);
  expect(phone.streams).toEqual([]);
  expect(network.eventsOf(echo, 'sip.rejected')).toMatchObject([
    { code: 'content-length-missing', status: 400 },
  ]);
});

test('the body of an INVITE may come in any chunks on a stream (§18.3)', () => {
  const { network, phone } = open();
  const flow = phone.connect(ECHO_ADDRESS);
  network.run(50);
  const offer = offerText();
  for (let time = 1; time <= 20; time++) {
    phone.request(
      flow,
      'INVITE',
      'sip:echo@192.0.2.10',
      [
        ['Via', `SIP/2.0/TCP 192.0.2.20;branch=z9hG4bKcut${time}`],
        ['From', '<sip:a@b>;tag=1'],
        ['To', '<sip:c@d>'],
        ['Call-ID', `cut-${time}`],
        ['CSeq', '1 INVITE'],
        ['Contact', '<sip:a@192.0.2.20;transport=tcp>'],
        ['Content-Type', 'application/sdp'],
      ],
      offer,
    );
  }
  network.run(500);
  const answered = phone.responses('INVITE').filter(({ message }) => message.status === 100);
  expect(answered).toHaveLength(10);
  const full = phone.responses('INVITE').filter(({ message }) => message.status === 486);
  expect(new Set(full.map(({ message }) => value(message, 'Call-ID'))).size).toBe(10);
  phone.disconnect(flow);
});

test('OPTIONS in a dialog with a number that went before gets 500 (§12.2.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.sequence = 10;
  call.invite();
  network.run(50);
  call.ack();
  call.sequence = 3;
  call.request('OPTIONS');
  network.run(50);
  expect(call.statuses('OPTIONS')).toEqual([500]);
  call.sequence = 20;
  call.bye();
});
