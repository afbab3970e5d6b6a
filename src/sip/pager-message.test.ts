/** MESSAGE, taken and with `echoMessages` sent back (RFC 3428). */
import { afterEach, expect, test } from 'bun:test';
import {
  accountOf,
  askEcho,
  type EchoScene,
  echoScene,
  leftovers,
  PHONE_ADDRESS,
} from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { MAX_ECHOED_MESSAGES } from './limits.ts';
import { value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: EchoScene;

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

const TEXT: HeaderLine = ['Content-Type', 'text/plain;charset=utf-8'];

/** A phone that takes what we send. */
function open(about: Partial<EndpointConfig> = {}): EchoScene {
  scene = echoScene({ echoMessages: true, ...about });
  scene.phone.answering = ({ method }) => (method === 'MESSAGE' ? { status: 200, toTag: 'p' } : undefined);
  return scene;
}

const echoes = () => scene.phone.requests('MESSAGE').map(({ message }) => message.body);
const diagnoses = () =>
  scene.network.eventsOf(scene.echo, 'diagnosis.raised').map(({ evidence }) => evidence);

test('a MESSAGE gets 200 and no more (RFC 3428 §7)', () => {
  open({ echoMessages: false });
  const response = askEcho(scene, 'MESSAGE', [TEXT], 'hello');
  expect(response?.status).toBe(200);
  // §7: no body, and no Contact, as no dialog comes of it.
  expect(response && value(response, 'Contact')).toBeUndefined();
  expect(response?.body.length).toBe(0);
  expect(echoes()).toEqual([]);
});

test('with echoMessages it comes back as a MESSAGE of ours, out of any dialog (RFC 3428 §5)', () => {
  open();
  expect(askEcho(scene, 'MESSAGE', [TEXT], 'gr\u00fc\u00dfe')?.status).toBe(200);
  const [echoed] = scene.phone.requests('MESSAGE');
  const message = echoed?.message;
  expect(message?.uri).toBe('sip:anna@example.org');
  expect(message?.body).toBe('gr\u00fc\u00dfe');
  const of = (name: string) => message && value(message, name);
  expect(of('Content-Type')).toBe('text/plain;charset=utf-8');
  expect(of('To')).toBe('<sip:anna@example.org>');
  expect(of('From')).toMatch(/^<sip:echo@192\.0\.2\.10>;tag=[0-9a-f]{16}$/);
  expect(of('CSeq')).toBe('1 MESSAGE');
  expect(of('In-Reply-To')).toBe('asked-MESSAGE-1');
  expect(of('Call-ID')).not.toBe('asked-MESSAGE-1');
  expect(of('Contact')).toBeUndefined();
  expect(diagnoses()).toEqual([]);
});

test('what is an answer itself is not echoed: two echoes fall silent', () => {
  open();
  expect(askEcho(scene, 'MESSAGE', [TEXT, ['In-Reply-To', 'x']], 'hello')?.status).toBe(200);
  expect(echoes()).toEqual([]);
});

test('no other body is taken: 415 with Accept; none at all gets 200 (§8.2.3)', () => {
  open();
  const response = askEcho(scene, 'MESSAGE', [['Content-Type', 'text/html']], '<b>hello</b>');
  expect(response?.status).toBe(415);
  expect(response && value(response, 'Accept')).toBe('text/plain, multipart/mixed');
  expect(askEcho(scene, 'MESSAGE', [], 'typeless')?.status).toBe(415);
  expect(askEcho(scene, 'MESSAGE')?.status).toBe(200);
  expect(askEcho(scene, 'MESSAGE', [['Content-Type', 'multipart/mixed;boundary=b']], '--b')?.status).toBe(
    200,
  );
  expect(echoes()).toEqual([]);
});

test('a text in a call comes back in its dialog (RFC 3428 §4)', () => {
  open();
  const call = scene.caller();
  call.invite();
  scene.network.run(50);
  call.ack();
  call.request('MESSAGE', [TEXT], 'in the call');
  scene.network.run(50);
  expect(call.statuses('MESSAGE')).toEqual([200]);
  const [echoed] = scene.phone.requests('MESSAGE');
  expect(echoed && value(echoed.message, 'Call-ID')).toBe(call.callId);
  expect(echoed && value(echoed.message, 'To')).toContain(`;tag=${call.fromTag}`);
  expect(echoed?.message.uri).toBe('sip:anna@192.0.2.20:5060');
  call.bye();
});

test('one to an address at a time, and few in all: a forged sender is not flooded', () => {
  open();
  scene.phone.answering = () => undefined;
  for (const text of ['one', 'two']) expect(askEcho(scene, 'MESSAGE', [TEXT], text)?.status).toBe(200);
  expect(new Set(echoes())).toEqual(new Set(['one']));
  expect(diagnoses()).toEqual([
    'a text of sip:anna@example.org was not echoed: one to the same address is still out',
  ]);
  scene.network.run(40_000);
  expect(diagnoses().at(-1)).toContain('no answer in time');
  // Once that has failed the address is free again.
  expect(askEcho(scene, 'MESSAGE', [TEXT], 'three')?.status).toBe(200);
  expect(echoes()).toContain('three');
});

test(`no more than ${MAX_ECHOED_MESSAGES} are out at once`, () => {
  open();
  scene.phone.answering = () => undefined;
  for (let index = 0; index < MAX_ECHOED_MESSAGES + 5; index++) {
    scene.phone.sendText(
      { address: '192.0.2.10', port: 5060 },
      `MESSAGE sip:echo@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKm${index}\nFrom: <sip:u${index}@example.org>;tag=1\nTo: <sip:echo@192.0.2.10>\nCall-ID: m${index}\nCSeq: 1 MESSAGE\nContent-Type: text/plain\nContent-Length: 1\n\nx`,
    );
  }
  scene.network.run(100);
  expect(new Set(scene.phone.requests('MESSAGE').map(({ message }) => message.uri)).size).toBe(
    MAX_ECHOED_MESSAGES,
  );
});

test('a text too long for one datagram, or of nobody that can be written to, is not echoed, and that is said', () => {
  open();
  expect(askEcho(scene, 'MESSAGE', [TEXT], 'x'.repeat(2_000))?.status).toBe(200);
  scene.phone.sendText(
    { address: '192.0.2.10', port: 5060 },
    'MESSAGE sip:echo@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKtel\nFrom: <tel:+4930>;tag=1\nTo: <sip:echo@192.0.2.10>\nCall-ID: tel\nCSeq: 1 MESSAGE\nContent-Type: text/plain\nContent-Length: 1\n\nx',
  );
  scene.network.run(50);
  expect(echoes()).toEqual([]);
  expect(diagnoses()).toHaveLength(2);
});

test('an echo that is refused is told of', () => {
  open();
  scene.phone.answering = () => ({ status: 488, toTag: 'p' });
  askEcho(scene, 'MESSAGE', [TEXT], 'hello');
  scene.network.run(50);
  expect(diagnoses()).toEqual(['sip:anna@example.org answered our MESSAGE with 488 Not Acceptable Here']);
});

const CHALLENGE: HeaderLine = ['Proxy-Authenticate', 'Digest realm="lab.local", nonce="n", algorithm=MD5'];

test('the account’s own server gets credentials when it asks, once (§22.2)', () => {
  const server = { host: PHONE_ADDRESS.address, port: PHONE_ADDRESS.port, transport: 'udp' } as const;
  open({ accounts: [accountOf('echo', { server })] });
  scene.phone.answering = (request) => {
    if (request.method === 'REGISTER') {
      return { status: 200, toTag: 'r', headers: [['Contact', `${value(request, 'Contact')};expires=3600`]] };
    }
    const known = value(request, 'Proxy-Authorization') !== undefined;
    return known ? { status: 200, toTag: 'p' } : { status: 407, toTag: 'p', headers: [CHALLENGE] };
  };
  scene.echo.act({ type: 'register' });
  scene.network.run(50);
  askEcho(scene, 'MESSAGE', [TEXT], 'hello');
  scene.network.run(50);
  const sent = scene.phone.requests('MESSAGE').map(({ message }) => message);
  expect(sent.map((message) => value(message, 'CSeq'))).toEqual(['1 MESSAGE', '2 MESSAGE']);
  expect(new Set(sent.map((message) => value(message, 'Call-ID'))).size).toBe(1);
  expect(sent[1] && value(sent[1], 'Proxy-Authorization')).toContain('username="echo"');
  expect(diagnoses()).toEqual([]);
  scene.echo.act({ type: 'stop', reason: 'enough' });
});

test('nobody else gets credentials, whatever it asks (§22.3)', () => {
  open({ accounts: [accountOf('echo')] });
  scene.phone.answering = () => ({ status: 407, toTag: 'p', headers: [CHALLENGE] });
  askEcho(scene, 'MESSAGE', [TEXT], 'hello');
  scene.network.run(50);
  expect(scene.phone.requests('MESSAGE')).toHaveLength(1);
  expect(diagnoses()[0]).toContain('407');
});
