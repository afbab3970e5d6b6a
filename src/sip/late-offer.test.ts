/** INVITEs that leave the offer to us (RFC 3261 §13.2.1, §14.2; RFC 3264 §8), as a phone on the wire sees them. */
import { afterEach, expect, test } from 'bun:test';
import { offerText } from '../io/virtual-caller.ts';
import { type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';

let scene: EchoScene;

function open(): EchoScene {
  scene = echoScene();
  scene.phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  return scene;
}

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

const states = () => scene.network.eventsOf(scene.echo, 'call.changed').map(({ to }) => to);
const lastCall = () => scene.network.eventsOf(scene.echo, 'call.changed').at(-1);
const rejected = () => scene.network.eventsOf(scene.echo, 'sip.rejected').map(({ code }) => code);
const versionOf = (description: string) => BigInt(/^o=\S+ \S+ (\d+)/m.exec(description)?.[1] ?? '-1');
const formatsOf = (description: string) => /^m=audio \d+ RTP\/AVP (.*)$/m.exec(description)?.[1];
const PCMA = offerText({ codecs: { 8: 'PCMA/8000' } });

test('an INVITE without a body gets our offer in the 200, and the answer in the ACK starts the audio (§13.2.1)', () => {
  const { network, echo, caller } = open();
  const call = caller();
  call.invite('');
  network.run(100);
  expect(call.statuses()).toEqual([100, 180, 200]);
  expect(formatsOf(call.answer())).toBe('96 9 0 8 18 101');
  expect(call.answer()).toContain('a=sendrecv');
  expect(echo.media.open.size).toBe(0);
  call.ack(PCMA);
  network.run(100);
  expect(echo.media.open.get(0)).toMatchObject({
    port: 10_000,
    remote: { address: '192.0.2.20', port: 30_000 },
    send: true,
    payloads: [{ type: 8, name: 'PCMA', clockRate: 8000 }],
  });
  expect(states()).toEqual(['ringing', 'answered', 'established']);
  call.bye();
  network.run(100);
  expect(call.statuses('BYE')).toEqual([200]);
});

test('an answer that holds us makes a held call (RFC 3264 §8.4)', () => {
  const { network, echo, caller } = open();
  const call = caller();
  call.invite('');
  network.run(100);
  call.ack(offerText({ direction: 'sendonly' }));
  network.run(100);
  expect(echo.media.open.get(0)).toMatchObject({ send: false, receive: true });
  expect(states().at(-1)).toBe('held');
  call.bye();
});

const unusable: Readonly<Record<string, [string, string]>> = {
  nothing: ['', 'answer-missing'],
  'no codec of the offer': [offerText({ codecs: { 3: 'GSM/8000' } }), 'no-common-codec'],
  'port 0': [offerText({ port: 0 }), 'answer-refused'],
  'no SDP': ['hello', 'sdp'],
};

for (const [what, [answer, code]] of Object.entries(unusable)) {
  test(`an ACK with ${what} for an answer ends the call with a BYE and a reason (§13.3.1.4, RFC 3264 §6)`, () => {
    const { network, echo, phone, caller } = open();
    const call = caller();
    call.invite('');
    network.run(100);
    call.ack(answer);
    network.run(100);
    expect(phone.requests('BYE')).toHaveLength(1);
    expect(lastCall()).toMatchObject({ to: 'terminated' });
    expect(lastCall()?.reason).toStartWith('no answer to our offer: ');
    expect(rejected()).toHaveLength(1);
    expect(rejected()[0]).toStartWith(code);
    expect(states()).toEqual(['ringing', 'answered', 'terminated']);
    expect(echo.media.open.size).toBe(0);
  });
}

test('a re-INVITE without a body gets what was agreed, both ways, with free codecs after it (RFC 3264 §8)', () => {
  const { network, echo, caller } = open();
  const call = caller();
  // 96 is taken, so that Opus cannot be offered under it (RFC 3264 §8.3.2).
  call.invite(offerText({ direction: 'sendonly', codecs: { 0: 'PCMU/8000', 96: 'telephone-event/8000' } }));
  network.run(100);
  call.ack();
  network.run(100);
  const before = versionOf(call.answer());
  call.invite('');
  network.run(100);
  expect(formatsOf(call.answer())).toBe('0 96 9 8 18');
  expect(call.answer()).toContain('a=sendrecv');
  expect(versionOf(call.answer())).toBe(before + 1n);
  call.ack(PCMA);
  network.run(100);
  expect(echo.media.open.get(0)).toMatchObject({ send: true, payloads: [{ type: 8 }] });
  expect(states()).toEqual(['ringing', 'answered', 'held', 'established']);
  call.bye();
});

test('a line that was refused stands in our offer with port 0, in its place (RFC 3264 §8)', () => {
  const { network, caller } = open();
  const call = caller();
  const video = offerText().replace('m=audio', 'm=video 40000 RTP/AVP 34\r\nm=audio');
  call.invite(video);
  network.run(100);
  call.ack();
  call.invite('');
  network.run(100);
  expect(
    call
      .answer()
      .match(/^m=.*$/gm)
      ?.map((line) => line.trim()),
  ).toEqual(['m=video 0 RTP/AVP 34', 'm=audio 10000 RTP/AVP 0 8 101 96 9 18']);
  call.ack(video);
  call.bye();
});

test('a bad answer to our offer in a call that stands leaves its audio as it was (§14.2)', () => {
  const { network, echo, phone, caller } = open();
  const call = caller();
  call.invite();
  network.run(100);
  call.ack();
  network.run(100);
  const before = echo.media.open.get(0);
  call.invite('');
  network.run(100);
  call.ack();
  network.run(100);
  expect(echo.media.open.get(0)).toEqual(before as NonNullable<typeof before>);
  expect(rejected()).toEqual(['answer-missing']);
  expect(phone.requests('BYE')).toHaveLength(0);
  expect(states()).toEqual(['ringing', 'answered', 'established']);
  call.bye();
});

test('an INVITE while our offer waits for its answer gets 491 (§14.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite('');
  network.run(100);
  call.invite();
  network.run(100);
  expect(call.finalStatus()).toBe(491);
  call.ack();
  call.bye();
});

test('a late offer that is never acknowledged ends as any call does (§13.3.1.4)', () => {
  const { network, phone, caller } = open();
  const call = caller();
  call.invite('');
  network.run(33_000);
  expect(phone.requests('BYE')).toHaveLength(1);
  expect(lastCall()).toMatchObject({ to: 'terminated', reason: 'no ACK' });
});

test('a body in the ACK of an INVITE that had the offer changes nothing (§13.2.1)', () => {
  const { network, echo, caller } = open();
  const call = caller();
  call.invite();
  network.run(100);
  const before = echo.media.open.get(0);
  call.ack(PCMA);
  network.run(100);
  expect(echo.media.open.get(0)).toEqual(before as NonNullable<typeof before>);
  expect(states()).toEqual(['ringing', 'answered', 'established']);
  call.bye();
});
