/**
 * What the other side asks for in a call that we placed: hold, resume, another address, an offer of ours, both at once
 * (RFC 3261 §14, RFC 3264 §8, RFC 3311 §5.2, RFC 3262 §5).
 */
import { afterEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { type OfferText, offerText } from '../io/virtual-caller.ts';
import { VirtualPeer } from '../io/virtual-peer.ts';
import { endpointConfig, leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import type { Action } from './endpoint-io.ts';
import { type SipResponse, value } from './message.ts';
import type { HeaderLine, ResponseParts } from './serialize-message.ts';

const CALLER_ADDRESS = { address: '192.0.2.30', port: 5060 };
const SDP: HeaderLine = ['Content-Type', 'application/sdp'];
const CONTACT: HeaderLine = ['Contact', '<sip:bob@192.0.2.20>'];

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let phone: VirtualPeer;
let sequence: number;

/** Our call to the phone, not answered yet. */
function ring(about: Partial<Extract<Action, { type: 'call' }>> = {}): void {
  network = new VirtualNetwork();
  const config = endpointConfig(CALLER_ADDRESS, { mediaTimeoutMs: 0 });
  ours = network.addEndpoint('caller', CALLER_ADDRESS, config, [40_000]);
  phone = new VirtualPeer(network, 'phone', PHONE_ADDRESS);
  phone.answering = ({ method }) => (method === 'BYE' || method === 'PRACK' ? { status: 200 } : undefined);
  sequence = 900;
  ours.act({ type: 'call', to: 'sip:bob@192.0.2.20', ...about });
  network.run(50);
}

function respond(status: number, parts: ResponseParts): void {
  const invite = phone.requests('INVITE').at(-1);
  if (invite === undefined) throw new Error('no INVITE');
  phone.respond(invite, status, parts);
  network.run(50);
}

const described = (offer: OfferText = {}, headers: readonly HeaderLine[] = []): ResponseParts => ({
  toTag: 'bob',
  headers: [CONTACT, SDP, ...headers],
  body: offerText(offer),
});

/** The same, answered. */
function established(about: Partial<Extract<Action, { type: 'call' }>> = {}): void {
  ring(about);
  respond(200, described());
}

/** A request of the phone in the dialog. */
function ask(
  method: string,
  body = '',
  headers: readonly HeaderLine[] = [CONTACT],
  number = ++sequence,
): void {
  const invite = phone.requests('INVITE')[0]?.message;
  if (invite === undefined) throw new Error('no INVITE');
  phone.request(
    CALLER_ADDRESS,
    method,
    'sip:anonymous@192.0.2.30',
    [
      ['Via', `SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKask${method}${number}`],
      ['From', '<sip:bob@192.0.2.20>;tag=bob'],
      ['To', value(invite, 'From') ?? ''],
      ['Call-ID', value(invite, 'Call-ID') ?? ''],
      ['CSeq', `${number} ${method}`],
      ...(body === '' ? [] : [SDP]),
      ...headers,
    ],
    body,
  );
  network.run(50);
}

const answerTo = (method: string): SipResponse | undefined => phone.responses(method).at(-1)?.message;
const statusOf = (method: string) => answerTo(method)?.status;
const bodyOf = (method: string) => answerTo(method)?.body ?? '';
const states = () => network.eventsOf(ours, 'call.changed').map(({ to }) => to);
const audio = () => ours.media.open.get(0);
const handle = () => network.eventsOf(ours, 'call.changed').at(-1)?.call ?? '';

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
});

test('hold and resume by re-INVITE (RFC 3264 §8.4)', () => {
  established();
  ask('INVITE', offerText({ direction: 'sendonly' }));
  ask('ACK', '', [], sequence);
  expect(bodyOf('INVITE')).toContain('a=recvonly');
  expect(audio()).toMatchObject({ send: false, receive: true });
  expect(states().at(-1)).toBe('held');
  ask('INVITE', offerText());
  ask('ACK', '', [], sequence);
  expect(audio()).toMatchObject({ send: true, receive: true });
  expect(states().at(-1)).toBe('established');
});

test('another address, port and codec by re-INVITE: the audio goes there, and still talks (RFC 3264 §8.3)', () => {
  established({ play: { type: 'tone' } });
  ask('INVITE', offerText({ address: '192.0.2.21', port: 31_000, codecs: { 8: 'PCMA/8000' } }));
  ask('ACK', '', [], sequence);
  expect(bodyOf('INVITE')).toContain('m=audio 40000 RTP/AVP 8\r\n');
  expect(audio()).toMatchObject({
    remote: { address: '192.0.2.21', port: 31_000 },
    payloads: [{ type: 8, name: 'PCMA' }],
    mode: { type: 'talk', play: { type: 'tone' } },
  });
});

test('a codec that we do not speak is refused with 488, and the call goes on (§14.2)', () => {
  established();
  const before = audio();
  ask('INVITE', offerText({ codecs: { 96: 'opus/48000/2' } }));
  expect(statusOf('INVITE')).toBe(488);
  ask('ACK', '', [], sequence);
  expect(audio()).toEqual(before as NonNullable<typeof before>);
  expect(states().at(-1)).toBe('established');
});

