/** Phones that ring: early dialogs, forks, early media, and what a phone may ask before it answers (RFC 3261 §13.2.2). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { ANSWER, CALLER_ADDRESS, type CallingScene, callingScene, DESCRIBED } from '../io/virtual-calling.ts';
import { leftovers } from '../io/virtual-scene.ts';
import { MAX_FORKS } from './limits.ts';
import { value } from './message.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: CallingScene;

beforeEach(() => {
  scene = callingScene();
  scene.call();
});

afterEach(() => {
  scene.ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(scene.network, scene.ours)).toEqual([]);
});

/** `bob early`, in order: what each dialog became, and why. */
const dialogs = () =>
  scene.network
    .eventsOf(scene.ours, 'dialog.changed')
    .map(({ remoteTag, from, to, cause }) => `${remoteTag ?? '-'} ${from} ${to}: ${cause}`);
const rings = (toTag: string, status = 180) => scene.respond(status, { ...DESCRIBED, toTag, body: '' });
const tagged = (method: string) =>
  scene.phone.requests(method).map(({ message }) => /tag=(.*)/.exec(value(message, 'To') ?? '')?.[1]);

test('a 180 with a To tag makes an early dialog, and the 200 confirms it (§12.1.2)', () => {
  rings('bob');
  rings('bob');
  scene.respond(200, ANSWER);
  expect(dialogs()).toEqual(['bob none early: 180 received', 'bob early confirmed: 200 received']);
});

test('a 180 without a tag makes none, and one without a Contact makes one all the same (leniency contact-missing)', () => {
  scene.respond(180, { headers: DESCRIBED.headers ?? [] });
  expect(dialogs()).toEqual([]);
  scene.respond(180, { toTag: 'bob' });
  scene.respond(486, { toTag: 'bob' });
  expect(dialogs()).toEqual(['bob none early: 180 received', 'bob early terminated: 486 received']);
});

test('several phones ring, the first 200 is the call, and the others are over (§13.2.2.4)', () => {
  for (const tag of ['anna', 'bob', 'carol']) rings(tag);
  scene.respond(200, ANSWER);
  expect(dialogs().slice(3)).toEqual([
    'bob early confirmed: 200 received',
    'anna early terminated: answered elsewhere',
    'carol early terminated: answered elsewhere',
  ]);
  expect(scene.states()).toEqual(['calling', 'ringing', 'established']);
  // Carol answered at the same moment.
  scene.respond(200, { ...ANSWER, toTag: 'carol' });
  expect(tagged('ACK')).toEqual(['bob', 'carol']);
  expect(tagged('BYE')).toEqual(['carol']);
  expect(scene.last()).toMatchObject({ to: 'established' });
});

test('a 200 that comes when the call is over is acknowledged all the same, and a late fork is ended (§13.2.2.4)', () => {
  rings('carol');
  scene.respond(200, ANSWER);
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(1_000);
  expect(scene.last()).toMatchObject({ to: 'terminated', reason: 'hung up' });
  scene.respond(200, ANSWER);
  scene.respond(200, { ...ANSWER, toTag: 'carol' });
  expect(tagged('ACK')).toEqual(['bob', 'bob', 'carol']);
  expect(tagged('BYE')).toEqual(['bob', 'carol']);
  expect(scene.states()).toEqual(['calling', 'ringing', 'established', 'terminated']);
});

test('199 ends one early dialog, and the others go on ringing (RFC 6228 §4)', () => {
  rings('anna');
  rings('bob');
  rings('anna', 199);
  expect(dialogs().at(-1)).toBe('anna early terminated: 199 received');
  scene.respond(200, ANSWER);
  expect(dialogs().at(-1)).toBe('bob early confirmed: 200 received');
});

test('a stranger cannot make more early dialogs than there are phones in a house', () => {
  for (let phone = 0; phone < MAX_FORKS + 4; phone++) rings(`phone${phone}`);
  expect(dialogs()).toHaveLength(MAX_FORKS);
  scene.respond(200, ANSWER);
  expect(scene.last()).toMatchObject({ to: 'established' });
});

