/** INVITE, ACK, BYE and CANCEL out of the common order (RFC 3261 §9.2, §12.2.2, §13.3.1.4, §14.2, §15.1.2). */
import { afterEach, expect, test } from 'bun:test';
import { offerText, type VirtualCaller } from '../io/virtual-caller.ts';
import { ECHO_ADDRESS, type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';

let scene: EchoScene;

function open(about: Partial<EndpointConfig> = {}): EchoScene {
  scene = echoScene(about);
  scene.phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  return scene;
}

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

const states = () => scene.network.eventsOf(scene.echo, 'call.changed').map(({ to }) => to);

function established(): VirtualCaller {
  const call = scene.caller();
  call.invite();
  scene.network.run(100);
  call.ack();
  scene.network.run(100);
  return call;
}

/** A request of that call with other tags, or another branch, than its own. */
function forge(
  method: string,
  call: VirtualCaller,
  { toTag = call.toTag, branch = 'z9hG4bK-forged', sequence = call.sequence } = {},
): void {
  scene.phone.request(ECHO_ADDRESS, method, 'sip:echo@192.0.2.10', [
    ['Via', `SIP/2.0/UDP 192.0.2.20:5060;rport;branch=${branch}`],
    ['Max-Forwards', '70'],
    ['From', `<sip:anna@example.org>;tag=${call.fromTag}`],
    ['To', `<sip:echo@192.0.2.10>${toTag === undefined ? '' : `;tag=${toTag}`}`],
    ['Call-ID', call.callId],
    ['CSeq', `${sequence} ${method}`],
  ]);
}

const badOffers: Readonly<Record<string, [string, number]>> = {
  'no SDP at all': ['hello', 400],
  'its audio on port 0': [offerText({ port: 0 }), 488],
  'no codec of ours': [offerText({ codecs: { 101: 'telephone-event/8000' } }), 488],
};

for (const [what, [offer, status]] of Object.entries(badOffers)) {
  test(`a re-INVITE with ${what} gets ${status} and leaves audio and target as they were (§14.2)`, () => {
    const { network, echo, phone } = open();
    const call = established();
    const before = echo.media.open.get(0);
    call.contact = '<sip:moved@192.0.2.20:5060>';
    call.invite(offer);
    network.run(100);
    expect(call.finalStatus()).toBe(status);
    call.ack();
    network.run(100);
    expect(echo.media.open.get(0)).toEqual(before as NonNullable<typeof before>);
    expect(states()).toEqual(['ringing', 'answered', 'established']);
    echo.act({ type: 'hangup-all' });
    network.run(100);
    expect(phone.requests('BYE')[0]?.message.uri).toBe('sip:anna@192.0.2.20:5060');
  });
}

test('after a re-INVITE that was refused the next one is served (§14.2)', () => {
  const { network } = open();
  const call = established();
  call.invite(offerText({ port: 0 }));
  network.run(100);
  call.ack();
  call.invite(offerText({ direction: 'sendonly' }));
  network.run(100);
  expect(call.finalStatus()).toBe(200);
  call.ack();
  network.run(100);
  expect(states().at(-1)).toBe('held');
  call.bye();
});

test('an ACK with another To tag, or another CSeq, acknowledges nothing (§13.3.1.4)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite();
  network.run(100);
  forge('ACK', call, { toTag: 'another' });
  forge('ACK', call, { branch: 'z9hG4bK-other', sequence: 7 });
  network.run(1_000);
  expect(states()).toEqual(['ringing', 'answered']);
  expect(call.responses('INVITE').filter(({ message }) => message.status === 200)).toHaveLength(2);
  call.ack();
  network.run(100);
  expect(states()).toEqual(['ringing', 'answered', 'established']);
  call.bye();
});

test('a CANCEL with another branch than its INVITE gets 481, and the call goes on ringing (§9.2)', () => {
  const { network, phone, caller } = open({ answerDelayMs: 500 });
  const call = caller();
  call.invite();
  network.run(100);
  forge('CANCEL', call, { toTag: undefined });
  network.run(100);
  expect(phone.responses('CANCEL').map(({ message }) => message.status)).toEqual([481]);
  network.run(500);
  expect(call.finalStatus()).toBe(200);
  call.ack();
  call.bye();
});

test('a gap in CSeq is accepted, a number that is not above the last gets 500, and the call stands (§12.2.2)', () => {
  const { network } = open();
  const call = established();
  call.sequence += 1_000;
  call.invite();
  network.run(100);
  expect(call.finalStatus()).toBe(200);
  call.ack();
  call.sequence -= 500;
  call.invite();
  network.run(100);
  expect(call.finalStatus()).toBe(500);
  call.ack();
  network.run(100);
  expect(states()).toEqual(['ringing', 'answered', 'established']);
  call.sequence += 500;
  call.bye();
  network.run(100);
  expect(call.statuses('BYE')).toEqual([200]);
});

test('a BYE before the ACK of a late offer ends the call, and a late ACK changes nothing (§15.1.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite('');
  network.run(100);
  call.bye();
  network.run(100);
  expect(call.statuses('BYE')).toEqual([200]);
  call.ack(offerText());
  network.run(1_000);
  expect(states()).toEqual(['ringing', 'answered', 'terminated']);
  expect(call.responses('INVITE').filter(({ message }) => message.status === 200)).toHaveLength(1);
});
