/** The audio of calls that we place, as a phone on the wire and the media thread see it (RFC 3264, RFC 3261 §13.2). */
import { afterEach, expect, test } from 'bun:test';
import { type VirtualEndpoint, VirtualNetwork } from '../io/virtual.ts';
import { offerText } from '../io/virtual-caller.ts';
import { type Heard, VirtualPeer } from '../io/virtual-peer.ts';
import { endpointConfig, leftovers, PHONE_ADDRESS } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import type { Action } from './endpoint-io.ts';
import { value } from './message.ts';
import type { HeaderLine, ResponseParts } from './serialize-message.ts';

const CALLER_ADDRESS = { address: '192.0.2.30', port: 5060 };

let network: VirtualNetwork;
let ours: VirtualEndpoint;
let phone: VirtualPeer;

function open(ports: readonly number[] = [40_000], about: Partial<EndpointConfig> = {}): void {
  network = new VirtualNetwork();
  ours = network.addEndpoint('caller', CALLER_ADDRESS, endpointConfig(CALLER_ADDRESS, about), ports);
  phone = new VirtualPeer(network, 'phone', PHONE_ADDRESS);
  phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
}

function call(about: Partial<Extract<Action, { type: 'call' }>> = {}): void {
  ours.act({ type: 'call', to: 'sip:bob@192.0.2.20', ...about });
  network.run(50);
}

afterEach(() => {
  ours.act({ type: 'stop', reason: 'the test is over' });
  expect(leftovers(network, ours)).toEqual([]);
});

const states = () => network.eventsOf(ours, 'call.changed').map(({ to }) => to);
const last = () => network.eventsOf(ours, 'call.changed').at(-1);
const codes = () => network.eventsOf(ours, 'diagnosis.raised').map(({ code }) => code);
const started = () => network.eventsOf(ours, 'media.started');
const lastOf = (method: string): Heard | undefined => phone.requests(method).at(-1);
const bodyOf = (method: string) => lastOf(method)?.message.body ?? '';

const described = (body: string, toTag = 'bob', more: readonly HeaderLine[] = []): ResponseParts => ({
  toTag,
  headers: [['Contact', '<sip:bob@192.0.2.20>'], ['Content-Type', 'application/sdp'], ...more],
  body,
});
const bare = (toTag = 'bob'): ResponseParts => ({ toTag, headers: [['Contact', '<sip:bob@192.0.2.20>']] });

function respond(status: number, parts: ResponseParts): void {
  const invite = lastOf('INVITE');
  if (invite === undefined) throw new Error('no INVITE');
  phone.respond(invite, status, parts);
  network.run(50);
}

test('a call offers a port of the reserve, and opens it to talk when it is answered', () => {
  open();
  call({ play: { type: 'tone' }, record: '/tmp/heard.wav' });
  expect(bodyOf('INVITE')).toContain('m=audio 40000 RTP/AVP 0 8 101\r\n');
  expect(bodyOf('INVITE')).toContain('c=IN IP4 192.0.2.30\r\n');
  expect(ours.media.open.size).toBe(0);
  respond(200, described(offerText({ port: 31_000 })));
  expect(ours.media.open.get(0)).toMatchObject({
    port: 40_000,
    remote: { address: '192.0.2.20', port: 31_000 },
    send: true,
    receive: true,
    mode: { type: 'talk', play: { type: 'tone' }, record: '/tmp/heard.wav' },
  });
  expect(states()).toEqual(['calling', 'established']);
  ours.act({ type: 'hangup-all' });
  network.run(50);
  expect(ours.media.open.size).toBe(0);
  expect(network.eventsOf(ours, 'media.stopped')).toHaveLength(1);
});

