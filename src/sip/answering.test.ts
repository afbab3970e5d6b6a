/** Calls that come in, as a phone on the wire sees them (RFC 3261 §13.3, §9.2, §15.1.2). */
import { afterEach, expect, test } from 'bun:test';
import { type OfferText, offerText, VirtualCaller } from '../io/virtual-caller.ts';
import { ECHO_ADDRESS, type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { value } from './message.ts';
import { latin1 } from './text.ts';

let scene: EchoScene;

function open(about: Partial<EndpointConfig> = {}, ports?: readonly number[]): EchoScene {
  scene = echoScene(about, ports);
  return scene;
}

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

const callsTo = () => scene.network.eventsOf(scene.echo, 'call.changed').map(({ to }) => to);
const lastCall = () => scene.network.eventsOf(scene.echo, 'call.changed').at(-1);

test('an INVITE with an offer gets 100, 180 and 200, and the ACK establishes the call (§13.3.1)', () => {
  const { network, echo, caller } = open({ ringDelayMs: 300, answerDelayMs: 700 });
  const call = caller();
  call.invite();
  network.run(100);
  expect(call.statuses()).toEqual([100]);
  network.run(300);
  expect(call.statuses()).toEqual([100, 180]);
  network.run(700);
  expect(call.statuses()).toEqual([100, 180, 200]);
  call.ack();
  network.run(100);
  expect(callsTo()).toEqual(['ringing', 'answered', 'established']);
  expect(echo.media.open.get(0)).toMatchObject({
    port: 10_000,
    remote: { address: '192.0.2.20', port: 30_000 },
    send: true,
    receive: true,
  });
  const ok = call.finalResponse();
  expect(ok && value(ok, 'Contact')).toBe('<sip:echo@192.0.2.10:5060>');
  expect(call.answer()).toContain('m=audio 10000 RTP/AVP 0 8 101');
  call.bye();
  network.run(100);
  expect(call.statuses('BYE')).toEqual([200]);
  expect(lastCall()).toMatchObject({ to: 'terminated', reason: 'BYE received' });
});

test('180 and 200 carry the same tag and a Contact, 100 has no tag (§12.1.1, §8.2.6.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite();
  network.run(50);
  const tags = call
    .responses('INVITE')
    .map(({ message }) => /;tag=(.*)/.exec(value(message, 'To') ?? '')?.[1]);
  expect(tags[0]).toBeUndefined();
  expect(tags[1]).toMatch(/^[0-9a-f]{16}$/);
  expect(tags[2]).toBe(tags[1]);
  call.ack();
  call.bye();
});

test('Record-Route comes back in 180 and 200, and our BYE takes that route (§12.1.1, §12.2.1.1)', () => {
  const { network, echo, phone, caller } = open();
  const call = caller();
  const routes = '<sip:192.0.2.20;lr>, <sip:p2.example.org;lr>';
  call.invite(offerText(), [['Record-Route', routes]]);
  network.run(50);
  const ok = call.finalResponse();
  expect(ok && value(ok, 'Record-Route')).toBe(routes);
  call.ack();
  network.run(50);
  phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  echo.act({ type: 'hangup-all' });
  network.run(50);
  const [bye] = phone.requests('BYE');
  expect(bye?.message.uri).toBe('sip:anna@192.0.2.20:5060');
  const sent = bye?.message.headers.filter(({ name }) => name === 'Route').map((header) => header.value);
  expect(sent?.join(', ')).toBe(routes);
});

test('the 200 is repeated at T1, 2·T1 and so on up to T2 until the ACK comes (§13.3.1.4)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite();
  network.run(20_000);
  call.ack();
  network.run(20_000);
  const times = call.responses('INVITE').filter(({ message }) => message.status === 200);
  const first = times[0]?.atMs ?? 0;
  expect(times.map(({ atMs }) => atMs - first)).toEqual([
    0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500,
  ]);
  expect(callsTo()).toContain('established');
  call.bye();
});

