/** UPDATE (RFC 3311), as a phone on the wire sees it. */
import { afterEach, expect, test } from 'bun:test';
import { offerText, type VirtualCaller } from '../io/virtual-caller.ts';
import { answersBye } from '../io/virtual-peer.ts';
import { type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: EchoScene;
const SDP: HeaderLine = ['Content-Type', 'application/sdp'];

function open(about: Partial<EndpointConfig> = {}): EchoScene {
  scene = echoScene(about);
  scene.phone.answering = answersBye;
  return scene;
}

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

const lastUpdate = (call: VirtualCaller) => call.responses('UPDATE').at(-1)?.message;

test('an UPDATE with an offer holds, resumes and moves the audio, without a new INVITE (RFC 3311 §5.2)', () => {
  const { network, echo } = open();
  const call = scene.established();
  call.request('UPDATE', [SDP], offerText({ direction: 'sendonly' }));
  network.run(100);
  const held = lastUpdate(call);
  expect(held?.status).toBe(200);
  expect(held?.body ?? '').toContain('a=recvonly');
  expect(held && value(held, 'Contact')).toBe('<sip:echo@192.0.2.10:5060>');
  expect(held && value(held, 'Allow')).toContain('UPDATE');
  expect(echo.media.open.get(0)).toMatchObject({ send: false });
  call.request('UPDATE', [SDP], offerText({ port: 30_002 }));
  network.run(100);
  expect(echo.media.open.get(0)).toMatchObject({ send: true, remote: { port: 30_002 } });
  expect(scene.states()).toEqual(['ringing', 'answered', 'established', 'held', 'established']);
  call.bye();
});

test('an UPDATE without a body is answered without one, and changes nothing but the target (RFC 3311 §5.1)', () => {
  const { network, echo, phone } = open();
  const call = scene.established();
  const before = echo.media.open.get(0);
  call.contact = '<sip:moved@192.0.2.20:5060>';
  call.request('UPDATE');
  network.run(100);
  expect(call.statuses('UPDATE')).toEqual([200]);
  expect(lastUpdate(call)?.body).toHaveLength(0);
  expect(echo.media.open.get(0)).toEqual(before as NonNullable<typeof before>);
  echo.act({ type: 'hangup-all' });
  network.run(100);
  expect(phone.requests('BYE')[0]?.message.uri).toBe('sip:moved@192.0.2.20:5060');
});

test('an UPDATE that is refused leaves audio and target as they were (RFC 3311 §5.2)', () => {
  const { network, echo, phone } = open();
  const call = scene.established();
  const before = echo.media.open.get(0);
  call.contact = '<sip:moved@192.0.2.20:5060>';
  call.request('UPDATE', [SDP], offerText({ codecs: { 101: 'telephone-event/8000' } }));
  network.run(100);
  expect(lastUpdate(call)?.status).toBe(488);
  call.request('UPDATE', [['Content-Type', 'text/plain']], 'hello');
  network.run(100);
  expect(lastUpdate(call)?.status).toBe(415);
  call.request('UPDATE', [SDP], 'hello');
  network.run(100);
  expect(lastUpdate(call)?.status).toBe(400);
  expect(echo.media.open.get(0)).toEqual(before as NonNullable<typeof before>);
  echo.act({ type: 'hangup-all' });
  network.run(100);
  expect(phone.requests('BYE')[0]?.message.uri).toBe('sip:anna@192.0.2.20:5060');
});

test('an offer in an UPDATE before that of the INVITE is answered gets 500 with Retry-After (RFC 3311 §5.2)', () => {
  const { network, caller } = open({ answerDelayMs: 1_000 });
  const call = caller();
  call.invite();
  network.run(100);
  call.request('UPDATE', [SDP], offerText({ direction: 'sendonly' }));
  network.run(100);
  const refused = lastUpdate(call);
  expect(refused?.status).toBe(500);
  const seconds = Number(refused && value(refused, 'Retry-After'));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(10);
  // One without an offer crosses nothing.
  call.request('UPDATE');
  network.run(100);
  expect(lastUpdate(call)?.status).toBe(200);
  network.run(1_000);
  expect(call.finalStatus()).toBe(200);
  call.ack();
  call.bye();
});

test('an offer in an UPDATE while ours waits for its answer gets 491 (RFC 3311 §5.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite('');
  network.run(100);
  call.request('UPDATE', [SDP], offerText());
  network.run(100);
  expect(call.statuses('UPDATE')).toEqual([491]);
  call.ack(offerText());
  network.run(100);
  expect(scene.states()).toEqual(['ringing', 'answered', 'established']);
  call.bye();
});

test('an offer between the 200 and its ACK is answered, and the ACK finds the call as it is then (RFC 3311 §5.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite();
  network.run(100);
  call.request('UPDATE', [SDP], offerText({ direction: 'sendonly' }));
  network.run(100);
  expect(call.statuses('UPDATE')).toEqual([200]);
  call.ack();
  network.run(100);
  expect(scene.states()).toEqual(['ringing', 'answered', 'held']);
  call.bye();
});

test('an UPDATE with a CSeq that is not above the last gets 500; a gap is no matter (RFC 3261 §12.2.2)', () => {
  const { network } = open();
  const call = scene.established();
  call.sequence += 40;
  call.request('UPDATE');
  network.run(100);
  expect(call.statuses('UPDATE')).toEqual([200]);
  call.sequence -= 2;
  call.request('UPDATE');
  network.run(100);
  expect(lastUpdate(call)?.status).toBe(500);
  call.sequence += 2;
  call.bye();
});

test('an UPDATE that belongs to no dialog gets 481 (RFC 3311 §5.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.request('UPDATE');
  network.run(100);
  expect(call.statuses('UPDATE')).toEqual([481]);
});