test('a try that goes to another family offers our address in that one, one version later (RFC 3264 §8)', () => {
  open([40_000], { defaultAddresses: { ipv4: '192.0.2.30', ipv6: '2001:db8::30' } });
  const v6 = new VirtualPeer(network, 'v6', { address: '2001:db8::20', port: 5060 });
  call();
  const first = bodyOf('INVITE');
  respond(302, { toTag: 'bob', headers: [['Contact', '<sip:bob@[2001:db8::20]>']] });
  const second = v6.requests('INVITE')[0]?.message.body ?? '';
  expect(first).toContain('c=IN IP4 192.0.2.30\r\n');
  expect(second).toContain('c=IN IP6 2001:db8::30\r\n');
  const versions = [first, second].map((body) => BigInt(/o=\S+ \d+ (\d+)/.exec(body)?.[1] ?? '0'));
  expect(versions[1]).toBe((versions[0] ?? 0n) + 1n);
});

test('a call without anything to play sends silence', () => {
  open();
  call();
  respond(200, described(offerText()));
  expect(ours.media.open.get(0)?.mode).toEqual({ type: 'talk', play: { type: 'silence' } });
});

test('a call waits for a port of the reserve, for 2 s', () => {
  open([40_000]);
  call();
  call();
  expect(phone.requests('INVITE')).toHaveLength(1);
  respond(486, { toTag: 'bob' });
  network.run(2_000);
  expect(phone.requests('INVITE').map(({ message }) => value(message, 'CSeq'))).toEqual([
    '1 INVITE',
    '1 INVITE',
  ]);
  call();
  network.run(2_100);
  expect(last()).toMatchObject({ to: 'terminated', reason: 'no RTP port became free in time' });
});

test('a call beyond --max-calls is not placed', () => {
  open([40_000, 40_002], { maxCalls: 1 });
  call();
  call();
  expect(phone.requests('INVITE')).toHaveLength(1);
  expect(last()?.reason).toBe('1 calls are up, and no more are allowed');
});

test('early media opens the audio, and the 200 may move it (§13.2.1)', () => {
  open();
  call();
  respond(183, described(offerText({ port: 31_000 })));
  expect(ours.media.open.get(0)).toMatchObject({ remote: { port: 31_000 } });
  expect(states()).toEqual(['calling', 'ringing']);
  respond(183, described(offerText({ port: 31_000 })));
  expect(started()).toHaveLength(1);
  respond(200, described(offerText({ port: 32_000 })));
  expect(ours.media.open.get(0)).toMatchObject({ remote: { port: 32_000 } });
  expect(started()).toHaveLength(2);
});

test('what is played waits for the 200, also when that says what the 183 said', () => {
  for (const port of [31_000, 32_000]) {
    open();
    call();
    respond(183, described(offerText({ port: 31_000 })));
    expect(ours.media.open.get(0)).toMatchObject({ early: true, mode: { type: 'talk' } });
    respond(200, described(offerText({ port })));
    expect(ours.media.open.get(0)).toMatchObject({ remote: { port }, mode: { type: 'talk' } });
    expect(ours.media.open.get(0)).not.toHaveProperty('early');
    expect(started()).toHaveLength(port === 31_000 ? 1 : 2);
  }
});

test('a 200 without a body takes the answer of the 183 before it, of the same phone alone (§13.2.1)', () => {
  open([40_000, 40_002]);
  call();
  respond(183, described(offerText({ port: 31_000 })));
  respond(200, bare());
  expect(last()?.to).toBe('established');
  ours.act({ type: 'hangup-all' });
  network.run(50);
  call();
  respond(183, described(offerText({ port: 31_000 })));
  respond(200, bare('another'));
  expect(codes()).toEqual(['answer-missing']);
  expect(last()).toMatchObject({ to: 'terminated' });
});

test('a call that is refused after early media gives its port back', () => {
  open();
  call();
  respond(183, described(offerText()));
  respond(486, { toTag: 'bob' });
  expect(ours.media.open.size).toBe(0);
});