test('the 200 is repeated on TCP as well, as it is end to end (§13.3.1.4)', () => {
  const { network, phone } = open();
  const flow = phone.connect(ECHO_ADDRESS);
  network.run(50);
  const call = new VirtualCaller(phone, flow);
  call.invite();
  network.run(4_000);
  expect(call.responses('INVITE').filter(({ message }) => message.status === 200)).toHaveLength(4);
  call.ack();
  network.run(50);
  call.bye();
  network.run(50);
  expect(call.statuses('BYE')).toEqual([200]);
  phone.disconnect(flow);
});

test('without an ACK for 64·T1 the call is ended with a BYE, a reason and a diagnosis (§13.3.1.4)', () => {
  const { network, echo, phone, caller } = open();
  phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  const call = caller();
  call.invite();
  network.run(33_000);
  expect(phone.requests('BYE')).toHaveLength(1);
  expect(lastCall()).toMatchObject({ to: 'terminated', reason: 'no ACK' });
  expect(network.eventsOf(echo, 'diagnosis.raised').map(({ code }) => code)).toEqual(['ack-missing']);
  const [bye] = phone.requests('BYE');
  expect((bye?.atMs ?? 0) - (call.responses('INVITE')[2]?.atMs ?? 0)).toBe(32_000);
});

test('a BYE of ours that nobody answers ends the call all the same (§15.1.1)', () => {
  const { network, echo, caller } = open();
  const call = caller();
  call.invite();
  network.run(50);
  call.ack();
  network.run(50);
  echo.act({ type: 'hangup-all' });
  expect(echo.media.open.size).toBe(0);
  network.run(40_000);
  expect(lastCall()).toMatchObject({ to: 'terminated', reason: 'hung up' });
});

test('a retransmitted INVITE is no second call: the last response comes again (§17.2.1)', () => {
  const { network, echo, caller } = open({ ringDelayMs: 1_000 });
  const call = caller();
  call.invite();
  network.run(100);
  call.inviteAgain();
  network.run(100);
  expect(call.responses('INVITE').map(({ message }) => message.status)).toEqual([100, 100]);
  expect(echo.endpoint.alive.calls).toBe(1);
  network.run(1_000);
  call.inviteAgain();
  network.run(100);
  expect(echo.endpoint.alive.calls).toBe(1);
  call.ack();
  network.run(100);
  call.bye();
});

test('an INVITE that was forked and comes by a second way gets 482, and the first way goes on (§8.2.2.2)', () => {
  const { network, echo, caller } = open({ ringDelayMs: 1_000 });
  const call = caller();
  call.invite();
  network.run(100);
  call.inviteMerged();
  network.run(100);
  expect(call.statuses()).toEqual([100, 482]);
  expect(echo.endpoint.alive.calls).toBe(1);
  network.run(1_000);
  expect(call.statuses().at(-1)).toBe(200);
  call.ack();
  network.run(100);
  call.bye();
});

test('CANCEL before 180 gets 200, and the INVITE 487 with the same tag (§9.2)', () => {
  const { network, caller } = open({ ringDelayMs: 1_000 });
  const call = caller();
  call.invite();
  network.run(100);
  call.cancel();
  network.run(100);
  expect(call.statuses('CANCEL')).toEqual([200]);
  expect(call.statuses()).toEqual([100, 487]);
  const tagOf = (text: string | undefined) => /;tag=(.*)/.exec(text ?? '')?.[1];
  const [cancelled] = call.responses('CANCEL');
  const refused = call.finalResponse();
  expect(tagOf(cancelled && value(cancelled.message, 'To'))).toBe(tagOf(refused && value(refused, 'To')));
  call.ack();
  network.run(100);
  expect(lastCall()).toMatchObject({ to: 'terminated', reason: 'cancelled', status: 487 });
});

test('CANCEL after 180 gets 200, and the INVITE 487 (§9.2)', () => {
  const { network, echo, caller } = open({ answerDelayMs: 1_000 });
  const call = caller();
  call.invite();
  network.run(100);
  call.cancel();
  network.run(100);
  call.ack();
  expect(call.statuses()).toEqual([100, 180, 487]);
  expect(echo.media.commands).toEqual([]);
});