test('another try rings other phones: those of the first are over (§8.1.3.4)', () => {
  rings('bob');
  scene.respond(302, { toTag: 'p', headers: [['Contact', '<sip:carol@192.0.2.20>']] });
  expect(dialogs().at(-1)).toBe('bob early terminated: another try');
  scene.respond(200, { ...ANSWER, toTag: 'bob' }, 1);
  expect(dialogs().at(-1)).toBe('bob none confirmed: 200 received');
});

test('the description of a 183 is told once as early media, each phone apart (§13.2.1)', () => {
  for (const toTag of ['anna', 'anna', 'bob']) scene.respond(183, { ...DESCRIBED, toTag });
  const early = scene.network.eventsOf(scene.ours, 'media.early');
  expect(early.map(({ remoteTag, codec, remotePort }) => [remoteTag, codec, remotePort])).toEqual([
    ['anna', 'PCMU', 31_000],
    ['bob', 'PCMU', 31_000],
  ]);
});

test('CANCEL ends every phone that rings, with one 487 (§9.1)', () => {
  rings('anna');
  rings('bob');
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(50);
  expect(tagged('CANCEL')).toEqual([undefined]);
  scene.respond(487, { toTag: 'proxy' });
  expect(dialogs().slice(2)).toEqual([
    'anna early terminated: 487 received',
    'bob early terminated: 487 received',
  ]);
});

/** A request of the phone in its early dialog. */
function asks(method: string, sequence: number, headers: readonly HeaderLine[] = [], body = ''): void {
  const { message } = scene.invite();
  const uri = 'sip:anonymous@192.0.2.30';
  scene.phone.request(
    CALLER_ADDRESS,
    method,
    uri,
    [
      ['Via', `SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKearly${scene.phone.heard.length}`],
      ['From', `${value(message, 'To') ?? ''};tag=bob`],
      ['To', value(message, 'From') ?? ''],
      ['Call-ID', value(message, 'Call-ID') ?? ''],
      ['CSeq', `${sequence} ${method}`],
      ...headers,
    ],
    body,
  );
  scene.network.run(50);
}
const answers = (method: string) => scene.phone.responses(method).map(({ message }) => message.status);

test('an UPDATE while it rings gets 200, and 491 with an offer, as ours is open (RFC 3311 §5.2)', () => {
  rings('bob');
  asks('UPDATE', 1, [['Contact', '<sip:bob@192.0.2.20:5080>']]);
  asks(
    'UPDATE',
    2,
    [['Content-Type', 'application/sdp']],
    'v=0\r\no=- 1 1 IN IP4 192.0.2.20\r\ns=-\r\nt=0 0\r\n',
  );
  asks('UPDATE', 1);
  expect(answers('UPDATE')).toEqual([200, 491, 500]);
  expect(scene.last()).toMatchObject({ to: 'ringing' });
});

test('a re-INVITE while ours is open gets 491, a PRACK 481, and after the end all get 481 (§14.2, §12.2.2)', () => {
  rings('bob');
  asks('INVITE', 1, [['Contact', '<sip:bob@192.0.2.20>']]);
  asks('PRACK', 2);
  scene.respond(486, { toTag: 'bob' });
  asks('UPDATE', 3);
  expect([...answers('INVITE'), ...answers('PRACK'), ...answers('UPDATE')]).toEqual([491, 481, 481]);
});

test('a BYE that comes before its 200 gets 200, and the late 200 makes no call that nobody is in (§15)', () => {
  rings('bob');
  asks('BYE', 1);
  expect(answers('BYE')).toEqual([200]);
  scene.respond(200, ANSWER);
  expect(tagged('ACK')).toEqual(['bob']);
  expect(scene.last()).toMatchObject({ to: 'terminated', reason: 'BYE received before the answer' });
});
