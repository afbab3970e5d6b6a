/** SUBSCRIBE and NOTIFY (RFC 6665, RFC 3842 §3.5). */
import { afterEach, expect, test } from 'bun:test';
import { askEcho, type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';
import { value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: EchoScene;

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

const SUMMARY = 'Messages-Waiting: yes\r\nVoice-Message: 2/8\r\n';
const TYPE: HeaderLine = ['Content-Type', 'application/simple-message-summary'];
const waiting = () => scene.network.eventsOf(scene.echo, 'message.waiting').length;
const rejections = () => scene.network.eventsOf(scene.echo, 'sip.rejected').map(({ code }) => code);

test('NOTIFY of an unknown package gets 489 with Allow-Events (RFC 6665 §8.3.2)', () => {
  scene = echoScene();
  for (const event of ['presence', 'keep-alive', 'refer;id=2', 'message-summary.winfo']) {
    const response = askEcho(scene, 'NOTIFY', [['Event', event], TYPE], SUMMARY);
    expect([event, response?.status]).toEqual([event, 489]);
    expect(response && value(response, 'Allow-Events')).toBe('message-summary');
  }
  // No Event, and nothing in the body that would say which one was meant.
  expect(askEcho(scene, 'NOTIFY')?.status).toBe(489);
  expect(waiting()).toBe(0);
  expect(new Set(rejections())).toEqual(new Set(['event-unknown']));
});

test('NOTIFY of message-summary gets 200, with parameters, in any case, without Event or body (RFC 3842 §3.5)', () => {
  scene = echoScene();
  const events: readonly HeaderLine[][] = [
    [['Event', 'message-summary']],
    [['Event', 'Message-Summary;id=1']],
    [['o', 'message-summary']],
    [],
  ];
  for (const event of events) expect(askEcho(scene, 'NOTIFY', [...event, TYPE], SUMMARY)?.status).toBe(200);
  expect(waiting()).toBe(4);
  expect(askEcho(scene, 'NOTIFY', [['Event', 'message-summary']])?.status).toBe(200);
  expect(waiting()).toBe(4);
});

test('a summary of another type gets 415 with Accept, an encoded one as well, a malformed one 400 (§8.2.3)', () => {
  scene = echoScene();
  const event: HeaderLine = ['Event', 'message-summary'];
  const other = askEcho(scene, 'NOTIFY', [event, ['Content-Type', 'text/plain']], SUMMARY);
  expect(other?.status).toBe(415);
  expect(other && value(other, 'Accept')).toBe('application/simple-message-summary');
  const packed = askEcho(scene, 'NOTIFY', [event, TYPE, ['Content-Encoding', 'gzip']], SUMMARY);
  expect(packed?.status).toBe(415);
  expect(packed && value(packed, 'Accept-Encoding')).toBe('identity');
  expect(askEcho(scene, 'NOTIFY', [event, TYPE], 'this is no summary')?.status).toBe(400);
  expect(waiting()).toBe(0);
});

test('a body that may be ignored is ignored, whatever it is (§20.11)', () => {
  scene = echoScene();
  const optional: HeaderLine = ['Content-Disposition', 'render;handling=optional'];
  const headers: HeaderLine[] = [['Event', 'message-summary'], ['Content-Type', 'image/png'], optional];
  expect(askEcho(scene, 'NOTIFY', headers, 'PNG')?.status).toBe(200);
});

test('SUBSCRIBE gets 489 and no Allow-Events: there is nothing to subscribe to (RFC 6665 §8.2.2)', () => {
  scene = echoScene();
  for (const event of ['presence', 'message-summary', 'dialog']) {
    const response = askEcho(scene, 'SUBSCRIBE', [
      ['Event', event],
      ['Contact', '<sip:anna@192.0.2.20>'],
      ['Expires', '3600'],
    ]);
    expect([event, response?.status]).toEqual([event, 489]);
    expect(response && value(response, 'Allow-Events')).toBeUndefined();
  }
});

test('REFER gets 405 and Allow does not name it: an echo transfers nobody (RFC 3515 §2.4.2, §8.2.1)', () => {
  scene = echoScene();
  const response = askEcho(scene, 'REFER', [['Refer-To', '<sip:carol@example.org>']]);
  expect(response?.status).toBe(405);
  expect(response && value(response, 'Allow')).not.toContain('REFER');
  const call = scene.caller();
  call.invite();
  scene.network.run(50);
  call.ack();
  call.request('REFER', [['Refer-To', '<sip:carol@example.org>']]);
  call.bye();
  scene.network.run(50);
  expect(call.statuses('REFER')).toEqual([405]);
  expect(call.statuses('BYE')).toEqual([200]);
});
