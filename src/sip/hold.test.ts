/** Hold and resume from our side, as a phone on the wire sees them (RFC 3264 §8.4, RFC 3261 §14.1). */
import { afterEach, expect, test } from 'bun:test';
import { offerText, type VirtualCaller } from '../io/virtual-caller.ts';
import { type EchoScene, echoScene, leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { type SipRequest, value } from './message.ts';
import type { ResponseParts } from './serialize-message.ts';

let scene: EchoScene;
let call: VirtualCaller;

/** A call from the phone that stands. The phone answers BYE, and re-INVITE as it is told. */
function open(
  reinvite: (request: SipRequest) => (ResponseParts & { status: number }) | undefined,
  about: Partial<EndpointConfig> = {},
): void {
  scene = echoScene({ mediaTimeoutMs: 0, ...about });
  scene.phone.answering = (request) => {
    if (request.method === 'BYE') return { status: 200 };
    return request.method === 'INVITE' ? reinvite(request) : undefined;
  };
  call = scene.caller();
  call.invite();
  scene.network.run(100);
  call.ack();
  scene.network.run(100);
}

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

const handle = () => scene.network.eventsOf(scene.echo, 'call.changed').at(-1)?.call ?? '';
const states = () => scene.network.eventsOf(scene.echo, 'call.changed').map(({ to }) => to);
const act = (type: 'hold' | 'resume') => scene.echo.act({ type, call: handle() });
const reinvites = () => scene.phone.requests('INVITE').map(({ message }) => message);
const offered = () => reinvites().map(({ body }) => /a=(send\w*|recv\w*|inactive)/.exec(body)?.[1]);
const diagnoses = () => scene.network.eventsOf(scene.echo, 'diagnosis.raised');

const OK = (direction: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive') => ({
  status: 200,
  headers: [
    ['Contact', '<sip:anna@192.0.2.20:5060>'],
    ['Content-Type', 'application/sdp'],
  ] as const,
  body: offerText({ direction }),
});

/** The phone answers each direction with the opposite one (RFC 3264 §6.1). */
const agrees = (request: SipRequest) => {
  const body = request.body;
  if (body.includes('a=sendonly')) return OK('recvonly');
  return OK(body.includes('a=recvonly') ? 'sendonly' : body.includes('a=inactive') ? 'inactive' : 'sendrecv');
};

test('hold offers sendonly, resume sendrecv, each one version later, and both are acknowledged', () => {
  open(agrees);
  act('hold');
  scene.network.run(100);
  expect(states().at(-1)).toBe('held');
  expect(scene.echo.media.open.get(0)).toMatchObject({ send: true, receive: false });
  act('resume');
  scene.network.run(100);
  expect(states().at(-1)).toBe('established');
  expect(scene.echo.media.open.get(0)).toMatchObject({ send: true, receive: true });
  expect(offered()).toEqual(['sendonly', 'sendrecv']);
  const [held = 0, resumed] = versions();
  expect(resumed).toBe(held + 1);
  const acks = scene.phone.requests('ACK').map(({ message }) => value(message, 'CSeq'));
  expect(acks).toEqual(['1 ACK', '2 ACK']);
  call.bye();
});

const versionIn = (text: string) => Number(/o=\S+ \d+ (\d+)/.exec(text)?.[1]);
const versions = () => reinvites().map(({ body }) => versionIn(body));
const refusesHold = (request: SipRequest) =>
  request.body.includes('a=sendonly') ? { status: 488 } : agrees(request);

test('a hold that was refused has used its version up: what comes next has another one (RFC 3264 §8)', () => {
  open(refusesHold);
  act('hold');
  scene.network.run(100);
  // The same session with another codec is another description.
  call.invite(offerText({ codecs: { 8: 'PCMA/8000' } }));
  scene.network.run(100);
  call.ack();
  expect(versionIn(call.answer())).toBe((versions()[0] ?? 0) + 1);
  call.bye();
});

test('a refresh in between, which offers what stands, frees no version (RFC 3264 §8)', () => {
  open(refusesHold);
  call.invite(offerText(), [
    ['Supported', 'timer'],
    ['Session-Expires', '90;refresher=uas'],
  ]);
  scene.network.run(100);
  call.ack();
  act('hold');
  scene.network.run(46_000);
  const [refused = 0, refresh] = versions();
  expect(refresh).toBe(refused - 1);
  call.invite(offerText({ codecs: { 8: 'PCMA/8000' } }));
  scene.network.run(100);
  call.ack();
  expect(versionIn(call.answer())).toBe(refused + 1);
  call.bye();
});