const UNUSABLE: readonly [string, string, string][] = [
  ['no common codec', offerText({ codecs: { 3: 'GSM/8000' } }), 'no-common-codec'],
  ['port 0', offerText({ port: 0 }), 'answer-refused'],
  ['a line too many', `${offerText()}m=video 0 RTP/AVP 96\r\n`, 'answer-line-count'],
  ['another kind of line', offerText().replace('m=audio', 'm=video'), 'answer-line-kind'],
  [
    'a number that means something else',
    offerText({ codecs: { 0: 'PCMU/8000', 8: 'G729/8000' } }),
    'payload-type-changed',
  ],
  ['what is no session description', 'hello', 'sdp-line-malformed'],
  ['nothing', '', 'answer-missing'],
];
for (const [what, answer, code] of UNUSABLE) {
  test(`an answer with ${what} is acknowledged, and the call ended: ${code} (RFC 3264 §6)`, () => {
    open();
    call();
    respond(200, answer === '' ? bare() : described(answer));
    expect(states()).toEqual(['calling', 'terminated']);
    expect(codes()).toEqual([code]);
    expect(last()?.reason).toStartWith('the answer cannot be used: ');
    expect(phone.requests('ACK')).toHaveLength(1);
    expect(phone.requests('BYE')).toHaveLength(1);
    expect(ours.media.open.size).toBe(0);
  });
}

test('an answer that holds us from the start is an established call that is held', () => {
  open();
  call();
  respond(200, described(offerText({ direction: 'inactive' })));
  expect(states()).toEqual(['calling', 'established', 'held']);
});

test('a late offer: no body in the INVITE, our answer in the ACK, in G.711 alone (§13.2.1)', () => {
  open();
  call({ lateOffer: true });
  expect(lastOf('INVITE')?.message.body).toHaveLength(0);
  const codecs = { 96: 'opus/48000/2', 8: 'PCMA/8000', 101: 'telephone-event/8000' };
  respond(200, described(offerText({ port: 31_000, codecs })));
  expect(bodyOf('ACK')).toContain('m=audio 40000 RTP/AVP 8 101\r\n');
  expect(ours.media.open.get(0)).toMatchObject({ remote: { port: 31_000 }, mode: { type: 'talk' } });
  expect(last()?.to).toBe('established');
});

test('a late offer that we cannot take is refused line by line in the ACK, and the call ended (RFC 3264 §6)', () => {
  open();
  call({ lateOffer: true });
  respond(200, described(offerText({ codecs: { 96: 'opus/48000/2' } })));
  expect(bodyOf('ACK')).toContain('m=audio 0 RTP/AVP 96\r\n');
  expect(codes()).toEqual(['no-common-codec']);
  expect(last()?.to).toBe('terminated');
});

test('a 200 that should have brought the offer and has none ends the call (§13.2.1)', () => {
  open();
  call({ lateOffer: true });
  respond(200, bare());
  expect(lastOf('ACK')?.message.body).toHaveLength(0);
  expect(codes()).toEqual(['offer-missing']);
  expect(last()?.to).toBe('terminated');
});

const WRITTEN =
  'v=0\no=me 1 1 IN IP4 198.51.100.7\ns=mine\nc=IN IP4 198.51.100.7\nt=0 0\nm=audio 4000 RTP/AVP 3\n';

test('a session description of somebody goes out as it stands, and its answer is judged', () => {
  open();
  call({ sdp: WRITTEN });
  expect(bodyOf('INVITE')).toBe(WRITTEN);
  respond(200, described(offerText({ codecs: { 3: 'GSM/8000' } })));
  expect(last()?.to).toBe('established');
  expect(ours.media.commands).toEqual([]);
  ours.act({ type: 'hangup-all' });
  network.run(50);
  call({ sdp: WRITTEN });
  respond(200, described(offerText()));
  expect(codes()).toEqual(['no-common-codec']);
  call({ sdp: 'v=0\nhello' });
  expect(last()?.reason).toStartWith('the session description to send: ');
  expect(phone.requests('INVITE')).toHaveLength(2);
});

