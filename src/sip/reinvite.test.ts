/** A re-INVITE of the caller's: hold, new addresses and codecs, and those that cannot be served (RFC 3261 §14.2). */
import { expect, test } from 'bun:test';
import { echoTests } from '../io/scene-tests.ts';
import { type OfferText, offerText } from '../io/virtual-caller.ts';
import { answersBye } from '../io/virtual-peer.ts';
import { ECHO_ADDRESS } from '../io/virtual-scene.ts';
import { value } from './message.ts';

const open = echoTests();

const HOLDS: readonly [string, OfferText, string, boolean][] = [
  ['sendonly is answered recvonly', { direction: 'sendonly' }, 'a=recvonly', false],
  ['inactive is answered inactive', { direction: 'inactive' }, 'a=inactive', false],
  ['0.0.0.0 is answered recvonly', { address: '0.0.0.0' }, 'a=recvonly', false],
];

for (const [name, offer, line, send] of HOLDS) {
  test(`re-INVITE: ${name}, the call is held and resumes (§14.2, RFC 3264 §8.4)`, () => {
    const { network, echo, established, states } = open();
    const call = established();
    call.invite(offerText(offer));
    network.run(100);
    call.ack();
    network.run(100);
    expect(call.answer()).toContain(line);
    expect(echo.media.open.get(0)?.send).toBe(send);
    expect(states().at(-1)).toBe('held');
    call.invite();
    network.run(100);
    call.ack();
    network.run(100);
    expect(call.answer()).toContain('a=sendrecv');
    expect(states().at(-1)).toBe('established');
    expect(echo.media.commands.map(({ type }) => type)).toEqual(['open', 'update', 'update']);
    call.bye();
  });
}

const versionOf = (answer: string) => /o=\S+ \d+ (\d+) /.exec(answer)?.[1] ?? '';
const sessionOf = (answer: string) => /o=\S+ (\d+) /.exec(answer)?.[1] ?? '';

test('the version in o= counts up by one when the description changes, and only then (RFC 3264 §8)', () => {
  const { network, caller } = open();
  const call = caller();
  const answers: string[] = [];
  const changes = [{}, {}, { direction: 'sendonly' }, { direction: 'sendonly' }, {}] as const;
  for (const change of changes) {
    call.invite(offerText(change));
    network.run(100);
    call.ack();
    network.run(100);
    answers.push(call.answer());
  }
  const first = BigInt(versionOf(answers[0] ?? ''));
  expect(answers.map((answer) => Number(BigInt(versionOf(answer)) - first))).toEqual([0, 0, 1, 1, 2]);
  expect(new Set(answers.map(sessionOf)).size).toBe(1);
  call.bye();
});

test('re-INVITE to a new address and a new codec moves the audio on the same port (§14.2, RFC 3264 §8.3)', () => {
  const { network, echo, established } = open();
  const call = established();
  const before = echo.media.open.get(0);
  call.invite(offerText({ address: '198.51.100.5', port: 41_000, codecs: { 9: 'G722/8000' } }));
  network.run(100);
  call.ack();
  network.run(100);
  expect(echo.media.open.get(0)).toMatchObject({
    port: 10_000,
    remote: { address: '198.51.100.5', port: 41_000 },
    ssrc: before?.ssrc,
    payloads: [{ type: 9, name: 'G722' }],
  });
  expect(network.eventsOf(echo, 'media.started').map(({ codec }) => codec)).toEqual(['PCMU', 'G722']);
  call.bye();
});

test('a re-INVITE moves the target of our BYE (§12.2.2)', () => {
  const { network, echo, phone, established } = open();
  phone.answering = answersBye;
  const call = established();
  phone.sendText(
    ECHO_ADDRESS,
    `INVITE sip:echo@192.0.2.10 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.20:5060;rport;branch=z9hG4bKmoved
From: <sip:anna@example.org>;tag=${call.fromTag}
To: <sip:echo@192.0.2.10>;tag=${call.toTag}
Call-ID: ${call.callId}
CSeq: 77 INVITE
Contact: <sip:elsewhere@192.0.2.20>
Content-Type: application/sdp
Content-Length: ${offerText().length}

${offerText()}`,
  );
  network.run(100);
  echo.act({ type: 'hangup-all' });
  network.run(40_000);
  expect(phone.requests('BYE')[0]?.message.uri).toBe('sip:elsewhere@192.0.2.20');
});

test('a re-INVITE that cannot be answered gets 488 and leaves the call as it was (§14.2)', () => {
  const { network, echo, established, states } = open();
  const call = established();
  const before = echo.media.open.get(0);
  call.invite(offerText({ codecs: { 101: 'telephone-event/8000' } }));
  network.run(100);
  expect(call.finalStatus()).toBe(488);
  call.ack();
  network.run(100);
  expect(echo.media.open.get(0)).toEqual(before as NonNullable<typeof before>);
  expect(states()).toEqual(['ringing', 'answered', 'established']);
  call.bye();
});

test('an INVITE while one of the dialog rings gets 500 with Retry-After of 10 s at most (§14.2)', () => {
  const { network, caller } = open({ answerDelayMs: 5_000 });
  const call = caller();
  call.invite();
  network.run(100);
  call.invite();
  network.run(100);
  const refused = call.finalResponse();
  expect(refused?.status).toBe(500);
  expect(Number(refused && value(refused, 'Retry-After'))).toBeLessThanOrEqual(10);
  call.ack();
  network.run(10_000);
  expect(call.statuses()).toEqual([100, 180, 500, 200]);
  call.bye();
});

test('a re-INVITE after the call is over gets 481 (§12.2.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite();
  network.run(100);
  call.ack();
  call.bye();
  network.run(100);
  call.invite();
  network.run(100);
  expect(call.finalStatus()).toBe(481);
  call.ack();
});

test('a re-INVITE before the ACK is answered, and its 200 alone is repeated (§13.3.1.4, §14.2)', () => {
  const { network, caller, states } = open();
  const call = caller();
  call.invite();
  network.run(100);
  call.invite();
  network.run(3_900);
  const repeated = call
    .responses('INVITE')
    .filter(({ message }) => message.status === 200 && value(message, 'CSeq') === '2 INVITE');
  expect(repeated).toHaveLength(4);
  expect(call.responses('INVITE').filter(({ message }) => message.status === 200)).toHaveLength(5);
  call.ack();
  network.run(50);
  expect(states().at(-1)).toBe('established');
  call.bye();
});
