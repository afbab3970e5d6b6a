/** Reason: read, shown and written (RFC 3326 §2). */
import { afterEach, expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyCharacter, fuzz } from '../../fixtures/fuzz.ts';
import { type EchoScene, echoScene, leftovers } from '../io/virtual-scene.ts';
import type { SipRequest } from './message.ts';
import { parseReason, reasonFor, statedReason } from './reason.ts';

const bye = (...values: string[]): SipRequest => ({
  kind: 'request',
  method: 'BYE',
  uri: 'sip:a@b',
  headers: values.map((value) => ({ name: 'Reason', value, offset: 0 })),
  body: '',
});

test('protocol, cause and text are read, whatever stands between them (RFC 3326 §2)', () => {
  expect(parseReason('Q.850;cause=16;text="Normal call clearing"')).toEqual({
    ok: true,
    value: { protocol: 'Q.850', cause: 16, text: 'Normal call clearing' },
  });
  expect(parseReason(' SIP ; cause = 200 ;text="a \\"b\\""')).toMatchObject({
    value: { protocol: 'SIP', cause: 200, text: 'a "b"' },
  });
  expect(parseReason('preemption')).toEqual({ ok: true, value: { protocol: 'preemption' } });
  expect(parseReason('SIP;cause=often')).toEqual({ ok: true, value: { protocol: 'SIP' } });
  expect(parseReason(';cause=1')).toMatchObject({ error: { code: 'reason-malformed' } });
});

test('what a message says is shown in one line, unreadable values left out', () => {
  expect(statedReason(bye())).toBeUndefined();
  expect(statedReason(bye(';;'))).toBeUndefined();
  expect(statedReason(bye('Q.850;cause=16;text="bye"', '=, SIP;cause=200'))).toBe('Q.850 16 "bye", SIP 200');
  expect(statedReason(bye('SIP;text="\x1b[31mred"'))).not.toContain('\x1b');
  expect(statedReason(bye(`SIP;text="${'x'.repeat(5_000)}"`))?.length).toBe(120);
});

test('whatever we end a call for, the field that says so can be read again', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (ending) => {
      const [[name, value] = ['', '']] = reasonFor(ending);
      expect(name).toBe('Reason');
      expect(parseReason(value).ok).toBe(true);
    }),
    fuzz(),
  );
  expect(reasonFor(undefined)).toEqual([]);
  expect(reasonFor('hung up')).toEqual([['Reason', 'Q.850;cause=16;text="hung up"']]);
});

let scene: EchoScene;

afterEach(() => {
  if (scene !== undefined) expect(leftovers(scene.network, scene.echo)).toEqual([]);
});

test('the Reason of the peer’s BYE is in the last event of the call (RFC 3326 §2)', () => {
  scene = echoScene();
  const { network, echo, caller } = scene;
  const call = caller();
  call.invite();
  network.run(50);
  call.ack();
  call.request('BYE', [['Reason', 'Q.850;cause=31;text="gateway"']]);
  network.run(50);
  expect(network.eventsOf(echo, 'call.changed').at(-1)?.reason).toBe('BYE received, Q.850 31 "gateway"');
});

test('the Reason of a CANCEL is in the last event of the call (RFC 3326 §2)', () => {
  scene = echoScene({ answerDelayMs: 500 });
  const { network, echo, caller } = scene;
  const call = caller();
  call.invite();
  network.run(50);
  call.cancel([['Reason', 'SIP;cause=200;text="Call completed elsewhere"']]);
  network.run(50);
  call.ack();
  expect(network.eventsOf(echo, 'call.changed').at(-1)?.reason).toBe(
    'cancelled, SIP 200 "Call completed elsewhere"',
  );
});

test('our BYE says why: hung up is a normal clearing (RFC 3326 §2)', () => {
  scene = echoScene();
  const { network, echo, phone, caller } = scene;
  phone.answering = ({ method }) => (method === 'BYE' ? { status: 200 } : undefined);
  const call = caller();
  call.invite();
  network.run(50);
  call.ack();
  network.run(50);
  echo.act({ type: 'hangup-all' });
  network.run(50);
  const [sent] = phone.requests('BYE');
  expect(sent && statedReason(sent.message)).toBe('Q.850 16 "hung up"');
});

test('our CANCEL says why as well (RFC 3326 §2)', () => {
  scene = echoScene();
  const { network, echo, phone } = scene;
  phone.answering = ({ method }) => (method === 'CANCEL' ? { status: 200 } : { status: 180, toTag: 't' });
  echo.act({ type: 'call', to: 'sip:f@192.0.2.20', audio: { address: '192.0.2.10', port: 40_000 } });
  network.run(50);
  echo.act({ type: 'hangup-all' });
  network.run(50);
  const [sent] = phone.requests('CANCEL');
  expect(sent && statedReason(sent.message)).toBe('Q.850 16 "hung up"');
});
