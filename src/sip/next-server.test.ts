/** What is tried when a try of our INVITE failed, and what is not (RFC 3263 §4.3, RFC 3261 §8.1.3.1, §21.5.4). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { ANSWER, type CallingScene, callingScene, PHONE_CONTACT } from '../io/virtual-calling.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import { leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import { value } from './message.ts';

let scene: CallingScene;
let second: VirtualPeer;

beforeEach(() => {
  scene = callingScene();
  second = new VirtualPeer(scene.network, 'second', { address: '192.0.2.21', port: 5060 });
});

afterEach(() => {
  scene.ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(scene.network, scene.ours)).toEqual([]);
});

/** Where INVITEs went, in order, retransmissions left out. */
const tried = () => {
  const branches = new Set<string>();
  return scene.network.sent.flatMap(({ from, to, text }) => {
    const branch = /branch=(\S+)/.exec(text)?.[1] ?? '';
    if (from !== 'caller' || !text.startsWith('INVITE') || branches.has(branch)) return [];
    branches.add(branch);
    return [to.replace(/:5060$/, '')];
  });
};
/** A datagram to the first server comes back: the try is over (§17.1.4). */
const giveUpFirst = () =>
  scene.network.feed(scene.ours, { type: 'unreachable', remote: PHONE_ADDRESS, error: 'gone' });
const diagnoses = () => scene.network.eventsOf(scene.ours, 'diagnosis.raised').map(({ code }) => code);
const callServer = (addresses: readonly string[]) => {
  scene.network.names.set('server.example', addresses);
  scene.call('bob@server.example');
};

test('503 goes to the next address of the server: the same request, another branch (RFC 3263 §4.3)', () => {
  callServer(['192.0.2.20', '192.0.2.21']);
  scene.respond(503, { toTag: 'p' });
  expect(tried()).toEqual(['192.0.2.20', '192.0.2.21']);
  const [again] = second.requests('INVITE');
  const first = scene.invite();
  for (const name of ['Call-ID', 'From', 'CSeq']) {
    expect(again && value(again.message, name)).toBe(value(first.message, name) as string);
  }
  expect(again && value(again.message, 'Via')).not.toBe(value(first.message, 'Via') as string);
  if (again !== undefined) second.respond(again, 200, ANSWER);
  scene.network.run(50);
  expect(scene.states()).toEqual(['calling', 'established']);
  expect(diagnoses()).toEqual(['server-failed']);
});

test('so does a port that nobody has, and a server that is silent for 64·T1 (§8.1.3.1)', () => {
  scene.phone.node.away = true;
  callServer(['192.0.2.99', '192.0.2.20', '192.0.2.21']);
  expect(tried()).toEqual(['192.0.2.99', '192.0.2.20']);
  scene.network.run(32_100);
  expect(tried()).toEqual(['192.0.2.99', '192.0.2.20', '192.0.2.21']);
  const [again] = second.requests('INVITE');
  if (again !== undefined) second.respond(again, 486, { toTag: 'q' });
  scene.network.run(50);
  expect(scene.last()).toMatchObject({ to: 'terminated', status: 486, outcome: 'refused' });
});

test('four addresses are tried, and no fifth', () => {
  callServer(['192.0.2.91', '192.0.2.92', '192.0.2.93', '192.0.2.94', '192.0.2.20']);
  scene.network.run(1_000);
  expect(tried()).toEqual(['192.0.2.91', '192.0.2.92', '192.0.2.93', '192.0.2.94']);
  expect(scene.last()).toMatchObject({ reason: 'port unreachable', outcome: 'unreachable' });
});

for (const status of [404, 408, 480, 486, 488, 500, 504, 600]) {
  test(`${status} is final: nothing is tried again`, () => {
    callServer(['192.0.2.20', '192.0.2.21']);
    scene.respond(status, { toTag: 'p', headers: [['Retry-After', '1']] });
    scene.network.run(60_000);
    expect(tried()).toEqual(['192.0.2.20']);
    const outcome = status === 408 ? 'no-answer' : 'refused';
    expect(scene.last()).toMatchObject({ to: 'terminated', status, outcome });
  });
}

