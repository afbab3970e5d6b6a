/** Redirections of calls that we place (RFC 3261 §8.1.3.4, §21.3). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type CallingScene, callingScene } from '../io/virtual-calling.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import { leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import { value } from './message.ts';

let scene: CallingScene;

beforeEach(() => {
  scene = callingScene();
});

afterEach(() => {
  scene.ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(scene.network, scene.ours)).toEqual([]);
});

/** Another phone, that says so when it is called. */
function phoneAt(address: string, status: number, port = 5060): VirtualPeer {
  const peer = new VirtualPeer(scene.network, address, { address, port });
  peer.answering = ({ method }) => (method === 'INVITE' ? { status, toTag: address } : undefined);
  return peer;
}

const redirect = (status: number, ...contacts: string[]) =>
  scene.respond(status, { toTag: 'p', headers: contacts.map((contact) => ['Contact', contact] as const) });
/** Whom the INVITEs went to, in order. */
const tried = () =>
  scene.network.sent.flatMap(
    ({ from, text }) => /^INVITE (\S+)/.exec(from === 'caller' ? text : '')?.[1] ?? [],
  );

test('it is followed with the same Call-ID and From, CSeq one higher (§8.1.3.4)', () => {
  const other = phoneAt('192.0.2.40', 486, 5070);
  scene.call();
  redirect(302, '<sip:bob@192.0.2.40:5070>');
  const [again] = other.requests('INVITE');
  expect(again?.message.uri).toBe('sip:bob@192.0.2.40:5070');
  for (const name of ['Call-ID', 'From', 'To']) {
    expect(again && value(again.message, name)).toBe(value(scene.invite().message, name) as string);
  }
  expect(again && value(again.message, 'CSeq')).toBe('2 INVITE');
  expect(scene.phone.requests('ACK')).toHaveLength(1);
  expect(scene.last()).toMatchObject({ to: 'terminated', status: 486, outcome: 'refused' });
});

test('Contacts are tried in the order of q, one without q first, until one does not refuse (§8.1.3.4)', () => {
  for (const [address, status] of [
    ['192.0.2.41', 404],
    ['192.0.2.42', 480],
    ['192.0.2.43', 603],
    ['192.0.2.44', 486],
  ] as const) {
    phoneAt(address, status);
  }
  scene.call();
  redirect(
    300,
    '<sip:192.0.2.44>;q=0.1',
    '<sip:192.0.2.42>;q=0.5, <sip:192.0.2.41>',
    '<sip:192.0.2.43>;q=0.2',
  );
  scene.network.run(500);
  expect(tried()).toEqual(['sip:bob@192.0.2.20', 'sip:192.0.2.41', 'sip:192.0.2.42', 'sip:192.0.2.43']);
  // A 6xx speaks for every place where the callee might be.
  expect(scene.last()).toMatchObject({ to: 'terminated', status: 603 });
});

/** The last one, in its words. */
function diagnosis(): string {
  const last = scene.network.eventsOf(scene.ours, 'diagnosis.raised').at(-1);
  return last === undefined ? 'none' : `${last.code}: ${last.cause}; ${last.next}`;
}

test('what is no SIP URI, or wants TLS, is passed over', () => {
  phoneAt('192.0.2.41', 486);
  scene.call();
  redirect(302, '<tel:+4930123>', '<sips:bob@192.0.2.42>', '<sip:bob@192.0.2.41?Subject=x;method=BYE>');
  scene.network.run(500);
  expect(tried()).toEqual(['sip:bob@192.0.2.20', 'sip:bob@192.0.2.41']);
});

test('a circle is left at its first address (§8.1.3.4)', () => {
  const other = phoneAt('192.0.2.40', 302);
  const back = [['Contact', '<sip:bob@192.0.2.20>']] as const;
  other.answering = ({ method }) => (method === 'INVITE' ? { status: 302, headers: back } : undefined);
  scene.call();
  redirect(302, '<sip:bob@192.0.2.40>');
  scene.network.run(500);
  expect(tried()).toEqual(['sip:bob@192.0.2.20', 'sip:bob@192.0.2.40']);
  expect(scene.last()).toMatchObject({ to: 'terminated', status: 302, reason: 'redirected in a circle' });
  expect(diagnosis()).toContain('call-redirected: every address that is named was tried already');
});

test('a chain that always leads to somebody else ends after five', () => {
  let asked = 0;
  scene.phone.answering = ({ method }) =>
    method === 'INVITE'
      ? { status: 302, toTag: 'p', headers: [['Contact', `<sip:bob${++asked}@192.0.2.20>`]] }
      : undefined;
  scene.call();
  scene.network.run(1_000);
  expect(tried()).toHaveLength(6);
  expect(scene.last()).toMatchObject({ status: 302, reason: 'redirected more than 5 times' });
  expect(diagnosis()).toContain('call the last address itself');
});

test('without a Contact that can be called it ends the call, and says to where it led', () => {
  scene.call();
  redirect(302);
  expect(scene.last()).toMatchObject({ to: 'terminated', status: 302, reason: 'redirected to nowhere' });
  expect(diagnosis()).toContain('look at the Contact of the response');
  scene.call();
  scene.respond(302, { toTag: 'p', headers: [['Contact', '<tel:+4930123>']] }, 1);
  const reason = 'redirected to tel:+4930123, which cannot be called';
  expect(scene.last()).toMatchObject({ to: 'terminated', reason, outcome: 'refused' });
});

test('305 sends the same Request-URI by way of the proxy that it names (§21.3.4)', () => {
  const proxy = phoneAt('192.0.2.40', 486);
  scene.call();
  redirect(305, '<sip:192.0.2.40>');
  expect(proxy.requests('INVITE').map(({ message }) => message.uri)).toEqual(['sip:bob@192.0.2.20']);
});

test('a name that is nowhere is left for the next Contact', () => {
  phoneAt('192.0.2.41', 486);
  scene.call();
  redirect(302, '<sip:bob@nowhere.example>', '<sip:bob@192.0.2.41>');
  scene.network.run(500);
  expect(tried()).toEqual(['sip:bob@192.0.2.20', 'sip:bob@192.0.2.41']);
});

test('hung up between two tries, no further one goes out', () => {
  scene.network.names.set('later.example', ['192.0.2.41']);
  const other = phoneAt('192.0.2.41', 486);
  scene.call();
  scene.phone.respond(scene.invite(), 302, { toTag: 'p', headers: [['Contact', '<sip:bob@later.example>']] });
  scene.network.run(15);
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(500);
  expect(other.requests('INVITE')).toEqual([]);
  expect(scene.last()).toMatchObject({ to: 'terminated', reason: 'hung up', outcome: 'cancelled' });
});

test('an ACK to a redirection that cannot be delivered does not end the next try (§17.1.1.2)', () => {
  const other = new VirtualPeer(scene.network, 'other', { address: '192.0.2.40', port: 5060 });
  scene.call();
  redirect(302, '<sip:bob@192.0.2.40>');
  scene.network.feed(scene.ours, { type: 'unreachable', remote: PHONE_ADDRESS, error: 'port unreachable' });
  expect(scene.last()).toMatchObject({ to: 'calling' });
  const [again] = other.requests('INVITE');
  if (again !== undefined) other.respond(again, 486, { toTag: 'q' });
  scene.network.run(50);
  expect(scene.last()).toMatchObject({ status: 486 });
});
