/** Flows at our registrar and proxy: bound, called over, replaced, and gone (RFC 5626 §5.3, §6, §7). */
import { expect, test } from 'bun:test';
import { proxyTests } from '../io/scene-tests.ts';
import type { Dialling, VirtualPhone } from '../io/virtual-phone.ts';
import type { ProxyScene } from '../io/virtual-proxy-scene.ts';
import {
  accountOf,
  ECHO_ADDRESS,
  endpointConfig,
  leftovers,
  REGISTRAR_ADDRESS,
} from '../io/virtual-scene.ts';
import type { Flow } from './flow.ts';
import { type SipResponse, value, values } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: ProxyScene;
let anna: VirtualPhone;
let bert: VirtualPhone;

proxyTests((opened) => {
  scene = opened;
  ({ anna, bert } = scene);
});

const SUPPORTED: HeaderLine = ['Supported', 'path, outbound'];
const flowContact = (phone: VirtualPhone, regId = 1, instance = 'bert') =>
  `${phone.contact};+sip.instance="<urn:uuid:${instance}>";reg-id=${regId}`;

/** A flow of the phone over a new TCP connection. */
function connect(phone: VirtualPhone): Flow {
  phone.transport = 'tcp';
  const flow = phone.peer.connect(REGISTRAR_ADDRESS);
  phone.to = flow;
  scene.network.run(50);
  return flow;
}

function bind(phone: VirtualPhone, regId = 1, more: readonly HeaderLine[] = []): SipResponse {
  return phone.register([['Contact', flowContact(phone, regId)], SUPPORTED, ...more]);
}

/** The phone answers the call that came to it, with the route set of the INVITE. */
function answer(phone: VirtualPhone): void {
  const routes = values(phone.heard('INVITE').message, 'Record-Route');
  phone.answer(
    200,
    routes.map((one) => ['Record-Route', one]),
  );
}

/** Anna calls Bert, and the call stands; his 200 to it. */
function answeredCall(): { readonly call: Dialling; readonly ok: SipResponse } {
  const call = anna.call('sip:101@lab.local');
  answer(bert);
  scene.network.run(50);
  const ok = anna.finals(call).at(-1) as SipResponse;
  anna.ack(call, ok);
  scene.network.run(50);
  return { call, ok };
}

const bindings = () =>
  scene.network.eventsOf(scene.proxy, 'binding.changed').map(({ change, contact }) => `${change} ${contact}`);
const connectionsOf = (phone: VirtualPhone, method: string) =>
  phone.peer.requests(method).map(({ flow }) => flow.connection);

test('a flow is bound: Require, Flow-Timer and the parameters as they came (RFC 5626 §6)', () => {
  connect(bert);
  const answer = bind(bert);
  expect(answer.status).toBe(200);
  expect(value(answer, 'Require')).toBe('outbound');
  expect(value(answer, 'Flow-Timer')).toBe('120');
  expect(value(answer, 'Contact')).toBe(
    `${bert.contact};expires=600;+sip.instance="<urn:uuid:bert>";reg-id=1`,
  );
});

test('without outbound in Supported, an instance or a number, the address alone is bound (§6)', () => {
  const plain = [
    bert.register([['Contact', flowContact(bert)]]),
    bert.register([['Contact', `${bert.contact};reg-id=1`], SUPPORTED]),
    bert.register([['Contact', flowContact(bert, 0)], SUPPORTED]),
  ];
  for (const answer of plain) {
    expect(answer.status).toBe(200);
    expect(value(answer, 'Require')).toBeUndefined();
    expect(value(answer, 'Contact')).not.toContain('reg-id');
  }
});

test('a call goes over the flow, whatever the Contact says (§5.3)', () => {
  bert.believed = { address: '10.0.0.7', port: 5060 };
  const flow = connect(bert);
  bind(bert);
  anna.call('sip:101@lab.local');
  expect(connectionsOf(bert, 'INVITE')).toEqual([flow.connection]);
  bert.answer(486);
  scene.network.run(100);
});

test('what belongs to the dialog goes over it as well: the Record-Route names the flow (§5.2, §5.3)', () => {
  bert.believed = { address: '10.0.0.7', port: 5060 };
  const flow = connect(bert);
  bind(bert);
  const call = anna.call('sip:101@lab.local');
  const routes = values(bert.heard('INVITE').message, 'Record-Route');
  expect(routes).toHaveLength(2);
  expect(routes[0]).toMatch(/^<sip:t\.\d+\.[0-9a-f]{20}@192\.0\.2\.1:5060;transport=tcp;lr;dialog=/);
  // Its Contact in the dialog is not the one that it registered.
  bert.peer.respond(bert.heard('INVITE'), 200, {
    toTag: 'b',
    headers: [
      ['Contact', '<sip:bert@10.0.0.8:1;transport=tcp;ob>'],
      ...routes.map((route): HeaderLine => ['Record-Route', route]),
    ],
  });
  scene.network.run(50);
  const ok = anna.finals(call).at(-1) as SipResponse;
  anna.ack(call, ok);
  anna.within(call, ok, 'BYE');
  scene.network.run(50);
  expect(connectionsOf(bert, 'ACK')).toEqual([flow.connection]);
  expect(connectionsOf(bert, 'BYE')).toEqual([flow.connection]);
  bert.peer.respond(bert.heard('BYE'), 200);
  scene.network.run(50);
});