test('CANCEL after 200 gets 200 and changes nothing: the call stands until the BYE (§9.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite();
  network.run(100);
  call.cancel();
  network.run(100);
  expect(call.statuses('CANCEL')).toEqual([200]);
  expect(call.statuses()).toEqual([100, 180, 200]);
  call.ack();
  network.run(100);
  expect(callsTo().at(-1)).toBe('established');
  call.bye();
});

test('CANCEL of an INVITE that was refused gets 200 with a tag (§9.2, §8.2.6.2)', () => {
  const { network, caller } = open({ echo: false });
  const call = caller();
  call.invite();
  network.run(100);
  call.cancel();
  network.run(100);
  expect(call.statuses()).toEqual([480]);
  const [answer] = call.responses('CANCEL');
  expect(answer?.message.status).toBe(200);
  expect(answer && value(answer.message, 'To')).toContain(';tag=');
  call.ack();
});

test('CANCEL of nothing gets 481 (§9.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.request('CANCEL');
  network.run(100);
  expect(call.statuses('CANCEL')).toEqual([481]);
});

test('BYE while it rings gets 200, and the INVITE 487 (§15.1.2)', () => {
  const { network, caller } = open({ answerDelayMs: 5_000 });
  const call = caller();
  call.invite();
  network.run(100);
  call.bye();
  network.run(100);
  expect(call.statuses('BYE')).toEqual([200]);
  expect(call.statuses()).toEqual([100, 180, 487]);
  call.ack();
});

test('BYE before the ACK ends the call, and the 200 is not repeated any more (§15.1.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite();
  network.run(100);
  call.bye();
  network.run(40_000);
  expect(call.statuses('BYE')).toEqual([200]);
  expect(call.responses('INVITE').filter(({ message }) => message.status === 200)).toHaveLength(1);
});

test('hanging up waits for the ACK, as a callee says no BYE before it (§15)', () => {
  const { network, echo, phone, caller } = open();
  phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  const call = caller();
  call.invite();
  network.run(100);
  echo.act({ type: 'hangup-all' });
  network.run(100);
  expect(phone.requests('BYE')).toHaveLength(0);
  call.ack();
  network.run(100);
  expect(phone.requests('BYE')).toHaveLength(1);
  expect(lastCall()).toMatchObject({ to: 'terminated', reason: 'hung up' });
});

test('hanging up while it rings gives 480 (§21.4.18)', () => {
  const { network, echo, caller } = open({ answerDelayMs: 5_000 });
  const call = caller();
  call.invite();
  network.run(100);
  echo.act({ type: 'hangup-all' });
  network.run(100);
  expect(call.statuses()).toEqual([100, 180, 480]);
  call.ack();
});

test('one call more than --max-calls gets 486, and a free place is used again (§21.4.21)', () => {
  const { network, echo, caller } = open({ maxCalls: 1 });
  const first = caller();
  first.invite();
  network.run(100);
  first.ack();
  const second = caller();
  second.invite();
  network.run(100);
  expect(second.statuses()).toEqual([486]);
  second.ack();
  first.bye();
  network.run(100);
  const third = caller();
  third.invite();
  network.run(100);
  expect(third.finalStatus()).toBe(200);
  expect(echo.media.open.get(0)?.port).toBe(10_002);
  third.ack();
  third.bye();
});

test('an INVITE waits for a port that comes in time (RFC 3264 §6)', () => {
  const { network, caller } = open({}, [10_000]);
  const first = caller();
  first.invite();
  network.run(100);
  first.ack();
  const second = caller();
  second.invite();
  network.run(1_000);
  expect(second.statuses()).toEqual([100]);
  first.bye();
  network.run(100);
  expect(second.finalStatus()).toBe(200);
  second.ack();
  second.bye();
});

test('without a port for 2 s an INVITE gets 503 with Retry-After (§21.5.4)', () => {
  const { network, caller } = open({}, []);
  const call = caller();
  call.invite();
  network.run(1_900);
  expect(call.statuses()).toEqual([100]);
  network.run(200);
  expect(call.statuses()).toEqual([100, 503]);
  const refused = call.finalResponse();
  expect(refused && value(refused, 'Retry-After')).toBe('10');
  call.ack();
});