test('the 200 to the hold that comes again after the resume is acknowledged with its own number (§13.2.2.4)', () => {
  open(agrees);
  act('hold');
  scene.network.run(100);
  act('resume');
  scene.network.run(100);
  const [hold] = scene.phone.requests('INVITE');
  if (hold !== undefined) scene.phone.respond(hold, 200, OK('recvonly'));
  scene.network.run(100);
  const acks = scene.phone.requests('ACK').map(({ message }) => value(message, 'CSeq'));
  expect(acks).toEqual(['1 ACK', '2 ACK', '1 ACK']);
  expect(states().at(-1)).toBe('established');
  call.bye();
});

test('the 200 to a hold whose sending failed is acknowledged as often as it comes, and the call goes on (§13.2.2.4)', () => {
  open(() => undefined);
  act('hold');
  scene.network.run(100);
  scene.network.feed(scene.echo, { type: 'unreachable', remote: PHONE_ADDRESS, error: 'gone' });
  const [hold] = scene.phone.requests('INVITE');
  for (const _ of ['once', 'again']) if (hold !== undefined) scene.phone.respond(hold, 200, OK('recvonly'));
  scene.network.run(100);
  expect(scene.phone.requests('ACK').map(({ message }) => value(message, 'CSeq'))).toEqual([
    '1 ACK',
    '1 ACK',
  ]);
  expect(states().at(-1)).toBe('established');
  expect(diagnoses().map(({ code }) => code)).toEqual(['hold-refused']);
  call.bye();
});

test('a phone that answers a hold with sendrecv is held all the same (RFC 3264 §6.1)', () => {
  open(() => OK('sendrecv'));
  act('hold');
  scene.network.run(100);
  expect(states().at(-1)).toBe('held');
  expect(scene.echo.media.open.get(0)).toMatchObject({ send: true, receive: false });
  call.bye();
});

test('holding twice sends one re-INVITE', () => {
  open(agrees);
  act('hold');
  act('hold');
  scene.network.run(1_000);
  act('hold');
  scene.network.run(1_000);
  expect(offered()).toEqual(['sendonly']);
  // Whoever asked is told: a command waits for a word.
  expect(diagnoses().map(({ code }) => code)).toEqual(['hold-unchanged']);
  call.bye();
});

test('a peer that holds us is offered inactive, and recvonly again: its own hold stands (RFC 3264 §8.4)', () => {
  open(agrees);
  call.invite(offerText({ direction: 'sendonly' }));
  scene.network.run(100);
  call.ack();
  scene.network.run(100);
  act('hold');
  scene.network.run(100);
  act('resume');
  scene.network.run(100);
  expect(offered()).toEqual(['inactive', 'recvonly']);
  expect(states().at(-1)).toBe('held');
  expect(diagnoses().map(({ code }) => code)).toEqual(['hold-unchanged', 'resume-refused']);
  call.bye();
});

test('while we hold, an offer of the peer to talk is answered sendonly', () => {
  open(agrees);
  act('hold');
  scene.network.run(100);
  call.invite(offerText({ direction: 'sendrecv' }));
  scene.network.run(100);
  call.ack();
  expect(call.answer()).toContain('a=sendonly');
  call.invite('');
  scene.network.run(100);
  expect(call.answer()).toContain('a=sendonly');
  call.ack(offerText({ direction: 'sendrecv' }));
  scene.network.run(100);
  expect(scene.echo.media.open.get(0)).toMatchObject({ receive: false });
  call.bye();
});

test('a hold that is refused leaves the call as it was, with a word (§14.1)', () => {
  open(() => ({ status: 488 }));
  act('hold');
  scene.network.run(1_000);
  expect(states().at(-1)).toBe('established');
  expect(scene.echo.media.open.get(0)).toMatchObject({ send: true, receive: true });
  expect(diagnoses().map(({ code }) => code)).toEqual(['hold-refused']);
  expect(scene.phone.requests('BYE')).toHaveLength(0);
  call.bye();
});

