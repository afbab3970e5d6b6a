/** 406: a caller that would not take our answer (RFC 3261 §20.1, §20.2, §21.4.7). */
import { afterEach, expect, test } from 'bun:test';
import { offerText } from '../io/virtual-caller.ts';
import { type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: EchoScene;

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

/** The final status of an INVITE with that field. */
function statusWith(...headers: readonly HeaderLine[]): number | undefined {
  const call = scene.caller();
  call.invite(offerText(), headers);
  scene.network.run(50);
  call.ack();
  if (call.finalStatus() === 200) call.bye();
  scene.network.run(50);
  return call.finalStatus();
}

test('an Accept that leaves out application/sdp gets 406, one that has it in any way 200 (§20.1)', () => {
  scene = echoScene();
  for (const accept of ['text/html', '', 'text/*', 'application/sdp;q=0, */*', 'application/dtmf-relay']) {
    expect([accept, statusWith(['Accept', accept])]).toEqual([accept, 406]);
  }
  const good = [
    'application/sdp',
    '*/*',
    'Application/*;q=0.1',
    'text/html, application/SDP;level=1',
    '*/*;q=0, application/sdp',
  ];
  for (const accept of good) expect([accept, statusWith(['Accept', accept])]).toEqual([accept, 200]);
  expect(statusWith(['Accept', 'text/html'], ['Accept', 'application/sdp'])).toBe(200);
  const { network, echo } = scene;
  expect(network.eventsOf(echo, 'sip.rejected')[0]).toMatchObject({
    code: 'answer-unacceptable',
    header: 'Accept',
    status: 406,
  });
});

test('an Accept-Encoding that leaves out identity gets 406, all others 200 (§20.2)', () => {
  scene = echoScene();
  for (const coding of ['identity;q=0', 'gzip, *;q=0.0', '*;q=0'])
    expect([coding, statusWith(['Accept-Encoding', coding])]).toEqual([coding, 406]);
  for (const coding of ['gzip', '', 'identity', '*', 'gzip;q=1.0, identity;q=0.5', '*;q=0, identity'])
    expect([coding, statusWith(['Accept-Encoding', coding])]).toEqual([coding, 200]);
});

test('what cannot be read asks for nothing: leniency accept-unreadable', () => {
  scene = echoScene();
  expect(statusWith(['Accept', 'all of them'])).toBe(200);
  expect(statusWith(['Accept-Encoding', ',,'])).toBe(200);
});

test('a re-INVITE that would not take our answer gets 406, and the call stays as it was (§14.2)', () => {
  scene = echoScene();
  const call = scene.caller();
  call.invite();
  scene.network.run(50);
  call.ack();
  call.invite(offerText(), [['Accept', 'text/html']]);
  scene.network.run(50);
  expect(call.finalStatus()).toBe(406);
  call.ack();
  scene.network.run(50);
  expect(scene.network.eventsOf(scene.echo, 'call.changed').at(-1)?.to).toBe('established');
  call.bye();
});