test('a caller that writes ob is reached on its flow: the BYE of the callee comes down it (§4.3, §5.3)', () => {
  anna.believed = { address: '10.0.0.9', port: 5060 };
  const flow = connect(anna);
  bert.register();
  const call = anna.dial('INVITE', 'sip:101@lab.local', [['Contact', anna.contact.replace('>', ';ob>')]]);
  answer(bert);
  scene.network.run(50);
  anna.ack(call, anna.finals(call).at(-1) as SipResponse);
  bert.withinCalled(bert.heard('INVITE').message, 't-192.0.2.30', 'BYE');
  scene.network.run(50);
  expect(connectionsOf(anna, 'BYE')).toEqual([flow.connection]);
  anna.peer.respond(anna.heard('BYE'), 200);
  scene.network.run(50);
});

test('the same instance and reg-id again takes the place of the old flow, whatever its address (§6)', () => {
  connect(bert);
  bind(bert);
  bert.believed = { address: '10.0.0.99', port: 1 };
  const second = connect(bert);
  const answer = bind(bert);
  expect(values(answer, 'Contact')).toHaveLength(1);
  anna.call('sip:101@lab.local');
  expect(connectionsOf(bert, 'INVITE')).toEqual([second.connection]);
  bert.answer(486);
  scene.network.run(100);
});

test('several flows of one phone are tried one after the other, the newest first, not at once (§7)', () => {
  const first = connect(bert);
  bind(bert, 1);
  const second = connect(bert);
  expect(values(bind(bert, 2), 'Contact')).toHaveLength(2);
  const call = anna.call('sip:101@lab.local');
  expect(connectionsOf(bert, 'INVITE')).toEqual([second.connection]);
  bert.answer(430);
  scene.network.run(100);
  expect(connectionsOf(bert, 'INVITE')).toEqual([second.connection, first.connection]);
  bert.answer(486);
  scene.network.run(100);
  expect(anna.statuses(call).at(-1)).toBe(486);
  // A 430 is the end of a binding.
  expect(values(bert.register([SUPPORTED]), 'Contact')).toHaveLength(1);
});

test('what the phone itself answers on one flow counts for all of them (§7)', () => {
  connect(bert);
  bind(bert, 1);
  connect(bert);
  bind(bert, 2);
  const call = anna.call('sip:101@lab.local');
  bert.answer(486);
  scene.network.run(100);
  expect(bert.peer.requests('INVITE')).toHaveLength(1);
  expect(anna.statuses(call).at(-1)).toBe(486);
});

test('two phones ring at once, though each has a flow (§7)', () => {
  connect(bert);
  bind(bert);
  const { second } = scene;
  connect(second);
  second.register([['Contact', flowContact(second, 1, 'other')], SUPPORTED]);
  const call = anna.call('sip:101@lab.local');
  expect(bert.peer.requests('INVITE')).toHaveLength(1);
  expect(second.peer.requests('INVITE')).toHaveLength(1);
  bert.answer(486);
  second.answer(486);
  scene.network.run(100);
  expect(anna.statuses(call).at(-1)).toBe(486);
});

test('a flow that breaks is no binding any more: 480, and in a dialog 430 (§5.3, §11.5)', () => {
  const flow = connect(bert);
  bind(bert);
  const { call, ok } = answeredCall();
  bert.peer.disconnect(flow);
  scene.network.run(100);
  expect(bindings().at(-1)).toBe('removed sip:101@192.0.2.30:5060;transport=tcp');
  expect(anna.statuses(anna.call('sip:101@lab.local')).at(-1)).toBe(480);
  anna.within(call, ok, 'BYE');
  scene.network.run(100);
  expect(anna.finals(call, 'BYE').at(-1)?.status).toBe(430);
  // Back on another connection, it is reached in the dialog again.
  const again = connect(bert);
  bind(bert);
  anna.within(call, ok, 'BYE');
  scene.network.run(50);
  expect(connectionsOf(bert, 'BYE')).toEqual([again.connection]);
  bert.peer.respond(bert.heard('BYE'), 200);
  scene.network.run(50);
});