test('a port that another call gave back unopened serves the one that waits', () => {
  const { network, caller } = open({ answerDelayMs: 10_000 }, [10_000]);
  const first = caller();
  first.invite();
  network.run(100);
  const second = caller();
  second.invite();
  network.run(100);
  first.cancel();
  network.run(50);
  first.ack();
  network.run(2_000);
  expect(second.statuses()).toEqual([100, 180]);
  second.cancel();
  network.run(100);
  second.ack();
});

test('when the media thread has no port left an INVITE gets 503 at once (§21.5.4)', () => {
  const { network, echo, caller } = open({}, []);
  network.feed(echo, { type: 'media', report: { type: 'ports-exhausted', detail: 'all taken' } });
  const call = caller();
  call.invite();
  network.run(100);
  expect(call.statuses()).toEqual([100, 503]);
  call.ack();
});

test('the port of a call that has just ended is waited for, though the range is used up', () => {
  const { network, echo, caller } = open({}, [10_000]);
  const first = caller();
  first.invite();
  network.run(50);
  first.ack();
  network.feed(echo, { type: 'media', report: { type: 'ports-exhausted', detail: 'all taken' } });
  network.run(50);
  const second = caller();
  // The INVITE is there before the media thread has given the port back.
  first.bye();
  second.invite();
  network.run(100);
  expect(second.finalStatus()).toBe(200);
  second.ack();
  network.run(50);
  second.bye();
});

test('no codec in common gets 488 with a Warning and a rejection that says why (§21.4.26, §20.43)', () => {
  const { network, echo, caller } = open();
  const call = caller();
  call.invite(offerText({ codecs: { 101: 'telephone-event/8000' } }));
  network.run(100);
  expect(call.finalStatus()).toBe(488);
  const refused = call.finalResponse();
  expect(refused && value(refused, 'Warning')).toMatch(/^305 192\.0\.2\.10 ".+"$/);
  expect(network.eventsOf(echo, 'sip.rejected')).toMatchObject([
    { code: 'no-common-codec', status: 488, call: 'call-anna-echo-001' },
  ]);
  call.ack();
});

test('a body that is no session description gets 415 with Accept (§21.4.13)', () => {
  const { network, phone, caller } = open();
  const call = caller();
  call.invite('', [['Content-Type', 'text/plain']]);
  network.run(100);
  call.ack();
  const other = caller();
  other.inviteHeaders = [['Content-Encoding', 'gzip']];
  other.invite();
  network.run(100);
  expect(other.finalStatus()).toBe(415);
  const refused = other.finalResponse();
  expect(refused && value(refused, 'Accept')).toBe('application/sdp');
  other.ack();
  expect(phone.heard.length).toBeGreaterThan(0);
});

test('an option that we do not know gets 420 with Unsupported (§8.2.2.3)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite(offerText(), [['Require', 'timer, x-unknown']]);
  network.run(100);
  expect(call.statuses()).toEqual([420]);
  const refused = call.finalResponse();
  expect(refused && value(refused, 'Unsupported')).toBe('x-unknown');
  call.ack();
});

test('an INVITE without a Contact gets 400 (§8.1.1.8)', () => {
  const { network, phone } = open();
  phone.sendText(
    ECHO_ADDRESS,
    `INVITE sip:echo@192.0.2.10 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKnocontact
From: <sip:anna@example.org>;tag=1
To: <sip:echo@192.0.2.10>
Call-ID: no-contact
CSeq: 1 INVITE
Content-Length: 0

`,
  );
  network.run(100);
  expect(phone.responses('INVITE').map(({ message }) => message.status)).toEqual([400]);
  phone.sendText(
    ECHO_ADDRESS,
    `ACK sip:echo@192.0.2.10 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKnocontact
From: <sip:anna@example.org>;tag=1
To: <sip:echo@192.0.2.10>;tag=x
Call-ID: no-contact
CSeq: 1 ACK
Content-Length: 0

`,
  );
});

