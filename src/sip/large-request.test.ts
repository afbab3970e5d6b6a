/** Requests that are too large for a datagram (RFC 3261 §18.1.1), told by what the phone hears, and over what. */
import { afterEach, expect, test } from 'bun:test';
import { ANSWER, type CallingScene, callingScene } from '../io/virtual-calling.ts';
import { leftovers } from '../io/virtual-scene.ts';
import { CONNECT_MS, WITHOUT_TCP_MS } from './large-request.ts';
import { LARGEST_DATAGRAM_REQUEST_BYTES } from './limits.ts';
import { value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: CallingScene;

afterEach(() => {
  scene.ours.act({ type: 'stop', reason: 'enough' });
  expect(leftovers(scene.network, scene.ours)).toEqual([]);
});

const padding = (length: number): HeaderLine => ['X-Padding', 'x'.repeat(length)];
const large = { headers: [padding(1_000)] };
/** What the phone heard of a method: transport, branch, transport and length in each Via. */
const heard = (method: string) =>
  scene.phone.requests(method).map(({ flow, message }) => {
    const [, transport, branch] = /^SIP\/2\.0\/(\w+) .*branch=(\S+)/.exec(value(message, 'Via') ?? '') ?? [];
    return { over: flow.transport, via: transport?.toLowerCase(), branch };
  });
const sentBytes = (method: string) =>
  scene.network.sent.flatMap(({ text }) => (text.startsWith(method) ? [text.length] : []));
const diagnosed = () =>
  scene.network
    .eventsOf(scene.ours, 'diagnosis.raised')
    .flatMap(({ code }) => (code === 'callee-busy' ? [] : [code]));

/** A call whose INVITE has exactly so many bytes. */
function callOf(bytes: number): void {
  scene.call('sip:bob@192.0.2.20', { headers: [padding(1)] });
  const [least = 0] = sentBytes('INVITE');
  scene.ours.act({ type: 'hangup-all' });
  scene.respond(486, { toTag: 'bob' });
  scene.call('sip:bob@192.0.2.20', { headers: [padding(bytes - least + 1)] });
}

test('1300 bytes are the most that a datagram takes, and one more goes over TCP, with a Via that says so', () => {
  scene = callingScene();
  callOf(LARGEST_DATAGRAM_REQUEST_BYTES);
  expect(sentBytes('INVITE').at(-1)).toBe(1_300);
  expect(heard('INVITE').at(-1)).toMatchObject({ over: 'udp', via: 'udp' });
  scene.ours.act({ type: 'stop', reason: 'enough' });
  scene = callingScene();
  callOf(LARGEST_DATAGRAM_REQUEST_BYTES + 1);
  expect(sentBytes('INVITE').at(-1)).toBe(1_301);
  expect(heard('INVITE').at(-1)).toMatchObject({ over: 'tcp', via: 'tcp' });
  const said = scene.network.eventsOf(scene.ours, 'sip.sent').filter(({ bytes }) => bytes === 1_301);
  expect(said.map(({ transport }) => transport)).toEqual(['tcp']);
});

test('its Contact is as before, its responses come over TCP, and what follows goes by its own size', () => {
  scene = callingScene();
  scene.call('sip:bob@192.0.2.20', large);
  expect(value(scene.invite().message, 'Contact')).toBe('<sip:anonymous@192.0.2.30:5060>');
  scene.respond(180, { toTag: 'bob' });
  scene.respond(200, ANSWER);
  expect(scene.states()).toEqual(['calling', 'ringing', 'established']);
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(50);
  expect(
    [...heard('INVITE'), ...heard('ACK'), ...heard('BYE')].map(({ over, via }) => `${over} ${via}`),
  ).toEqual(['tcp tcp', 'udp udp', 'udp udp']);
  expect(diagnosed()).toEqual([]);
});

test('an ACK that is too large goes over the connection of its INVITE', () => {
  scene = callingScene();
  scene.call('sip:bob@192.0.2.20', large);
  const routes: HeaderLine[] = Array.from({ length: 40 }, (_, at) => [
    'Record-Route',
    `<sip:a-proxy-on-the-way-with-a-long-name-${at}@192.0.2.20;lr>`,
  ]);
  scene.respond(200, { ...ANSWER, headers: [...(ANSWER.headers ?? []), ...routes] });
  expect(heard('ACK')).toMatchObject([{ over: 'tcp', via: 'tcp' }]);
  expect(heard('ACK')[0]?.branch).not.toBe(heard('INVITE')[0]?.branch as string);
});

test('CANCEL goes the way of its INVITE (§9.1)', () => {
  scene = callingScene();
  scene.call('sip:bob@192.0.2.20', large);
  scene.respond(180, { toTag: 'bob' });
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(50);
  expect(heard('CANCEL')).toEqual(heard('INVITE'));
  scene.respond(487, { toTag: 'bob' });
  expect(heard('ACK')).toEqual(heard('INVITE'));
});

test('where TCP is refused it goes in a datagram at once, under the same branch, and the next one at first', () => {
  scene = callingScene();
  scene.phone.node.streams = false;
  scene.call('sip:bob@192.0.2.20', large);
  const [first] = heard('INVITE');
  expect(first).toMatchObject({ over: 'udp', via: 'udp' });
  expect(scene.phone.requests('INVITE')[0]?.atMs).toBeLessThan(50);
  // Timer A runs as over UDP.
  scene.network.run(500);
  expect(heard('INVITE')).toEqual([first as NonNullable<typeof first>, first as NonNullable<typeof first>]);
  scene.respond(200, ANSWER);
  expect(scene.states()).toEqual(['calling', 'established']);
  // Nothing is said of what never left.
  const said = scene.network.eventsOf(scene.ours, 'sip.sent').map(({ transport }) => transport);
  expect(new Set(said)).toEqual(new Set(['udp']));
  scene.call('sip:bob@192.0.2.20', large);
  expect(heard('INVITE').at(-1)).toMatchObject({ over: 'udp' });
  expect(diagnosed()).toEqual([]);
});

test('where TCP is dropped in silence it waits three seconds, once in ten minutes, and that is said', () => {
  scene = callingScene();
  scene.phone.node.streams = 'dropped';
  scene.call('sip:bob@192.0.2.20', large);
  scene.network.run(CONNECT_MS - 100);
  expect(heard('INVITE')).toEqual([]);
  scene.network.run(100);
  expect(heard('INVITE')).toMatchObject([{ over: 'udp', via: 'udp' }]);
  expect(diagnosed()).toEqual(['tcp-silent']);
  scene.respond(486, { toTag: 'bob' });
  scene.call('sip:bob@192.0.2.20', large);
  expect(heard('INVITE')).toHaveLength(2);
  scene.respond(486, { toTag: 'bob' }, 1);
  scene.network.run(WITHOUT_TCP_MS);
  scene.phone.node.streams = true;
  scene.call('sip:bob@192.0.2.20', large);
  expect(heard('INVITE').at(-1)).toMatchObject({ over: 'tcp', via: 'tcp' });
  expect(diagnosed()).toEqual(['tcp-silent']);
});

test('a call that is hung up while its connection comes up is over, and nothing is sent late', () => {
  scene = callingScene();
  scene.phone.node.streams = 'dropped';
  scene.call('sip:bob@192.0.2.20', large);
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(70_000);
  expect(scene.states().at(-1)).toBe('terminated');
});

test(';transport=udp is UDP, however large (RFC 3263 §4.1)', () => {
  scene = callingScene();
  scene.call('sip:bob@192.0.2.20;transport=udp', large);
  expect(heard('INVITE')).toMatchObject([{ over: 'udp', via: 'udp' }]);
});

test('a BYE that is too large takes TCP by itself', () => {
  scene = callingScene();
  scene.call();
  const contact: HeaderLine = ['Contact', `<sip:bob-${'x'.repeat(900)}@192.0.2.20>`];
  const rest = (ANSWER.headers ?? []).filter(([name]) => name !== 'Contact');
  scene.respond(200, {
    ...ANSWER,
    headers: [contact, ...rest, ['Record-Route', `<sip:${'y'.repeat(300)}@192.0.2.20;lr>`]],
  });
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(50);
  expect(heard('BYE')).toMatchObject([{ over: 'tcp', via: 'tcp' }]);
});