test('a session description of somebody answers a late offer', () => {
  open();
  call({ sdp: WRITTEN, lateOffer: true });
  expect(lastOf('INVITE')?.message.body).toHaveLength(0);
  respond(200, described(offerText({ codecs: { 3: 'GSM/8000' } })));
  expect(bodyOf('ACK')).toBe(WRITTEN);
  expect(last()?.to).toBe('established');
});

test('keys are handed to the media thread once the call stands, and later ones after them', () => {
  open();
  call({ dtmf: '12#' });
  respond(200, described(offerText()));
  const { call: handle = '' } = last() ?? {};
  ours.act({ type: 'dtmf', call: handle, digits: 'a,5' });
  const keys = ours.media.commands.filter(({ type }) => type === 'dtmf');
  expect(keys).toEqual([
    { type: 'dtmf', slot: 0, digits: '12#' },
    { type: 'dtmf', slot: 0, digits: 'A,5' },
  ]);
});

test('keys that cannot be sent are told of: no telephone-event, on hold, no keys at all', () => {
  open([40_000, 40_002]);
  call({ dtmf: '1' });
  respond(200, described(offerText({ codecs: { 0: 'PCMU/8000' } })));
  expect(codes()).toEqual(['dtmf-not-sent']);
  const { call: handle = '' } = last() ?? {};
  ours.act({ type: 'dtmf', call: handle, digits: 'x' });
  call({ dtmf: '1' });
  respond(200, described(offerText({ direction: 'inactive' })));
  expect(codes()).toEqual(['dtmf-not-sent', 'dtmf-not-sent', 'dtmf-not-sent']);
  expect(ours.media.commands.some(({ type }) => type === 'dtmf')).toBe(false);
});

test('the INVITE asks for a session timer, and what the 200 agreed is done: we refresh (RFC 4028 §7.2)', () => {
  open();
  call();
  const asked = lastOf('INVITE')?.message;
  expect(asked && value(asked, 'Session-Expires')).toBe('1800');
  expect(asked && value(asked, 'Min-SE')).toBe('90');
  expect(asked && value(asked, 'Supported')).toContain('timer');
  respond(
    200,
    described(offerText(), 'bob', [
      ['Session-Expires', '200;refresher=uac'],
      ['Allow', 'UPDATE'],
    ]),
  );
  network.run(100_100);
  expect(phone.requests('UPDATE').length).toBeGreaterThan(0);
});

test('a session that the other side is to refresh and does not ends with a reason (RFC 4028 §10)', () => {
  open([40_000], { mediaTimeoutMs: 0 });
  call();
  respond(200, described(offerText(), 'bob', [['Session-Expires', '200;refresher=uas']]));
  network.run(169_000);
  expect(last()?.reason).toStartWith('session expired');
});

test('a 200 without Session-Expires sets no timer (RFC 4028 §7.2)', () => {
  open([40_000], { mediaTimeoutMs: 0 });
  call();
  respond(200, described(offerText()));
  network.run(4_000_000);
  expect(last()?.to).toBe('established');
});

test('422 is followed by an INVITE with the greater interval, as often as it helps (RFC 4028 §7.3)', () => {
  open();
  call();
  const refuse = (least: string) => respond(422, { toTag: 'bob', headers: [['Min-SE', least]] });
  refuse('1900');
  const asked = lastOf('INVITE')?.message;
  expect(asked && value(asked, 'Session-Expires')).toBe('1900');
  expect(asked && value(asked, 'Min-SE')).toBe('1900');
  expect(asked && value(asked, 'CSeq')).toBe('2 INVITE');
  refuse('2000');
  refuse('2000');
  expect(last()).toMatchObject({ to: 'terminated', status: 422 });
  expect(phone.requests('INVITE')).toHaveLength(3);
});
