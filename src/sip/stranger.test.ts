/** What a stranger may send: none of it ends the service, and none of it stays (RFC 3261 §26.1). */
import { afterEach, expect, test } from 'bun:test';
import { offerText } from '../io/virtual-caller.ts';
import { ECHO_ADDRESS, type EchoScene, echoScene, leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { MAX_NAMED_CONNECTIONS, MAX_TRANSACTION_BYTES } from './limits.ts';
import { value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: EchoScene;

function open(about: Partial<EndpointConfig> = {}): EchoScene {
  scene = echoScene(about);
  return scene;
}

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

/** A request with nothing wrong in it but what is given instead; a value of '' takes a field out. */
function send(method: string, about: Readonly<Record<string, string>> = {}, body = ''): void {
  const fields = {
    Via: `SIP/2.0/UDP ${PHONE_ADDRESS.address}:${PHONE_ADDRESS.port};branch=z9hG4bK-${method}`,
    From: '<sip:anna@example.org>;tag=anna',
    To: '<sip:echo@192.0.2.10>',
    'Call-ID': 'stranger',
    CSeq: `1 ${method}`,
    Contact: `<sip:anna@${PHONE_ADDRESS.address}>`,
    ...(body === '' ? {} : { 'Content-Type': 'application/sdp' }),
    ...about,
  };
  const headers: HeaderLine[] = Object.entries(fields).filter(([, text]) => text !== '');
  scene.phone.request(ECHO_ADDRESS, method, 'sip:echo@192.0.2.10', headers, body);
}

const invite = (about: Readonly<Record<string, string>>) => send('INVITE', about, offerText());
/** The To of our 200, with our tag; '' while there is none. */
function toOfOk(): string {
  const ok = scene.phone.responses('INVITE').find(({ message }) => message.status === 200);
  return ok === undefined ? '' : (value(ok.message, 'To') ?? '');
}

test('a To that has no room for our tag gets 400: no BYE could be written to it (§12.1.1)', () => {
  const { network, phone } = open();
  invite({ To: `<sip:echo@192.0.2.10>${Array.from({ length: 32 }, (_, at) => `;p${at}=1`).join('')}` });
  network.run(40_000);
  expect(phone.responses('INVITE').at(-1)?.message.status).toBe(400);
});

test('the call of a caller without a From tag ends like any other, when its BYE is not answered (§12.1.1)', () => {
  const { network, phone } = open();
  const From = '<sip:anna@example.org>';
  invite({ From });
  network.run(50);
  send('ACK', { From, To: toOfOk() });
  network.run(50);
  scene.echo.act({ type: 'hangup-all' });
  network.run(40_000);
  expect(phone.requests('BYE').length).toBeGreaterThan(1);
});

test('requests of 60 KB get 503 before they fill the memory, and are served again 32 s later (§21.5.4)', () => {
  const { network, phone } = open();
  // White space that no field keeps, as the text is kept whole.
  const pad = Object.fromEntries(Array.from({ length: 7 }, (_, at) => [`X-${at}`, `${' '.repeat(8_100)}x`]));
  const count = Math.ceil(MAX_TRANSACTION_BYTES / 57_000) + 10;
  for (let at = 0; at < count; at++) {
    send('OPTIONS', { Via: `SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK-${at}`, ...pad });
  }
  network.run(100);
  const statuses = phone.responses('OPTIONS').map(({ message }) => message.status);
  expect(statuses.at(0)).toBe(200);
  expect(statuses.at(-1)).toBe(503);
  network.run(32_000);
  send('OPTIONS', { Via: 'SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK-later' });
  network.run(100);
  expect(phone.responses('OPTIONS').at(-1)?.message.status).toBe(200);
});

test.each([
  '<sip:a@127.0.0.1:6379;transport=tcp>',
  '<sip:a@[::ffff:7f00:1]:6379>',
  '<sip:a@239.1.2.3>',
  '<sip:a@255.255.255.255>',
  '<sip:a@0.0.0.0>',
  '<sips:a@192.0.2.20>',
])('a Contact %p does not lead our BYE there: it goes to who called (§26.1)', (Contact) => {
  const { network, phone } = open();
  invite({ Contact });
  network.run(50);
  send('ACK', { To: toOfOk() });
  network.run(50);
  scene.echo.act({ type: 'hangup-all' });
  network.run(50);
  expect(phone.requests('BYE')).toMatchObject([{ flow: { transport: 'udp' } }]);
});

test('Contacts that ask for TCP have 512 connections opened, and the rest of the BYEs go to who called', () => {
  const count = MAX_NAMED_CONNECTIONS + 5;
  const ports = Array.from({ length: count }, (_, index) => 10_000 + 2 * index);
  scene = echoScene({ maxCalls: count }, ports);
  const { network, echo, phone } = scene;
  for (const port of ports) {
    const call = scene.caller();
    call.contact = `<sip:anna@192.0.2.20:${port};transport=tcp>`;
    call.invite();
    network.run(20);
    call.ack();
  }
  network.run(20);
  echo.act({ type: 'hangup-all' });
  network.run(50);
  const byes = phone.requests('BYE');
  expect(echo.endpoint.alive.connections).toBeLessThanOrEqual(MAX_NAMED_CONNECTIONS);
  expect(byes.filter(({ flow }) => flow.transport === 'udp')).toHaveLength(5);
});

test.each([
  ['Call-ID', { 'Call-ID': 'guessed' }],
  ['From tag', { From: '<sip:anna@example.org>;tag=guessed' }],
])(
  'a CANCEL that has guessed the branch, with another %s, gets 481 and ends nothing (§9.1)',
  (_what, about) => {
    const { network, phone } = open({ answerDelayMs: 1_000 });
    const Via = 'SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK-1';
    invite({ Via });
    network.run(50);
    send('CANCEL', { Via, ...about });
    network.run(2_000);
    expect(phone.responses('CANCEL').map(({ message }) => message.status)).toEqual([481]);
    const To = toOfOk();
    expect(To).not.toBe('');
    send('ACK', { To });
    send('BYE', { To, CSeq: '2 BYE' });
  },
);