test('without the echo an INVITE gets 480 (§21.4.18)', () => {
  const { network, caller } = open({ echo: false });
  const call = caller();
  call.invite();
  network.run(100);
  expect(call.statuses()).toEqual([480]);
  call.ack();
});

test('an ACK that belongs to nothing is never answered (§17.2.3)', () => {
  const { network, phone, caller } = open();
  const call = caller();
  call.ack();
  network.run(1_000);
  expect(phone.heard).toEqual([]);
});

test('an ACK with another number than the INVITE acknowledges nothing (§13.3.1.4)', () => {
  const { network, phone, caller } = open();
  phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  const call = caller();
  call.invite();
  network.run(100);
  call.request('ACK');
  network.run(100);
  expect(callsTo().at(-1)).toBe('answered');
  network.run(40_000);
  expect(phone.requests('BYE')).toHaveLength(1);
});

test('a request with a number that went before gets 500 and ends nothing (§12.2.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.sequence = 10;
  call.invite();
  network.run(100);
  call.ack();
  network.run(100);
  call.sequence = 5;
  call.bye();
  network.run(100);
  expect(call.statuses('BYE')).toEqual([500]);
  expect(callsTo().at(-1)).toBe('established');
  call.sequence = 20;
  call.bye();
});

test('the answer names the peer of the call and its display name', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite();
  network.run(100);
  call.ack();
  call.bye();
  expect(lastCall()).toMatchObject({
    call: 'call-anna-echo-001',
    callId: call.callId,
    direction: 'incoming',
    peer: 'sip:anna@example.org',
    displayName: 'Anna',
  });
});

const HOLDS: readonly [string, OfferText, string, boolean][] = [
  ['sendonly is answered recvonly', { direction: 'sendonly' }, 'a=recvonly', false],
  ['inactive is answered inactive', { direction: 'inactive' }, 'a=inactive', false],
  ['0.0.0.0 is answered recvonly', { address: '0.0.0.0' }, 'a=recvonly', false],
];

