/** Session timers (RFC 4028), as a phone on the wire sees them. */
import { afterEach, describe, expect, test } from 'bun:test';
import { offerText, type VirtualCaller } from '../io/virtual-caller.ts';
import { type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';
import { value } from './message.ts';
import { buildResponse, type HeaderLine, serialize } from './serialize-message.ts';
import { parseMinSe, parseSessionExpires } from './session-expires.ts';

let scene: EchoScene;
const TIMER: HeaderLine = ['Supported', 'timer'];
const expires = (text: string): HeaderLine => ['Session-Expires', text];

function open(): EchoScene {
  scene = echoScene({ mediaTimeoutMs: 0 });
  scene.phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  return scene;
}

afterEach(() => {
  expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

/** A call that stands, with those fields in its INVITE. */
function established(headers: readonly HeaderLine[]): VirtualCaller {
  const call = scene.caller();
  call.invite(offerText(), headers);
  scene.network.run(100);
  call.ack();
  scene.network.run(100);
  return call;
}

const agreed = (call: VirtualCaller, name = 'Session-Expires') => {
  const response = call.finalResponse();
  return response && value(response, name);
};
const lastCall = () => scene.network.eventsOf(scene.echo, 'call.changed').at(-1);

describe('what is agreed (§9)', () => {
  const rows: readonly [string, readonly HeaderLine[], string | undefined, string | undefined][] = [
    ['nothing asked, nothing set', [TIMER], undefined, undefined],
    [
      'the caller refreshes when it does not say who',
      [TIMER, expires('1800')],
      '1800;refresher=uac',
      'timer',
    ],
    [
      'the caller refreshes as it asks',
      [TIMER, expires('1800;refresher=uac')],
      '1800;refresher=uac',
      'timer',
    ],
    ['we refresh as it asks', [TIMER, expires('600;refresher=uas')], '600;refresher=uas', 'timer'],
    [
      'a proxy asks for a caller without timers: we refresh',
      [expires('1800')],
      '1800;refresher=uas',
      undefined,
    ],
    [
      'too short for a caller without timers: the least there is',
      [expires('30')],
      '90;refresher=uas',
      undefined,
    ],
    ['never below Min-SE', [TIMER, expires('120'), ['Min-SE', '300']], '300;refresher=uac', 'timer'],
    ['more than a day becomes a day', [TIMER, expires('4294967295')], '86400;refresher=uac', 'timer'],
    [
      'the compact form',
      [
        ['k', 'TIMER'],
        ['x', '1800'],
      ],
      '1800;refresher=uac',
      'timer',
    ],
  ];
  for (const [what, headers, interval, required] of rows) {
    test(what, () => {
      open();
      const call = established(headers);
      expect(agreed(call)).toBe(interval);
      expect(agreed(call, 'Require')).toBe(required);
      expect(agreed(call, 'Supported')).toContain('timer');
      call.bye();
    });
  }
});

test('an interval below 90 s gets 422 with Min-SE, and the longer one is taken (§9)', () => {
  const { network, caller } = open();
  const short = caller();
  short.invite(offerText(), [TIMER, expires('60')]);
  network.run(100);
  expect(short.finalStatus()).toBe(422);
  expect(agreed(short, 'Min-SE')).toBe('90');
  short.ack();
  const call = caller();
  call.invite(offerText(), [TIMER, expires('90'), ['Min-SE', '90']]);
  network.run(100);
  expect(agreed(call)).toBe('90;refresher=uac');
  call.ack();
  call.bye();
});

test('a Session-Expires that cannot be read gets 400 (§4)', () => {
  const { network, caller } = open();
  for (const text of ['soon', '1800;refresher=both', '-5']) {
    const call = caller();
    call.invite(offerText(), [TIMER, expires(text)]);
    network.run(100);
    expect(call.finalStatus()).toBe(400);
    call.ack();
  }
});

test('Require: timer is understood (§4)', () => {
  open();
  const call = established([['Require', 'timer'], expires('1800')]);
  expect(agreed(call)).toBe('1800;refresher=uac');
  call.bye();
});

test('a session that the caller does not refresh is ended 32 s, or a third of it, before its end (§10)', () => {
  for (const [intervalS, endS] of [
    [600, 568],
    [90, 60],
  ] as const) {
    const { network, phone } = open();
    established([TIMER, expires(`${intervalS};refresher=uac`)]);
    network.run((endS - 1) * 1_000);
    expect(phone.requests('BYE')).toHaveLength(0);
    network.run(1_000);
    expect(phone.requests('BYE')).toHaveLength(1);
    expect(lastCall()).toMatchObject({ to: 'terminated' });
    expect(lastCall()?.reason).toStartWith('session expired');
    expect(phone.requests('UPDATE')).toHaveLength(0);
  }
});

test('each refresh of the caller begins the interval anew, by UPDATE or by re-INVITE (§10)', () => {
  const { network, phone } = open();
  const call = established([TIMER, expires('100;refresher=uac')]);
  network.run(60_000);
  call.request('UPDATE', [TIMER, expires('100;refresher=uac')]);
  network.run(60_000);
  call.invite(offerText(), [TIMER, expires('100;refresher=uac')]);
  network.run(100);
  call.ack();
  network.run(60_000);
  expect(phone.requests('BYE')).toHaveLength(0);
  network.run(10_000);
  expect(phone.requests('BYE')).toHaveLength(1);
});

test('a refresh without Session-Expires ends the timer, not the call (§9)', () => {
  const { network, phone } = open();
  const call = established([TIMER, expires('100')]);
  call.request('UPDATE', [TIMER]);
  network.run(1_000_000);
  expect(phone.requests('BYE')).toHaveLength(0);
  call.bye();
});

test('we refresh at half the interval by UPDATE without an offer, when the caller takes it (§7.4, §10)', () => {
  const { network, phone } = open();
  phone.answering = ({ method }) => {
    if (method === 'UPDATE') return { status: 200, headers: [expires('200;refresher=uac')] };
    return method === 'BYE' ? { status: 200 } : undefined;
  };
  const call = established([TIMER, expires('200;refresher=uas'), ['Allow', 'INVITE, ACK, UPDATE']]);
  network.run(350_000);
  const updates = phone.requests('UPDATE');
  const first = updates[0]?.atMs ?? 0;
  expect(updates.map(({ atMs }) => Math.round((atMs - first) / 1_000))).toEqual([0, 100, 200]);
  const message = updates[0]?.message;
  expect(message && value(message, 'Session-Expires')).toBe('200;refresher=uac');
  expect(message && value(message, 'Contact')).toBe('<sip:echo@192.0.2.10:5060>');
  expect(message?.body).toHaveLength(0);
  expect(phone.requests('BYE')).toHaveLength(0);
  call.bye();
});

/** A phone that answers re-INVITEs with that, and BYE with 200. */
function answersReinvite(status: number, headers: readonly HeaderLine[] = [], answer = offerText()): void {
  const { phone } = scene;
  phone.answering = ({ method }) => {
    if (method === 'BYE') return { status: 200 };
    if (method !== 'INVITE') return undefined;
    if (status >= 300) return { status, headers };
    const contact: HeaderLine = ['Contact', '<sip:anna@192.0.2.20:5060>'];
    return {
      status,
      headers: [...headers, contact, ['Content-Type', 'application/sdp']],
      body: answer,
    };
  };
}

test('we refresh by a re-INVITE of the session as it is when UPDATE is not allowed, and acknowledge it (§7.4)', () => {
  const { network, echo, phone } = open();
  answersReinvite(200, [expires('200;refresher=uac')]);
  const call = established([TIMER, expires('200;refresher=uas')]);
  const before = echo.media.open.get(0);
  network.run(100_500);
  const [invite] = phone.requests('INVITE');
  expect(invite && value(invite.message, 'CSeq')).toBe('1 INVITE');
  expect(invite?.message.body).toBe(call.answer());
  const acks = phone.requests('ACK');
  expect(acks.map(({ message }) => value(message, 'CSeq'))).toEqual(['1 ACK']);
  expect(echo.media.open.get(0)).toEqual(before as NonNullable<typeof before>);
  // Its 200 again: the ACK was lost.
  if (invite !== undefined) {
    const contact: HeaderLine = ['Contact', '<sip:anna@192.0.2.20:5060>'];
    phone.sendBytes(invite.flow, serialize(buildResponse(invite.message, 200, { headers: [contact] })));
  }
  network.run(100);
  expect(phone.requests('ACK')).toHaveLength(2);
  expect(phone.requests('BYE')).toHaveLength(0);
  call.bye();
});

test('the answer to our re-INVITE may move the audio (RFC 3264 §8)', () => {
  const { network, echo } = open();
  answersReinvite(200, [], offerText({ port: 31_000 }));
  const call = established([expires('200')]);
  network.run(101_000);
  expect(echo.media.open.get(0)).toMatchObject({ remote: { port: 31_000 } });
  call.bye();
});

test('an INVITE while our re-INVITE is out gets 491 (RFC 3261 §14.2)', () => {
  const { network, phone } = open();
  const call = established([expires('200')]);
  phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  network.run(100_100);
  expect(phone.requests('INVITE').length).toBeGreaterThan(0);
  call.invite();
  network.run(100);
  expect(call.finalStatus()).toBe(491);
  call.ack();
  call.request('UPDATE', [['Content-Type', 'application/sdp']], offerText());
  network.run(100);
  expect(call.statuses('UPDATE')).toEqual([491]);
  const [ours] = phone.requests('INVITE');
  if (ours !== undefined) phone.respond(ours, 488);
  network.run(100);
  call.invite();
  network.run(100);
  expect(call.finalStatus()).toBe(200);
  call.ack();
  call.bye();
});

test('491 to our refresh is tried again within 2 s, and the call stands (RFC 3261 §14.1)', () => {
  const { network, phone } = open();
  answersReinvite(491);
  const call = established([expires('200')]);
  network.run(100_000);
  answersReinvite(200);
  network.run(4_100);
  expect(phone.requests('INVITE').length).toBeGreaterThanOrEqual(2);
  expect(phone.requests('BYE')).toHaveLength(0);
  call.bye();
});

test('422 to our refresh is tried again with the Min-SE that it names (§7.3)', () => {
  const { network, phone } = open();
  phone.answering = (request) => {
    if (request.method === 'BYE') return { status: 200 };
    if (request.method !== 'UPDATE') return undefined;
    const short = value(request, 'Session-Expires')?.startsWith('200');
    return short ? { status: 422, headers: [['Min-SE', '400']] } : { status: 200 };
  };
  const call = established([TIMER, expires('200;refresher=uas'), ['Allow', 'UPDATE']]);
  network.run(101_000);
  const asked = phone.requests('UPDATE').map(({ message }) => value(message, 'Session-Expires'));
  expect(asked).toEqual(['200;refresher=uac', '400;refresher=uac']);
  call.bye();
});

test('a refresh by UPDATE that gets 405 is done by re-INVITE (RFC 3311 §5.1)', () => {
  const { network, phone } = open();
  phone.answering = ({ method }) => {
    if (method === 'BYE') return { status: 200 };
    return method === 'UPDATE' ? { status: 405 } : undefined;
  };
  const call = established([TIMER, expires('200;refresher=uas'), ['Allow', 'UPDATE']]);
  network.run(100_100);
  expect(phone.requests('UPDATE')).toHaveLength(1);
  expect(phone.requests('INVITE')).toHaveLength(1);
  call.bye();
});

test('481 to our refresh, or no answer at all, ends the call with a reason (RFC 3261 §12.2.1.2)', () => {
  for (const status of [481, undefined]) {
    const { network, phone } = open();
    phone.answering = ({ method }) => {
      if (method === 'BYE') return { status: 200 };
      return method === 'UPDATE' && status !== undefined ? { status } : undefined;
    };
    established([TIMER, expires('200;refresher=uas'), ['Allow', 'UPDATE']]);
    network.run(140_000);
    expect(lastCall()).toMatchObject({ to: 'terminated' });
    expect(lastCall()?.reason).toStartWith('the session refresh');
    expect(phone.requests('BYE')).toHaveLength(1);
  }
});

test('a refresh that keeps failing ends the call when the interval is over (§10)', () => {
  const { network, phone } = open();
  answersReinvite(500);
  established([expires('200')]);
  network.run(167_000);
  expect(phone.requests('BYE')).toHaveLength(0);
  network.run(2_000);
  expect(phone.requests('BYE')).toHaveLength(1);
  expect(lastCall()?.reason).toStartWith('session expired');
});

test('a BYE of the caller while our re-INVITE is out ends all of it (§10)', () => {
  const { network, phone } = open();
  const call = established([expires('200')]);
  network.run(100_100);
  const [ours] = phone.requests('INVITE');
  call.bye();
  network.run(100);
  expect(call.statuses('BYE')).toEqual([200]);
  if (ours !== undefined) phone.respond(ours, 487);
  network.run(100);
  expect(lastCall()).toMatchObject({ reason: 'BYE received' });
});

test('Session-Expires and Min-SE are read with their parameters (§4, §5)', () => {
  expect(parseSessionExpires(' 1800 ; Refresher=UAS;x=y')).toEqual({
    ok: true,
    value: { seconds: 1800, refresher: 'uas' },
  });
  expect(parseSessionExpires('1800;refresher')).toMatchObject({ ok: true });
  expect(parseMinSe('90;lr')).toEqual({ ok: true, value: 90 });
  expect(parseMinSe('x')).toMatchObject({ ok: false, error: { code: 'seconds-malformed', status: 400 } });
});
