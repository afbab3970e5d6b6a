/** Which way a request takes through the proxy, and which it must not (RFC 3261 §16.3 to §16.6). */
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
  const vias = values(message, 'Via');
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
  const [recorded = ''] = values(answer, 'Record-Route');
  anna.peer.request(REGISTRAR_ADDRESS, 'BYE', recorded.slice(1, -1), [
    ['Via', 'SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKstrict'],
    ['Route', '<sip:101@192.0.2.30:5060>'],
    ['From', call.from],
    ['To', value(answer, 'To') ?? ''],
    ['Call-ID', call.callId],
    ['CSeq', '9 BYE'],
  ]);
  network.run(50);
  const { message } = bert.heard('BYE');
  expect([message.uri, values(message, 'Route')]).toEqual(['sip:101@192.0.2.30:5060', []]);
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
  expect([message.uri, values(message, 'Route')]).toEqual(['sip:192.0.2.50', ['<sip:101@192.0.2.30:5060>']]);
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
  expect(values(invite.message, 'Record-Route')).toEqual([
    expect.stringMatching(/^<sip:192\.0\.2\.1:5060;transport=tcp;lr;dialog=[0-9a-f]{16}>$/),
    expect.stringMatching(/^<sip:192\.0\.2\.1:5060;lr;dialog=[0-9a-f]{16}>$/),
  ]);
  bert.answer(200);
  network.run(50);
  anna.ack(call, last(anna.finals(call)));
  network.run(50);
  expect(bert.heard('ACK').flow).toEqual(invite.flow);
  bert.withinCalled(invite.message, 't-192.0.2.30', 'BYE');
  network.run(50);
  const bye = anna.heard('BYE');
  expect([bye.flow.transport, values(bye.message, 'Route')]).toEqual(['udp', []]);
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

/** What a stranger writes so that it looks as if it were of a dialog. */
function forged(method: string, uri: string, routes: readonly string[], callId = 'relay'): void {
  anna.peer.request(REGISTRAR_ADDRESS, method, uri, [
    ['Via', `SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKrelay${callId}${method}${routes.length}`],
    ...routes.map((route): [string, string] => ['Route', route]),
    ['From', '<sip:100@lab.local>;tag=f'],
    ['To', '<sip:victim@192.0.2.31>;tag=t'],
    ['Call-ID', callId],
    ['CSeq', `1 ${method}`],
  ]);
  network.run(50);
}

test('a To tag and our address in Route open no relay: what we did not record needs credentials (407)', () => {
  const victim = second.peer;
  const uri = 'sip:victim@192.0.2.31:5060';
  bert.register();
  forged('BYE', uri, []);
  forged('BYE', uri, ['<sip:192.0.2.1;lr>']);
  forged('OPTIONS', uri, ['<sip:192.0.2.1;lr;dialog=0123456789abcdef>']);
  forged('MESSAGE', 'sip:101@lab.local', ['<sip:192.0.2.31;lr>']);
  forged('INFO', 'sip:192.0.2.1;lr', ['<sip:victim@192.0.2.31>']);
  for (const method of ['OPTIONS', 'MESSAGE', 'INFO']) {
    expect(anna.peer.responses(method).map(({ message }) => message.status)).toEqual([407]);
  }
  expect(anna.peer.responses('BYE').map(({ message }) => message.status)).toEqual([407, 407]);
  forged('ACK', uri, ['<sip:192.0.2.1;lr>']);
  forged('ACK', 'sip:101@lab.local', ['<sip:192.0.2.31;lr>']);
  for (const method of ['BYE', 'OPTIONS', 'MESSAGE', 'INFO', 'ACK'])
    expect(victim.requests(method)).toEqual([]);
});

test('a Record-Route of ours is good for its own Call-ID alone', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local');
  const [recorded = ''] = values(bert.heard('INVITE').message, 'Record-Route');
  bert.answer(200);
  network.run(50);
  anna.ack(call, last(anna.finals(call)));
  forged('INFO', 'sip:101@192.0.2.30:5060', [recorded], 'another');
  expect(bert.peer.requests('INFO')).toEqual([]);
  forged('INFO', 'sip:101@192.0.2.30:5060', [recorded], call.callId);
  expect(bert.peer.requests('INFO')).toHaveLength(1);
  bert.peer.respond(bert.heard('INFO'), 200);
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

test('a name with several servers is tried at the next one when the first is gone (RFC 3263 §4.3)', () => {
  network.dns.srv.set('_sip._udp.pbx.example', [
    { priority: 2, weight: 0, port: 5060, target: 'live.example' },
    { priority: 1, weight: 0, port: 5060, target: 'dead.example' },
  ]);
  network.names.set('live.example', ['192.0.2.30']);
  network.names.set('dead.example', ['192.0.2.99']);
  const call = anna.call('sip:bert@pbx.example');
  network.run(200);
  expect(bert.heard('INVITE').message.uri).toBe('sip:bert@pbx.example');
  bert.answer(486);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 486]);
  anna.ack(call, last(anna.finals(call)));
});

test('a Path is the way to its phone, in front of every other Route (RFC 3327 §5.3)', () => {
  const edge = phone('edge', 50);
  bert.register([
    ['Contact', bert.contact],
    ['Path', '<sip:192.0.2.50;lr>, <sip:192.0.2.51;lr>'],
    ['Supported', 'path'],
  ]);
  anna.call('sip:101@lab.local');
  const { message } = edge.heard('INVITE');
  expect(message.uri).toBe('sip:101@192.0.2.30:5060');
  expect(values(message, 'Route')).toEqual(['<sip:192.0.2.50;lr>', '<sip:192.0.2.51;lr>']);
  edge.answer(200);
});

test('what its own header fields make too large for a datagram goes on over TCP, and back (§18.1.1)', () => {
  bert.register();
  const call = anna.call('sip:101@lab.local', [['X-Padding', 'x'.repeat(1_000)]]);
  const [invite] = bert.peer.requests('INVITE');
  expect(invite?.flow.transport).toBe('tcp');
  expect(invite && values(invite.message, 'Via').map((via) => via.slice(0, 11))).toEqual([
    'SIP/2.0/TCP',
    'SIP/2.0/UDP',
  ]);
  bert.answer(486);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 486]);
  anna.ack(call, last(anna.finals(call)));
});

test('a phone that takes no TCP gets it in a datagram all the same (§18.1.1)', () => {
  bert.peer.node.streams = false;
  bert.register();
  const call = anna.call('sip:101@lab.local', [['X-Padding', 'x'.repeat(1_000)]]);
  network.run(100);
  expect(bert.peer.requests('INVITE')[0]?.flow.transport).toBe('udp');
  bert.answer(486);
  network.run(50);
  expect(anna.statuses(call)).toEqual([407, 100, 486]);
  anna.ack(call, last(anna.finals(call)));
});
