/** Reliable provisional responses to calls that we place (RFC 3262 §4). */
import { afterEach, expect, test } from 'bun:test';
import { ANSWER, type CallingScene, callingScene, DESCRIBED, withAccount } from '../io/virtual-calling.ts';
import { leftovers } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { MAX_RELIABLE_RESPONSES } from './limits.ts';
import { value } from './message.ts';
import type { HeaderLine, ResponseParts } from './serialize-message.ts';

let scene: CallingScene;

function open(about: Partial<EndpointConfig> = {}): void {
  scene = callingScene(about);
  scene.call();
}

afterEach(() => {
  scene.ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(scene.network, scene.ours)).toEqual([]);
});

const CONTACT: HeaderLine = ['Contact', '<sip:bob@192.0.2.20>'];
const reliable = (rseq: number, toTag = 'bob', more: readonly HeaderLine[] = []): ResponseParts => ({
  toTag,
  headers: [CONTACT, ['Require', '100rel'], ['RSeq', `${rseq}`], ...more],
});
const pracks = () => scene.phone.requests('PRACK').map(({ message }) => message);
/** `1 INVITE 2 PRACK`: what each acknowledges, and its own number. */
const acknowledged = () => pracks().map((prack) => `${value(prack, 'RAck')} ${value(prack, 'CSeq')}`);

test('our INVITE says that it takes them', () => {
  open();
  expect(value(scene.invite().message, 'Supported')).toContain('100rel');
});

test('each is acknowledged once, in its dialog, with the numbers of both (§4)', () => {
  open();
  scene.respond(180, reliable(41));
  scene.respond(180, reliable(41));
  scene.respond(183, reliable(42));
  expect(acknowledged()).toEqual(['41 1 INVITE 2 PRACK', '42 1 INVITE 3 PRACK']);
  const [prack] = pracks();
  expect(prack?.uri).toBe('sip:bob@192.0.2.20');
  expect(prack && value(prack, 'To')).toBe('<sip:bob@192.0.2.20>;tag=bob');
  scene.respond(200, ANSWER);
  // The ACK has the number of the INVITE, the BYE goes on after the PRACKs (§13.2.2.4, §12.2.1.1).
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(50);
  const last = (method: string) => scene.phone.requests(method).map(({ message }) => value(message, 'CSeq'));
  expect([...last('ACK'), ...last('BYE')]).toEqual(['1 ACK', '4 BYE']);
});

test('one whose predecessor is missing is not looked at, and comes again (§4)', () => {
  open();
  scene.respond(180, reliable(7));
  scene.respond(183, { ...DESCRIBED, ...reliable(9), body: DESCRIBED.body ?? '' });
  expect(acknowledged()).toEqual(['7 1 INVITE 2 PRACK']);
  expect(scene.network.eventsOf(scene.ours, 'media.early')).toEqual([]);
  scene.respond(183, reliable(8));
  scene.respond(183, reliable(9));
  expect(acknowledged()).toEqual(['7 1 INVITE 2 PRACK', '8 1 INVITE 3 PRACK', '9 1 INVITE 4 PRACK']);
});

test('a phone that never stops gets no more PRACKs than a phone may need', () => {
  open();
  for (let number = 1; number <= MAX_RELIABLE_RESPONSES + 5; number++) scene.respond(183, reliable(number));
  expect(pracks()).toHaveLength(MAX_RELIABLE_RESPONSES);
  expect(scene.last()).toMatchObject({ to: 'ringing' });
});

test('each phone counts for itself (§4)', () => {
  open();
  scene.respond(180, reliable(100, 'anna'));
  scene.respond(180, reliable(7, 'bob'));
  scene.respond(183, reliable(101, 'anna'));
  expect(acknowledged()).toEqual(['100 1 INVITE 2 PRACK', '7 1 INVITE 2 PRACK', '101 1 INVITE 3 PRACK']);
  // A fork that answers late goes on with its own numbers.
  scene.respond(200, ANSWER);
  scene.respond(200, { ...ANSWER, toTag: 'anna' });
  expect(scene.phone.requests('BYE').map(({ message }) => value(message, 'CSeq'))).toEqual(['4 BYE']);
});

test('without Require or without RSeq there is nothing to acknowledge, and it rings', () => {
  open();
  scene.respond(180, { toTag: 'bob', headers: [CONTACT, ['RSeq', '1']] });
  scene.respond(180, { toTag: 'bob', headers: [CONTACT, ['Require', '100rel']] });
  scene.respond(180, { toTag: 'bob', headers: [CONTACT, ['Require', '100rel'], ['RSeq', 'one']] });
  scene.respond(100, {
    headers: [
      ['Require', '100rel'],
      ['RSeq', '1'],
    ],
  });
  expect(pracks()).toEqual([]);
  expect(scene.last()).toMatchObject({ to: 'ringing' });
});

test('it goes the way that Record-Route says, and again until it is answered (§17.1.2)', () => {
  open();
  scene.phone.answering = () => undefined;
  scene.respond(180, reliable(1, 'bob', [['Record-Route', '<sip:192.0.2.20;lr>']]));
  scene.network.run(1_700);
  expect(pracks().length).toBe(3);
  expect(new Set(pracks().map((prack) => value(prack, 'Via'))).size).toBe(1);
  expect(pracks().map((prack) => value(prack, 'Route'))).toEqual(Array(3).fill('<sip:192.0.2.20;lr>'));
  // RFC 3262 has no rule for a PRACK that fails: the INVITE goes on.
  scene.network.run(40_000);
  expect(scene.last()).toMatchObject({ to: 'ringing' });
  scene.respond(486, { toTag: 'bob' });
});

test('it carries the credentials that the INVITE needed, made for a PRACK (§22.1)', () => {
  open(withAccount());
  const challenge = [['WWW-Authenticate', 'Digest realm="lab.local", nonce="n1", qop="auth"']] as const;
  scene.respond(401, { toTag: 'p', headers: challenge });
  scene.respond(180, reliable(1), 1);
  const credentials = value(pracks()[0] ?? scene.invite().message, 'Authorization');
  expect(credentials).toContain('uri="sip:bob@192.0.2.20"');
  expect(credentials).toContain('nc=00000002');
});

test('the answer may come in a reliable 183, and the 200 without one (RFC 3262 §5)', () => {
  open();
  const described = { headers: [...(reliable(1).headers ?? []), ...(DESCRIBED.headers ?? []).slice(1)] };
  scene.respond(183, { toTag: 'bob', ...described, body: DESCRIBED.body ?? '' });
  scene.respond(200, { toTag: 'bob', headers: [CONTACT] });
  expect(scene.states()).toEqual(['calling', 'ringing', 'established']);
  expect(scene.network.eventsOf(scene.ours, 'media.started')).toMatchObject([{ remotePort: 31_000 }]);
});
