/** One request to several phones: what the caller hears of it, and what they do (RFC 3261 §16.6, §16.7). */
import { expect, test } from 'bun:test';
import { proxyTests } from '../io/scene-tests.ts';
import type { VirtualNetwork } from '../io/virtual.ts';
import type { VirtualPhone } from '../io/virtual-phone.ts';
import type { ProxyScene } from '../io/virtual-proxy-scene.ts';
import { REGISTRAR_ADDRESS } from '../io/virtual-scene.ts';
import { type SipResponse, value, values } from './message.ts';

let network: VirtualNetwork;
let anna: VirtualPhone;
let bert: VirtualPhone;
let second: VirtualPhone;
let phone: ProxyScene['phone'];

proxyTests((scene) => {
  ({ network, anna, bert, second, phone } = scene);
});

const last = (messages: readonly SipResponse[]): SipResponse => messages.at(-1) as SipResponse;

test('all phones of a user ring; the first 200 wins and the other is cancelled, and why (§16.7 step 10)', () => {
  bert.register();
  second.register();
  const call = anna.call('sip:101@lab.local');
  bert.answer(180);
  second.answer(180);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 180, 180]);
  second.answer(200);
  network.run(50);
  expect(value(bert.heard('CANCEL').message, 'Reason')).toStartWith('SIP;cause=200');
  bert.peer.respond(bert.heard('CANCEL'), 200);
  bert.answer(487);
  network.run(50);
  expect(bert.heard('ACK').message.method).toBe('ACK');
  expect(anna.statuses(call)).toEqual([407, 100, 180, 180, 200]);
});

test('a CANCEL waits for a provisional response of its branch (§9.1)', () => {
  bert.register();
  second.register();
  anna.call('sip:101@lab.local');
  second.answer(200);
  network.run(200);
  expect(bert.peer.requests('CANCEL')).toEqual([]);
  bert.answer(180);
  network.run(50);
  expect(bert.peer.requests('CANCEL')).toHaveLength(1);
  bert.answer(487);
});

test('the 2xx of both forks reach the caller, and so does each ACK its phone (§16.7 step 5)', () => {
  bert.register();
  second.register();
  const call = anna.call('sip:101@lab.local');
  bert.answer(200);
  second.answer(200);
  network.run(50);
  const answers = anna.finals(call).filter(({ status }) => status === 200);
  expect(answers.map((one) => value(one, 'Contact'))).toEqual([bert.contact, second.contact]);
  for (const answer of answers) anna.ack(call, answer);
  network.run(50);
  for (const one of [bert, second]) expect(one.peer.requests('ACK')).toHaveLength(1);
});

test('the best of several refusals is passed on, once all have answered (§16.7 step 6)', () => {
  bert.register();
  second.register();
  const call = anna.call('sip:101@lab.local');
  bert.answer(500);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100]);
  second.answer(486);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 486]);
  anna.ack(call, last(anna.finals(call)));
});

test('a 6xx ends all: the other phone is cancelled, and the 6xx passed on when it has answered (§16.7 step 5)', () => {
  bert.register();
  second.register();
  const call = anna.call('sip:101@lab.local');
  second.answer(180);
  bert.answer(603);
  network.run(50);
  expect(second.peer.requests('CANCEL')).toHaveLength(1);
  second.answer(487);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 180, 603]);
  anna.ack(call, last(anna.finals(call)));
});

test('challenges of two phones are passed on together (§16.7 step 7)', () => {
  bert.register();
  second.register();
  const call = anna.call('sip:101@lab.local');
  bert.answer(401, [['WWW-Authenticate', 'Digest realm="a", nonce="1"']]);
  second.answer(407, [['Proxy-Authenticate', 'Digest realm="b", nonce="2"']]);
  network.run(50);
  const refusal = last(anna.finals(call));
  expect(values(refusal, 'WWW-Authenticate')).toEqual(['Digest realm="a", nonce="1"']);
  expect(values(refusal, 'Proxy-Authenticate')).toEqual(['Digest realm="b", nonce="2"']);
  anna.ack(call, refusal);
});

test('a 503 from behind is a 500 in front (§16.7 step 6)', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local');
  bert.answer(503);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 500]);
  anna.ack(call, last(anna.finals(call)));
});

test('what is wanted less is tried when what is wanted more has failed (§16.6, §20.10 q)', () => {
  bert.register([['Contact', `${bert.contact};q=0.5`]]);
  second.register([['Contact', `${second.contact};q=0.9`]]);
  const call = anna.call('sip:101@lab.local');
  expect(bert.peer.requests('INVITE')).toEqual([]);
  second.answer(486);
  network.run(50);
  bert.answer(200);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 200]);
});

test('a stream that breaks under a ringing call is a 500 for its caller, and the other phone still rings (§16.9)', () => {
  bert.transport = 'tcp';
  bert.to = bert.peer.connect(REGISTRAR_ADDRESS);
  network.run(50);
  bert.register();
  second.register();
  const call = anna.call('sip:101@lab.local');
  second.answer(180);
  network.run(50);
  network.breakStreams(bert.peer.node);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 180]);
  second.answer(486);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 180, 486]);
  anna.ack(call, last(anna.finals(call)));
});

test('of more than ten phones ten ring, and no stranger makes us remember more than so many requests', () => {
  for (let byte = 60; byte < 70; byte++) phone('101', byte).register();
  const eleventh = phone('101', 70).register();
  expect(eleventh.status).toBe(403);
  const call = anna.call('sip:101@lab.local');
  const invites = network.sent.filter(({ from, text }) => from === 'proxy' && text.startsWith('INVITE'));
  expect(new Set(invites.map(({ to }) => to)).size).toBe(10);
  network.run(33_000);
  expect(anna.statuses(call)).toEqual([407, 100, 408]);
  anna.ack(call, last(anna.finals(call)));
});

test('Max-Breadth is shared among the ways, and what is too wide goes one after the other (RFC 5393 §5)', () => {
  bert.register();
  second.register();
  const wide = anna.call('sip:101@lab.local');
  expect(value(bert.heard('INVITE').message, 'Max-Breadth')).toBe('30');
  bert.answer(486);
  second.answer(486);
  network.run(50);
  anna.ack(wide, last(anna.finals(wide)));
  const narrow = anna.call('sip:101@lab.local', [['Max-Breadth', '1']]);
  expect([bert, second].map((one) => one.peer.requests('INVITE').length)).toEqual([2, 1]);
  expect(value(bert.heard('INVITE').message, 'Max-Breadth')).toBe('1');
  bert.answer(486);
  network.run(50);
  second.answer(480);
  network.run(50);
  expect(anna.statuses(narrow)).toEqual([407, 100, 486]);
  anna.ack(narrow, last(anna.finals(narrow)));
  const none = anna.call('sip:101@lab.local', [['Max-Breadth', '0']]);
  expect(anna.statuses(none)).toEqual([440]);
  anna.ack(none, last(anna.finals(none)));
});
