/** Reliable provisional responses and PRACK (RFC 3262), as a phone on the wire sees them. */
import { afterEach, expect, test } from 'bun:test';
import { offerText, type VirtualCaller } from '../io/virtual-caller.ts';
import { type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import { value } from './message.ts';
import { parseRack } from './rack.ts';
import type { HeaderLine } from './serialize-message.ts';

let scene: EchoScene;
const REQUIRED: HeaderLine = ['Require', '100rel'];
const SUPPORTED: HeaderLine = ['Supported', 'timer, 100rel'];
const SDP: HeaderLine = ['Content-Type', 'application/sdp'];

function open(about: Partial<EndpointConfig> = {}): EchoScene {
  scene = echoScene(about);
  scene.phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  return scene;
}

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

const ringing = (call: VirtualCaller) =>
  call.responses('INVITE').filter(({ message }) => message.status === 180);
const responseNumber = (call: VirtualCaller) => {
  const [first] = ringing(call);
  return Number(first && value(first.message, 'RSeq'));
};

/** The PRACK of the first 180. */
function prack(call: VirtualCaller, answer = '', rack = `${responseNumber(call)} 1 INVITE`): void {
  call.request('PRACK', [['RAck', rack], ...(answer === '' ? [] : [SDP])], answer);
}

const states = () => scene.network.eventsOf(scene.echo, 'call.changed').map(({ to }) => to);
const lastCall = () => scene.network.eventsOf(scene.echo, 'call.changed').at(-1);

test('Require: 100rel gets a 180 with RSeq, and the 200 waits for the PRACK (§3)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite(offerText(), [REQUIRED]);
  network.run(100);
  expect(call.statuses()).toEqual([100, 180]);
  const [first] = ringing(call);
  expect(first && value(first.message, 'Require')).toBe('100rel');
  expect(responseNumber(call)).toBeGreaterThan(0);
  expect(responseNumber(call)).toBeLessThan(2 ** 31);
  prack(call);
  network.run(100);
  expect(call.statuses('PRACK')).toEqual([200]);
  expect(call.statuses()).toEqual([100, 180, 200]);
  expect(call.answer()).toContain('m=audio 10000');
  call.ack();
  network.run(100);
  expect(states()).toEqual(['ringing', 'answered', 'established']);
  call.bye();
});

test('a caller that supports it gets it with --prack alone, one that does not never (§3)', () => {
  const rows: readonly [boolean, readonly HeaderLine[], boolean][] = [
    [true, [SUPPORTED], true],
    [false, [SUPPORTED], false],
    [true, [], false],
  ];
  for (const [configured, headers, reliable] of rows) {
    const { network, caller } = open({ prack: configured });
    const call = caller();
    call.invite(offerText(), headers);
    network.run(100);
    expect(responseNumber(call) > 0).toBe(reliable);
    expect(call.finalStatus()).toBe(reliable ? undefined : 200);
    if (reliable) prack(call);
    network.run(100);
    call.ack();
    call.bye();
    expect(leftovers(network, scene.echo)).toEqual([]);
  }
});

test('the 180 is repeated at T1, 2·T1, 4·T1 and so on without a bound, the same each time (§3)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite(offerText(), [REQUIRED]);
  network.run(20_000);
  const times = ringing(call).map(({ atMs }) => atMs - (ringing(call)[0]?.atMs ?? 0));
  expect(times).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500]);
  expect(new Set(ringing(call).map(({ message }) => value(message, 'RSeq'))).size).toBe(1);
  prack(call);
  network.run(20_000);
  expect(ringing(call)).toHaveLength(6);
  call.ack();
  call.bye();
});

test('without a PRACK for 64·T1 the INVITE gets 504 and the call ends with a reason (§3)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite(offerText(), [REQUIRED]);
  network.run(31_900);
  expect(call.finalStatus()).toBeUndefined();
  network.run(300);
  expect(call.finalStatus()).toBe(504);
  expect(lastCall()).toMatchObject({ to: 'terminated', reason: 'no PRACK', status: 504 });
  call.ack();
});

