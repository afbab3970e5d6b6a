/** A user who registers the Contact of another one gains nothing: neither its calls, nor the end of its binding (RFC 5626 §13). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import type { VirtualPhone } from '../io/virtual-phone.ts';
import { type ProxyScene, proxyScene } from '../io/virtual-proxy-scene.ts';
import { leftovers, REGISTRAR_ADDRESS } from '../io/virtual-scene.ts';
import { type SipResponse, values } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: ProxyScene;
let anna: VirtualPhone;
let bert: VirtualPhone;
let thief: VirtualPhone;

beforeEach(() => {
  scene = proxyScene();
  ({ anna, bert } = scene);
  thief = scene.phone('102', 66);
});

afterEach(() => {
  expect(leftovers(scene.network, scene.proxy)).toEqual([]);
});

const SUPPORTED: HeaderLine = ['Supported', 'path, outbound'];
const asFlow = (contact: string): HeaderLine => [
  'Contact',
  `${contact};+sip.instance="<urn:uuid:bert>";reg-id=1`,
];

function connect(phone: VirtualPhone) {
  phone.transport = 'tcp';
  const flow = phone.peer.connect(REGISTRAR_ADDRESS);
  phone.to = flow;
  scene.network.run(50);
  return flow;
}

/** Anna calls Bert, who answers; the BYE that ends it is for him. */
function callAndHangUp(between: () => void = () => {}): void {
  const call = anna.call('sip:101@lab.local');
  const routes = values(bert.heard('INVITE').message, 'Record-Route');
  bert.answer(
    200,
    routes.map((one) => ['Record-Route', one]),
  );
  scene.network.run(50);
  const ok = anna.finals(call).at(-1) as SipResponse;
  anna.ack(call, ok);
  between();
  anna.within(call, ok, 'BYE');
  scene.network.run(50);
}

test('a request in a dialog goes where the Contact says, not to another user who registered the same', () => {
  bert.register();
  thief.believed = bert.local;
  thief.register([['Contact', bert.contact]]);
  callAndHangUp();
  expect(thief.peer.requests('ACK')).toEqual([]);
  expect(thief.peer.requests('BYE')).toEqual([]);
  bert.peer.respond(bert.heard('BYE'), 200);
  scene.network.run(50);
});

test('nor over the flow of such a one when the own flow is gone (§5.3)', () => {
  const flow = connect(bert);
  bert.register([asFlow(bert.contact), SUPPORTED]);
  callAndHangUp(() => {
    bert.peer.disconnect(flow);
    connect(bert);
    bert.register([asFlow(bert.contact), SUPPORTED]);
    connect(thief);
    thief.register([asFlow(bert.contact), SUPPORTED]);
  });
  expect(thief.peer.requests('BYE')).toEqual([]);
});

test('a 430 from behind the Path of another one ends that binding alone (§11.5)', () => {
  connect(bert);
  bert.register([asFlow(bert.contact), SUPPORTED]);
  const { address, port } = thief.local;
  thief.register([asFlow(bert.contact), SUPPORTED, ['Path', `<sip:${address}:${port};lr;ob>`]]);
  const call = anna.call('sip:102@lab.local');
  thief.answer(430);
  scene.network.run(100);
  expect(anna.statuses(call).at(-1)).toBe(480);
  expect(values(thief.register([SUPPORTED]), 'Contact')).toEqual([]);
  expect(values(bert.register([SUPPORTED]), 'Contact')).toHaveLength(1);
});
