/** What an address may cost that never showed that it hears us (RFC 9000 §8, on RFC 3261 §13.3.1.4). */
import { afterEach, expect, test } from 'bun:test';
import { offerText } from '../io/virtual-caller.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import { ECHO_ADDRESS, type EchoScene, echoScene, leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import { AddressValidation } from './address-validation.ts';
import type { Flow } from './flow.ts';
import { MAX_SOURCES, MAX_UNPROVEN_REPEATS } from './limits.ts';

const from = (address: string): Flow => ({ transport: 'udp', remote: { address, port: 5060 } });
const VICTIM = from('192.0.2.66');

test('what is repeated to an address without proof is bounded, and free again after a minute', () => {
  const sources = new AddressValidation();
  for (let count = 0; count < MAX_UNPROVEN_REPEATS; count++) expect(sources.mayRepeat(VICTIM, 0)).toBe(true);
  expect(sources.mayRepeat(VICTIM, 59_999)).toBe(false);
  expect(sources.mayRepeat(from('192.0.2.67'), 59_999)).toBe(true);
  expect(sources.mayRepeat(VICTIM, 60_000)).toBe(true);
  expect(sources.mayRepeat(VICTIM, 60_000, MAX_UNPROVEN_REPEATS)).toBe(false);
});

test('an address that is proved, and a stream, may be told anything', () => {
  const sources = new AddressValidation();
  expect(sources.mayRepeat(VICTIM, 0, 1_000)).toBe(false);
  sources.proved({ ...VICTIM, remote: { ...VICTIM.remote, port: 9 } });
  expect(sources.mayRepeat(VICTIM, 0, 1_000)).toBe(true);
  expect(sources.mayRepeat({ ...from('192.0.2.67'), transport: 'tcp' }, 0, 1_000)).toBe(true);
});

test('calls are counted until the proof, or their end', () => {
  const sources = new AddressValidation();
  const held = [sources.hold(VICTIM), sources.hold(VICTIM)];
  expect(sources.heldBy(VICTIM)).toBe(2);
  sources.release(held[0]);
  expect(sources.heldBy(VICTIM)).toBe(1);
  sources.proved(VICTIM);
  expect(sources.heldBy(VICTIM)).toBe(0);
  expect(sources.hold(VICTIM)).toBeUndefined();
});

test('a caller on this machine may hold any number: nobody far away writes its address', () => {
  const sources = new AddressValidation();
  for (const address of ['127.0.0.1', '::1']) {
    expect(sources.hold(from(address))).toBeUndefined();
    expect(sources.heldBy(from(address))).toBe(0);
  }
});

test('the oldest address is forgotten when there are too many', () => {
  const sources = new AddressValidation();
  sources.proved(VICTIM);
  for (let index = 0; index < MAX_SOURCES; index++) sources.proved(from(`10.0.${index >> 8}.${index & 255}`));
  expect(sources.isProved(VICTIM)).toBe(false);
});

let scene: EchoScene | undefined;

afterEach(() => {
  if (scene !== undefined) expect(leftovers(scene.network, scene.echo)).toEqual([]);
  scene = undefined;
});

/** That many INVITEs with somebody else's address on them, none of them ever acknowledged. */
function spoofed(count: number, headers: readonly (readonly [string, string])[] = []): EchoScene {
  scene = echoScene(
    { maxCalls: 500 },
    Array.from({ length: count }, (_, index) => 10_000 + 2 * index),
  );
  for (let index = 0; index < count; index++) {
    scene.phone.request(
      ECHO_ADDRESS,
      'INVITE',
      'sip:echo@192.0.2.10',
      [
        ['Via', `SIP/2.0/UDP ${PHONE_ADDRESS.address};branch=z9hG4bK-spoofed-${index}`],
        ['From', `<sip:anna@example.org>;tag=${index}`],
        ['To', '<sip:echo@192.0.2.10>'],
        ['Call-ID', `spoofed-${index}`],
        ['CSeq', '1 INVITE'],
        ['Contact', `<sip:anna@${PHONE_ADDRESS.address}>`],
        ['Content-Type', 'application/sdp'],
        ...headers,
      ],
      offerText(),
    );
  }
  return scene;
}