test('an answer to the hold that cannot be used leaves the call as it was', () => {
  open(() => ({ ...OK('recvonly'), body: offerText({ codecs: { 3: 'GSM/8000' } }) }));
  act('hold');
  scene.network.run(1_000);
  expect(states().at(-1)).toBe('established');
  expect(diagnoses().map(({ code }) => code)).toEqual(['hold-refused']);
  call.bye();
});

for (const status of [408, 481]) {
  test(`${status} to the hold ends the call (§12.2.1.2)`, () => {
    open(() => ({ status }));
    act('hold');
    scene.network.run(1_000);
    expect(scene.phone.requests('BYE')).toHaveLength(1);
    const ended = scene.network.eventsOf(scene.echo, 'call.changed').at(-1);
    expect(ended).toMatchObject({ to: 'terminated', reason: `the re-INVITE to hold got ${status}` });
  });
}

test('491 is tried again within 2 s, as the peer made the Call-ID (§14.1)', () => {
  let glare = true;
  open((request) => (glare ? { status: 491 } : agrees(request)));
  act('hold');
  scene.network.run(25);
  glare = false;
  scene.network.run(2_100);
  expect(offered()).toEqual(['sendonly', 'sendonly']);
  expect(states().at(-1)).toBe('held');
  call.bye();
});

test('a hold waits until the INVITE of the peer is over: no second one while one is open (§14.1)', () => {
  open(agrees);
  call.invite(offerText({ port: 31_000 }));
  scene.network.run(100);
  act('hold');
  scene.network.run(1_000);
  expect(reinvites()).toHaveLength(0);
  call.ack();
  scene.network.run(1_000);
  expect(offered()).toEqual(['sendonly']);
  expect(states().at(-1)).toBe('held');
  call.bye();
});

test('an INVITE of the peer while our hold is open gets 491, and the hold goes on (§14.2)', () => {
  open(() => undefined);
  act('hold');
  scene.network.run(20);
  call.invite();
  scene.network.run(50);
  expect(call.finalStatus()).toBe(491);
  call.ack();
  const [ours] = scene.phone.requests('INVITE');
  if (ours !== undefined) scene.phone.respond(ours, 200, OK('recvonly'));
  scene.network.run(50);
  expect(states().at(-1)).toBe('held');
  call.bye();
});

test('a re-INVITE that gets nothing, or 100 alone, ends the call after 64·T1 (§12.2.1.2)', () => {
  for (const answer of [undefined, { status: 100 }]) {
    open(() => answer);
    act('hold');
    scene.network.run(31_000);
    expect(scene.phone.requests('BYE')).toHaveLength(0);
    scene.network.run(2_000);
    expect(scene.phone.requests('BYE')).toHaveLength(1);
    expect(leftovers(scene.network, scene.echo)).toEqual([]);
  }
});

test('a BYE that overtakes our re-INVITE: its final response is acknowledged, or it is given up (§15.1.2)', () => {
  open(() => ({ status: 100 }));
  act('hold');
  scene.network.run(50);
  call.bye();
  scene.network.run(50);
  expect(states().at(-1)).toBe('terminated');
  const [ours] = scene.phone.requests('INVITE');
  if (ours !== undefined) scene.phone.respond(ours, 487);
  scene.network.run(50);
  expect(scene.phone.requests('ACK')).toHaveLength(1);
  open(() => ({ status: 100 }));
  act('hold');
  scene.network.run(50);
  call.bye();
});

test('a held call that nobody ends is over after the longest time for a call', () => {
  open(agrees, { maxCallMs: 3_600_000 });
  act('hold');
  scene.network.run(3_599_000);
  scene.echo.sample();
  expect(states().at(-1)).toBe('held');
  scene.network.run(1_000);
  scene.echo.sample();
  scene.network.run(100);
  const ended = scene.network.eventsOf(scene.echo, 'call.changed').at(-1);
  expect(ended).toMatchObject({ to: 'terminated', reason: 'it has lasted as long as a call may' });
});

test('hold on a call that does not stand is refused with a word', () => {
  scene = echoScene();
  const ringing = scene.caller();
  ringing.invite();
  scene.network.run(50);
  scene.echo.act({ type: 'hold', call: handle() });
  expect(diagnoses().map(({ code }) => code)).toEqual(['hold-refused']);
  scene.echo.act({ type: 'hold', call: 'call-nobody-nowhere-001' });
  expect(diagnoses().at(-1)?.code).toBe('call-unknown');
  ringing.ack();
  scene.network.run(50);
  ringing.bye();
});
