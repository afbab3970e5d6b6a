/** How calls that came in end by BYE, from either side, at any moment (RFC 3261 §15.1). */
import { expect, test } from 'bun:test';
import { echoTests } from '../io/scene-tests.ts';
import { VirtualCaller } from '../io/virtual-caller.ts';
import { answersBye } from '../io/virtual-peer.ts';
import { ECHO_ADDRESS } from '../io/virtual-scene.ts';

const open = echoTests();

test('a BYE of ours that nobody answers ends the call all the same (§15.1.1)', () => {
  const { network, echo, established, last } = open();
  established();
  echo.act({ type: 'hangup-all' });
  expect(echo.media.open.size).toBe(0);
  network.run(40_000);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'hung up' });
});

test('BYE while it rings gets 200, and the INVITE 487 (§15.1.2)', () => {
  const { network, caller } = open({ answerDelayMs: 5_000 });
  const call = caller();
  call.invite();
  network.run(100);
  call.bye();
  network.run(100);
  expect(call.statuses('BYE')).toEqual([200]);
  expect(call.statuses()).toEqual([100, 180, 487]);
  call.ack();
});

test('BYE before the ACK ends the call, and the 200 is not repeated any more (§15.1.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite();
  network.run(100);
  call.bye();
  network.run(40_000);
  expect(call.statuses('BYE')).toEqual([200]);
  expect(call.responses('INVITE').filter(({ message }) => message.status === 200)).toHaveLength(1);
});

test('hanging up waits for the ACK, as a callee says no BYE before it (§15)', () => {
  const { network, echo, phone, caller, last } = open();
  phone.answering = answersBye;
  const call = caller();
  call.invite();
  network.run(100);
  echo.act({ type: 'hangup-all' });
  network.run(100);
  expect(phone.requests('BYE')).toHaveLength(0);
  call.ack();
  network.run(100);
  expect(phone.requests('BYE')).toHaveLength(1);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'hung up' });
});

test('hanging up while it rings gives 480 (§21.4.18)', () => {
  const { network, echo, caller } = open({ answerDelayMs: 5_000 });
  const call = caller();
  call.invite();
  network.run(100);
  echo.act({ type: 'hangup-all' });
  network.run(100);
  expect(call.statuses()).toEqual([100, 180, 480]);
  call.ack();
});

test('a request with a number that went before gets 500 and ends nothing (§12.2.2)', () => {
  const { network, caller, states } = open();
  const call = caller();
  call.sequence = 10;
  call.invite();
  network.run(100);
  call.ack();
  network.run(100);
  call.sequence = 5;
  call.bye();
  network.run(100);
  expect(call.statuses('BYE')).toEqual([500]);
  expect(states().at(-1)).toBe('established');
  call.sequence = 20;
  call.bye();
});

test('after our BYE the dialog is over but for the BYE that crossed it, which gets 200 (§15.1.1)', () => {
  const { network, echo, established } = open();
  const call = established();
  echo.act({ type: 'hangup-all' });
  call.invite();
  network.run(50);
  expect(call.finalStatus()).toBe(481);
  call.ack();
  call.bye();
  network.run(50);
  expect(call.statuses('BYE')).toEqual([200]);
});

test('a BYE to a Contact that is a name goes where the caller was heard (§12.2.1.1)', () => {
  const { network, echo, phone, caller } = open();
  phone.answering = answersBye;
  const call = caller();
  call.contact = '<sip:anna@phone.example>';
  call.invite();
  network.run(50);
  call.ack();
  network.run(50);
  echo.act({ type: 'hangup-all' });
  network.run(50);
  expect(phone.requests('BYE').map(({ message }) => message.uri)).toEqual(['sip:anna@phone.example']);
});

test('over TCP our BYE goes on the connection of the ACK, however silent it was for an hour (§18.1.1)', () => {
  const { network, echo, phone } = open();
  phone.answering = answersBye;
  const [first, second] = [phone.connect(ECHO_ADDRESS), phone.connect(ECHO_ADDRESS)];
  network.run(50);
  const call = new VirtualCaller(phone, first);
  call.invite();
  network.run(100);
  call.to = second;
  call.ack();
  network.run(3_600_000);
  // The first one carried no call any more.
  expect(phone.streams).toEqual([second.connection as number]);
  echo.act({ type: 'hangup-all' });
  network.run(100);
  expect(phone.requests('BYE').map(({ flow }) => flow.connection)).toEqual([second.connection]);
  phone.disconnect(second);
});