test('503 with Retry-After is honoured once, with a CSeq one higher (§21.5.4, §8.1.3.5)', () => {
  scene.call();
  const busy = { toTag: 'p', headers: [['Retry-After', '5']] } as const;
  scene.respond(503, busy);
  scene.network.run(4_800);
  expect(tried()).toHaveLength(1);
  scene.network.run(300);
  expect(value(scene.invite(1).message, 'CSeq')).toBe('2 INVITE');
  expect(diagnoses()).toEqual(['server-busy']);
  scene.respond(503, busy, 1);
  scene.network.run(60_000);
  expect(tried()).toHaveLength(2);
  expect(scene.last()).toMatchObject({ to: 'terminated', status: 503, outcome: 'refused' });
});

test('nobody waits longer than 32 s, or without being told how long', () => {
  scene.call();
  scene.respond(503, { toTag: 'p', headers: [['Retry-After', '33']] });
  expect(scene.last()).toMatchObject({ to: 'terminated', status: 503 });
  scene.call();
  scene.respond(503, { toTag: 'p' }, 1);
  expect(scene.last()).toMatchObject({ to: 'terminated', status: 503 });
});

test('hung up while it waits, the call ends at once and nothing more goes out', () => {
  scene.call();
  scene.respond(503, { toTag: 'p', headers: [['Retry-After', '5']] });
  scene.ours.act({ type: 'hangup-all' });
  expect(scene.last()).toMatchObject({ to: 'terminated', reason: 'hung up', outcome: 'cancelled' });
  scene.network.run(10_000);
  expect(tried()).toHaveLength(1);
});

test('a name without an address is unreachable, not refused', () => {
  scene.call('bob@nowhere.example');
  expect(scene.last()).toMatchObject({ to: 'terminated', outcome: 'unreachable' });
});

test('a server that was given up and answers yet: its 2xx is acknowledged each time and ended by BYE, the call goes on elsewhere (§13.2.2.4)', () => {
  callServer(['192.0.2.20', '192.0.2.21']);
  scene.respond(183, { toTag: 'bob', headers: [PHONE_CONTACT, ['Require', '100rel'], ['RSeq', '1']] });
  giveUpFirst();
  scene.network.run(50);
  expect(tried()).toEqual(['192.0.2.20', '192.0.2.21']);
  scene.respond(200, ANSWER);
  scene.respond(200, ANSWER);
  expect(scene.phone.requests('ACK').map(({ message }) => value(message, 'CSeq'))).toEqual([
    '1 ACK',
    '1 ACK',
  ]);
  const [bye, ...more] = scene.phone.requests('BYE');
  // One higher than the PRACK of its early dialog.
  expect(bye && value(bye.message, 'CSeq')).toBe('3 BYE');
  expect(bye && value(bye.message, 'Reason')).toBe('SIP;text="another server was tried"');
  expect(more).toEqual([]);
  expect(scene.states()).toEqual(['calling', 'ringing']);
  const [again] = second.requests('INVITE');
  if (again !== undefined) second.respond(again, 200, { ...ANSWER, toTag: 'second' });
  scene.network.run(50);
  expect(scene.last()).toMatchObject({ to: 'established' });
});

test('a call that waits for its next server is taken back after such a 2xx as before it (§9.1)', () => {
  callServer(['192.0.2.20', '192.0.2.21']);
  giveUpFirst();
  scene.network.run(50);
  scene.respond(200, ANSWER);
  const [again] = second.requests('INVITE');
  if (again !== undefined) second.respond(again, 180, { toTag: 'second' });
  scene.network.run(50);
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(50);
  expect(second.requests('CANCEL')).toHaveLength(1);
  if (again !== undefined) second.respond(again, 487, { toTag: 'second' });
  scene.network.run(50);
  expect(scene.last()).toMatchObject({ to: 'terminated', reason: 'hung up' });
  // Nobody waits for it any more (§18.1.2).
  scene.respond(200, { ...ANSWER, toTag: 'third' });
  expect(scene.phone.requests('ACK')).toHaveLength(1);
});