test('a dialog follows a phone that registered its flow anew, and whose old connection nobody closed (§6)', () => {
  bert.believed = { address: '10.0.0.7', port: 5060 };
  connect(bert);
  bind(bert);
  const { call, ok } = answeredCall();
  connect(bert);
  bind(bert);
  const third = connect(bert);
  bind(bert);
  anna.within(call, ok, 'BYE');
  scene.network.run(50);
  expect(connectionsOf(bert, 'BYE')).toEqual([third.connection]);
  bert.peer.respond(bert.heard('BYE'), 200);
  scene.network.run(50);
});

test('and no other instance of the same user, which has a flow of its own (§6)', () => {
  const first = connect(bert);
  bind(bert);
  const { call, ok } = answeredCall();
  connect(bert);
  bert.register([['Contact', flowContact(bert, 1, 'another')], SUPPORTED]);
  anna.within(call, ok, 'BYE');
  scene.network.run(50);
  expect(connectionsOf(bert, 'BYE')).toEqual([first.connection]);
  bert.peer.respond(bert.heard('BYE'), 200);
  scene.network.run(50);
});

test('a 430 of a proxy behind us is a 480 for the caller (§11.5)', () => {
  connect(bert);
  bind(bert);
  const call = anna.call('sip:101@lab.local');
  bert.answer(430);
  scene.network.run(100);
  expect(anna.statuses(call).at(-1)).toBe(480);
});

test('a forged flow token is none: the request goes where its URI says, and needs credentials (§5.2, §13)', () => {
  connect(bert);
  bind(bert);
  const { second } = scene;
  second.peer.request(REGISTRAR_ADDRESS, 'OPTIONS', 'sip:x@192.0.2.66', [
    ['Via', 'SIP/2.0/UDP 192.0.2.31:5060;branch=z9hG4bKforged'],
    ['Route', '<sip:t.2.00000000000000000000@192.0.2.1:5060;lr>'],
    ['From', '<sip:x@y>;tag=1'],
    ['To', '<sip:x@y>;tag=2'],
    ['Call-ID', 'forged'],
    ['CSeq', '1 OPTIONS'],
    ['Max-Forwards', '70'],
  ]);
  scene.network.run(100);
  expect(second.peer.responses('OPTIONS').at(-1)?.message.status).toBe(407);
  expect(bert.peer.requests('OPTIONS')).toEqual([]);
});

test('439 where the first proxy before us has no ob in its Path; with it the flow is bound behind it (§6)', () => {
  const behind = (path: string) => bind(bert, 1, [['Path', path]]);
  expect(behind('<sip:192.0.2.77;lr>').status).toBe(439);
  const answer = behind('<sip:192.0.2.78;lr>, <sip:192.0.2.77;lr;ob>');
  expect(answer.status).toBe(200);
  expect(value(answer, 'Require')).toBe('outbound');
});

test('reg-id in two Contacts of one REGISTER is 400, as one flow is one connection (§6)', () => {
  const contacts = [flowContact(bert, 1), flowContact(bert, 2).replace('5060', '5062')];
  const answer = bert.register([...contacts.map((one): HeaderLine => ['Contact', one]), SUPPORTED]);
  expect(answer.status).toBe(400);
});

test('a flow over UDP is where its REGISTER came from; Expires: 0 ends it by instance and reg-id (§6)', () => {
  bert.believed = { address: '10.0.0.7', port: 5060 };
  bind(bert);
  anna.call('sip:101@lab.local');
  expect(bert.peer.requests('INVITE')).toHaveLength(1);
  bert.answer(486);
  scene.network.run(100);
  bert.believed = { address: '10.0.0.8', port: 5060 };
  const ended = bert.register([['Contact', flowContact(bert)], SUPPORTED], 0);
  expect(values(ended, 'Contact')).toEqual([]);
});

test('a ringback that registers here is called over its flow, and comes back over a new one', () => {
  const { network } = scene;
  const server = { host: REGISTRAR_ADDRESS.address, port: 5060, transport: 'tcp' } as const;
  const config = endpointConfig(ECHO_ADDRESS, {
    echo: true,
    accounts: [accountOf('102', { server })],
    outbound: { instance: 'echo' },
    keepaliveMs: 29_000,
  });
  const echo = network.addEndpoint('echo', ECHO_ADDRESS, config, [10_000, 10_002]);
  echo.act({ type: 'register' });
  network.run(60_000);
  expect(network.eventsOf(echo, 'registration.changed').at(-1)).toMatchObject({ outbound: true });
  const call = anna.call('sip:102@lab.local');
  network.run(100);
  const ok = anna.finals(call).at(-1) as SipResponse;
  expect(value(ok, 'Contact')).toBe('<sip:102@192.0.2.10:5060;transport=tcp;ob>');
  anna.ack(call, ok);
  anna.within(call, ok, 'BYE');
  network.run(100);
  expect(anna.finals(call, 'BYE').at(-1)?.status).toBe(200);
  echo.act({ type: 'stop', reason: 'over' });
  expect(leftovers(network, echo)).toEqual([]);
  expect(bindings().at(-1)).toMatch(/^removed sip:102@/);
});