for (const [name, offer, line, send] of HOLDS) {
  test(`re-INVITE: ${name}, the call is held and resumes (§14.2, RFC 3264 §8.4)`, () => {
    const { network, echo, caller } = open();
    const call = caller();
    call.invite();
    network.run(100);
    call.ack();
    network.run(100);
    call.invite(offerText(offer));
    network.run(100);
    call.ack();
    network.run(100);
    expect(call.answer()).toContain(line);
    expect(echo.media.open.get(0)?.send).toBe(send);
    expect(callsTo().at(-1)).toBe('held');
    call.invite();
    network.run(100);
    call.ack();
    network.run(100);
    expect(call.answer()).toContain('a=sendrecv');
    expect(callsTo().at(-1)).toBe('established');
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
  const { network, echo, caller } = open();
  const call = caller();
  call.invite();
  network.run(100);
  call.ack();
  network.run(100);
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
  const { network, echo, phone, caller } = open();
  phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  const call = caller();
  call.invite();
  network.run(100);
  call.ack();
  network.run(100);
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
  const { network, echo, caller } = open();
  const call = caller();
  call.invite();
  network.run(100);
  call.ack();
  network.run(100);
  const before = echo.media.open.get(0);
  call.invite(offerText({ codecs: { 101: 'telephone-event/8000' } }));
  network.run(100);
  expect(call.finalStatus()).toBe(488);
  call.ack();
  network.run(100);
  expect(echo.media.open.get(0)).toEqual(before as NonNullable<typeof before>);
  expect(callsTo()).toEqual(['ringing', 'answered', 'established']);
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

test('two calls have their own answers, ports and handles', () => {
  const { network, echo, caller } = open();
  const [one, two] = [caller(), caller()];
  one.invite(offerText({ port: 31_000 }));
  two.invite(offerText({ port: 32_000 }));
  network.run(100);
  expect(one.answer()).toContain('m=audio 10000 ');
  expect(two.answer()).toContain('m=audio 10002 ');
  expect(echo.media.open.get(0)?.remote?.port).toBe(31_000);
  expect(echo.media.open.get(1)?.remote?.port).toBe(32_000);
  expect(sessionOf(one.answer())).not.toBe(sessionOf(two.answer()));
  one.ack();
  two.ack();
  one.bye();
  network.run(100);
  expect(echo.media.open.has(1)).toBe(true);
  two.bye();
});

test('a retransmission from another port of an unanswered INVITE still is the same call (RFC 3581 §4)', () => {
  const { network, phone, caller } = open();
  const call = caller();
  call.invite();
  network.run(100);
  const vias = phone.responses('INVITE').map(({ message }) => value(message, 'Via') ?? '');
  expect(vias[0]).toContain('received=192.0.2.20');
  expect(vias[0]).toContain('rport=5060');
  expect(latin1(call.finalResponse()?.body ?? new Uint8Array())).toStartWith('v=0\r\n');
  call.ack();
  call.bye();
});

test('after our BYE the dialog is over but for the BYE that crossed it, which gets 200 (§15.1.1)', () => {
  const { network, echo, caller } = open();
  const call = caller();
  call.invite();
  network.run(50);
  call.ack();
  network.run(50);
  echo.act({ type: 'hangup-all' });
  call.invite();
  network.run(50);
  expect(call.finalStatus()).toBe(481);
  call.ack();
  call.bye();
  network.run(50);
  expect(call.statuses('BYE')).toEqual([200]);
});

test('a re-INVITE before the ACK is answered, and its 200 alone is repeated (§13.3.1.4, §14.2)', () => {
  const { network, caller } = open();
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
  expect(callsTo().at(-1)).toBe('established');
  call.bye();
});

test('a BYE to a Contact that is a name goes where the caller was heard (§12.2.1.1)', () => {
  const { network, echo, phone, caller } = open();
  phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  const call = caller();
  call.contact = '<sip:anna@phone.example>';
  call.invite();
  network.run(50);
  call.ack();
  network.run(50);
  echo.act({ type: 'hangup-all' });
  network.run(50);
  expect(phone.requests('BYE').map(({ message }) => message.uri)).toEqual(['sip:anna@phone.example']);
});

test('over TCP our BYE goes on the connection of the ACK, however silent it was for an hour (§18.1.1)', () => {
  const { network, echo, phone } = open();
  phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  const [first, second] = [phone.connect(ECHO_ADDRESS), phone.connect(ECHO_ADDRESS)];
  network.run(50);
  const call = new VirtualCaller(phone, first);
  call.invite();
  network.run(100);
  call.to = second;
  call.ack();
  network.run(3_600_000);
  // The first one carried no call any more.
  expect(phone.streams).toEqual([second.connection as number]);
  echo.act({ type: 'hangup-all' });
  network.run(100);
  expect(phone.requests('BYE').map(({ flow }) => flow.connection)).toEqual([second.connection]);
  phone.disconnect(second);
});

test('ports that come after there were none are waited for again', () => {
  const { network, echo, caller } = open({}, [10_000]);
  const first = caller();
  first.invite();
  network.run(50);
  first.ack();
  network.feed(echo, { type: 'media', report: { type: 'ports-exhausted', detail: 'all taken' } });
  first.bye();
  network.run(50);
  const [second, third] = [caller(), caller()];
  second.invite();
  third.invite();
  network.run(50);
  second.ack();
  second.bye();
  network.run(50);
  expect(third.finalStatus()).toBe(200);
  third.ack();
  third.bye();
});

for (const [uri, contact] of [
  ['tel:+49-30-123;phone-context=x@y', '<sip:+49-30-123@192.0.2.10:5060>'],
] as const) {
  test(`the Contact in the 200 to a call for ${uri} can be read (§8.1.1.8, §19.1.6)`, () => {
    const { network, phone } = open();
    const call = new VirtualCaller(phone, ECHO_ADDRESS, uri);
    call.invite();
    network.run(100);
    const ok = call.finalResponse();
    expect(ok && value(ok, 'Contact')).toBe(contact);
    call.ack();
    call.bye();
  });
}