test('a re-INVITE without an offer gets ours, in G.711, and the ACK has the answer (§14.2)', () => {
  established();
  ask('INVITE');
  expect(bodyOf('INVITE')).toContain('m=audio 40000 RTP/AVP 0 8 101\r\n');
  ask('ACK', offerText({ port: 32_000 }), [], sequence);
  expect(audio()).toMatchObject({ remote: { port: 32_000 } });
});

test('an UPDATE holds as well (RFC 3311 §5.2)', () => {
  established();
  ask('UPDATE', offerText({ direction: 'sendonly' }));
  expect(statusOf('UPDATE')).toBe(200);
  expect(bodyOf('UPDATE')).toContain('a=recvonly');
  expect(states().at(-1)).toBe('held');
});

test('a re-INVITE moves the target: our BYE goes to the new Contact (§12.2.2)', () => {
  established();
  ask('INVITE', offerText(), [['Contact', '<sip:bob@192.0.2.20:5060;moved>']]);
  ask('ACK', '', [], sequence);
  ours.act({ type: 'hangup-all' });
  network.run(50);
  expect(phone.requests('BYE')[0]?.message.uri).toBe('sip:bob@192.0.2.20:5060;moved');
});

test('the audio of somebody else is not changed: 488 (§14.2)', () => {
  established({ audio: { address: '192.0.2.30', port: 4_000 } });
  ask('INVITE', offerText({ direction: 'sendonly' }));
  expect(statusOf('INVITE')).toBe(488);
  ask('ACK', '', [], sequence);
  expect(states().at(-1)).toBe('established');
});

test('both sides at once: each gets 491, and we, who made the Call-ID, come back after 2.1 to 4 s (§14.1)', () => {
  established();
  ours.act({ type: 'hold', call: handle() });
  network.run(5);
  ask('INVITE', offerText({ direction: 'sendonly' }));
  expect(statusOf('INVITE')).toBe(491);
  ask('ACK', '', [], sequence);
  respond(491, { toTag: 'bob' });
  const refusedMs = network.nowMs;
  network.run(2_000);
  expect(phone.requests('INVITE')).toHaveLength(2);
  network.run(2_000);
  const again = phone.requests('INVITE')[2];
  expect((again?.atMs ?? 0) - refusedMs).toBeWithin(2_000, 4_050);
  respond(200, described({ direction: 'recvonly' }));
  expect(states().at(-1)).toBe('held');
});

test('an offer before ours is answered gets 491 (RFC 3311 §5.2)', () => {
  ring();
  respond(180, { toTag: 'bob', headers: [CONTACT] });
  ask('UPDATE', offerText());
  expect(statusOf('UPDATE')).toBe(491);
  respond(200, described());
  expect(states().at(-1)).toBe('established');
});

test('an offer in a reliable 183 is answered in the PRACK, and the 200 has nothing to add (RFC 3262 §5)', () => {
  ring({ lateOffer: true });
  respond(
    183,
    described({ port: 31_000 }, [
      ['Require', '100rel'],
      ['RSeq', '7'],
    ]),
  );
  const prack = phone.requests('PRACK')[0]?.message;
  expect(prack && value(prack, 'RAck')).toBe('7 1 INVITE');
  expect(prack?.body ?? '').toContain('m=audio 40000 RTP/AVP 0 8 101\r\n');
  expect(audio()).toMatchObject({ remote: { port: 31_000 } });
  respond(200, { toTag: 'bob', headers: [CONTACT] });
  expect(phone.requests('ACK')[0]?.message.body).toHaveLength(0);
  expect(states().at(-1)).toBe('established');
});

test('an answer in a reliable 183 stands when the 200 has none (RFC 3262 §5)', () => {
  ring();
  respond(
    183,
    described({ port: 31_000 }, [
      ['Require', '100rel'],
      ['RSeq', '7'],
    ]),
  );
  expect(phone.requests('PRACK')[0]?.message.body).toHaveLength(0);
  respond(200, { toTag: 'bob', headers: [CONTACT] });
  expect(states().at(-1)).toBe('established');
  expect(audio()).toMatchObject({ remote: { port: 31_000 } });
});

test('a session is refreshed by re-INVITE where UPDATE is not allowed, also with a description of somebody', () => {
  const sdp = offerText({ address: '198.51.100.7', port: 4_000 });
  for (const about of [{}, { sdp }]) {
    ring(about);
    respond(200, described({}, [['Session-Expires', '200;refresher=uac']]));
    network.run(100_000);
    const again = phone.requests('INVITE').find(({ message }) => value(message, 'CSeq') === '2 INVITE');
    expect(again && value(again.message, 'Session-Expires')).toBe('200;refresher=uac');
    expect(again?.message.body ?? '').toBe(phone.requests('INVITE')[0]?.message.body ?? '');
  }
});
