/** Responses that are none, or not ours: each has its line, and the call waits on (RFC 3261 §8.1.3.3, §18.1.2). */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { ANSWER, CALLER_ADDRESS, type CallingScene, callingScene } from '../io/virtual-calling.ts';
import { leftovers } from '../io/virtual-scene.ts';
import { buildResponse, serialize } from './serialize-message.ts';
import { latin1 } from './text.ts';

let scene: CallingScene;

beforeEach(() => {
  scene = callingScene();
  scene.call();
});

afterEach(() => {
  scene.ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(scene.network, scene.ours)).toEqual([]);
});

/** The 200 of the phone, with something changed in its text. */
function answerWith(change: (text: string) => string): void {
  const text = latin1(serialize(buildResponse(scene.invite().message, 200, ANSWER)));
  const changed = change(text);
  expect(changed).not.toBe(text);
  scene.phone.sendBytes(CALLER_ADDRESS, Buffer.from(changed, 'latin1'));
  scene.network.run(50);
}
const rejected = () =>
  scene.network
    .eventsOf(scene.ours, 'sip.rejected')
    .map(({ code, header }) => (header === undefined ? code : `${code} ${header}`));
/** The call still waits, and the right answer still makes it. */
function waitsOn(): void {
  expect(scene.phone.requests('ACK')).toEqual([]);
  expect(scene.last()).toMatchObject({ to: 'calling' });
  scene.respond(200, ANSWER);
  expect(scene.last()).toMatchObject({ to: 'established' });
}

for (const [what, change, code] of [
  [
    'a status line that is none',
    (text: string) => text.replace('SIP/2.0 200', 'SIP/2.0 2OO'),
    'status-line-malformed',
  ],
  ['no CSeq', (text: string) => text.replace(/CSeq: .*\r\n/, ''), 'cseq-missing CSeq'],
  ['a CSeq that is no number', (text: string) => text.replace('CSeq: 1', 'CSeq: one'), 'cseq-malformed CSeq'],
  [
    'another From tag',
    (text: string) => text.replace(/(From: .*tag=)\w+/, '$1other'),
    'response-mismatched From',
  ],
  ['no From tag', (text: string) => text.replace(/(From: .*);tag=\w+/, '$1'), 'response-mismatched From'],
  [
    'another Call-ID',
    (text: string) => text.replace('Call-ID: ', 'Call-ID: x'),
    'response-mismatched Call-ID',
  ],
  ['another CSeq', (text: string) => text.replace('CSeq: 1 ', 'CSeq: 7 '), 'response-mismatched CSeq'],
  [
    'a Via too many',
    (text: string) => text.replace('\r\nFrom', '\r\nVia: SIP/2.0/UDP 192.0.2.9\r\nFrom'),
    'response-mismatched Via',
  ],
  ['a branch of nobody', (text: string) => text.replace(/branch=z9hG4bK/, '$&x'), 'response-unexpected'],
  [
    'the method of another request',
    (text: string) => text.replace('1 INVITE', '1 BYE'),
    'response-unexpected',
  ],
] as const) {
  test(`a 200 with ${what} is dropped with a line, and the call waits on`, () => {
    answerWith(change);
    expect(rejected()).toEqual([code]);
    // Whose it was can be told but for a start line, or a branch, that says nothing.
    const named = scene.network.eventsOf(scene.ours, 'sip.rejected').map(({ call }) => call);
    expect(named[0]).toBe(/status-line|unexpected/.test(code) ? undefined : 'call-anonymous-bob-001');
    waitsOn();
  });
}

test('a 200 whose Contact cannot be read is acknowledged where the INVITE went, and ended (§13.2.2.4)', () => {
  answerWith((text) => text.replace('<sip:bob@192.0.2.20>\r\nContent', '<sip:@>\r\nContent'));
  expect(scene.phone.requests('ACK').map(({ message }) => message.uri)).toEqual(['sip:bob@192.0.2.20']);
  expect(scene.phone.requests('BYE')).toHaveLength(1);
  expect(scene.last()).toMatchObject({ to: 'terminated', outcome: 'unusable' });
});

test('a 200 without a Contact is a call all the same (leniency contact-missing)', () => {
  answerWith((text) => text.replace(/Contact: .*\r\n/, ''));
  expect(scene.last()).toMatchObject({ to: 'established' });
  scene.ours.act({ type: 'hangup-all' });
  scene.network.run(50);
  expect(scene.phone.requests('BYE').map(({ message }) => message.uri)).toEqual(['sip:bob@192.0.2.20']);
});

test('a 200 that comes after the call was given up is acknowledged by nobody, and says so', () => {
  scene.network.run(33_000);
  expect(scene.last()).toMatchObject({ to: 'terminated', outcome: 'no-answer' });
  scene.respond(200, ANSWER);
  expect(rejected()).toEqual(['response-unexpected']);
});

test('a 2xx that is not 200 makes a call as well (§13.2.2.4)', () => {
  scene.respond(202, ANSWER);
  expect(scene.last()).toMatchObject({ to: 'established' });
});
