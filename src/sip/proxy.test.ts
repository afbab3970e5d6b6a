/** The lab's proxy between phones on the virtual network, as they see it on the wire (RFC 3261 §16). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import type { VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import type { VirtualPhone } from '../io/virtual-phone.ts';
import { type ProxyScene, proxyScene } from '../io/virtual-proxy-scene.ts';
import { leftovers, REGISTRAR_ADDRESS } from '../io/virtual-scene.ts';
import { type SipResponse, value, values } from './message.ts';

let network: VirtualNetwork;
let proxy: VirtualEndpoint;
let anna: VirtualPhone;
let bert: VirtualPhone;
let phone: ProxyScene['phone'];

beforeEach(() => {
  ({ network, proxy, anna, bert, phone } = proxyScene());
});

afterEach(() => {
  expect(leftovers(network, proxy)).toEqual([]);
});

const last = (messages: readonly SipResponse[]): SipResponse => messages.at(-1) as SipResponse;

test('a call passes with both phones on the way they were told: INVITE, 180, 200, ACK, BYE (§16.2)', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local');
  const invite = bert.heard('INVITE').message;
  expect(invite.uri).toBe('sip:101@192.0.2.30:5060');
  expect(value(invite, 'Max-Forwards')).toBe('69');
  expect(values(invite, 'Record-Route')).toEqual([
    expect.stringMatching(/^<sip:192\.0\.2\.1:5060;lr;dialog=[0-9a-f]{16}>$/),
  ]);
  expect(values(invite, 'Via')).toHaveLength(2);
  expect(values(invite, 'Proxy-Authorization')).toEqual([]);
  bert.answer(180);
  bert.answer(200);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 180, 200]);
  const answer = last(anna.finals(call));
  expect(values(answer, 'Via')).toHaveLength(1);
  anna.ack(call, answer);
  network.run(50);
  expect(bert.heard('ACK').message.uri).toBe('sip:101@192.0.2.30:5060');
  expect(values(bert.heard('ACK').message, 'Route')).toEqual([]);
  bert.withinCalled(invite, 't-192.0.2.30', 'BYE');
  network.run(50);
  expect(anna.heard('BYE').message.uri).toBe('sip:100@192.0.2.20:5060');
  anna.peer.respond(anna.heard('BYE'), 200);
  network.run(50);
  expect(bert.peer.responses('BYE').map(({ message }) => message.status)).toEqual([200]);
});

test('without credentials a request out of a dialog gets 407 with a challenge of each algorithm (§22.3)', () => {
  bert.register();
  anna.peer.request(REGISTRAR_ADDRESS, 'MESSAGE', 'sip:101@lab.local', [
    ['Via', 'SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKm'],
    ['From', '<sip:100@lab.local>;tag=f'],
    ['To', '<sip:101@lab.local>'],
    ['Call-ID', 'm'],
    ['CSeq', '1 MESSAGE'],
  ]);
  network.run(50);
  const [refused] = anna.peer.responses('MESSAGE');
  expect(refused?.message.status).toBe(407);
  expect(values(refused?.message as SipResponse, 'Proxy-Authenticate')).toHaveLength(2);
  expect(bert.peer.requests('MESSAGE')).toEqual([]);
});

test('one user may not call as another of the domain (403)', () => {
  bert.register();
  const call = anna.dial('INVITE', 'sip:101@lab.local', [], { from: '<sip:102@lab.local>;tag=x' });
  expect(anna.statuses(call)).toEqual([407, 403]);
  anna.ack(call, last(anna.finals(call)));
});

test('nobody of that name is 404, nobody there 480 (§16.5)', () => {
  for (const [uri, status] of [
    ['sip:999@lab.local', 404],
    ['sip:101@lab.local', 480],
    ['tel:101', 480],
  ] as const) {
    const call = anna.call(uri);
    expect(anna.statuses(call)).toEqual([407, status]);
    anna.ack(call, last(anna.finals(call)));
  }
});

test('a 200 that comes again is passed on again, and its ACK too, on the same branch (§16.7, §16.11)', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local');
  bert.answer(200);
  network.run(50);
  bert.answer(200);
  network.run(50);
  const answers = anna.finals(call).filter(({ status }) => status === 200);
  expect(answers).toHaveLength(2);
  for (const answer of answers) anna.ack(call, answer);
  network.run(50);
  const acks = bert.peer.requests('ACK').map(({ message }) => value(message, 'Via'));
  expect(acks).toHaveLength(2);
  expect(acks[0]).toBe(acks[1] as string);
});

test('CANCEL is answered here and goes on hop by hop with its Reason; the 487 comes from the phone (§16.10)', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local');
  bert.answer(180);
  network.run(50);
  anna.cancel(call, [['Reason', 'Q.850;cause=16']]);
  network.run(50);
  expect(anna.peer.responses('CANCEL').map(({ message }) => message.status)).toEqual([200]);
  expect(value(bert.heard('CANCEL').message, 'Reason')).toBe('Q.850;cause=16');
  bert.peer.respond(bert.heard('CANCEL'), 200);
  bert.answer(487);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 180, 487]);
  anna.ack(call, last(anna.finals(call)));
  // Its 200 ends it (§17.1.2.2).
  network.run(5_000);
  expect(bert.peer.requests('CANCEL')).toHaveLength(1);
});

test('a CANCEL of nothing is 481 (§9.2)', () => {
  anna.cancel({
    uri: 'sip:101@lab.local',
    callId: 'n',
    from: '<sip:a@b>;tag=1',
    to: '<sip:c@d>',
    branch: 'z9hG4bKn',
    sequence: 1,
  });
  network.run(50);
  expect(anna.peer.responses('CANCEL').map(({ message }) => message.status)).toEqual([481]);
});

test('Timer C: a phone that rings for three minutes is cancelled, and each further 18x grants it as long (§16.8)', () => {
  bert.register([['Contact', bert.contact]], 7200);
  const call = anna.call('sip:101@lab.local');
  bert.answer(180);
  network.run(170_000);
  bert.answer(180);
  network.run(170_000);
  expect(bert.peer.requests('CANCEL')).toEqual([]);
  network.run(12_000);
  bert.peer.respond(bert.heard('CANCEL'), 200);
  bert.answer(487);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 180, 487]);
  anna.ack(call, last(anna.finals(call)));
});

test('a phone that answers the CANCEL of Timer C and nothing else is given up after 64·T1: 408 (§9.1, §16.8)', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local');
  bert.peer.answering = (request) => (request.method === 'CANCEL' ? { status: 200 } : undefined);
  bert.answer(180);
  network.run(182_000 + 33_000);
  expect(anna.statuses(call)).toEqual([407, 100, 180, 408]);
  anna.ack(call, last(anna.finals(call)));
});

test('a phone that says nothing is a 408 after Timer B; one whose port is closed a 500 at once (§16.9)', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local');
  network.run(33_000);
  expect(anna.statuses(call)).toEqual([407, 100, 408]);
  anna.ack(call, last(anna.finals(call)));
  const gone = phone('102', 40);
  gone.register([['Contact', '<sip:102@192.0.2.41>']]);
  const other = anna.call('sip:102@lab.local');
  expect(anna.statuses(other)).toEqual([407, 100, 500]);
  anna.ack(other, last(anna.finals(other)));
  const raised = network.eventsOf(proxy, 'diagnosis.raised').map(({ evidence }) => evidence);
  expect(raised).toEqual([
    'INVITE for sip:101@192.0.2.30:5060: no answer in time',
    'INVITE for sip:102@192.0.2.41: port unreachable',
  ]);
});

test('no 408 is sent for anything but an INVITE (RFC 4320 §4.2)', () => {
  bert.register();
  const message = anna.dial('MESSAGE', 'sip:101@lab.local');
  network.run(40_000);
  expect(anna.statuses(message, 'MESSAGE')).toEqual([407]);
});

test('a call on its way when the server stops gets 503, and its phone a CANCEL', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local');
  bert.answer(180);
  network.run(50);
  proxy.act({ type: 'stop', reason: 'the end' });
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 180, 503]);
  expect(bert.peer.requests('CANCEL')).toHaveLength(1);
});

test('OPTIONS for the domain itself is answered here, without credentials: REGISTER and path are served (§11.2)', () => {
  const asked = anna.dial('OPTIONS', 'sip:lab.local');
  const [answer] = anna.finals(asked, 'OPTIONS');
  expect(answer?.status).toBe(200);
  expect(value(answer as SipResponse, 'Allow')).toContain('REGISTER');
  expect(value(answer as SipResponse, 'Supported')).toContain('path');
});

test('an ACK that is lost is made up for by the phone: its 200 comes again, and the ACK after it (§13.3.1.4)', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local');
  bert.answer(200);
  network.run(50);
  network.weather = { ...network.weather, loss: 1 };
  anna.ack(call, last(anna.finals(call)));
  network.run(400);
  network.weather = { ...network.weather, loss: 0 };
  expect(bert.peer.requests('ACK')).toEqual([]);
  bert.answer(200);
  network.run(50);
  const answers = anna.finals(call).filter(({ status }) => status === 200);
  expect(answers).toHaveLength(2);
  anna.ack(call, last(answers));
  network.run(50);
  expect(bert.peer.requests('ACK')).toHaveLength(1);
});

test('an INVITE that is sent again goes no further: its transaction answers with the last response (§17.2.1)', () => {
  bert.register();
  anna.call('sip:101@lab.local');
  bert.answer(180);
  network.run(50);
  const sent = network.sent.filter(
    ({ from, text }) => from.startsWith('phone 100') && text.startsWith('INVITE'),
  );
  anna.peer.sendText(REGISTRAR_ADDRESS, sent.at(-1)?.text ?? '');
  network.run(50);
  expect(bert.peer.requests('INVITE')).toHaveLength(1);
  expect(anna.peer.responses('INVITE').filter(({ message }) => message.status === 180)).toHaveLength(2);
  bert.answer(200);
});
