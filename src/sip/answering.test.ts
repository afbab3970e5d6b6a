/** Calls that come in, as a phone on the wire sees them: which are answered, and with what (RFC 3261 §13.3.1). */
import { expect, test } from 'bun:test';
import { echoTests } from '../io/scene-tests.ts';
import { offerText, VirtualCaller } from '../io/virtual-caller.ts';
import { answersBye } from '../io/virtual-peer.ts';
import { ECHO_ADDRESS } from '../io/virtual-scene.ts';
import { value } from './message.ts';

const open = echoTests();

test('an INVITE with an offer gets 100, 180 and 200, and the ACK establishes the call (§13.3.1)', () => {
  const { network, echo, caller, states, last } = open({ ringDelayMs: 300, answerDelayMs: 700 });
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
  expect(states()).toEqual(['ringing', 'answered', 'established']);
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
  expect(last()).toMatchObject({ to: 'terminated', reason: 'BYE received' });
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
  phone.answering = answersBye;
  echo.act({ type: 'hangup-all' });
  network.run(50);
  const [bye] = phone.requests('BYE');
  expect(bye?.message.uri).toBe('sip:anna@192.0.2.20:5060');
  const sent = bye?.message.headers.filter(({ name }) => name === 'Route').map((header) => header.value);
  expect(sent?.join(', ')).toBe(routes);
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

test('the answer names the peer of the call and its display name', () => {
  const { network, caller, last } = open();
  const call = caller();
  call.invite();
  network.run(100);
  call.ack();
  call.bye();
  expect(last()).toMatchObject({
    call: 'call-anna-echo-001',
    callId: call.callId,
    direction: 'incoming',
    peer: 'sip:anna@example.org',
    displayName: 'Anna',
  });
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
  const sessionOf = (answer: string) => /o=\S+ (\d+) /.exec(answer)?.[1] ?? '';
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
  expect(call.finalResponse()?.body ?? '').toStartWith('v=0\r\n');
  call.ack();
  call.bye();
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
