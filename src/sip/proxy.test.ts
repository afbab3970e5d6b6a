/** The lab's proxy between phones on the virtual network, as they see it on the wire (RFC 3261 §16). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { VirtualPhone, valuesOf } from '../io/virtual-phone.ts';
import { endpointConfig, leftovers, REGISTRAR_ADDRESS } from '../io/virtual-scene.ts';
import { type SipResponse, value } from './message.ts';

let network: VirtualNetwork;
let proxy: VirtualEndpoint;
let anna: VirtualPhone;
let bert: VirtualPhone;
let second: VirtualPhone;

beforeEach(() => {
  network = new VirtualNetwork();
  const users = ['100', '101', '102'].map((user) => ({ user, password: 'secret' }));
  const config = endpointConfig(REGISTRAR_ADDRESS, { registrar: { domain: 'lab.local', users } });
  proxy = network.addEndpoint('proxy', REGISTRAR_ADDRESS, config);
  anna = phone('100', 20);
  bert = phone('101', 30);
  second = phone('101', 31);
});

afterEach(() => {
  expect(leftovers(network, proxy)).toEqual([]);
});

function phone(user: string, lastByte: number): VirtualPhone {
  return new VirtualPhone(network, user, { address: `192.0.2.${lastByte}`, port: 5060 });
}

const last = (messages: readonly SipResponse[]): SipResponse => messages.at(-1) as SipResponse;

test('a call passes with both phones on the way they were told: INVITE, 180, 200, ACK, BYE (§16.2)', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local');
  const invite = bert.heard('INVITE').message;
  expect(invite.uri).toBe('sip:101@192.0.2.30:5060');
  expect(value(invite, 'Max-Forwards')).toBe('69');
  expect(valuesOf(invite, 'Record-Route')).toEqual(['<sip:192.0.2.1:5060;lr>']);
  expect(valuesOf(invite, 'Via')).toHaveLength(2);
  expect(valuesOf(invite, 'Proxy-Authorization')).toEqual([]);
  bert.answer(180);
  bert.answer(200);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 180, 200]);
  const answer = last(anna.finals(call));
  expect(valuesOf(answer, 'Via')).toHaveLength(1);
  anna.ack(call, answer);
  network.run(50);
  expect(bert.heard('ACK').message.uri).toBe('sip:101@192.0.2.30:5060');
  expect(valuesOf(bert.heard('ACK').message, 'Route')).toEqual([]);
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
  expect(valuesOf(refused?.message as SipResponse, 'Proxy-Authenticate')).toHaveLength(2);
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
  expect(valuesOf(refusal, 'WWW-Authenticate')).toEqual(['Digest realm="a", nonce="1"']);
  expect(valuesOf(refusal, 'Proxy-Authenticate')).toEqual(['Digest realm="b", nonce="2"']);
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

test('Max-Forwards 0 is 483; an OPTIONS with it is answered here (§16.3 step 3)', () => {
  bert.register();
  for (const [method, status] of [
    ['INVITE', 483],
    ['OPTIONS', 200],
  ] as const) {
    anna.peer.request(REGISTRAR_ADDRESS, method, 'sip:101@lab.local', [
      ['Via', `SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK0${method}`],
      ['Max-Forwards', '0'],
      ['From', '<sip:100@lab.local>;tag=f'],
      ['To', '<sip:101@lab.local>'],
      ['Call-ID', `zero-${method}`],
      ['CSeq', `1 ${method}`],
    ]);
    network.run(50);
    expect(anna.peer.responses(method).map(({ message }) => message.status)).toEqual([status]);
  }
});

test('Proxy-Require is refused with 420 and what it asked for, Require is for the phone (§16.3 step 5)', () => {
  bert.register();
  const refused = anna.call('sip:101@lab.local', [['Proxy-Require', 'magic, spells']]);
  expect(anna.statuses(refused)).toEqual([420]);
  expect(value(last(anna.finals(refused)), 'Unsupported')).toBe('magic, spells');
  anna.ack(refused, last(anna.finals(refused)));
  const passed = anna.call('sip:101@lab.local', [['Require', 'magic']]);
  bert.answer(420, [['Unsupported', 'magic']]);
  network.run(50);
  expect(anna.statuses(passed)).toEqual([407, 100, 420]);
  anna.ack(passed, last(anna.finals(passed)));
});

test('a request that comes back as it went is a loop: 482 (§16.3 step 4)', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local');
  // As another proxy would send it back: the Request-URI as it was, a Via of its own on top.
  const { message } = bert.heard('INVITE');
  const vias = valuesOf(message, 'Via');
  bert.peer.request(REGISTRAR_ADDRESS, 'INVITE', 'sip:101@lab.local', [
    ['Via', 'SIP/2.0/UDP 192.0.2.30;branch=z9hG4bKback'],
    ...vias.map((via) => ['Via', via] as const),
    ...message.headers
      .filter(({ name }) => name !== 'Via' && name !== 'Content-Length')
      .map((header) => [header.name, header.value] as const),
  ]);
  network.run(50);
  expect(bert.peer.responses('INVITE').map(({ message: { status } }) => status)).toEqual([482]);
  bert.answer(482);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 482]);
  anna.ack(call, last(anna.finals(call)));
});

test('a user who is bound to another of ours is followed; two bound to each other are a loop (§16.5)', () => {
  const carla = phone('102', 40);
  carla.register([['Contact', '<sip:101@lab.local>']]);
  bert.register();
  const call = anna.call('sip:102@lab.local');
  expect(bert.heard('INVITE').message.uri).toBe('sip:101@192.0.2.30:5060');
  bert.answer(486);
  network.run(50);
  anna.ack(call, last(anna.finals(call)));
  bert.register([['Contact', '*']], 0);
  bert.register([['Contact', '<sip:102@192.0.2.1:5060>']]);
  const loop = anna.call('sip:102@lab.local');
  expect(anna.statuses(loop)).toEqual([407, 482]);
  anna.ack(loop, last(anna.finals(loop)));
});

test('a strict router before us has put our Route into the Request-URI: it is put right (§16.4)', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local');
  bert.answer(200);
  network.run(50);
  const answer = last(anna.finals(call));
  anna.peer.request(REGISTRAR_ADDRESS, 'BYE', 'sip:192.0.2.1:5060;lr', [
    ['Via', 'SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKstrict'],
    ['Route', '<sip:101@192.0.2.30:5060>'],
    ['From', call.from],
    ['To', value(answer, 'To') ?? ''],
    ['Call-ID', call.callId],
    ['CSeq', '9 BYE'],
  ]);
  network.run(50);
  const { message } = bert.heard('BYE');
  expect([message.uri, valuesOf(message, 'Route')]).toEqual(['sip:101@192.0.2.30:5060', []]);
  bert.peer.respond(bert.heard('BYE'), 200);
});

test('a strict router behind us gets the Request-URI for itself, and what stood there at the end of Route (§16.6 step 6)', () => {
  bert.register([
    ['Contact', bert.contact],
    ['Path', '<sip:192.0.2.50>'],
    ['Supported', 'path'],
  ]);
  const strict = phone('strict', 50);
  anna.call('sip:101@lab.local');
  const { message } = strict.heard('INVITE');
  expect([message.uri, valuesOf(message, 'Route')]).toEqual([
    'sip:192.0.2.50',
    ['<sip:101@192.0.2.30:5060>'],
  ]);
  strict.answer(200);
});

test('a phone on UDP and one on TCP: each is recorded on its own side, and finds the other through it (RFC 5658)', () => {
  bert.transport = 'tcp';
  bert.to = bert.peer.connect(REGISTRAR_ADDRESS);
  network.run(50);
  bert.register();
  const call = anna.call('sip:101@lab.local');
  const invite = bert.heard('INVITE');
  expect(invite.flow.connection).toBeDefined();
  expect(valuesOf(invite.message, 'Record-Route')).toEqual([
    '<sip:192.0.2.1:5060;transport=tcp;lr>',
    '<sip:192.0.2.1:5060;lr>',
  ]);
  bert.answer(200);
  network.run(50);
  anna.ack(call, last(anna.finals(call)));
  network.run(50);
  expect(bert.heard('ACK').flow).toEqual(invite.flow);
  bert.withinCalled(invite.message, 't-192.0.2.30', 'BYE');
  network.run(50);
  const bye = anna.heard('BYE');
  expect([bye.flow.transport, valuesOf(bye.message, 'Route')]).toEqual(['udp', []]);
  anna.peer.respond(bye, 200);
  network.run(50);
  expect(bert.peer.responses('BYE').map(({ message }) => message.status)).toEqual([200]);
});

test('a phone behind a NAT is called where it was heard, by its own Contact (RFC 3581)', () => {
  bert.believed = { address: '10.0.0.5', port: 5060 };
  bert.register();
  anna.call('sip:101@lab.local');
  expect(bert.heard('INVITE').message.uri).toBe('sip:101@10.0.0.5:5060');
  bert.answer(200);
});

test('a Contact that names a third device is taken at its word', () => {
  bert.register([['Contact', second.contact]]);
  anna.call('sip:101@lab.local');
  expect(bert.peer.requests('INVITE')).toEqual([]);
  second.answer(200);
});

test('what is in a dialog needs a Route of ours or a user of ours; for others nothing is relayed (403)', () => {
  anna.peer.request(REGISTRAR_ADDRESS, 'BYE', 'sip:victim@198.51.100.7', [
    ['Via', 'SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKrelay'],
    ['From', '<sip:100@lab.local>;tag=f'],
    ['To', '<sip:victim@198.51.100.7>;tag=t'],
    ['Call-ID', 'relay'],
    ['CSeq', '1 BYE'],
  ]);
  network.run(50);
  expect(anna.peer.responses('BYE').map(({ message }) => message.status)).toEqual([403]);
});

test('a name is looked up; one without an address is a 500 that says so (§16.6 step 7)', () => {
  network.names.set('pbx.example', ['192.0.2.30']);
  const call = anna.call('sip:bert@pbx.example');
  expect(bert.heard('INVITE').message.uri).toBe('sip:bert@pbx.example');
  bert.answer(486);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 486]);
  anna.ack(call, last(anna.finals(call)));
  const nowhere = anna.call('sip:bert@nowhere.example');
  network.run(50);
  expect(anna.statuses(nowhere)).toEqual([407, 100, 500]);
  anna.ack(nowhere, last(anna.finals(nowhere)));
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
