/** INFO in a call and out of one (RFC 6086). */
import { afterEach, expect, test } from 'bun:test';
import type { VirtualCaller } from '../io/virtual-caller.ts';
import { askEcho, type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';
import { value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: EchoScene;

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

const RELAY: HeaderLine = ['Content-Type', 'application/dtmf-relay'];
const keys = () =>
  scene.network.eventsOf(scene.echo, 'dtmf.received').map(({ digit, durationMs, by }) => ({
    digit,
    durationMs,
    by,
  }));

/** A call that stands. */
function open(): VirtualCaller {
  scene = echoScene();
  const call = scene.caller();
  call.invite();
  scene.network.run(50);
  call.ack();
  scene.network.run(50);
  return call;
}

const lastStatus = (call: VirtualCaller) => {
  scene.network.run(50);
  return call.responses('INFO').at(-1)?.message;
};

test('a key in an INFO is reported as one that came by INFO', () => {
  const call = open();
  call.request('INFO', [RELAY], 'Signal=5\r\nDuration=160\r\n');
  expect(lastStatus(call)?.status).toBe(200);
  call.request('INFO', [['Content-Type', 'application/dtmf']], '#');
  expect(lastStatus(call)?.status).toBe(200);
  expect(keys()).toEqual([
    { digit: '5', durationMs: 160, by: 'info' },
    { digit: '#', durationMs: undefined, by: 'info' },
  ]);
  call.bye();
});

test('an INFO that comes again is one key (§17.2.2)', () => {
  const call = open();
  call.request('INFO', [RELAY], 'Signal=5\r\n');
  scene.network.run(50);
  const [info] = scene.network.sent.filter(({ text }) => text.startsWith('INFO '));
  scene.phone.sendText({ address: '192.0.2.10', port: 5060 }, info?.text ?? '');
  scene.network.run(50);
  expect(keys()).toHaveLength(1);
  call.bye();
});

test('an INFO without a body gets 200 and says nothing (RFC 6086 §4.2.2)', () => {
  const call = open();
  call.request('INFO');
  expect(lastStatus(call)?.status).toBe(200);
  expect(keys()).toEqual([]);
  call.bye();
});

test('an info package gets 469 with an empty Recv-Info (RFC 6086 §4.2.2)', () => {
  const call = open();
  call.request('INFO', [['Info-Package', 'dtmf'], RELAY], 'Signal=5\r\n');
  const response = lastStatus(call);
  expect(response?.status).toBe(469);
  expect(response && value(response, 'Recv-Info')).toBe('');
  expect(keys()).toEqual([]);
  call.bye();
});

test('another body gets 415 with Accept, a key that is none 400 (§8.2.3)', () => {
  const call = open();
  call.request('INFO', [['Content-Type', 'application/media_control+xml']], '<x/>');
  const other = lastStatus(call);
  expect(other?.status).toBe(415);
  expect(other && value(other, 'Accept')).toBe('application/dtmf-relay, application/dtmf');
  call.request('INFO', [RELAY], 'Signal=loud\r\n');
  expect(lastStatus(call)?.status).toBe(400);
  expect(keys()).toEqual([]);
  call.bye();
});

test('an INFO with a number that went before gets 500 and is no key (§12.2.2)', () => {
  const call = open();
  call.sequence = 9;
  call.request('INFO', [RELAY], 'Signal=1\r\n');
  call.sequence = 4;
  call.request('INFO', [RELAY], 'Signal=2\r\n');
  expect(lastStatus(call)?.status).toBe(500);
  expect(keys()).toHaveLength(1);
  call.sequence = 20;
  call.bye();
});

test('an INFO out of any call gets 481 (RFC 6086 §4.2.2)', () => {
  scene = echoScene();
  expect(askEcho(scene, 'INFO', [RELAY], 'Signal=5\r\n')?.status).toBe(481);
  expect(keys()).toEqual([]);
});