test('a PRACK that names no response which waits gets 481, one that cannot be read 400 (§3, §7.2)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite(offerText(), [REQUIRED]);
  network.run(100);
  const number = responseNumber(call);
  for (const rack of [`${number + 1} 1 INVITE`, `${number} 2 INVITE`, `${number} 1 UPDATE`]) {
    prack(call, '', rack);
    network.run(50);
    expect(call.responses('PRACK').at(-1)?.message.status).toBe(481);
  }
  prack(call, '', 'one two three');
  network.run(50);
  expect(call.responses('PRACK').at(-1)?.message.status).toBe(400);
  call.request('PRACK');
  network.run(50);
  expect(call.responses('PRACK').at(-1)?.message.status).toBe(400);
  expect(call.finalStatus()).toBeUndefined();
  prack(call);
  network.run(50);
  expect(call.finalStatus()).toBe(200);
  // Once acknowledged it waits no more.
  prack(call);
  network.run(50);
  expect(call.responses('PRACK').at(-1)?.message.status).toBe(481);
  call.ack();
  call.bye();
});

test('a late offer goes out in the 180, the PRACK brings the answer, and the 200 has none (§5)', () => {
  const { network, echo, caller } = open({ answerDelayMs: 1_000 });
  const call = caller();
  call.invite('', [REQUIRED]);
  network.run(100);
  expect(ringing(call)[0]?.message.body ?? '').toContain('RTP/AVP 96 9 0 8 18 101');
  prack(call, offerText({ codecs: { 8: 'PCMA/8000' } }));
  network.run(100);
  expect(call.statuses('PRACK')).toEqual([200]);
  expect(echo.media.open.get(0)).toMatchObject({ payloads: [{ type: 8 }], send: true });
  // The session stands, so an UPDATE may change it before the call is answered (RFC 3311 §5.1).
  call.request('UPDATE', [SDP], offerText({ port: 30_002 }));
  network.run(100);
  expect(call.statuses('UPDATE')).toEqual([200]);
  expect(echo.media.open.get(0)).toMatchObject({ remote: { port: 30_002 } });
  network.run(1_000);
  expect(call.finalStatus()).toBe(200);
  expect(call.answer()).toBe('');
  call.ack();
  network.run(100);
  expect(states()).toEqual(['ringing', 'answered', 'established']);
  call.bye();
});

test('a PRACK without the answer to our offer is refused, and the INVITE with it (§5)', () => {
  const { network, echo, caller } = open();
  const call = caller();
  call.invite('', [REQUIRED]);
  network.run(100);
  prack(call);
  network.run(100);
  expect(call.statuses('PRACK')).toEqual([400]);
  expect(call.finalStatus()).toBe(488);
  expect(lastCall()?.reason).toStartWith('no answer to our offer');
  expect(echo.media.open.size).toBe(0);
  call.ack();
});

test('an offer in the PRACK while that of the INVITE is open gets 500; the 180 is acknowledged all the same (§5)', () => {
  const { network, caller } = open();
  const call = caller();
  call.invite(offerText(), [REQUIRED]);
  network.run(100);
  prack(call, offerText());
  network.run(100);
  expect(call.statuses('PRACK')).toEqual([500]);
  expect(call.finalStatus()).toBe(200);
  call.ack();
  call.bye();
});

test('CANCEL, BYE and hanging up end a call that waits for its PRACK (§3)', () => {
  for (const end of ['cancel', 'bye', 'hang up'] as const) {
    const { network, echo, caller } = open();
    const call = caller();
    call.invite(offerText(), [REQUIRED]);
    network.run(700);
    if (end === 'cancel') call.cancel();
    else if (end === 'bye') call.bye();
    else echo.act({ type: 'hangup-all' });
    network.run(100);
    expect(call.finalStatus()).toBe(end === 'hang up' ? 480 : 487);
    const heard = ringing(call).length;
    call.ack();
    network.run(10_000);
    expect(ringing(call)).toHaveLength(heard);
    expect(leftovers(network, echo)).toEqual([]);
  }
});

test('a PRACK that belongs to no dialog gets 481 (§3)', () => {
  const { network, caller } = open();
  const call = caller();
  call.request('PRACK', [['RAck', '1 1 INVITE']]);
  network.run(100);
  expect(call.statuses('PRACK')).toEqual([481]);
});

test('RAck is two numbers below 2^32 and a method (§7.2)', () => {
  expect(parseRack('776656 1 INVITE')).toEqual({
    ok: true,
    value: { responseNumber: 776656, sequence: 1, method: 'INVITE' },
  });
  for (const text of ['', '1 INVITE', '4294967296 1 INVITE', '1 99999999999 INVITE', '1 1']) {
    expect(parseRack(text, 7)).toMatchObject({ ok: false, error: { code: 'rack-malformed', offset: 7 } });
  }
});
