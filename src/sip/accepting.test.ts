/** The 2xx that goes again until it is acknowledged, and an ACK that never comes (RFC 3261 §13.3.1.4). */
import { expect, test } from 'bun:test';
import { echoTests } from '../io/scene-tests.ts';
import { VirtualCaller } from '../io/virtual-caller.ts';
import { answersBye } from '../io/virtual-peer.ts';
import { ECHO_ADDRESS } from '../io/virtual-scene.ts';

const open = echoTests();

test('the 200 is repeated at T1, 2·T1 and so on up to T2 until the ACK comes (§13.3.1.4)', () => {
  const { network, caller, states } = open();
  const call = caller();
  call.invite();
  network.run(20_000);
  call.ack();
  network.run(20_000);
  const times = call.responses('INVITE').filter(({ message }) => message.status === 200);
  const first = times[0]?.atMs ?? 0;
  expect(times.map(({ atMs }) => atMs - first)).toEqual([
    0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500,
  ]);
  expect(states()).toContain('established');
  call.bye();
});

test('the 200 is repeated on TCP as well, as it is end to end (§13.3.1.4)', () => {
  const { network, phone } = open();
  const flow = phone.connect(ECHO_ADDRESS);
  network.run(50);
  const call = new VirtualCaller(phone, flow);
  call.invite();
  network.run(4_000);
  expect(call.responses('INVITE').filter(({ message }) => message.status === 200)).toHaveLength(4);
  call.ack();
  network.run(50);
  call.bye();
  network.run(50);
  expect(call.statuses('BYE')).toEqual([200]);
  phone.disconnect(flow);
});

test('without an ACK for 64·T1 the call is ended with a BYE, a reason and a diagnosis (§13.3.1.4)', () => {
  const { network, echo, phone, caller, last } = open();
  phone.answering = answersBye;
  const call = caller();
  call.invite();
  network.run(33_000);
  expect(phone.requests('BYE')).toHaveLength(1);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'no ACK' });
  expect(network.eventsOf(echo, 'diagnosis.raised').map(({ code }) => code)).toEqual(['ack-missing']);
  const [bye] = phone.requests('BYE');
  expect((bye?.atMs ?? 0) - (call.responses('INVITE')[2]?.atMs ?? 0)).toBe(32_000);
});

test('an ACK that belongs to nothing is never answered (§17.2.3)', () => {
  const { network, phone, caller } = open();
  const call = caller();
  call.ack();
  network.run(1_000);
  expect(phone.heard).toEqual([]);
});

test('an ACK with another number than the INVITE acknowledges nothing (§13.3.1.4)', () => {
  const { network, phone, caller, states } = open();
  phone.answering = answersBye;
  const call = caller();
  call.invite();
  network.run(100);
  call.request('ACK');
  network.run(100);
  expect(states().at(-1)).toBe('answered');
  network.run(40_000);
  expect(phone.requests('BYE')).toHaveLength(1);
});