test('spoofed INVITEs reflect each answer once, and a bounded number of repeats and BYEs (§13.3.1.4)', () => {
  const { network, phone } = spoofed(200);
  network.run(70_000);
  // 100, 180 and 200 each; two budgets of a minute, the BYEs of which are counted as eleven.
  expect(phone.heard.length).toBeGreaterThan(3 * 200);
  expect(phone.heard.length).toBeLessThanOrEqual(3 * 200 + 2 * (MAX_UNPROVEN_REPEATS + 11));
});

test('so do refusals, which Timer G repeats until an ACK (§17.2.1)', () => {
  const { network, phone } = spoofed(200, [['Require', 'x-nobody']]);
  network.run(70_000);
  expect(phone.heard.length).toBeGreaterThan(200);
  expect(phone.heard.length).toBeLessThanOrEqual(200 + 2 * MAX_UNPROVEN_REPEATS);
});

/** 20 calls of a phone that acknowledges them, and leads their BYEs to another address. */
function ledAstray(contact: string): { readonly victim: VirtualPeer; readonly scene: EchoScene } {
  const ports = Array.from({ length: 20 }, (_, index) => 10_000 + 2 * index);
  scene = echoScene({ maxCalls: 100 }, ports);
  const victim = new VirtualPeer(scene.network, 'victim', VICTIM.remote);
  victim.node.streams = false;
  for (const _ of ports) {
    const call = scene.caller();
    call.contact = contact;
    call.invite();
    scene.network.run(50);
    call.ack();
  }
  scene.network.run(50);
  scene.echo.act({ type: 'hangup-all' });
  return { victim, scene };
}

test('a Contact that leads to a third address has little repeated there, whoever acknowledged the call', () => {
  const { victim, scene: led } = ledAstray('<sip:anna@192.0.2.66>');
  led.network.run(40_000);
  expect(victim.requests('BYE').length).toBe(20 + MAX_UNPROVEN_REPEATS);
});

test('neither when a BYE is too large for a datagram, and TCP is refused there (§18.1.1)', () => {
  const { victim, scene: led } = ledAstray(`<sip:${'a'.repeat(1_300)}@192.0.2.66>`);
  led.network.run(40_000);
  expect(victim.requests('BYE').length).toBe(20 + MAX_UNPROVEN_REPEATS);
});

test('one that answers has proved itself: what is lost on the way to it is repeated as ever', () => {
  const { victim, scene: led } = ledAstray('<sip:anna@192.0.2.66>');
  led.network.run(100);
  const [first] = victim.requests('BYE');
  if (first !== undefined) victim.respond(first, 200);
  led.network.run(40_000);
  expect(victim.requests('BYE').length).toBe(1 + 19 * 11);
});

test('an address without proof holds half of all calls; its first ACK lifts that', () => {
  const { network, echo, phone, caller } = spoofed(300);
  network.run(400);
  const refused = () => phone.responses('INVITE').filter(({ message }) => message.status === 486).length;
  expect(refused()).toBe(50);
  expect(network.eventsOf(echo, 'sip.rejected')[0]).toMatchObject({ code: 'too-many-unproven', status: 486 });
  const [first] = phone.responses('INVITE').filter(({ message }) => message.status === 200);
  const to = first?.message.headers.find(({ name }) => name === 'To')?.value ?? '';
  phone.request(ECHO_ADDRESS, 'ACK', 'sip:echo@192.0.2.10', [
    ['Via', `SIP/2.0/UDP ${PHONE_ADDRESS.address};branch=z9hG4bK-ack`],
    [
      'From',
      `<sip:anna@example.org>;tag=${first?.message.headers.find(({ name }) => name === 'Call-ID')?.value.slice(8)}`,
    ],
    ['To', to],
    ['Call-ID', first?.message.headers.find(({ name }) => name === 'Call-ID')?.value ?? ''],
    ['CSeq', '1 ACK'],
  ]);
  const call = caller();
  call.invite();
  network.run(50);
  expect(call.statuses().at(-1)).toBe(200);
  call.ack();
  call.bye();
  echo.act({ type: 'hangup-all' });
});
